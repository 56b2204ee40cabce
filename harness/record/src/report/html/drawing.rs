//! The timeline of a case as a picture.

use super::plot::{self, Area, CUT, DONE, FAINT, INK, POWER, QUIET, TRANSFER, UPDATE, words};
use super::timeline::{At, Level, Mark, Stage, Timeline};
use maud::{Markup, html};
use plotters::drawing::DrawingAreaErrorKind;
use plotters::element::{PathElement, Rectangle, Text};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, RGBColor, ShapeStyle};

type Failed = DrawingAreaErrorKind<std::io::Error>;

const WIDTH: u32 = 980;
const HEIGHT: u32 = 312;
/// Where the time axis begins and ends.
const LEFT: i32 = 92;
const RIGHT: i32 = WIDTH as i32 - 14;
/// Top and bottom of each lane.
const STAGE: (i32, i32) = (34, 54);
const PERCENT: (i32, i32) = (64, 158);
const POWER_LANE: (i32, i32) = (170, 188);
const RESET_LANE: (i32, i32) = (198, 212);
const SAID: (i32, i32) = (222, 232);
const SERVER: (i32, i32) = (252, 266);
const AXIS: i32 = 278;
/// How far below a lane its words are.
const WORDS_BELOW: i32 = 9;

/// The lanes of a log, which knows nothing of the supply, the lines and the servers.
const LOG_HEIGHT: u32 = 266;
const LOG_SUPPLY: (i32, i32) = (170, 188);
const LOG_SAID: (i32, i32) = (198, 208);
const LOG_AXIS: i32 = 232;

/// The picture. What lies under the pointer is named, and leads to its line in the excerpt of the transcript, where that
/// has it (`has`).
pub fn draw(timeline: &Timeline, name: &str, has: impl Fn(u64) -> bool) -> Markup {
    let scale = Scale {
        end: timeline.end.max(1e-3),
        axis: AXIS,
        unit: Unit::Seconds,
    };
    let label = format!("Timeline of {name}: {}", told(timeline));
    plot::picture((WIDTH, HEIGHT), &label, |area| {
        let names = [
            ("phase", STAGE),
            ("percent", PERCENT),
            ("supply", POWER_LANE),
            ("reset, key", RESET_LANE),
            ("module", SAID),
            ("servers", SERVER),
        ];
        lanes(area, &scale, &names)?;
        stages(area, &scale, timeline)?;
        percents(area, &scale, timeline)?;
        level(area, &scale, &timeline.power, POWER_LANE, POWER, timeline.end)?;
        level(area, &scale, &timeline.reset, RESET_LANE, INK, timeline.end)?;
        level(area, &scale, &timeline.pwrkey, RESET_LANE, QUIET, timeline.end)?;
        ticks(area, &scale, &timeline.urcs, SAID, UPDATE)?;
        ticks(area, &scale, &timeline.requests, SERVER, TRANSFER)?;
        cuts(area, &scale, &timeline.cuts)?;
        missed(area, timeline)?;
        Ok(pointers(&scale, timeline, &has))
    })
}

/// What the axis of a log counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unit {
    /// Seconds since the picture's beginning.
    Seconds,
    /// Lines of a log without time stamps, from this one on.
    Lines(f64),
}

impl Unit {
    fn shown(self, value: f64) -> String {
        match self {
            Self::Seconds => format!("{} s", plot::number(value)),
            Self::Lines(first) => format!("line {}", plot::number(first + value)),
        }
    }
}

/// The picture of an update out of a log. Its resets stand where a run has its cuts; numbers are lines of the log.
pub fn draw_log(timeline: &Timeline, name: &str, unit: Unit) -> Markup {
    let scale = Scale {
        // Room for the words at the last mark.
        end: timeline.end.max(1e-3) * 1.05,
        axis: LOG_AXIS,
        unit,
    };
    let resets: Vec<&str> = timeline.cuts.iter().map(|reset| reset.text.as_str()).collect();
    let resets = if resets.is_empty() {
        "no reset".to_owned()
    } else {
        resets.join("; ")
    };
    let label = format!("Timeline of {name}, out of a log: {resets}. The steps follow as a table.");
    plot::picture((WIDTH, LOG_HEIGHT), &label, |area| {
        let names = [
            ("phase", STAGE),
            ("percent", PERCENT),
            ("supply", LOG_SUPPLY),
            ("module", LOG_SAID),
        ];
        lanes(area, &scale, &names)?;
        let middle = (LEFT + 4, (LOG_SUPPLY.0 + LOG_SUPPLY.1) / 2);
        text(area, "a log does not tell", middle, (12, QUIET, HPos::Left))?;
        stages(area, &scale, timeline)?;
        percents(area, &scale, timeline)?;
        ticks(area, &scale, &timeline.urcs, LOG_SAID, UPDATE)?;
        cuts(area, &scale, &timeline.cuts)?;
        let spot = |mark: &Mark, (top, bottom): (i32, i32)| {
            let x = scale.x(mark.at.seconds) - 4;
            html! {
                rect.spot x=(x) y=(top) width="8" height=(bottom - top) {
                    title { (mark.text) " (line " (mark.at.seq) ")" }
                }
            }
        };
        Ok(html! {
            @for mark in &timeline.urcs { (spot(mark, LOG_SAID)) }
            @for mark in &timeline.cuts { (spot(mark, (0, LOG_AXIS))) }
        })
    })
}

/// The picture in a sentence, for those who do not see it.
fn told(timeline: &Timeline) -> String {
    let cuts = timeline.cuts.iter().chain(&timeline.missed);
    let cuts: Vec<&str> = cuts.map(|cut| cut.text.as_str()).collect();
    let cuts = if cuts.is_empty() {
        "no cut".to_owned()
    } else {
        cuts.join("; ")
    };
    format!(
        "{} seconds of the module's time, {cuts}. The moments follow as a list.",
        plot::number(timeline.end)
    )
}

struct Scale {
    end: f64,
    /// Where the axis of time lies.
    axis: i32,
    unit: Unit,
}

impl Scale {
    fn x(&self, seconds: f64) -> i32 {
        LEFT + (seconds / self.end * f64::from(RIGHT - LEFT)).round() as i32
    }
}

fn percent_y(percent: f64) -> i32 {
    PERCENT.1 - (percent / 100.0 * f64::from(PERCENT.1 - PERCENT.0)).round() as i32
}

fn thin(colour: RGBColor) -> ShapeStyle {
    colour.stroke_width(1)
}

fn line(area: &Area<'_>, points: Vec<(i32, i32)>, style: ShapeStyle) -> Result<(), Failed> {
    area.draw(&PathElement::new(points, style))
}

fn text(
    area: &Area<'_>,
    text: &str,
    at: (i32, i32),
    (size, colour, across): (u32, RGBColor, HPos),
) -> Result<(), Failed> {
    area.draw(&Text::new(text.to_owned(), at, words(size, colour, across)))
}

/// Names of the lanes, and the axis of time.
fn lanes(area: &Area<'_>, scale: &Scale, names: &[(&str, (i32, i32))]) -> Result<(), Failed> {
    for &(name, (top, bottom)) in names {
        text(
            area,
            name,
            (LEFT - 10, (top + bottom) / 2),
            (13, QUIET, HPos::Right),
        )?;
    }
    for percent in [0.0, 50.0, 100.0] {
        let y = percent_y(percent);
        line(area, vec![(LEFT, y), (RIGHT, y)], thin(FAINT))?;
    }
    line(area, vec![(LEFT, scale.axis), (RIGHT, scale.axis)], thin(QUIET))?;
    for seconds in plot::ticks(0.0, scale.end, 9.0) {
        let x = scale.x(seconds);
        line(area, vec![(x, scale.axis), (x, scale.axis + 5)], thin(QUIET))?;
        let shown = scale.unit.shown(seconds);
        text(area, &shown, (x, scale.axis + 14), (12, QUIET, HPos::Center))?;
    }
    Ok(())
}

fn colour(stage: Stage) -> RGBColor {
    match stage {
        Stage::Transfer => TRANSFER,
        Stage::Ordered | Stage::Off => FAINT,
        Stage::Update => UPDATE,
        Stage::Done => DONE,
    }
}

fn stages(area: &Area<'_>, scale: &Scale, timeline: &Timeline) -> Result<(), Failed> {
    let ends = timeline.stages.iter().skip(1).map(|(at, _)| *at);
    for ((from, stage), to) in timeline.stages.iter().zip(ends.chain([timeline.end])) {
        let Some(stage) = stage else { continue };
        let (left, right) = (scale.x(*from), scale.x(to).max(scale.x(*from) + 1));
        let colour = colour(*stage);
        area.draw(&Rectangle::new(
            [(left, STAGE.0), (right, STAGE.1)],
            colour.mix(0.25).filled(),
        ))?;
        line(area, vec![(left, STAGE.0), (left, STAGE.1)], thin(colour))?;
        let room = right - left;
        if room > 8 * stage.name().len() as i32 {
            let middle = ((left + right) / 2, (STAGE.0 + STAGE.1) / 2);
            text(area, stage.name(), middle, (12, INK, HPos::Center))?;
        }
    }
    Ok(())
}

fn percents(area: &Area<'_>, scale: &Scale, timeline: &Timeline) -> Result<(), Failed> {
    for (stage, points) in &timeline.percents {
        let drawn: Vec<(i32, i32)> = points
            .iter()
            .map(|(at, percent)| (scale.x(*at), percent_y(*percent)))
            .collect();
        let (Some(first), Some(last)) = (drawn.first().copied(), drawn.last().copied()) else {
            continue;
        };
        line(area, drawn, colour(*stage).stroke_width(2))?;
        for ((x, y), percent) in [(first, points[0].1), (last, points[points.len() - 1].1)] {
            area.draw(&Rectangle::new(
                [(x - 2, y - 2), (x + 2, y + 2)],
                colour(*stage).filled(),
            ))?;
            let y = if percent > 80.0 { y + 11 } else { y - 9 };
            let shown = format!("{} %", plot::number(percent));
            text(area, &shown, (x + 5, y), (11, QUIET, HPos::Left))?;
            if drawn_once(first, last) {
                break;
            }
        }
    }
    Ok(())
}

/// First and last are so near that one name will do.
fn drawn_once(first: (i32, i32), last: (i32, i32)) -> bool {
    (first.0 - last.0).abs() < 30 && (first.1 - last.1).abs() < 14
}

/// A line's level: high is active.
fn level(
    area: &Area<'_>,
    scale: &Scale,
    levels: &[Level],
    (top, bottom): (i32, i32),
    colour: RGBColor,
    end: f64,
) -> Result<(), Failed> {
    let y = |active: bool| if active { top } else { bottom };
    let Some((_, first)) = levels.first() else {
        return line(area, vec![(LEFT, bottom), (RIGHT, bottom)], thin(FAINT));
    };
    // Before the first edge it was at the other level.
    let mut points = vec![(LEFT, y(!first))];
    for (at, active) in levels {
        let x = scale.x(at.seconds);
        points.extend([(x, y(!active)), (x, y(*active))]);
    }
    let last = points[points.len() - 1].1;
    points.push((scale.x(end), last));
    line(area, points, colour.stroke_width(2))
}

fn ticks(
    area: &Area<'_>,
    scale: &Scale,
    marks: &[Mark],
    (top, bottom): (i32, i32),
    colour: RGBColor,
) -> Result<(), Failed> {
    let mut last_word = i32::MIN / 2;
    for mark in marks {
        let x = scale.x(mark.at.seconds);
        line(area, vec![(x, top), (x, bottom)], thin(colour))?;
        let short = ["RDY", "END,", "START"]
            .iter()
            .any(|word| mark.text.starts_with(word));
        if short && x - last_word > 44 && x < RIGHT - 30 {
            text(
                area,
                &mark.text,
                (x - 1, bottom + WORDS_BELOW),
                (11, INK, HPos::Left),
            )?;
            last_word = x;
        }
    }
    Ok(())
}

fn cuts(area: &Area<'_>, scale: &Scale, cuts: &[Mark]) -> Result<(), Failed> {
    for (n, cut) in cuts.iter().enumerate() {
        let x = scale.x(cut.at.seconds);
        line(area, vec![(x, 26), (x, scale.axis)], CUT.stroke_width(2))?;
        let (across, beside) = if x > (LEFT + RIGHT) / 2 {
            (HPos::Right, -4)
        } else {
            (HPos::Left, 4)
        };
        // Two rows, for cuts that come close together.
        let y = 8 + (n as i32 % 2) * 13;
        let short = cut.text.split(" at ").next().unwrap_or_default();
        let late = cut
            .text
            .rsplit_once(", ")
            .map_or("", |(_, late)| late.trim_end_matches(" after it was due"));
        let shown = if late.is_empty() {
            short.to_owned()
        } else {
            format!("{short} · {late}")
        };
        text(area, &shown, (x + beside, y), (13, CUT, across))?;
    }
    Ok(())
}

/// Cuts that were not made have words at the edge and no line: nothing happened then.
fn missed(area: &Area<'_>, timeline: &Timeline) -> Result<(), Failed> {
    for (n, cut) in timeline.missed.iter().enumerate() {
        let row = (timeline.cuts.len() + n) as i32 % 2;
        let at = (LEFT, 8 + row * 13);
        text(area, &cut.text, at, (13, QUIET, HPos::Left))?;
    }
    Ok(())
}

/// What can be pointed at: each has a name and leads to its line.
fn pointers(scale: &Scale, timeline: &Timeline, has: &impl Fn(u64) -> bool) -> Markup {
    let pointer = |at: At, (top, bottom): (i32, i32), text: &str| {
        let x = scale.x(at.seconds) - 4;
        let height = bottom - top;
        let spot = html! {
            rect.spot x=(x) y=(top) width="8" height=(height) {
                title { (text) " (" (plot::number(at.seconds)) " s, " (crate::journal::FILE) ":" (at.seq + 1) ")" }
            }
        };
        html! {
            @if has(at.seq) { a href=(format!("#e{}", at.seq)) tabindex="-1" { (spot) } } @else { (spot) }
        }
    };
    html! {
        @for (at, on) in &timeline.power { (pointer(*at, POWER_LANE, if *on { "power on" } else { "power off" })) }
        @for (at, on) in &timeline.reset { (pointer(*at, RESET_LANE, if *on { "reset" } else { "reset released" })) }
        @for mark in &timeline.urcs { (pointer(mark.at, SAID, &mark.text)) }
        @for mark in timeline.requests.iter().take(60) { (pointer(mark.at, SERVER, &mark.text)) }
        @for mark in &timeline.cuts { (pointer(mark.at, (0, AXIS), &mark.text)) }
    }
}
