//! The chain from the version a module runs to the one a case needs: versions are a graph, packages its edges.

use crate::case::Package;
use crate::version::Version;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// The cheapest chain of packages that leads from `from` to `to`, as indices into `packages`: the fewest updates, for
/// each of them wears the flash, and among those the fewest bytes. Empty when the module is there already.
pub fn chain(packages: &[&Package], from: &Version, to: &Version) -> Result<Vec<usize>, NoChain> {
    let mut best: BTreeMap<&Version, PackageChain> = BTreeMap::from([(from, PackageChain::default())]);
    // A cheapest chain passes no version twice, so it is found after as many rounds as there are packages.
    for _ in packages {
        let mut better = false;
        for (index, package) in packages.iter().enumerate() {
            let Some(chain) = best.get(&package.from).map(|chain| chain.and(index, package)) else {
                continue;
            };
            if best
                .get(&package.to)
                .is_none_or(|known| chain.cost() < known.cost())
            {
                best.insert(&package.to, chain);
                better = true;
            }
        }
        if !better {
            break;
        }
    }
    match best.remove(to) {
        Some(chain) => Ok(chain.steps),
        None => Err(NoChain::new(packages, from, to)),
    }
}

#[derive(Debug, Clone, Default)]
struct PackageChain {
    steps: Vec<usize>,
    bytes: u64,
}

impl PackageChain {
    fn cost(&self) -> (usize, u64) {
        (self.steps.len(), self.bytes)
    }

    fn and(&self, index: usize, package: &Package) -> Self {
        let steps = self.steps.iter().copied().chain([index]).collect();
        let bytes = self.bytes.saturating_add(package.bytes);
        Self { steps, bytes }
    }
}

/// No chain leads where a case begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoChain {
    /// The version that the module runs.
    pub from: Version,
    /// The version that is needed.
    pub to: Version,
    /// The versions of all packages.
    pub known: Vec<Version>,
    /// Versions that the module can be brought to, its own first.
    pub reached: Vec<Version>,
    /// Versions that lead to the one that is needed, that one first.
    pub leading: Vec<Version>,
}

impl NoChain {
    fn new(packages: &[&Package], from: &Version, to: &Version) -> Self {
        let known: BTreeSet<&Version> = packages
            .iter()
            .flat_map(|package| [&package.from, &package.to])
            .collect();
        let forth = |package: &&Package, here: &Version| (package.from == *here).then(|| package.to.clone());
        let back = |package: &&Package, here: &Version| (package.to == *here).then(|| package.from.clone());
        Self {
            from: from.clone(),
            to: to.clone(),
            known: known.into_iter().cloned().collect(),
            reached: reachable(packages, from, forth),
            leading: reachable(packages, to, back),
        }
    }
}

/// Everything that is reached from `start` by steps along packages.
fn reachable(
    packages: &[&Package],
    start: &Version,
    step: impl Fn(&&Package, &Version) -> Option<Version>,
) -> Vec<Version> {
    let mut found = alloc::vec![start.clone()];
    let mut at = 0;
    while let Some(here) = found.get(at).cloned() {
        for next in packages.iter().filter_map(|package| step(package, &here)) {
            if !found.contains(&next) {
                found.push(next);
            }
        }
        at += 1;
    }
    found
}

impl fmt::Display for NoChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, .. } = self;
        write!(f, "the module runs {from}")?;
        if !self.known.contains(from) {
            write!(f, ", which no package of the suite knows,")?;
        }
        write!(
            f,
            " and the case needs {to}: no chain of packages leads there; known versions are {}; missing is a package {from} → {to}",
            listed(&self.known)
        )?;
        if self.reached.len() > 1 || self.leading.len() > 1 {
            write!(
                f,
                ", or one from any of {} to any of {}",
                listed(&self.reached),
                listed(&self.leading)
            )?;
        }
        Ok(())
    }
}

fn listed(versions: &[Version]) -> String {
    let names: Vec<String> = versions.iter().map(ToString::to_string).collect();
    if names.is_empty() {
        "none".into()
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn package(from: &str, to: &str, bytes: u64) -> Package {
        Package {
            name: alloc::format!("{from}-{to}"),
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            bytes,
            sha256: String::new(),
        }
    }

    fn steps(packages: &[(&str, &str, u64)], from: &str, to: &str) -> Result<Vec<usize>, NoChain> {
        let packages: Vec<Package> = packages
            .iter()
            .map(|(from, to, bytes)| package(from, to, *bytes))
            .collect();
        let packages: Vec<&Package> = packages.iter().collect();
        chain(&packages, &from.parse().unwrap(), &to.parse().unwrap())
    }

    const RING: [(&str, &str, u64); 4] = [("A", "B", 9), ("B", "A", 9), ("B", "C", 9), ("C", "A", 9)];

    #[rstest]
    #[case::there_already(&RING, "A", "A", &[])]
    #[case::one_step(&RING, "A", "B", &[0])]
    #[case::two_steps(&RING, "A", "C", &[0, 2])]
    #[case::around(&RING, "C", "B", &[3, 0])]
    #[case::the_fewest_updates(&[("A", "B", 1), ("B", "C", 1), ("A", "C", 1000)], "A", "C", &[2])]
    #[case::then_the_fewest_bytes(
        &[("A", "B", 5), ("A", "C", 1), ("B", "D", 1), ("C", "D", 4), ("A", "B", 3)], "A", "D", &[4, 2]
    )]
    #[case::of_two_alike_the_smaller(&[("A", "B", 5), ("A", "B", 3)], "A", "B", &[1])]
    fn cheapest(
        #[case] packages: &[(&str, &str, u64)],
        #[case] from: &str,
        #[case] to: &str,
        #[case] expected: &[usize],
    ) {
        assert_eq!(steps(packages, from, to).unwrap(), expected);
    }

    #[rstest]
    #[case::an_unknown_version(
        &RING[..2], "X", "B",
        "the module runs X, which no package of the suite knows, and the case needs B: no chain of packages leads there; known versions are A, B; missing is a package X → B, or one from any of X to any of B, A"
    )]
    #[case::a_known_one(
        &[("A", "B", 1), ("C", "D", 1)], "A", "D",
        "the module runs A and the case needs D: no chain of packages leads there; known versions are A, B, C, D; missing is a package A → D, or one from any of A, B to any of D, C"
    )]
    #[case::a_one_way_street(
        &[("B", "A", 1)], "A", "B",
        "the module runs A and the case needs B: no chain of packages leads there; known versions are A, B; missing is a package A → B"
    )]
    fn what_is_missing(
        #[case] packages: &[(&str, &str, u64)],
        #[case] from: &str,
        #[case] to: &str,
        #[case] told: &str,
    ) {
        assert_eq!(steps(packages, from, to).unwrap_err().to_string(), told);
    }
}
