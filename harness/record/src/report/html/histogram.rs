//! A histogram with limits drawn in.

use super::plot::{self, CUT, Canvas, Drawn, FAINT, INK, QUIET, Scale, UPDATE};
use dfota_core::percentiles::nearest_rank;
use maud::{Markup, html};
use plotters::style::text_anchor::HPos;

const WIDTH: u32 = 620;
const HEIGHT: u32 = 220;
const LEFT: i32 = 44;
const RIGHT: i32 = WIDTH as i32 - 24;
const TOP: i32 = 26;
const BOTTOM: i32 = HEIGHT as i32 - 38;

/// A value that must not be passed, and in which direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    pub at: f64,
    /// It is the least, not the most.
    pub least: bool,
}

/// Figures of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    values: Vec<f64>,
    unit: &'static str,
    limits: Vec<Limit>,
    beyond: usize,
}

impl Limit {
    /// Whether a value passes it.
    pub fn excludes(self, value: f64) -> bool {
        if self.least {
            value < self.at
        } else {
            value > self.at
        }
    }
}

impl Histogram {
    /// Of these values; none where there is nothing to show. `beyond` of them passed a limit of their own case.
    pub fn new(mut values: Vec<f64>, unit: &'static str, limits: Vec<Limit>, beyond: usize) -> Option<Self> {
        values.retain(|value| value.is_finite());
        values.sort_by(f64::total_cmp);
        let (factor, unit) = scale(values.get(values.len() / 2).copied(), unit);
        values.iter_mut().for_each(|value| *value *= factor);
        let limits = limits
            .into_iter()
            .map(|Limit { at, least }| Limit {
                at: at * factor,
                least,
            })
            .collect();
        (!values.is_empty()).then_some(Self {
            values,
            unit,
            limits,
            beyond,
        })
    }

    /// The smallest value that so many percent do not exceed.
    pub fn percentile(&self, percent: usize) -> f64 {
        nearest_rank(&self.values, percent).unwrap_or_default()
    }

    /// The unit of its values.
    pub fn unit(&self) -> &'static str {
        self.unit
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.values.len()
    }

    /// How many passed a limit of their case.
    pub fn beyond(&self) -> usize {
        self.beyond
    }

    /// The edges of the bars: round steps over all values, and over limits that are near.
    fn edges(&self) -> Vec<f64> {
        let (mut from, mut to) = (self.percentile(0), self.percentile(100));
        let room = (to - from).max(to.abs() * 0.1).max(1e-3);
        for limit in &self.limits {
            if limit.at > to && limit.at < to + 1.5 * room {
                to = limit.at;
            }
            if limit.at < from && limit.at > from - 1.5 * room {
                from = limit.at;
            }
        }
        if to - from < room {
            let middle = (from + to) / 2.0;
            (from, to) = ((middle - room / 2.0).max(from.min(0.0)), middle + room / 2.0);
        }
        let wanted = (self.values.len() as f64).sqrt().clamp(10.0, 30.0);
        let step = plot::step(to - from, wanted);
        let first = (from / step).floor();
        let last = (to / step + 1e-9).floor() + 1.0;
        (0..=((last - first) as usize).min(200))
            .map(|n| (first + n as f64) * step)
            .collect()
    }

    fn bars(&self, edges: &[f64]) -> Vec<usize> {
        let mut bars = vec![0; edges.len() - 1];
        for value in &self.values {
            let at = edges.partition_point(|edge| edge <= value).saturating_sub(1);
            bars[at.min(edges.len() - 2)] += 1;
        }
        bars
    }

    pub fn draw(&self, name: &str) -> Markup {
        let edges = self.edges();
        let bars = self.bars(&edges);
        let unit = self.unit;
        let label = format!(
            "Histogram of {name}: {} values from {} to {} {unit}, half at most {} {unit}{}",
            self.count(),
            plot::number(self.percentile(0)),
            plot::number(self.percentile(100)),
            plot::number(self.percentile(50)),
            self.limits_in_words()
        );
        plot::picture(WIDTH, HEIGHT, &label, |canvas| {
            self.drawn(canvas, &edges, &bars)?;
            Ok(html! {})
        })
    }

    fn limits_in_words(&self) -> String {
        let word = |limit: &Limit| {
            let which = if limit.least { "at least" } else { "at most" };
            format!("; limit {which} {} {}", plot::number(limit.at), self.unit)
        };
        self.limits.iter().map(word).collect()
    }

    fn drawn(&self, canvas: &Canvas<'_>, edges: &[f64], bars: &[usize]) -> Drawn {
        let most = bars.iter().copied().max().unwrap_or(1).max(1) as f64;
        let x = Scale {
            values: edges[0]..edges[edges.len() - 1],
            pixels: [LEFT, RIGHT],
        };
        let y = Scale {
            values: 0.0..most,
            pixels: [BOTTOM, TOP],
        };
        let whole = y.ticks(4.0).into_iter().filter(|count| count.fract() == 0.0);
        for count in whole {
            let at = y.at(count);
            canvas.line(vec![(LEFT, at), (RIGHT, at)], FAINT, 1)?;
            canvas.text(&plot::number(count), (LEFT - 6, at), 12, QUIET, HPos::Right)?;
        }
        for (n, count) in bars.iter().enumerate().filter(|(_, count)| **count > 0) {
            let top = (x.at(edges[n]) + 1, y.at(*count as f64));
            canvas.rect([top, (x.at(edges[n + 1]) - 1, BOTTOM)], UPDATE)?;
        }
        canvas.line(vec![(LEFT, BOTTOM), (RIGHT, BOTTOM)], INK, 1)?;
        for tick in x.ticks(6.0) {
            let at = x.at(tick);
            canvas.line(vec![(at, BOTTOM), (at, BOTTOM + 4)], INK, 1)?;
            canvas.text(&plot::number(tick), (at, BOTTOM + 13), 12, QUIET, HPos::Center)?;
        }
        let middle = ((LEFT + RIGHT) / 2, HEIGHT as i32 - 8);
        canvas.text(self.unit, middle, 12, QUIET, HPos::Center)?;
        self.draw_limits(canvas, &x)
    }

    /// The limits, as lines; those that lie outside, as a word at that side.
    fn draw_limits(&self, canvas: &Canvas<'_>, x: &Scale) -> Drawn {
        for limit in &self.limits {
            let which = if limit.least { "least" } else { "limit" };
            let text = format!("{which} {} {}", plot::number(limit.at), self.unit);
            let (text, at, across) = if limit.at < x.values.start {
                (format!("← {text}"), LEFT, HPos::Left)
            } else if limit.at > x.values.end {
                (format!("{text} →"), RIGHT, HPos::Right)
            } else {
                let at = x.at(limit.at);
                canvas.line(vec![(at, 20), (at, BOTTOM)], CUT, 2)?;
                let right = at > (LEFT + RIGHT) / 2;
                (text, at, if right { HPos::Right } else { HPos::Left })
            };
            canvas.text(&text, (at, 12), 13, CUT, across)?;
        }
        Ok(())
    }
}

/// A factor and a unit in which the median has few digits before its point.
pub fn scale(median: Option<f64>, unit: &'static str) -> (f64, &'static str) {
    match (unit, median) {
        ("ms", Some(median)) if median >= 10_000.0 => (1e-3, "s"),
        ("ms", Some(median)) if median < 1.0 => (1e3, "µs"),
        _ => (1.0, unit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_taken() {
        let histogram = Histogram::new(vec![4.0, 1.0, 3.0, 2.0, f64::NAN], "ms", vec![], 0).expect("values");
        let taken = [0, 50, 95, 100].map(|percent| histogram.percentile(percent));
        assert_eq!(taken, [1.0, 2.0, 4.0, 4.0]);
        assert_eq!(Histogram::new(vec![], "ms", vec![], 0), None);
    }

    #[test]
    fn every_value_is_in_a_bar_and_a_near_limit_in_the_picture() {
        let limit = Limit {
            at: 25.0,
            least: false,
        };
        let far = Limit {
            at: 1e6,
            least: false,
        };
        let values = vec![10.0, 11.0, 12.0, 19.5, 20.0, 26.0];
        let histogram = Histogram::new(values, "ms", vec![limit, far], 1).expect("values");
        let edges = histogram.edges();
        assert_eq!(histogram.bars(&edges).iter().sum::<usize>(), 6);
        assert!(edges[0] <= 10.0 && edges[edges.len() - 1] > 26.0 && edges[edges.len() - 1] < 100.0);
        assert_eq!(histogram.beyond(), 1);
        let drawn = histogram.draw("time").into_string();
        assert!(
            drawn.contains("limit 25 ms") && drawn.contains("limit 1000000 ms →"),
            "{drawn}"
        );
    }

    #[test]
    fn values_and_limits_are_shown_in_a_fitting_unit() {
        let limit = Limit {
            at: 30_000.0,
            least: false,
        };
        let histogram =
            Histogram::new(vec![12_000.0, 14_000.0, 31_000.0], "ms", vec![limit], 1).expect("values");
        assert_eq!(
            (histogram.unit(), histogram.percentile(50), histogram.beyond()),
            ("s", 14.0, 1)
        );
        let histogram = Histogram::new(vec![0.25], "ms", vec![], 0).expect("values");
        assert_eq!((histogram.unit(), histogram.percentile(50)), ("µs", 250.0));
    }

    #[test]
    fn equal_values_have_a_picture() {
        let histogram = Histogram::new(vec![5.0; 3], "ms", vec![], 0).expect("values");
        assert!(histogram.edges().len() >= 2);
        assert!(histogram.draw("time").into_string().contains("<rect"));
    }
}
