//! From a cut that fails and one that does not to the smallest window in which cuts fail.
//!
//! A machine over times: [`Bisect::next`] says where to cut, [`Bisect::told`] takes what came of it. First both ends have to
//! show what is said of them; then the edge between them is halved until it is as fine as the cut itself; then the other
//! edge is looked for, in steps that double, and halved as well.

use core::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bisect {
    /// The first and the last time at which a cut makes sense.
    limits: (Duration, Duration),
    resolution: Duration,
    stage: Stage,
    /// The edge on the side of the good cut: a good time and a bad one.
    near: (Duration, Duration),
    /// The worst time farthest from the good cut, and the good one behind it.
    far: (Duration, Option<Duration>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    ConfirmBad,
    ConfirmGood,
    NearEdge,
    Beyond { step: Duration },
    FarEdge,
    Over(BisectEnd),
}

/// How the search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BisectEnd {
    /// The window was found.
    Found,
    /// The cut that was said to fail did not.
    BadIsGood,
    /// The cut that was said not to fail did.
    GoodIsBad,
}

/// The smallest window in which cuts fail, as far as it could be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BisectWindow {
    /// A time before it at which a cut did not fail; `None` when it reaches to where cuts begin to make sense.
    pub good_before: Option<Duration>,
    /// The first time at which one failed.
    pub first_bad: Duration,
    /// The last time at which one failed.
    pub last_bad: Duration,
    /// A time after it at which a cut did not fail; `None` when it reaches to the end.
    pub good_after: Option<Duration>,
}

impl Bisect {
    /// Between a time that is said to be good and one that is said to be bad, inside `limits`.
    pub fn new(good: Duration, bad: Duration, limits: (Duration, Duration), resolution: Duration) -> Self {
        Self {
            limits,
            resolution: resolution.max(Duration::from_millis(1)),
            stage: Stage::ConfirmBad,
            near: (good, bad),
            far: (bad, None),
        }
    }

    /// Where to cut next; nothing when the search is over.
    pub fn next(&self) -> Option<Duration> {
        Some(match self.stage {
            Stage::ConfirmBad => self.near.1,
            Stage::ConfirmGood => self.near.0,
            Stage::NearEdge => middle(self.near.0, self.near.1),
            Stage::Beyond { step } => self.beyond(step),
            Stage::FarEdge => middle(self.far.0, self.far.1?),
            Stage::Over(_) => return None,
        })
    }

    /// How it ended, when it has.
    pub fn end(&self) -> Option<BisectEnd> {
        match self.stage {
            Stage::Over(end) => Some(end),
            _ => None,
        }
    }

    /// What came of the cut that [`Self::next`] asked for; `resolution` is how exactly cuts fall, as measured by now.
    pub fn told(&mut self, failed: bool, resolution: Duration) {
        self.resolution = self.resolution.max(resolution);
        let Some(at) = self.next() else { return };
        self.stage = match self.stage {
            Stage::ConfirmBad if !failed => Stage::Over(BisectEnd::BadIsGood),
            Stage::ConfirmBad => Stage::ConfirmGood,
            Stage::ConfirmGood if failed => Stage::Over(BisectEnd::GoodIsBad),
            Stage::ConfirmGood => self.near_edge(),
            Stage::NearEdge => {
                if failed {
                    self.near.1 = at;
                } else {
                    self.near.0 = at;
                }
                self.near_edge()
            }
            Stage::Beyond { step } if failed => {
                self.far.0 = at;
                if at == self.limit() {
                    Stage::Over(BisectEnd::Found)
                } else {
                    Stage::Beyond { step: step * 2 }
                }
            }
            Stage::Beyond { .. } => {
                self.far.1 = Some(at);
                self.far_edge()
            }
            Stage::FarEdge => {
                if failed {
                    self.far.0 = at;
                } else {
                    self.far.1 = Some(at);
                }
                self.far_edge()
            }
            over @ Stage::Over(_) => over,
        };
    }

    /// The window, as far as it is known.
    pub fn window(&self) -> BisectWindow {
        let (good, bad) = self.near;
        let (last, behind) = self.far;
        if good <= bad {
            BisectWindow {
                good_before: Some(good),
                first_bad: bad,
                last_bad: last,
                good_after: behind,
            }
        } else {
            BisectWindow {
                good_before: behind,
                first_bad: last,
                last_bad: bad,
                good_after: Some(good),
            }
        }
    }

    /// How finely the edges can be told.
    pub fn resolution(&self) -> Duration {
        self.resolution
    }

    fn near_edge(&self) -> Stage {
        if self.near.0.abs_diff(self.near.1) > self.resolution {
            return Stage::NearEdge;
        }
        if self.far.0 == self.limit() {
            return Stage::Over(BisectEnd::Found);
        }
        Stage::Beyond {
            step: (self.far.0.abs_diff(self.near.1)).max(self.resolution),
        }
    }

    fn far_edge(&self) -> Stage {
        match self.far.1 {
            Some(good) if self.far.0.abs_diff(good) > self.resolution => Stage::FarEdge,
            _ => Stage::Over(BisectEnd::Found),
        }
    }

    fn upwards(&self) -> bool {
        self.near.0 <= self.near.1
    }

    fn limit(&self) -> Duration {
        if self.upwards() {
            self.limits.1
        } else {
            self.limits.0
        }
    }

    fn beyond(&self, step: Duration) -> Duration {
        if self.upwards() {
            (self.far.0 + step).min(self.limits.1)
        } else {
            self.far.0.saturating_sub(step).max(self.limits.0)
        }
    }
}

fn middle(a: Duration, b: Duration) -> Duration {
    let (low, high) = (a.min(b), a.max(b));
    low + (high - low) / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Runs the search on a module that fails within `bad`.
    fn search(good: u64, start: u64, bad: core::ops::RangeInclusive<u64>) -> (Bisect, u32) {
        let mut bisect = Bisect::new(ms(good), ms(start), (ms(0), ms(100_000)), ms(2));
        let mut probes = 0;
        while let Some(at) = bisect.next() {
            bisect.told(bad.contains(&(at.as_millis() as u64)), ms(2));
            probes += 1;
            assert!(probes < 100, "the search does not end");
        }
        (bisect, probes)
    }

    #[rstest]
    #[case(10_000, 50_030, 50_000..=50_050)]
    #[case(90_000, 50_030, 50_000..=50_050)]
    #[case(50_060, 50_000, 50_000..=50_050)]
    #[case(10_000, 50_050, 50_050..=50_050)]
    #[case(0, 70_000, 30_000..=80_000)]
    fn a_window_is_found_from_both_sides(
        #[case] good: u64,
        #[case] start: u64,
        #[case] bad: core::ops::RangeInclusive<u64>,
    ) {
        let (bisect, probes) = search(good, start, bad.clone());
        assert_eq!(bisect.end(), Some(BisectEnd::Found));
        let window = bisect.window();
        assert!(bad.contains(&(window.first_bad.as_millis() as u64)), "{window:?}");
        assert!(bad.contains(&(window.last_bad.as_millis() as u64)), "{window:?}");
        assert!(
            window.first_bad - window.good_before.unwrap() <= ms(2),
            "{window:?}"
        );
        assert!(
            window.good_after.unwrap() - window.last_bad <= ms(2),
            "{window:?}"
        );
        assert!(probes < 45, "{probes}");
    }

    #[rstest]
    #[case(10, 99_000, 90_000..=100_000)]
    #[case(99_000, 10, 0..=20)]
    fn a_window_may_reach_to_the_end(
        #[case] good: u64,
        #[case] start: u64,
        #[case] bad: core::ops::RangeInclusive<u64>,
    ) {
        let (bisect, _) = search(good, start, bad);
        let window = bisect.window();
        assert_eq!(bisect.end(), Some(BisectEnd::Found));
        assert!(
            window.good_after.is_none() || window.good_before.is_none(),
            "{window:?}"
        );
    }

    #[test]
    fn what_is_said_of_the_ends_is_tried_first() {
        assert_eq!(
            search(1_000, 2_000, 1_000..=1_500).0.end(),
            Some(BisectEnd::BadIsGood)
        );
        assert_eq!(
            search(1_000, 2_000, 1_000..=2_500).0.end(),
            Some(BisectEnd::GoodIsBad)
        );
    }

    #[test]
    fn a_coarse_cut_ends_the_search_early() {
        let mut bisect = Bisect::new(ms(0), ms(1_000), (ms(0), ms(2_000)), ms(1));
        let mut probes = 0;
        while let Some(at) = bisect.next() {
            bisect.told((900..=1_100).contains(&at.as_millis()), ms(200));
            probes += 1;
        }
        assert!(probes <= 8, "{probes}");
        assert_eq!(bisect.resolution(), ms(200));
    }
}
