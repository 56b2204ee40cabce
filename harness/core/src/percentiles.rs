//! Percentiles of the values of a measurement.

use alloc::vec::Vec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Percentiles by the nearest rank: each is a value that was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Percentiles {
    /// How many values.
    pub count: u32,
    /// The median.
    pub p50: f64,
    /// Nine of ten values are no larger.
    pub p90: f64,
    /// 99 of 100 are no larger.
    pub p99: f64,
    /// The largest.
    pub max: f64,
}

impl Percentiles {
    /// Of these values; nothing of none.
    pub fn new(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        Some(Self {
            count: values.len() as u32,
            p50: nearest_rank(&values, 50)?,
            p90: nearest_rank(&values, 90)?,
            p99: nearest_rank(&values, 99)?,
            max: *values.last()?,
        })
    }
}

/// The smallest of sorted values that so many percent of them do not exceed; nothing of none.
pub fn nearest_rank(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = u32>) -> [f64; 4] {
        let spread = Percentiles::new(values.into_iter().map(f64::from).collect()).unwrap();
        [spread.p50, spread.p90, spread.p99, spread.max]
    }

    #[test]
    fn nearest_ranks() {
        assert_eq!(Percentiles::new(Vec::new()), None);
        assert_eq!(of([7]), [7.0; 4]);
        assert_eq!(of([2, 1]), [1.0, 2.0, 2.0, 2.0]);
        assert_eq!(of((1..=100).rev()), [50.0, 90.0, 99.0, 100.0]);
        assert_eq!(of(1..=1000), [500.0, 900.0, 990.0, 1000.0]);
        assert_eq!(of([15, 20, 35, 40, 50]), [35.0, 50.0, 50.0, 50.0]);
    }
}
