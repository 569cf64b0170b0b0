//! What `load --edges` measures, in its shortest form: what edges do is judged, and never a time.

use indicatif::ProgressBar;
use tokenlatch_tests::edges::{Crowd, Edges, Keys, Load, Settings};
use tokenlatch_tests::service::{Place, Stock};
use tokenlatch_tests::{Fault, require_all};

const EDGES: [&str; 3] = ["native", "Node", "workerd"];

fn settings(poll: Option<u64>) -> Settings {
    // Two of three chances to hear of the origin may be missed on a busy machine.
    Settings { poll, max_age: 6 }
}

fn are_all(names: impl Iterator<Item = &'static str>) {
    let names: Vec<&str> = names.collect();
    assert!(names == EDGES || !require_all(), "{names:?}");
    assert_eq!(names.first(), EDGES.first());
}

#[test]
fn every_edge_refuses_what_is_revoked_and_everything_without_its_origin_and_comes_back_by_deltas() -> Result<(), Fault>
{
    let (place, bar) = (Place::new()?, ProgressBar::hidden());
    let stock = Stock::make(10, 200)?;
    stock.fill(place.database())?;
    let mut crowd = Crowd::of(&stock, 10)?;
    let keys = Keys::make(&place)?;
    let good = crowd.good[0].clone();

    let edges = Edges::start(&place, &keys, settings(None), &good)?;
    let load = Load::start(&edges.goals(), crowd.good.clone(), 1);
    let told = edges.lag(&mut crowd, 4, &bar)?;
    let carried = load.end()?;
    are_all(told.iter().map(|lag| lag.name));
    assert!(
        told.iter().all(|lag| lag.times.len() == 4 && lag.wholes == 0),
        "{told:?}"
    );
    assert!(carried.answers.iter().all(|answers| *answers > 0), "{carried:?}");

    let cut = edges.cut(&mut crowd, &good, &bar)?;
    are_all(cut.iter().map(|cut| cut.name));
    for cut in &cut {
        assert!(cut.admissions > 0 && cut.refusals > 0, "{cut:?}");
        assert!(cut.deltas > 0 && cut.wholes == 0, "{cut:?}");
    }
    drop(edges);
    println!("{told:#?} {cut:#?}");

    let edges = Edges::start(&place, &keys, settings(Some(1)), &good)?;
    let load = Load::start(&edges.goals(), crowd.good.clone(), 1);
    let asked = edges.lag(&mut crowd, 3, &bar)?;
    load.end()?;
    are_all(asked.iter().map(|lag| lag.name));
    println!("{asked:#?}");
    Ok(())
}
