//! When the disk will be full, from how much was free after the runs so far.

use std::time::Duration;

/// Room on the disk after a run: when, in seconds since 1970, and how many bytes.
pub type Sample = (i64, u64);

/// A shorter time than this says nothing about days.
const SHORTEST: i64 = 86_400;
const DAY: f64 = 86_400.0;

/// By how many bytes a day the room has shrunk: the slope of the line that fits best. `None`: too little is known, or it
/// has not shrunk.
pub fn a_day(samples: &[Sample]) -> Option<f64> {
    let (first, last) = (samples.first()?.0, samples.last()?.0);
    if samples.len() < 3 || last - first < SHORTEST {
        return None;
    }
    let points = samples
        .iter()
        .map(|(at, free)| ((at - first) as f64 / DAY, *free as f64));
    let count = samples.len() as f64;
    let (days, free) = points
        .clone()
        .fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (days, free) = (days / count, free / count);
    let (mut both, mut spread) = (0.0, 0.0);
    for (x, y) in points {
        both += (x - days) * (y - free);
        spread += (x - days) * (x - days);
    }
    let shrinks = -both / spread;
    (shrinks > 0.0).then_some(shrinks)
}

/// How long `free` bytes last when they shrink like this, down to the `room` that a run needs.
pub fn lasts(free: u64, room: u64, a_day: f64) -> Duration {
    let days = free.saturating_sub(room) as f64 / a_day;
    // Whatever is that far away is no matter here, and more is no time at all.
    Duration::from_secs_f64(days.min(36_500.0) * DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nights(free: &[u64]) -> Vec<Sample> {
        let days = (0..).map(|day| day * 86_400);
        days.zip(free.iter().copied()).collect()
    }

    #[rstest::rstest]
    #[case::forty_a_night(&[1000, 960, 920, 880], Some(40.0))]
    #[case::kept_by_prune(&[1000, 960, 1000, 960, 1000], None)]
    #[case::grows(&[900, 950, 1000], None)]
    #[case::too_few(&[1000, 500], None)]
    #[case::none(&[], None)]
    fn slopes(#[case] free: &[u64], #[case] expected: Option<f64>) {
        let seen = a_day(&nights(free));
        match expected {
            None => assert_eq!(seen, None),
            Some(expected) => assert!((seen.expect("it shrinks") - expected).abs() < 1e-6, "{seen:?}"),
        }
    }

    #[test]
    fn three_runs_of_one_night_are_no_growth() {
        assert_eq!(a_day(&[(0, 1000), (3600, 900), (7200, 800)]), None);
    }

    #[test]
    fn what_is_left_of_it() {
        assert_eq!(lasts(1000, 600, 40.0), Duration::from_secs(10 * 86_400));
        assert_eq!(lasts(500, 600, 40.0), Duration::ZERO);
    }
}
