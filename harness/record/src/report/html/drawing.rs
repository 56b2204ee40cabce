//! The timeline of a case as a picture.

use super::plot::{self, CUT, Canvas, DONE, Drawn, FAINT, INK, POWER, QUIET, Scale, TRANSFER, UPDATE};
use super::timeline::{CaseTimeline, LineLevel, PercentLine, TimelineMark, TimelineTime, UpdateStage};
use maud::{Markup, html};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, RGBColor};

const WIDTH: u32 = 980;
const HEIGHT: u32 = 312;
/// Where the time axis begins and ends.
const LEFT: i32 = 92;
const RIGHT: i32 = WIDTH as i32 - 14;
const STAGE: Lane = Lane::new("phase", 34, 54);
const PERCENT: Lane = Lane::new("percent", 64, 158);
const SUPPLY: Lane = Lane::new("supply", 170, 188);
const RESET: Lane = Lane::new("reset, key", 198, 212);
const MODULE: Lane = Lane::new("module", 222, 232);
const SERVERS: Lane = Lane::new("servers", 252, 266);
const AXIS: i32 = 278;
/// How far below a lane its words are.
const WORDS_BELOW: i32 = 9;

/// A log knows nothing of the lines and the servers: its lanes are fewer.
const LOG_HEIGHT: u32 = 266;
const LOG_MODULE: Lane = Lane::new("module", 198, 208);
const LOG_AXIS: i32 = 232;

/// A strip of the picture, over its whole width.
#[derive(Debug, Clone, Copy)]
struct Lane {
    name: &'static str,
    top: i32,
    bottom: i32,
}

impl Lane {
    const fn new(name: &'static str, top: i32, bottom: i32) -> Self {
        Self { name, top, bottom }
    }

    fn middle(self) -> i32 {
        (self.top + self.bottom) / 2
    }
}

/// The picture. What lies under the pointer is named, and leads to its line in the excerpt of the transcript, where that
/// has it (`has`).
pub fn draw(timeline: &CaseTimeline, name: &str, has: impl Fn(u64) -> bool) -> Markup {
    let picture = Picture::new(timeline, timeline.end.max(1e-3), AXIS, AxisUnit::Seconds);
    let label = format!("Timeline of {name}: {}", in_words(timeline));
    plot::picture(WIDTH, HEIGHT, &label, |canvas| {
        picture.lanes(canvas, &[STAGE, PERCENT, SUPPLY, RESET, MODULE, SERVERS])?;
        picture.stages(canvas)?;
        picture.percents(canvas)?;
        picture.level(canvas, &timeline.power, SUPPLY, POWER)?;
        picture.level(canvas, &timeline.reset, RESET, INK)?;
        picture.level(canvas, &timeline.pwrkey, RESET, QUIET)?;
        picture.marks(canvas, &timeline.urcs, MODULE, UPDATE)?;
        picture.marks(canvas, &timeline.requests, SERVERS, TRANSFER)?;
        picture.cuts(canvas)?;
        missed(canvas, timeline)?;
        Ok(picture.pointers(&has))
    })
}

/// What the axis of a log counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AxisUnit {
    /// Seconds since the picture's beginning.
    Seconds,
    /// Lines of a log without time stamps, from this one on.
    Lines(f64),
}

impl AxisUnit {
    fn shown(self, value: f64) -> String {
        match self {
            Self::Seconds => format!("{} s", plot::number(value)),
            Self::Lines(first) => format!("line {}", plot::number(first + value)),
        }
    }
}

/// The picture of an update out of a log. Its resets stand where a run has its cuts; numbers are lines of the log.
pub fn draw_log(timeline: &CaseTimeline, name: &str, unit: AxisUnit) -> Markup {
    // Room for the words at the last mark.
    let picture = Picture::new(timeline, timeline.end.max(1e-3) * 1.05, LOG_AXIS, unit);
    let resets = listed(timeline.cuts.iter(), "no reset");
    let label = format!("Timeline of {name}, out of a log: {resets}. The steps follow as a table.");
    plot::picture(WIDTH, LOG_HEIGHT, &label, |canvas| {
        picture.lanes(canvas, &[STAGE, PERCENT, SUPPLY, LOG_MODULE])?;
        let at = (LEFT + 4, SUPPLY.middle());
        canvas.text("a log does not tell", at, 12, QUIET, HPos::Left)?;
        picture.stages(canvas)?;
        picture.percents(canvas)?;
        picture.marks(canvas, &timeline.urcs, LOG_MODULE, UPDATE)?;
        picture.cuts(canvas)?;
        let spot = |mark: &TimelineMark, top: i32, bottom: i32| {
            let place = format!("{} (line {})", mark.text, mark.at.seq);
            picture.spot(mark.at, top, bottom, &place)
        };
        Ok(html! {
            @for mark in &timeline.urcs { (spot(mark, LOG_MODULE.top, LOG_MODULE.bottom)) }
            @for mark in &timeline.cuts { (spot(mark, 0, LOG_AXIS)) }
        })
    })
}

/// The picture in a sentence, for those who do not see it.
fn in_words(timeline: &CaseTimeline) -> String {
    let cuts = listed(timeline.cuts.iter().chain(&timeline.missed), "no cut");
    format!(
        "{} seconds of the module's time, {cuts}. The moments follow as a list.",
        plot::number(timeline.end)
    )
}

fn listed<'m>(marks: impl Iterator<Item = &'m TimelineMark>, none: &str) -> String {
    let texts: Vec<&str> = marks.map(|mark| mark.text.as_str()).collect();
    if texts.is_empty() {
        none.to_owned()
    } else {
        texts.join("; ")
    }
}

fn colour(stage: UpdateStage) -> RGBColor {
    match stage {
        UpdateStage::Transfer => TRANSFER,
        UpdateStage::Ordered | UpdateStage::Off => FAINT,
        UpdateStage::Update => UPDATE,
        UpdateStage::Done => DONE,
    }
}

/// Cuts that were not made have words at the edge and no line: nothing happened then.
fn missed(canvas: &Canvas<'_>, timeline: &CaseTimeline) -> Drawn {
    for (n, cut) in timeline.missed.iter().enumerate() {
        let row = (timeline.cuts.len() + n) as i32 % 2;
        canvas.text(&cut.text, (LEFT, 8 + row * 13), 13, QUIET, HPos::Left)?;
    }
    Ok(())
}

/// A timeline on its way onto a canvas.
struct Picture<'t> {
    timeline: &'t CaseTimeline,
    time: Scale,
    percent: Scale,
    /// Where the axis of time lies.
    axis: i32,
    unit: AxisUnit,
}

impl<'t> Picture<'t> {
    fn new(timeline: &'t CaseTimeline, end: f64, axis: i32, unit: AxisUnit) -> Self {
        let scale = |end, pixels| Scale {
            values: 0.0..end,
            pixels,
        };
        Self {
            timeline,
            time: scale(end, [LEFT, RIGHT]),
            percent: scale(100.0, [PERCENT.bottom, PERCENT.top]),
            axis,
            unit,
        }
    }

    fn x(&self, time: TimelineTime) -> i32 {
        self.time.at(time.seconds)
    }

    /// Names of the lanes, and the axis of time.
    fn lanes(&self, canvas: &Canvas<'_>, lanes: &[Lane]) -> Drawn {
        for lane in lanes {
            canvas.text(lane.name, (LEFT - 10, lane.middle()), 13, QUIET, HPos::Right)?;
        }
        for percent in [0.0, 50.0, 100.0] {
            let y = self.percent.at(percent);
            canvas.line(vec![(LEFT, y), (RIGHT, y)], FAINT, 1)?;
        }
        canvas.line(vec![(LEFT, self.axis), (RIGHT, self.axis)], QUIET, 1)?;
        for tick in self.time.ticks(9.0) {
            let x = self.time.at(tick);
            canvas.line(vec![(x, self.axis), (x, self.axis + 5)], QUIET, 1)?;
            canvas.text(
                &self.unit.shown(tick),
                (x, self.axis + 14),
                12,
                QUIET,
                HPos::Center,
            )?;
        }
        Ok(())
    }

    fn stages(&self, canvas: &Canvas<'_>) -> Drawn {
        let stages = &self.timeline.stages;
        let ends = stages.iter().skip(1).map(|next| next.seconds);
        for (change, end) in stages.iter().zip(ends.chain([self.timeline.end])) {
            let Some(stage) = change.stage else { continue };
            let left = self.time.at(change.seconds);
            let right = self.time.at(end).max(left + 1);
            let colour = colour(stage);
            canvas.rect([(left, STAGE.top), (right, STAGE.bottom)], colour.mix(0.25))?;
            canvas.line(vec![(left, STAGE.top), (left, STAGE.bottom)], colour, 1)?;
            if right - left > 8 * stage.name().len() as i32 {
                let middle = ((left + right) / 2, STAGE.middle());
                canvas.text(stage.name(), middle, 12, INK, HPos::Center)?;
            }
        }
        Ok(())
    }

    fn percents(&self, canvas: &Canvas<'_>) -> Drawn {
        for PercentLine { stage, points } in &self.timeline.percents {
            let drawn = points.iter();
            let drawn: Vec<_> = drawn
                .map(|point| (self.time.at(point.seconds), self.percent.at(point.percent)))
                .collect();
            let ends = drawn
                .first()
                .zip(drawn.last())
                .zip(points.first().zip(points.last()));
            let Some(((first, last), (from, to))) = ends else {
                continue;
            };
            // First and last are so near that one name will do.
            let near = (first.0 - last.0).abs() < 30 && (first.1 - last.1).abs() < 14;
            let named = [(*first, from.percent), (*last, to.percent)];
            canvas.line(drawn.clone(), colour(*stage), 2)?;
            for ((x, y), percent) in named.into_iter().take(if near { 1 } else { 2 }) {
                canvas.rect([(x - 2, y - 2), (x + 2, y + 2)], colour(*stage))?;
                let y = if percent > 80.0 { y + 11 } else { y - 9 };
                let shown = format!("{} %", plot::number(percent));
                canvas.text(&shown, (x + 5, y), 11, QUIET, HPos::Left)?;
            }
        }
        Ok(())
    }

    /// A line's level: high is active.
    fn level(&self, canvas: &Canvas<'_>, levels: &[LineLevel], lane: Lane, colour: RGBColor) -> Drawn {
        let y = |active: bool| if active { lane.top } else { lane.bottom };
        let (Some(first), Some(last)) = (levels.first(), levels.last()) else {
            return canvas.line(vec![(LEFT, lane.bottom), (RIGHT, lane.bottom)], FAINT, 1);
        };
        // Before the first edge it was at the other level.
        let mut points = vec![(LEFT, y(!first.active))];
        for level in levels {
            let x = self.x(level.at);
            points.extend([(x, y(!level.active)), (x, y(level.active))]);
        }
        points.push((self.time.at(self.timeline.end), y(last.active)));
        canvas.line(points, colour, 2)
    }

    fn marks(&self, canvas: &Canvas<'_>, marks: &[TimelineMark], lane: Lane, colour: RGBColor) -> Drawn {
        let mut last_word = i32::MIN / 2;
        for mark in marks {
            let x = self.x(mark.at);
            canvas.line(vec![(x, lane.top), (x, lane.bottom)], colour, 1)?;
            let short = ["RDY", "END,", "START"]
                .iter()
                .any(|word| mark.text.starts_with(word));
            if short && x - last_word > 44 && x < RIGHT - 30 {
                let below = (x - 1, lane.bottom + WORDS_BELOW);
                canvas.text(&mark.text, below, 11, INK, HPos::Left)?;
                last_word = x;
            }
        }
        Ok(())
    }

    fn cuts(&self, canvas: &Canvas<'_>) -> Drawn {
        for (n, cut) in self.timeline.cuts.iter().enumerate() {
            let x = self.x(cut.at);
            canvas.line(vec![(x, 26), (x, self.axis)], CUT, 2)?;
            let (across, beside) = if x > (LEFT + RIGHT) / 2 {
                (HPos::Right, -4)
            } else {
                (HPos::Left, 4)
            };
            // Two rows, for cuts that come close together.
            let y = 8 + (n as i32 % 2) * 13;
            let short = cut.text.split(" at ").next().unwrap_or_default();
            let late = cut.text.rsplit_once(", ");
            let shown = late.map_or(short.to_owned(), |(_, late)| {
                format!("{short} · {}", late.trim_end_matches(" after it was due"))
            });
            canvas.text(&shown, (x + beside, y), 13, CUT, across)?;
        }
        Ok(())
    }

    /// What can be pointed at, with its name.
    fn spot(&self, at: TimelineTime, top: i32, bottom: i32, name: &str) -> Markup {
        html! {
            rect.spot x=(self.x(at) - 4) y=(top) width="8" height=(bottom - top) { title { (name) } }
        }
    }

    /// What can be pointed at: each has a name and leads to its line.
    fn pointers(&self, has: &impl Fn(u64) -> bool) -> Markup {
        let pointer = |at: TimelineTime, top: i32, bottom: i32, text: &str| {
            let (seconds, file) = (plot::number(at.seconds), crate::journal::FILE);
            let spot = self.spot(
                at,
                top,
                bottom,
                &format!("{text} ({seconds} s, {file}:{})", at.seq + 1),
            );
            html! {
                @if has(at.seq) { a href=(format!("#e{}", at.seq)) tabindex="-1" { (spot) } } @else { (spot) }
            }
        };
        let edge = |level: &LineLevel, lane: Lane, on: &str, off: &str| {
            pointer(
                level.at,
                lane.top,
                lane.bottom,
                if level.active { on } else { off },
            )
        };
        let mark = |mark: &TimelineMark, lane: Lane| pointer(mark.at, lane.top, lane.bottom, &mark.text);
        let timeline = self.timeline;
        html! {
            @for level in &timeline.power { (edge(level, SUPPLY, "power on", "power off")) }
            @for level in &timeline.reset { (edge(level, RESET, "reset", "reset released")) }
            @for urc in &timeline.urcs { (mark(urc, MODULE)) }
            @for request in timeline.requests.iter().take(60) { (mark(request, SERVERS)) }
            @for cut in &timeline.cuts { (pointer(cut.at, 0, AXIS, &cut.text)) }
        }
    }
}
