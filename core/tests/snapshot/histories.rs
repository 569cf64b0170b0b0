//! Random histories of an origin and of whoever sits on the line: never a panic, and never an admission that the newest valid
//! table wouldn't give. `tests/tests/histories.rs` runs the same through the module.

use proptest::prelude::*;

use crate::line::{Native, cases, run, steps};

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn an_edge_decides_by_the_newest_valid_table_whatever_is_on_the_line(names: bool, steps in steps()) {
        run(&mut Native::default(), names, &steps)?;
    }
}
