//! A list of tokens: the requested page and order, and the table and links that show it.

use askama::Template;
use form_urlencoded::Serializer;
use tokenlatch_core::{Realm, SortKey};

use crate::state::State;
use crate::web::form::{Asked, Posted};
use crate::web::reply::{Failed, sentence};
use crate::web::view::{Row, count};
use tokenlatch::Error;
use tokenlatch::{ListOptions, PagedTokens};

/// Page sizes that can be selected.
const SIZES: &[i64] = &[10, 20, 50, 100];

/// The default page size.
const SIZE: i64 = 20;

/// A page number beyond every real one. The module does not take larger numbers.
const LAST_PAGE: i64 = 1_000_000_000;

/// The columns by which a list can be sorted.
const COLUMNS: &[(SortKey, &str, &str)] = &[
    (SortKey::Name, "name", "Token Name"),
    (SortKey::Created, "created", "Created"),
    (SortKey::Expires, "expires", "Expires"),
];

/// The requested page and order of a list. Invalid values are treated as absent, since they only affect the display.
#[derive(Clone, Debug)]
pub(crate) struct ListView {
    /// The search text, a part of the name; empty for all.
    pub(crate) search: String,
    /// The sort key.
    pub(crate) sort: SortKey,
    /// Whether the order is descending.
    pub(crate) descending: bool,
    /// The page number, from 1.
    pub(crate) page: i64,
    /// The page size.
    pub(crate) size: i64,
}

impl ListView {
    /// Reads a query. `remembered` is the size that was selected earlier.
    pub(crate) fn asked(asked: &Asked, remembered: Option<&str>) -> ListView {
        let size = Some(asked.text("size")).filter(|size| !size.is_empty()).or(remembered);
        ListView::read(|name| asked.text(name), size)
    }

    /// Reads the hidden fields that [`ListView::kept`] wrote to a form.
    pub(crate) fn posted(posted: &Posted) -> ListView {
        ListView::read(|name| posted.text(name), Some(posted.text("size")))
    }

    fn read<'a>(text: impl Fn(&str) -> &'a str, size: Option<&str>) -> ListView {
        let sort = text("sort");
        let known = COLUMNS.iter().find(|(_, word, _)| *word == sort);
        ListView {
            search: text("search").to_owned(),
            sort: known.map_or(SortKey::Name, |(key, ..)| *key),
            descending: text("order") == "desc",
            page: text("page").parse().map_or(1, |page: i64| page.clamp(1, LAST_PAGE)),
            size: size.and_then(read_size).unwrap_or(SIZE),
        }
    }

    /// The options for the service.
    fn options(&self) -> ListOptions {
        ListOptions {
            page: Some(self.page),
            page_size: Some(self.size),
            sort: Some(self.sort),
            descending: self.descending,
            search: Some(self.search.clone()).filter(|search| !search.is_empty()),
            ..ListOptions::default()
        }
    }

    /// The sort key as a value of the query.
    fn sort_word(&self) -> &'static str {
        let column = COLUMNS.iter().find(|(key, ..)| *key == self.sort);
        column.map_or("name", |(_, word, _)| word)
    }

    /// The direction as a value of the query.
    fn order_word(&self) -> &'static str {
        if self.descending { "desc" } else { "asc" }
    }

    /// The parameters that differ from the defaults, for hidden fields and links.
    pub(crate) fn kept(&self) -> Vec<(&'static str, String)> {
        [
            (!self.search.is_empty(), "search", self.search.clone()),
            (self.sort != SortKey::Name, "sort", self.sort_word().to_owned()),
            (self.descending, "order", "desc".to_owned()),
            (self.page > 1, "page", self.page.to_string()),
            (self.size != SIZE, "size", self.size.to_string()),
        ]
        .into_iter()
        .filter_map(|(differs, name, value)| differs.then_some((name, value)))
        .collect()
    }

    /// The URL of this view at a path, with the parameters `more` appended.
    pub(crate) fn link(&self, path: &str, more: &[(&str, &str)]) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(self.kept()).extend_pairs(more);
        match query.finish() {
            query if query.is_empty() => path.to_owned(),
            query => format!("{path}?{query}"),
        }
    }

    fn at_page(&self, page: i64) -> ListView {
        ListView { page, ..self.clone() }
    }

    /// The same view without the search.
    fn without_search(&self) -> ListView {
        ListView {
            search: String::new(),
            ..self.at_page(1)
        }
    }

    fn ordered_by(&self, key: SortKey) -> ListView {
        ListView {
            sort: key,
            descending: key == self.sort && !self.descending,
            ..self.at_page(1)
        }
    }
}

/// Parses a page size. `None` if it cannot be selected.
pub(crate) fn read_size(text: &str) -> Option<i64> {
    text.parse().ok().filter(|size| SIZES.contains(size))
}

/// The heading of a sortable column.
struct Head {
    title: &'static str,
    link: String,
    /// `ascending` or `descending`, if the table is sorted by this column.
    order: Option<&'static str>,
    icon: &'static str,
}

/// A table of tokens, with check boxes `id` and `all`. It is part of a form.
#[derive(Template)]
#[template(path = "token_table.html")]
pub(crate) struct TokenTable {
    caption: String,
    heads: Vec<Head>,
    /// The tokens.
    pub(crate) rows: Vec<Row>,
    /// The path below which each token has its page, if it has one.
    manage: Option<String>,
}

impl TokenTable {
    /// The table for a page of a list. Its links lead to `path`.
    fn new(view: &ListView, path: &str, total: i64, rows: Vec<Row>, manage: Option<String>) -> TokenTable {
        let heads = COLUMNS.iter().map(|(key, _, title)| {
            let (order, icon) = match (*key == view.sort, view.descending) {
                (false, _) => (None, "both"),
                (true, false) => (Some("ascending"), "up"),
                (true, true) => (Some("descending"), "down"),
            };
            Head {
                title,
                link: view.ordered_by(*key).link(path, &[]),
                order,
                icon,
            }
        });
        let total = count(usize::try_from(total).unwrap_or_default(), "API token");
        TokenTable {
            caption: match view.search.as_str() {
                "" => total,
                search => format!("{total} with “{search}” in the name"),
            },
            heads: heads.collect(),
            rows,
            manage,
        }
    }
}

/// The links between pages.
#[derive(Template)]
#[template(path = "pages.html")]
pub(crate) struct Pages {
    page: i64,
    pages: i64,
    first: Option<String>,
    previous: Option<String>,
    next: Option<String>,
    last: Option<String>,
}

impl Pages {
    /// The links of one page of a list at `path`.
    pub(crate) fn of(view: &ListView, path: &str, page: i64, pages: i64) -> Pages {
        let link = |there: bool, page: i64| there.then(|| view.at_page(page).link(path, &[]));
        Pages {
            page,
            pages,
            first: link(page > 1, 1),
            previous: link(page > 1, page.saturating_sub(1)),
            next: link(page < pages, page.saturating_add(1)),
            last: link(page < pages, pages),
        }
    }
}

/// A user's tokens with the controls around them: search, settings, form, links between pages.
pub(crate) struct TokenList {
    /// The path of its links and forms.
    pub(crate) base: String,
    /// The search text, a part of the name; empty for all.
    pub(crate) search: String,
    /// The order, as values of the query.
    pub(crate) sort: &'static str,
    pub(crate) order: &'static str,
    /// The page size, and those that can be selected.
    pub(crate) size: i64,
    pub(crate) sizes: &'static [i64],
    /// The URL of the list without the search.
    pub(crate) clear: String,
    /// The view to return to, as hidden fields.
    pub(crate) kept: Vec<(&'static str, String)>,
    pub(crate) table: TokenTable,
    pub(crate) pages: Pages,
    /// The number of tokens on all pages.
    pub(crate) total: i64,
    /// Why the search was refused.
    pub(crate) refused: Option<String>,
}

impl TokenList {
    /// Reads the requested page, of both ports if `realm` is `None`. `manage`: each token has a page below `base`.
    pub(crate) async fn read(
        state: &State,
        user: &str,
        realm: Option<Realm>,
        view: &ListView,
        base: String,
        manage: bool,
    ) -> Result<TokenList, Failed> {
        let (found, refused) = match state.service.page(user, realm, view.options()).await {
            Ok(found) => (found, None),
            // An invalid search is the only option that the module may still refuse.
            Err(Error::Refused(refused)) => (nothing(view), Some(sentence(&refused.message))),
            Err(error) => return Err(error.into()),
        };
        let view = view.at_page(found.page);
        let zone = *state.service.zone();
        let rows = found.tokens.iter().map(|token| Row::of(zone, token)).collect();
        let manage = manage.then(|| base.clone());
        Ok(TokenList {
            sort: view.sort_word(),
            order: view.order_word(),
            size: view.size,
            sizes: SIZES,
            clear: view.without_search().link(&base, &[]),
            kept: view.kept(),
            table: TokenTable::new(&view, &base, found.total, rows, manage),
            pages: Pages::of(&view, &base, found.page, found.pages),
            total: found.total,
            refused,
            search: view.search,
            base,
        })
    }
}

fn nothing(view: &ListView) -> PagedTokens {
    PagedTokens {
        tokens: Vec::new(),
        page: 1,
        page_size: view.size,
        pages: 1,
        total: 0,
    }
}
