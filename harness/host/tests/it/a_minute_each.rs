//! Suites that wait for up to a minute. They begin before the others, which are run in the order of their names, and fill in.

use crate::defects::catalogue::{asked_for, is_slow};
use crate::defects::matrix::{each_failed_by_its_rule, outcome};

#[test]
fn every_slow_defect_fails_by_its_rule() {
    let runs: Vec<_> = asked_for()
        .filter(|defect| is_slow(*defect))
        .map(|defect| std::thread::spawn(move || outcome(defect)))
        .collect();
    let outcomes: Vec<_> = runs
        .into_iter()
        .map(|run| run.join().expect("no panic"))
        .collect();
    each_failed_by_its_rule(&outcomes);
}
