//! When the disk will be full, from how much was free after the runs so far.

use std::time::Duration;

/// How much of the disk was free after a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DiskSample {
    /// Seconds since 1970.
    pub at: i64,
    /// Bytes.
    pub free: u64,
}

/// Samples over a shorter time say nothing about days.
const SHORTEST: i64 = 86_400;
const DAY: f64 = 86_400.0;

/// By how many bytes a day the room has shrunk: the slope of the line that fits best. `None`: too little is known, or it
/// has not shrunk.
pub fn a_day(samples: &[DiskSample]) -> Option<f64> {
    let (first, last) = (samples.first()?.at, samples.last()?.at);
    if samples.len() < 3 || last - first < SHORTEST {
        return None;
    }
    let count = samples.len() as f64;
    let days = |sample: &DiskSample| (sample.at - first) as f64 / DAY;
    let mean_days = samples.iter().map(days).sum::<f64>() / count;
    let mean_free = samples.iter().map(|sample| sample.free as f64).sum::<f64>() / count;
    let (mut covariance, mut variance) = (0.0, 0.0);
    for sample in samples {
        let (x, y) = (days(sample) - mean_days, sample.free as f64 - mean_free);
        covariance += x * y;
        variance += x * x;
    }
    let shrinks = -covariance / variance;
    (shrinks > 0.0).then_some(shrinks)
}

/// How long `free` bytes last when they shrink like this, down to the `room` that a run needs.
pub fn lasts(free: u64, room: u64, a_day: f64) -> Duration {
    let days = free.saturating_sub(room) as f64 / a_day;
    // A hundred years are enough; more does not fit into a `Duration`.
    Duration::from_secs_f64(days.min(36_500.0) * DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(samples: impl Iterator<Item = (i64, u64)>) -> Vec<DiskSample> {
        samples.map(|(at, free)| DiskSample { at, free }).collect()
    }

    fn nights(free: &[u64]) -> Vec<DiskSample> {
        samples((0..).map(|day| day * 86_400).zip(free.iter().copied()))
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
        let one_night = samples([(0, 1000), (3600, 900), (7200, 800)].into_iter());
        assert_eq!(a_day(&one_night), None);
    }

    #[test]
    fn what_is_left_of_it() {
        assert_eq!(lasts(1000, 600, 40.0), Duration::from_secs(10 * 86_400));
        assert_eq!(lasts(500, 600, 40.0), Duration::ZERO);
    }
}
