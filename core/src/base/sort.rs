//! One sort for all lists. The standard library's sort adds kilobytes to the module for every type.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// Compares the items at two indices.
type Compare<'a> = &'a dyn Fn(usize, usize) -> Ordering;

struct Item<'a>(usize, Compare<'a>);

impl Ord for Item<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.1)(self.0, other.0).then(self.0.cmp(&other.0))
    }
}

impl PartialOrd for Item<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Item<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Item<'_> {}

/// Returns the indices of a list in sorted order. Equal items keep their order.
pub(crate) fn sorted(count: usize, compare: Compare<'_>) -> Vec<usize> {
    let items: Vec<Item<'_>> = (0..count).map(|at| Item(at, compare)).collect();
    let ordered = BinaryHeap::from(items).into_sorted_vec();
    ordered.into_iter().map(|item| item.0).collect()
}

/// Returns the text at an index.
type Texts<'a, 't> = &'a dyn Fn(usize) -> Option<&'t str>;

/// Returns the indices of a list of texts in sorted order.
pub(crate) fn sorted_texts(count: usize, item: Texts<'_, '_>) -> Vec<usize> {
    sorted(count, &|a, b| item(a).cmp(&item(b)))
}

/// Returns the index of the first item that equals an earlier one.
pub(crate) fn first_repeat(count: usize, item: Texts<'_, '_>) -> Option<usize> {
    let order = sorted_texts(count, item);
    let pairs = order.iter().zip(order.iter().skip(1));
    pairs.filter(|(a, b)| item(**a) == item(**b)).map(|(_, b)| *b).min()
}

/// Returns the indices of the items equal to `text` in their own order, given the order of [`sorted_texts`].
pub(crate) fn find<'o>(order: &'o [usize], item: Texts<'_, '_>, text: &str) -> &'o [usize] {
    let from = order.partition_point(|at| item(*at) < Some(text));
    let end = order.partition_point(|at| item(*at) <= Some(text));
    order.get(from..end).unwrap_or_default()
}
