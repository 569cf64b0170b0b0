//! The measurement of `load --edges` in its shortest form. It checks the edges' behaviour, and no times.

use indicatif::ProgressBar;
use tokenlatch_tests::edges::{Crowd, Edges, Keys, Load, Settings};
use tokenlatch_tests::service::{Place, Stock};
use tokenlatch_tests::{Fault, require_all};

const EDGES: [&str; 3] = ["native", "Node", "workerd"];

/// On a busy machine an answer may be late, but no table expires because of that.
const LONG: u64 = 60;
/// An edge may miss two of three chances to hear from the origin.
const SHORT: u64 = 6;

fn are_all(names: impl Iterator<Item = &'static str>) {
    let names: Vec<&str> = names.collect();
    assert!(names == EDGES || !require_all(), "{names:?}");
    assert_eq!(names.first(), EDGES.first());
}

#[test]
fn edges_apply_revocations_go_stale_and_recover_by_deltas() -> Result<(), Fault> {
    let (place, bar) = (Place::new()?, ProgressBar::hidden());
    let stock = Stock::make(10, 200)?;
    stock.fill(place.database())?;
    let mut crowd = Crowd::of(&stock, 10)?;
    let keys = Keys::make(&place)?;
    let good = crowd.good[0].clone();
    let start = |poll, max_age| Edges::start(&place, &keys, Settings { poll, max_age }, &good);

    for (poll, rounds) in [(None, 4), (Some(1), 3)] {
        let edges = start(poll, LONG)?;
        let load = Load::start(&edges.goals(), crowd.good.clone(), 1);
        let lags = edges.lag(&mut crowd, rounds, &bar)?;
        let carried = load.end().map_err(|fault| edges.explained(fault))?;
        println!("asked every second: {}; {lags:?}; {carried:?}", poll.is_some());
        are_all(lags.iter().map(|lag| lag.name));
        assert!(lags.iter().all(|lag| lag.times.len() == rounds && lag.wholes == 0));
        assert!(carried.answers.iter().all(|answers| *answers > 0));
    }

    let edges = start(None, SHORT)?;
    let cut = edges.cut(&mut crowd, &good, &bar)?;
    println!("{cut:?}");
    are_all(cut.iter().map(|cut| cut.name));
    for cut in &cut {
        assert!(cut.admissions > 0 && cut.refusals > 0, "{cut:?}");
        assert!(cut.deltas > 0 && cut.wholes == 0, "{cut:?}");
    }
    Ok(())
}
