//! How a case is named in a run: by its suite and its id.

use dfota_core::case::{Case, without_turn};
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaseName<'a> {
    pub suite: &'a str,
    pub id: &'a str,
}

impl<'a> CaseName<'a> {
    pub fn new(suite: &'a str, id: &'a str) -> Self {
        Self { suite, id }
    }

    /// The name that all repeats of a case have in common: earlier runs are compared by it.
    pub fn without_turn(self) -> Self {
        Self::new(self.suite, without_turn(self.id))
    }
}

impl<'a> From<&'a Case> for CaseName<'a> {
    fn from(case: &'a Case) -> Self {
        Self::new(&case.suite, &case.id)
    }
}

impl fmt::Display for CaseName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.suite, self.id)
    }
}
