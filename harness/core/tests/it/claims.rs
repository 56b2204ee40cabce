//! The bounds of claims, held against sums of binomials in whole numbers, and against scipy where it is installed.

use dfota_core::claim::{Bounds, Claim, ClaimStatus};
use dfota_core::rate::Rate;
use num_bigint::BigUint;
use rstest::rstest;
use std::process::Command;

/// How far a bound may be from the true one, in billionths.
const BILLIONTHS: u64 = 1_000_000_000;

/// Bricks, cuts, confidence.
const SEEN: [(u32, u32, &str); 16] = [
    (0, 1, "95%"),
    (1, 1, "50%"),
    (1, 1, "95%"),
    (0, 10, "95%"),
    (1, 10, "95%"),
    (5, 10, "90%"),
    (2, 10, "95%"),
    (5, 10, "95%"),
    (10, 10, "99%"),
    (11, 75, "95%"),
    (74, 75, "95%"),
    (0, 299, "95%"),
    (1, 299, "95%"),
    (2, 299, "99.9%"),
    (7, 299, "95%"),
    (120, 240, "99.9999%"),
];

fn rate(text: &str) -> Rate {
    text.parse().expect("a rate")
}

/// What is left over beside a confidence, in millionths.
fn left_over(confidence: &str) -> u64 {
    let of_all: f64 = confidence.trim_end_matches('%').parse().expect("a number");
    1_000_000 - (of_all * 10_000.0).round() as u64
}

/// Whether the probability that a binomial of `n` draws, each of which hits with `p` billionths, comes out within `hits` is
/// at most so many millionths. Without rounding: every term is a whole number of (10^-9)^n.
fn is_at_most(hits: std::ops::RangeInclusive<u32>, n: u32, p: u64, millionths: u64) -> bool {
    let mut choose = BigUint::from(1u32);
    let mut sum = BigUint::from(0u32);
    for k in 0..=n {
        if hits.contains(&k) {
            sum += &choose * BigUint::from(p).pow(k) * BigUint::from(BILLIONTHS - p).pow(n - k);
        }
        choose = choose * (n - k) / (k + 1);
    }
    sum * 1_000_000u32 <= BigUint::from(BILLIONTHS).pow(n) * millionths
}

#[test]
fn bounds_are_those_of_whole_numbers() {
    for (bricks, cuts, confidence) in SEEN {
        let bounds = Bounds::new(bricks, cuts, rate(confidence));
        let left = left_over(confidence);
        let at = |share: f64| (share * BILLIONTHS as f64) as u64;
        let what = format!("{bricks} of {cuts} at {confidence}: {bounds:?}");
        if bricks == cuts {
            assert_eq!(bounds.upper, 1.0, "{what}");
        } else {
            // So few bricks are unlikely enough just above the bound, and not just below it.
            let few = |p| is_at_most(0..=bricks, cuts, p, left);
            let p = at(bounds.upper);
            assert!(few(p + 2) && !few(p - 1), "{what}");
        }
        if bricks == 0 {
            assert_eq!(bounds.lower, 0.0, "{what}");
        } else {
            let many = |p| is_at_most(bricks..=cuts, cuts, p, left);
            let p = at(bounds.lower);
            assert!(many(p - 1) && !many(p + 2), "{what}");
        }
    }
}

#[rstest]
#[case("1%", 0, 0, 298, ClaimStatus::Open { more: 1 })]
#[case("1%", 0, 0, 299, ClaimStatus::Shown)]
#[case("1%", 1, 1, 473, ClaimStatus::Shown)]
#[case("1%", 0, 1, 5, ClaimStatus::Refuted)]
#[case("1%", 0, 1, 6, ClaimStatus::NotShown { survives: 0 })]
#[case("25%", 0, 11, 75, ClaimStatus::NotShown { survives: 0 })]
#[case("9%", 10, 11, 75, ClaimStatus::NotShown { survives: 10 })]
#[case("8%", 0, 11, 75, ClaimStatus::Refuted)]
// It survives so many in the end, but not at this rate.
#[case("1%", 3, 3, 10, ClaimStatus::Refuted)]
// One of one: the lower bound is 5 %, and does not lie above a claim of 5 %.
#[case("5%", 0, 1, 1, ClaimStatus::NotShown { survives: 0 })]
#[case("4.9999%", 0, 1, 1, ClaimStatus::Refuted)]
fn standings(
    #[case] below: &str,
    #[case] survives: u32,
    #[case] bricks: u32,
    #[case] cuts: u32,
    #[case] is: ClaimStatus,
) {
    let claim = Claim {
        brick_rate_below: rate(below),
        confidence: rate("95%"),
        bricks: survives,
        over: "start..end".parse().expect("a window"),
    };
    assert_eq!(claim.status(bricks, cuts), is);
    // The same by whole numbers: at the claimed rate, so many bricks are rarer than what the confidence leaves over.
    let millionths =
        (below.trim_end_matches('%').parse::<f64>().expect("a number") * 10_000.0).round() as u64;
    let refuted = bricks > 0 && is_at_most(bricks..=cuts, cuts, millionths * 1_000, 50_000);
    let meets = millionths == 50_000 && (bricks, cuts) == (1, 1);
    assert_eq!(is == ClaimStatus::Refuted, refuted && !meets);
}

#[rstest]
#[case(11, 75, "below 23.108%", "above 8.448%")]
#[case(0, 299, "below 0.997%", "at least 0%")]
#[case(1, 1, "at most 100%", "above 5%")]
#[case(0, 0, "at most 100%", "at least 0%")]
fn bounds_are_said_with_care(
    #[case] bricks: u32,
    #[case] cuts: u32,
    #[case] below: &str,
    #[case] above: &str,
) {
    let bounds = Bounds::new(bricks, cuts, rate("95%"));
    assert_eq!((bounds.below().as_str(), bounds.above().as_str()), (below, above));
}

const SCIPY: &str = "
import sys
from scipy.stats import beta
for line in sys.argv[1:]:
    k, n, c = line.split(',')
    k, n, c = int(k), int(n), float(c) / 100
    lower = beta.ppf(1 - c, k, n - k + 1) if k > 0 else 0.0
    upper = beta.ppf(c, k + 1, n - k) if k < n else 1.0
    print(repr(float(lower)), repr(float(upper)))
";

#[test]
fn scipy_gives_the_same_bounds() {
    let python = |args: &[String]| Command::new("python3").args(args).output();
    let has = python(&["-c".into(), "import scipy".into()]).is_ok_and(|output| output.status.success());
    if !has {
        return eprintln!("skipped: the Python package `scipy` is not installed");
    }
    let long = [
        (3, 1_000_000, "95%"),
        (20_000, 40_000, "95%"),
        (40, 50_000, "99%"),
    ];
    let seen: Vec<_> = SEEN.into_iter().chain(long).collect();
    let lines = seen
        .iter()
        .map(|(bricks, cuts, sure)| format!("{bricks},{cuts},{}", sure.trim_end_matches('%')));
    let args: Vec<String> = ["-c".to_owned(), SCIPY.to_owned()]
        .into_iter()
        .chain(lines)
        .collect();
    let output = python(&args).expect("python3");
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(
        text.lines().count(),
        seen.len(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for ((bricks, cuts, sure), line) in seen.iter().zip(text.lines()) {
        let bounds = Bounds::new(*bricks, *cuts, rate(sure));
        let theirs: Vec<f64> = line
            .split(' ')
            .map(|word| word.parse().expect("a number"))
            .collect();
        for (ours, theirs) in [bounds.lower, bounds.upper].into_iter().zip(theirs) {
            assert!(
                (ours - theirs).abs() <= 1e-9 * theirs.max(1e-3),
                "{bricks} of {cuts} at {sure}: {ours}, scipy {theirs}"
            );
        }
    }
}
