//! Finds the smallest window in which cuts fail, from a cut that fails and one that does not.
//!
//! A machine over times: [`Bisect::next`] says where to cut, [`Bisect::record`] takes its result. First both ends have to
//! behave as stated; then the interval between them is halved until it is as fine as the cut itself; then the other
//! edge is looked for, in steps that double, and halved as well.

use core::ops::RangeInclusive;
use core::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bisect {
    /// The times between which a cut makes sense.
    limits: RangeInclusive<Duration>,
    resolution: Duration,
    stage: SearchStage,
    /// The edge on the side of the good cut.
    near: NearEdge,
    far: FarEdge,
}

/// The edge of the window on the side of the good cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct NearEdge {
    good: Duration,
    bad: Duration,
}

/// The other edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FarEdge {
    /// The bad time farthest from the good cut.
    bad: Duration,
    /// A good one behind it, once it is known.
    good: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SearchStage {
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
    pub fn new(
        good: Duration,
        bad: Duration,
        limits: RangeInclusive<Duration>,
        resolution: Duration,
    ) -> Self {
        Self {
            limits,
            resolution: resolution.max(Duration::from_millis(1)),
            stage: SearchStage::ConfirmBad,
            near: NearEdge { good, bad },
            far: FarEdge { bad, good: None },
        }
    }

    /// Where to cut next; nothing when the search is over.
    pub fn next(&self) -> Option<Duration> {
        Some(match self.stage {
            SearchStage::ConfirmBad => self.near.bad,
            SearchStage::ConfirmGood => self.near.good,
            SearchStage::NearEdge => middle(self.near.good, self.near.bad),
            SearchStage::Beyond { step } => self.beyond(step),
            SearchStage::FarEdge => middle(self.far.bad, self.far.good?),
            SearchStage::Over(_) => return None,
        })
    }

    /// How it ended, when it has.
    pub fn end(&self) -> Option<BisectEnd> {
        match self.stage {
            SearchStage::Over(end) => Some(end),
            _ => None,
        }
    }

    /// Takes the result of the cut that [`Self::next`] gave; `resolution` is how exactly cuts fall, as measured by now.
    pub fn record(&mut self, failed: bool, resolution: Duration) {
        self.resolution = self.resolution.max(resolution);
        let Some(at) = self.next() else { return };
        self.stage = match self.stage {
            SearchStage::ConfirmBad if !failed => SearchStage::Over(BisectEnd::BadIsGood),
            SearchStage::ConfirmBad => SearchStage::ConfirmGood,
            SearchStage::ConfirmGood if failed => SearchStage::Over(BisectEnd::GoodIsBad),
            SearchStage::ConfirmGood => self.near_edge(),
            SearchStage::NearEdge => {
                if failed {
                    self.near.bad = at;
                } else {
                    self.near.good = at;
                }
                self.near_edge()
            }
            SearchStage::Beyond { step } if failed => {
                self.far.bad = at;
                if at == self.limit() {
                    SearchStage::Over(BisectEnd::Found)
                } else {
                    SearchStage::Beyond { step: step * 2 }
                }
            }
            SearchStage::Beyond { .. } => {
                self.far.good = Some(at);
                self.far_edge()
            }
            SearchStage::FarEdge => {
                if failed {
                    self.far.bad = at;
                } else {
                    self.far.good = Some(at);
                }
                self.far_edge()
            }
            over @ SearchStage::Over(_) => over,
        };
    }

    /// The window, as far as it is known.
    pub fn window(&self) -> BisectWindow {
        let NearEdge { good, bad } = self.near;
        let FarEdge {
            bad: last,
            good: behind,
        } = self.far;
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

    fn near_edge(&self) -> SearchStage {
        if self.near.good.abs_diff(self.near.bad) > self.resolution {
            return SearchStage::NearEdge;
        }
        if self.far.bad == self.limit() {
            return SearchStage::Over(BisectEnd::Found);
        }
        SearchStage::Beyond {
            step: (self.far.bad.abs_diff(self.near.bad)).max(self.resolution),
        }
    }

    fn far_edge(&self) -> SearchStage {
        match self.far.good {
            Some(good) if self.far.bad.abs_diff(good) > self.resolution => SearchStage::FarEdge,
            _ => SearchStage::Over(BisectEnd::Found),
        }
    }

    fn upwards(&self) -> bool {
        self.near.good <= self.near.bad
    }

    fn limit(&self) -> Duration {
        if self.upwards() {
            *self.limits.end()
        } else {
            *self.limits.start()
        }
    }

    fn beyond(&self, step: Duration) -> Duration {
        if self.upwards() {
            (self.far.bad + step).min(*self.limits.end())
        } else {
            self.far.bad.saturating_sub(step).max(*self.limits.start())
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
    fn search(good: u64, start: u64, bad: RangeInclusive<u64>) -> (Bisect, u32) {
        let mut bisect = Bisect::new(ms(good), ms(start), ms(0)..=ms(100_000), ms(2));
        let mut probes = 0;
        while let Some(at) = bisect.next() {
            bisect.record(bad.contains(&(at.as_millis() as u64)), ms(2));
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
        #[case] bad: RangeInclusive<u64>,
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
        #[case] bad: RangeInclusive<u64>,
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
        let mut bisect = Bisect::new(ms(0), ms(1_000), ms(0)..=ms(2_000), ms(1));
        let mut probes = 0;
        while let Some(at) = bisect.next() {
            bisect.record((900..=1_100).contains(&at.as_millis()), ms(200));
            probes += 1;
        }
        assert!(probes <= 8, "{probes}");
        assert_eq!(bisect.resolution(), ms(200));
    }
}
