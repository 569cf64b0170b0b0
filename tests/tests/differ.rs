//! One round of the search for differences, always with the same cases. `cargo run --release -p tokenlatch-tests --bin differ`
//! searches on.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use tokenlatch_tests::differ::{Kind, Search, Until};

#[test]
fn core_module_and_model_answer_alike() {
    let folder = tempfile::tempdir().unwrap();
    let search = Search {
        seed: 20_261_129,
        until: Until::OneRound,
        kinds: Kind::ALL.to_vec(),
        folder: folder.path().to_owned(),
    };
    let mut found = Vec::new();
    let rows = search
        .run(&mut |text| found.push(text.to_owned()), &mut |_| {})
        .unwrap();
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert_eq!(rows.len(), Kind::ALL.len());
    for row in rows {
        assert_eq!(row.differences, 0, "{row:?}");
        // A search that draws nothing, or nothing that the documents decide, finds nothing.
        assert!(row.cases >= 60 && row.open * 10 < row.cases, "{row:?}");
    }
}
