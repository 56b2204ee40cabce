//! The way from the version a module runs to the one a case needs, over the packages at hand.

use crate::version::Version;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

/// The shortest chain of packages that leads from `from` to `to`, as indices into `packages` (each a pair of source and
/// target). Empty when the module is there already; `None` when no chain leads there.
pub fn chain(packages: &[(&Version, &Version)], from: &Version, to: &Version) -> Option<Vec<usize>> {
    let mut came_by: BTreeMap<&Version, Option<usize>> = BTreeMap::from([(from, None)]);
    let mut queue = VecDeque::from([from]);
    while let Some(here) = queue.pop_front() {
        if here == to {
            return Some(walk_back(packages, &came_by, to));
        }
        for (index, (source, target)) in packages.iter().enumerate() {
            if *source == here && !came_by.contains_key(target) {
                came_by.insert(target, Some(index));
                queue.push_back(target);
            }
        }
    }
    None
}

fn walk_back(
    packages: &[(&Version, &Version)],
    came_by: &BTreeMap<&Version, Option<usize>>,
    to: &Version,
) -> Vec<usize> {
    let mut steps = Vec::new();
    let mut here = to;
    while let Some(Some(index)) = came_by.get(here) {
        steps.push(*index);
        here = packages[*index].0;
    }
    steps.reverse();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("A", "A", Some(alloc::vec![]))]
    #[case("A", "B", Some(alloc::vec![0]))]
    #[case("A", "C", Some(alloc::vec![0, 2]))]
    #[case("C", "B", Some(alloc::vec![3, 0]))]
    #[case("A", "D", None)]
    #[case("D", "A", None)]
    fn shortest(#[case] from: &str, #[case] to: &str, #[case] expected: Option<Vec<usize>>) {
        let v = |text: &str| text.parse::<Version>().unwrap();
        let (a, b, c) = (v("A"), v("B"), v("C"));
        let packages = [(&a, &b), (&b, &a), (&b, &c), (&c, &a)];
        assert_eq!(chain(&packages, &v(from), &v(to)), expected);
    }
}
