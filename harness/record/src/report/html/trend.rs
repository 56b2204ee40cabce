//! Each measurement over the last runs: small pictures side by side, and the figures.

use super::book::Book;
use super::histogram::scale;
use super::plot::{self, Canvas, Drawn, FAINT, INK, QUIET, Scale, TRANSFER, UPDATE, number};
use dfota_core::event::trend::{PastRun, Trend};
use dfota_core::measure::Measure;
use dfota_core::percentiles::Percentiles;
use maud::{Markup, html};
use plotters::style::RGBColor;
use plotters::style::text_anchor::HPos;

const WIDTH: u32 = 380;
const HEIGHT: u32 = 170;
const LEFT: i32 = 46;
/// Behind it stand the names of the lines.
const RIGHT: i32 = WIDTH as i32 - 78;
const TOP: i32 = 22;
const BOTTOM: i32 = HEIGHT as i32 - 28;
/// Two names that are nearer than this are moved apart.
const APART: i32 = 13;

/// A measurement over the runs.
#[derive(Debug)]
struct Course {
    name: &'static str,
    unit: &'static str,
    /// Median and 99 % of each run that took it, by the run's place; this run has the last.
    points: Vec<(usize, [f64; 2])>,
    /// How many runs there are, with this one.
    runs: usize,
}

/// The part of the measurements that looks back; nothing where the journal knows of no earlier run.
pub fn write(book: &Book<'_, '_>, shown: &[(Measure, &'static str)]) -> Markup {
    let Some(trend) = book.run.trend else {
        return html! {};
    };
    let courses: Vec<Course> = shown
        .iter()
        .filter_map(|(measure, name)| Course::new(book, trend, *measure, name))
        .collect();
    html! {
        h3 #trend { "Over the last runs" }
        p.quiet {
            "The last " (trend.runs.len()) " runs of these cases on this rig before this one, the oldest on the left, this run on the right. "
            "Each picture has a scale of its own, from 0."
        }
        div.trends {
            @for course in &courses { figure { figcaption { (course.name) ", " (course.unit) } (course.draw(trend)) } }
        }
        details.group {
            summary { "These runs in figures" }
            (table(book, trend, &courses))
        }
    }
}

impl Course {
    /// Of what earlier runs and this one measured; none where no earlier run did.
    fn new(book: &Book<'_, '_>, trend: &Trend, measure: Measure, name: &'static str) -> Option<Self> {
        let unit = measure.unit().name();
        let earlier = trend.runs.iter().map(|run| of_past(run, measure));
        let spreads: Vec<Option<Percentiles>> = earlier.chain([of_run(book, measure)]).collect();
        let runs = spreads.len();
        spreads[..runs - 1].iter().flatten().next()?;
        let newest = spreads.iter().rev().flatten().next()?;
        let (factor, unit) = scale(Some(newest.p50), unit);
        let point = |(at, spread): (usize, Option<Percentiles>)| {
            spread.map(|spread| (at, [spread.p50 * factor, spread.p99 * factor]))
        };
        let points = spreads.into_iter().enumerate().filter_map(point).collect();
        Some(Self {
            name,
            unit,
            points,
            runs,
        })
    }

    /// What a run had, by its place.
    fn at(&self, run: usize) -> Option<[f64; 2]> {
        let found = self.points.iter().find(|(at, _)| *at == run);
        found.map(|(_, values)| *values)
    }

    fn draw(&self, trend: &Trend) -> Markup {
        let since = trend.runs.first().map_or("", |run| day(&run.utc));
        plot::picture(WIDTH, HEIGHT, &self.in_words(), |canvas| {
            self.axes(canvas, since)?;
            self.line(canvas, 1, TRANSFER)?;
            self.line(canvas, 0, UPDATE)?;
            self.names(canvas)?;
            Ok(html! {})
        })
    }

    /// What is read aloud in the place of the picture.
    fn in_words(&self) -> String {
        let unit = self.unit;
        let medians = || {
            self.points
                .iter()
                .filter(|(at, _)| at + 1 < self.runs)
                .map(|(_, [p50, _])| *p50)
        };
        let least = medians().fold(f64::INFINITY, f64::min);
        let most = medians().fold(0.0, f64::max);
        let this = match self.at(self.runs - 1) {
            Some([p50, p99]) => format!(
                "in this run {} {unit}, 99 % at most {} {unit}",
                number(p50),
                number(p99)
            ),
            None => "in this run not taken".into(),
        };
        format!(
            "Trend of {}: in {} earlier runs the median was {} to {} {unit}; {this}",
            self.name,
            medians().count(),
            number(least),
            number(most)
        )
    }

    fn x(&self, run: usize) -> i32 {
        let share = run as f64 / (self.runs - 1).max(1) as f64;
        LEFT + (share * f64::from(RIGHT - LEFT)).round() as i32
    }

    fn y(&self) -> Scale {
        let most = self.points.iter().map(|(_, [_, p99])| *p99).fold(0.0, f64::max);
        Scale {
            values: 0.0..if most > 0.0 { most * 1.05 } else { 1.0 },
            pixels: [BOTTOM, TOP],
        }
    }

    fn axes(&self, canvas: &Canvas<'_>, since: &str) -> Drawn {
        let scale = self.y();
        for tick in scale.ticks(3.0) {
            let y = scale.at(tick);
            let colour = if tick == 0.0 { INK } else { FAINT };
            canvas.line(vec![(LEFT, y), (RIGHT, y)], colour, 1)?;
            canvas.text(&number(tick), (LEFT - 6, y), 12, QUIET, HPos::Right)?;
        }
        let below = BOTTOM + 15;
        canvas.text(since, (LEFT, below), 12, QUIET, HPos::Left)?;
        canvas.text("this run", (RIGHT + 4, below), 12, QUIET, HPos::Right)
    }

    fn line(&self, canvas: &Canvas<'_>, which: usize, colour: RGBColor) -> Drawn {
        let scale = self.y();
        let at = |(run, values): &(usize, [f64; 2])| (self.x(*run), scale.at(values[which]));
        let points: Vec<_> = self.points.iter().map(at).collect();
        canvas.line(points.clone(), colour, 2)?;
        for (point, (run, _)) in points.into_iter().zip(&self.points) {
            let size = if run + 1 == self.runs { 4 } else { 2 };
            canvas.dot(point, size, colour)?;
        }
        Ok(())
    }

    /// The names of both lines, behind their ends.
    fn names(&self, canvas: &Canvas<'_>) -> Drawn {
        let Some((_, [p50, p99])) = self.points.last() else {
            return Ok(());
        };
        let scale = self.y();
        let low = scale.at(*p50).min(BOTTOM - 4);
        let high = scale.at(*p99).min(low - APART);
        let (median, most) = (
            format!("median {}", number(*p50)),
            format!("99 % {}", number(*p99)),
        );
        canvas.text(&median, (RIGHT + 8, low), 12, UPDATE, HPos::Left)?;
        canvas.text(&most, (RIGHT + 8, high), 12, TRANSFER, HPos::Left)
    }
}

fn of_past(run: &PastRun, measure: Measure) -> Option<Percentiles> {
    let found = run.measures.iter().find(|past| past.name == measure.name());
    found.map(|past| past.spread)
}

fn of_run(book: &Book<'_, '_>, measure: Measure) -> Option<Percentiles> {
    let values = book.entries.iter().flat_map(|entry| entry.case.values(measure));
    Percentiles::new(values.map(|taken| taken.value).collect())
}

/// The day of a time in RFC 3339.
fn day(utc: &str) -> &str {
    utc.get(..10).unwrap_or(utc)
}

fn table(book: &Book<'_, '_>, trend: &Trend, courses: &[Course]) -> Markup {
    let heads = ["passed", "flaky", "failed", "other", "not run"];
    html! {
        div.scroll tabindex="0" role="region" aria-label="Earlier runs in figures" {
            table {
                thead { tr {
                    th scope="col" { "Run" } th scope="col" { "Day" }
                    @for head in heads { th.number scope="col" { (head) } }
                    @for course in courses { th.number scope="col" { (course.name) ", " (course.unit) ": median, 99 %" } }
                } }
                tbody {
                    @for (n, run) in trend.runs.iter().enumerate() {
                        tr {
                            th scope="row" { (run.run) } td.number { (day(&run.utc)) }
                            @for count in [run.passed, run.flaky, run.failed, run.other, run.not_run] { td.number { (count) } }
                            (figures(courses, n))
                        }
                    }
                    tr { th scope="row" { "this run" } td.number { (day(book.run.utc)) } td colspan=(heads.len()) {} (figures(courses, trend.runs.len())) }
                }
            }
        }
    }
}

fn figures(courses: &[Course], run: usize) -> Markup {
    html! {
        @for course in courses {
            td.number { @if let Some([p50, p99]) = course.at(run) { (number(p50)) ", " (number(p99)) } }
        }
    }
}
