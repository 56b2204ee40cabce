//! Suites that wait for up to a minute. They begin before the others, which are run in the order of their names, and fill in.

use crate::defects::catalogue::is_slow;
use crate::defects::matrix::{each_failed_by_its_rule, outcome};
use bc66_sim::defect::Defect;

#[test]
fn every_slow_defect_fails_by_its_rule() {
    let slow = Defect::ALL.into_iter().filter(|defect| is_slow(*defect));
    let runs: Vec<_> = slow
        .map(|defect| std::thread::spawn(move || outcome(defect)))
        .collect();
    let outcomes: Vec<_> = runs
        .into_iter()
        .map(|run| run.join().expect("no panic"))
        .collect();
    each_failed_by_its_rule(&outcomes);
}
