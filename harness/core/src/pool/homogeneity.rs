//! Whether the modules of a pool differ: the exact test of Freeman and Halton on the table of bricks by module.
//!
//! Given how many cuts each module had and how many bricks there were in all, every way to deal the bricks to the modules has a
//! known probability if the modules do not differ (a multivariate hypergeometric one). The p-value is the probability of all
//! ways that are at most as likely as the one that was seen.
//!
//! The ways are far too many to list: 20 bricks in 300 modules are some 10^32. So the modules are taken one after the other, and what is
//! kept is, for each number of bricks that are dealt, how the probability spreads over the *cost* of the ways: the
//! logarithm of how much less likely a way is than the likeliest that one can think of. A cost is never negative, so whatever
//! has reached the cost that was seen is kept in one place. Costs are rounded to a grid, and a way counts also where
//! only the rounding could have put it below what was seen: the p-value is never too small.

use crate::campaign::Count;
use alloc::vec;
use alloc::vec::Vec;

/// Additions that one test may take, about. It sets how fine the grid of costs is.
const WORK: usize = 50_000_000;
/// The finest grid, and the coarsest.
const PLACES: core::ops::RangeInclusive<usize> = 64..=4_096;

/// The bricks and the cuts of one module; or the cuts without a brick in place of the bricks, where those are fewer.
#[derive(Clone, Copy)]
struct Row {
    hits: u32,
    cuts: u32,
}

/// The probability of an outcome that is at most as likely as this one, if the modules do not differ; nothing where no outcome
/// could show a difference: no brick, nothing but bricks, or one module.
pub fn homogeneity(counts: impl IntoIterator<Item = Count>) -> Option<f64> {
    let counts: Vec<Count> = counts.into_iter().filter(|count| count.cuts > 0).collect();
    let cuts: u32 = counts.iter().map(|count| count.cuts).sum();
    let bricks: u32 = counts.iter().map(|count| count.bricks).sum();
    if counts.len() < 2 || bricks == 0 || bricks >= cuts {
        return None;
    }
    let swapped = bricks > cuts - bricks;
    let row = |count: &Count| Row {
        hits: if swapped {
            count.cuts - count.bricks
        } else {
            count.bricks
        },
        cuts: count.cuts,
    };
    let rows: Vec<Row> = counts.iter().map(row).collect();
    let table = Table::new(&rows);
    let Some(grid) = Grid::new(&table) else {
        return Some(1.0);
    };
    Some(grid.share_at_least_as_dear(&table))
}

struct Table<'a> {
    rows: &'a [Row],
    hits: usize,
    /// Cuts of the module that had most.
    most: u32,
    /// The share of hits among all cuts.
    share: f64,
}

impl<'a> Table<'a> {
    fn new(rows: &'a [Row]) -> Self {
        let hits: u32 = rows.iter().map(|row| row.hits).sum();
        let cuts: u32 = rows.iter().map(|row| row.cuts).sum();
        Self {
            rows,
            hits: hits as usize,
            most: rows.iter().map(|row| row.cuts).max().unwrap_or_default(),
            share: f64::from(hits) / f64::from(cuts),
        }
    }

    /// How much less likely `hits` of `cuts` are than so many hits of as many modules with the most cuts each: never negative,
    /// for n over k is at most n^k.
    fn cost(&self, cuts: u32, hits: u32) -> f64 {
        let cost = f64::from(hits) * libm::log(f64::from(self.most)) - ln_choose(cuts, hits);
        cost.max(0.0)
    }

    /// The binomial probability. Those of all modules together are, but for a factor that is the same for every way to deal the
    /// hits, the hypergeometric one, and no product of them leaves the range of a double early.
    fn weight(&self, cuts: u32, hits: u32) -> f64 {
        let rest = f64::from(cuts - hits);
        let hit = f64::from(hits) * libm::log(self.share);
        libm::exp(ln_choose(cuts, hits) + hit + rest * libm::log1p(-self.share))
    }

    /// Additions for each place of the grid.
    fn work(&self) -> usize {
        let mut work = 0_usize;
        let mut dealt = 0;
        for row in self.rows {
            dealt = (dealt + row.cuts as usize).min(self.hits);
            work = work.saturating_add(dealt.saturating_mul(dealt.min(row.cuts as usize)));
        }
        work.max(1)
    }
}

/// Costs in whole steps.
struct Grid {
    step: f64,
    /// From this place on, a cost is at least the one that was seen, or only the rounding puts it below.
    seen: usize,
}

impl Grid {
    /// Nothing where every way is at most as likely as the one that was seen.
    fn new(table: &Table<'_>) -> Option<Self> {
        let costs = || table.rows.iter().map(|row| table.cost(row.cuts, row.hits));
        let seen: f64 = costs().sum();
        let places = (WORK / table.work()).clamp(*PLACES.start(), *PLACES.end());
        let step = seen / places as f64;
        if step <= 0.0 {
            return None;
        }
        // A cost of 0 is exact; so each way has at most as many roundings as hits, of half a step each, and the one that was
        // seen has as many again.
        let rounded: usize = costs().map(|cost| places_of(cost, step)).sum();
        let seen = rounded.checked_sub(table.hits).filter(|seen| *seen > 0)?;
        Some(Self { step, seen })
    }

    fn share_at_least_as_dear(&self, table: &Table<'_>) -> f64 {
        // By the number of hits that are dealt, the probability by cost; the last place holds all that is dear enough.
        let mut ways: Vec<Vec<f64>> = vec![vec![0.0; self.seen + 1]; table.hits + 1];
        if let Some(none) = ways.first_mut().and_then(|none| none.first_mut()) {
            *none = 1.0;
        }
        let mut dealt = 0;
        for row in table.rows {
            let before = dealt;
            dealt = (dealt + row.cuts as usize).min(table.hits);
            self.deal(table, row.cuts, &mut ways, before..=dealt);
        }
        let all = ways.last().map_or(&[][..], Vec::as_slice);
        let dear = all.last().copied().unwrap_or_default();
        let sum: f64 = all.iter().sum();
        (dear / sum).min(1.0)
    }

    /// Takes one more module in; `dealt` is how many hits could be dealt before it and can be now.
    fn deal(
        &self,
        table: &Table<'_>,
        cuts: u32,
        ways: &mut [Vec<f64>],
        dealt: core::ops::RangeInclusive<usize>,
    ) {
        let most = cuts.min(u32::try_from(*dealt.end()).unwrap_or(u32::MAX));
        let steps: Vec<(usize, f64)> = (0..=most)
            .map(|hits| {
                (
                    places_of(table.cost(cuts, hits), self.step),
                    table.weight(cuts, hits),
                )
            })
            .collect();
        // From above, so that the rows below still are those before this module.
        for total in (0..=*dealt.end()).rev() {
            let Some((to, below)) = ways.get_mut(..=total).and_then(<[_]>::split_last_mut) else {
                continue;
            };
            let without = steps.first().map_or(0.0, |step| step.1);
            to.iter_mut().for_each(|way| *way *= without);
            for (hits, (cost, weight)) in steps.iter().enumerate().skip(1) {
                let from = total.checked_sub(hits).filter(|from| from <= dealt.start());
                if let Some(from) = from.and_then(|from| below.get(from)) {
                    self.add(from, to, *cost, *weight);
                }
            }
        }
    }

    fn add(&self, from: &[f64], to: &mut [f64], cost: usize, weight: f64) {
        let (cheap, dear) = from.split_at(self.seen.saturating_sub(cost));
        for (to, from) in to.iter_mut().skip(cost).zip(cheap) {
            *to += from * weight;
        }
        if let Some(last) = to.last_mut() {
            *last += dear.iter().sum::<f64>() * weight;
        }
    }
}

fn places_of(cost: f64, step: f64) -> usize {
    libm::round(cost / step) as usize
}

/// The logarithm of n over k.
fn ln_choose(n: u32, k: u32) -> f64 {
    let ln_factorial = |n: u32| libm::lgamma(f64::from(n) + 1.0);
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn counts(table: &[(u32, u32)]) -> Vec<Count> {
        let count = |(bricks, cuts): &(u32, u32)| Count {
            cuts: *cuts,
            bricks: *bricks,
            failed: *bricks,
        };
        table.iter().map(count).collect()
    }

    fn choose(n: u64, k: u64) -> f64 {
        (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product()
    }

    /// The probabilities of every way to deal so many bricks to these modules, each listed for itself.
    fn every(cuts: &[u32], bricks: u32) -> Vec<f64> {
        let Some((first, rest)) = cuts.split_first() else {
            return if bricks == 0 { vec![1.0] } else { Vec::new() };
        };
        let ways = (0..=bricks.min(*first)).flat_map(|own| {
            let mine = choose(u64::from(*first), u64::from(own));
            every(rest, bricks - own).into_iter().map(move |way| way * mine)
        });
        ways.collect()
    }

    /// The p-value, with ways that are likelier by this factor counted too.
    fn listed(table: &[(u32, u32)], factor: f64) -> f64 {
        let cuts: Vec<u32> = table.iter().map(|row| row.1).collect();
        let ways = every(&cuts, table.iter().map(|row| row.0).sum());
        let seen: f64 = table
            .iter()
            .map(|row| choose(row.1.into(), row.0.into()))
            .product();
        let rare: f64 = ways.iter().filter(|way| **way <= seen * factor).sum();
        rare / ways.iter().sum::<f64>()
    }

    #[rstest]
    #[case(&[(1, 3), (0, 3)])]
    #[case(&[(2, 5), (0, 5), (1, 5)])]
    #[case(&[(0, 5), (0, 5), (3, 5)])]
    #[case(&[(3, 15), (1, 9), (0, 30)])]
    #[case(&[(3, 15), (0, 15), (0, 15), (0, 15)])]
    #[case(&[(4, 12), (1, 7), (0, 20), (1, 11), (0, 15)])]
    #[case(&[(5, 6), (4, 6), (6, 6)])]
    #[case(&[(9, 10), (1, 10)])]
    #[case(&[(2, 40), (2, 41), (2, 42)])]
    fn it_is_what_listing_every_table_gives(#[case] table: &[(u32, u32)]) {
        let p = homogeneity(counts(table)).unwrap();
        let (exact, slack) = (listed(table, 1.0 + 1e-9), listed(table, 1.05));
        assert!(
            p >= exact - 1e-9 && p <= slack + 1e-9,
            "{p} is not within {exact} and {slack}"
        );
    }

    /// Tables of two modules are Fisher's; his tea, and an example of scipy's documentation.
    #[rstest]
    #[case(&[(3, 4), (1, 4)], 0.4857)]
    #[case(&[(8, 10), (1, 6)], 0.0350)]
    fn fisher_gives_the_same(#[case] table: &[(u32, u32)], #[case] known: f64) {
        let p = homogeneity(counts(table)).unwrap();
        assert!((p - known).abs() < 1e-4, "{p}");
    }

    #[test]
    fn nothing_can_differ_without_a_brick_or_with_one_module() {
        assert_eq!(homogeneity(counts(&[(0, 10), (0, 20)])), None);
        assert_eq!(homogeneity(counts(&[(10, 10), (20, 20)])), None);
        assert_eq!(homogeneity(counts(&[(1, 10), (0, 0)])), None);
        assert_eq!(homogeneity(Vec::new()), None);
        assert_eq!(homogeneity(counts(&[(1, 10), (0, 10)])), Some(1.0));
    }

    /// A laboratory of 300 modules: of 20 bricks, three in one module come by chance now and then, and 20 in one module never.
    #[test]
    fn three_hundred_modules_are_no_trouble() {
        let cuts = |n: u32| 10 + n % 7;
        let mut even: Vec<(u32, u32)> = (0..300).map(|n| (u32::from(n % 15 == 0), cuts(n))).collect();
        let p = homogeneity(counts(&even)).unwrap();
        assert!(p > 0.3, "{p}");
        even.iter_mut().for_each(|row| row.0 = 0);
        even[0].0 = 8;
        even[1].0 = 8;
        even[2].0 = 4;
        let p = homogeneity(counts(&even)).unwrap();
        assert!(p < 1e-9, "{p}");
    }
}
