//! What of the suites is run: filter, tags, shard, repetitions.

use crate::plan::filter::Filter;
use dfota_core::case::Case;
use dfota_core::cut::Cut;
use dfota_core::seed::Seed;
use std::fmt;
use std::str::FromStr;

/// What of the suites is run.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Cases whose ids fit.
    pub filter: Option<Filter>,
    /// Cases with any of these tags; all where there is none.
    pub tags: Vec<String>,
    /// The one selected case is run with this cut in place of its own.
    pub cut: Option<Cut>,
    /// One part of several.
    pub shard: Option<Shard>,
    /// How often each case is run.
    pub repeat: u32,
    /// Every random choice derives from it.
    pub seed: Seed,
}

impl Selection {
    pub fn all(seed: Seed) -> Self {
        Self {
            filter: None,
            tags: Vec::new(),
            cut: None,
            shard: None,
            repeat: 1,
            seed,
        }
    }

    /// Whether a run of a case is selected. All runs of a case fall into one shard.
    pub fn takes(&self, case: &Case, run: u32) -> bool {
        self.takes_as(case, &[&case.id], run)
    }

    /// The same for a case that is known by other ids as well: as its suite declares it, or as a run on several rigs names it.
    pub fn takes_as(&self, case: &Case, known_as: &[&str], run: u32) -> bool {
        let filter = self.filter.as_ref();
        let run = (self.repeat > 1).then_some(run);
        let campaign = case.part.as_ref().map(|part| part.campaign.as_str());
        let names = |filter: &Filter, id| filter.names(&case.suite, id, run);
        let named = |filter: &Filter| {
            known_as.iter().any(|id| names(filter, id))
                || campaign.is_some_and(|campaign| names(filter, campaign))
        };
        filter.is_none_or(|filter| filter.takes(&case.suite, &case.id, run) || named(filter))
            && (self.tags.is_empty() || case.tags.iter().any(|tag| self.tags.contains(tag)))
            && self.shard.is_none_or(|shard| shard.takes(&case.suite, &case.id))
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let filter = self.filter.iter().map(|filter| format!("--filter '{filter}'"));
        let tags = self.tags.iter().map(|tag| format!("--tag {tag}"));
        let shard = self.shard.iter().map(|shard| format!("--shard {shard}"));
        let words: Vec<String> = filter.chain(tags).chain(shard).collect();
        f.write_str(&words.join(" "))
    }
}

/// `I/N`: the I-th of N parts, from 1. A case stays in its part whatever other cases there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    of: u32,
}

impl Shard {
    /// Whether the case falls into this part.
    pub fn takes(self, suite: &str, id: &str) -> bool {
        let hash = Seed(0).draw(&format!("{suite}::{id}"));
        hash % u64::from(self.of) == u64::from(self.index - 1)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('/').and_then(|(index, of)| {
            let (index, of) = (index.trim().parse().ok()?, of.trim().parse().ok()?);
            (1..=of).contains(&index).then_some(Self { index, of })
        });
        parts.ok_or_else(|| {
            format!("invalid shard `{text}`: expected `I/N`, as in `2/3` for the second of three parts")
        })
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn every_case_falls_into_exactly_one_shard() {
        let shards: Vec<Shard> = (1..=3).map(|n| format!("{n}/3").parse().unwrap()).collect();
        let mut hits = [0; 3];
        for n in 0..300 {
            let id = format!("case[{n}]");
            let taken: Vec<usize> = (0..3).filter(|n| shards[*n].takes("suite", &id)).collect();
            assert_eq!(taken.len(), 1);
            hits[taken[0]] += 1;
        }
        assert!(hits.iter().all(|n| *n > 60), "{hits:?}");
    }

    #[rstest]
    #[case("0/3")]
    #[case("4/3")]
    #[case("1/0")]
    #[case("1")]
    #[case("a/b")]
    #[case("")]
    fn invalid_shards(#[case] text: &str) {
        assert!(text.parse::<Shard>().is_err());
    }
}
