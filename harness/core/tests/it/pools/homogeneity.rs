//! The exact test of homogeneity, beside every table with the same margins.

use dfota_core::campaign::Count;
use dfota_core::pool::homogeneity;
use dfota_core::rng::Rng;
use dfota_core::seed::Seed;
use num_bigint::BigUint;

/// The cuts of a module, and how many of them bricked it.
#[derive(Debug, Clone, Copy)]
struct Row {
    cuts: u32,
    bricks: u32,
}

fn p(table: &[Row]) -> Option<f64> {
    homogeneity(table.iter().map(|row| Count {
        cuts: row.cuts,
        bricks: row.bricks,
        failed: row.bricks,
    }))
}

fn rows(table: &[(u32, u32)]) -> Vec<Row> {
    let row = |&(cuts, bricks): &(u32, u32)| Row { cuts, bricks };
    table.iter().map(row).collect()
}

fn choose(n: u32, k: u32) -> BigUint {
    (0..k).fold(BigUint::from(1_u32), |all, i| all * (n - i) / (i + 1))
}

/// In how many ways the bricks can be dealt to these modules, for every table.
fn tables(cuts: &[u32], bricks: u32) -> Vec<BigUint> {
    let Some((first, others)) = cuts.split_first() else {
        return if bricks == 0 {
            vec![1_u32.into()]
        } else {
            Vec::new()
        };
    };
    let dealt = 0..=bricks.min(*first);
    let with = |here: u32| {
        let ways = choose(*first, here);
        let rest = tables(others, bricks - here);
        rest.into_iter().map(move |rest| rest * &ways).collect::<Vec<_>>()
    };
    dealt.flat_map(with).collect()
}

/// The exact p-value, by whole numbers, where a table counts that is at most so many hundredths as likely as the one that was
/// seen.
fn listed(table: &[Row], hundredths: u32) -> f64 {
    let cuts: Vec<u32> = table.iter().map(|row| row.cuts).collect();
    let seen = table
        .iter()
        .map(|row| choose(row.cuts, row.bricks))
        .product::<BigUint>()
        * hundredths;
    let all = tables(&cuts, table.iter().map(|row| row.bricks).sum());
    let rare: BigUint = all.iter().filter(|ways| *ways * 100_u32 <= seen).sum();
    let all: BigUint = all.iter().sum();
    let millionths: BigUint = rare * 1_000_000_000_u32 / all;
    u32::try_from(millionths).map_or(1.0, |p| f64::from(p) / 1e9)
}

/// Never below the exact value, and hardly above it: what the grid cannot tell from the table that was seen counts.
#[test]
fn it_is_what_every_table_gives() {
    let mut rng = Rng::new(Seed(3), "tables");
    let mut shown = 0;
    for _ in 0..300 {
        let modules = 2 + rng.below(3);
        let table: Vec<Row> = (0..modules)
            .map(|_| {
                let cuts = 1 + rng.below(12);
                let bricks = rng.below(cuts + 1).min(rng.below(5));
                Row {
                    cuts: cuts as u32,
                    bricks: bricks as u32,
                }
            })
            .collect();
        let Some(p) = p(&table) else { continue };
        let (exact, slack) = (listed(&table, 100), listed(&table, 105));
        assert!(
            (exact - 1e-8..=slack + 1e-8).contains(&p),
            "{table:?}: {p} is not within {exact} and {slack}"
        );
        shown += 1;
    }
    assert!(shown > 150, "{shown}");
}

/// Fisher's tea, and tables that scipy, R and Wikipedia have as their examples.
#[test]
fn textbooks_give_the_same() {
    for (table, known) in [
        ([(4, 3), (4, 1)], 0.485_714),
        ([(10, 8), (6, 1)], 0.034_965),
        ([(8, 6), (5, 1)], 0.102_564),
        ([(12, 1), (12, 9)], 0.002_759),
        ([(12, 2), (18, 15)], 0.000_537),
    ] {
        let p = p(&rows(&table)).expect("bricks in two modules");
        assert!((p - known).abs() < 2e-6, "{table:?}: {p}, not {known}");
    }
}

/// Under the same rate in each module, a p of at most 5 % comes in at most 5 % of all campaigns.
#[test]
fn modules_that_do_not_differ_are_rarely_said_to_differ() {
    let mut rng = Rng::new(Seed(11), "same");
    let (mut told, mut tested) = (0_u32, 0_u32);
    for _ in 0..300 {
        let table: Vec<Row> = (0..6)
            .map(|_| Row {
                cuts: 15,
                bricks: (0..15).filter(|_| rng.below(100) < 6).count() as u32,
            })
            .collect();
        if let Some(p) = p(&table) {
            tested += 1;
            told += u32::from(p <= 0.05);
        }
    }
    assert!(tested > 270 && told * 100 <= tested * 6, "{told} of {tested}");
}

#[test]
fn one_bad_module_among_many_is_seen() {
    let mut table = vec![Row { cuts: 20, bricks: 0 }; 300];
    table[17].bricks = 3;
    let bad = p(&table).expect("a brick");
    assert!(bad < 1e-3, "{bad}");
    table[17].bricks = 1;
    table[40].bricks = 1;
    table[41].bricks = 1;
    let even = p(&table).expect("a brick");
    assert!(even > 0.9, "{even}");
}
