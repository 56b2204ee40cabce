//! Pictures: what the plotting library draws, as an `<svg>` that stands in the page.
//!
//! Colours are written as they print. The style sheet finds them again by their value and gives them another one in the
//! dark; see `style.css`.

use maud::{Markup, PreEscaped, html};
use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, RGBColor};
use std::ops::Range;

pub const INK: RGBColor = RGBColor(0x24, 0x29, 0x2f);
/// Grids and what matters less.
pub const FAINT: RGBColor = RGBColor(0xb8, 0xc0, 0xcc);
pub const QUIET: RGBColor = RGBColor(0x57, 0x60, 0x6a);
pub const TRANSFER: RGBColor = RGBColor(0x7a, 0x5a, 0xc8);
/// UPDATING, and the bars of histograms.
pub const UPDATE: RGBColor = RGBColor(0x1f, 0x6f, 0xd1);
pub const POWER: RGBColor = RGBColor(0x9a, 0x67, 0x00);
pub const DONE: RGBColor = RGBColor(0x1a, 0x7f, 0x37);
pub const CUT: RGBColor = RGBColor(0xcf, 0x22, 0x2e);

/// Pixels from the left and from the top, as the library has them.
type Point = (i32, i32);
/// What drawing gives; in memory it does not fail.
pub type Drawn<T = ()> = Result<T, DrawingAreaErrorKind<std::io::Error>>;

/// Where a picture is drawn, in pixels.
pub struct Canvas<'a>(DrawingArea<SVGBackend<'a>, Shift>);

impl Canvas<'_> {
    pub fn line(&self, points: Vec<Point>, colour: RGBColor, width: u32) -> Drawn {
        self.0.draw(&PathElement::new(points, colour.stroke_width(width)))
    }

    pub fn rect(&self, corners: [Point; 2], colour: impl Color) -> Drawn {
        self.0.draw(&Rectangle::new(corners, colour.filled()))
    }

    pub fn dot(&self, centre: Point, radius: i32, colour: RGBColor) -> Drawn {
        self.0.draw(&Circle::new(centre, radius, colour.filled()))
    }

    /// Words at the height of `at`, which is their beginning, middle or end.
    pub fn text(&self, text: &str, at: Point, size: u32, colour: RGBColor, across: HPos) -> Drawn {
        let font = ("sans-serif", size).into_font().color(&colour.to_rgba());
        let style = font.pos(Pos::new(across, VPos::Center));
        self.0.draw(&Text::new(text, at, style))
    }
}

/// Values along a line of pixels.
#[derive(Debug, Clone)]
pub struct Scale {
    pub values: Range<f64>,
    /// Where the first and the last value lie.
    pub pixels: [i32; 2],
}

impl Scale {
    pub fn at(&self, value: f64) -> i32 {
        let [first, last] = self.pixels;
        let share = (value - self.values.start) / (self.values.end - self.values.start);
        first + (share * f64::from(last - first)).round() as i32
    }

    /// Steps of 1, 2 or 5 times a power of ten: about `wanted` of them.
    pub fn ticks(&self, wanted: f64) -> Vec<f64> {
        let Range { start, end } = self.values;
        let step = step(end - start, wanted);
        let first = (start / step).ceil() as i64;
        let last = (end / step + 1e-9).floor() as i64;
        (first..=last).take(200).map(|n| n as f64 * step).collect()
    }
}

/// The picture; `label` is what is read aloud in its place, what `draw` gives lies on it.
pub fn picture(
    width: u32,
    height: u32,
    label: &str,
    draw: impl FnOnce(&Canvas<'_>) -> Drawn<Markup>,
) -> Markup {
    let mut svg = String::new();
    let over = {
        let canvas = Canvas(SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area());
        draw(&canvas).and_then(|over| canvas.0.present().map(|()| over))
    };
    let Ok(over) = over else {
        return html! { p { "This picture could not be drawn." } };
    };
    html! {
        div.picture tabindex="0" role="region" aria-label=(label) {
            svg viewBox=(format!("0 0 {width} {height}")) width=(width) height=(height) role="img" aria-label=(label) {
                (PreEscaped(inside(&svg)))
                (over)
            }
        }
    }
}

/// What stands between the library's own `<svg …>` and its end.
fn inside(svg: &str) -> &str {
    let from = svg.find('>').map_or(0, |at| at + 1);
    let to = svg.rfind("</svg>").unwrap_or(svg.len());
    svg.get(from..to).unwrap_or_default().trim()
}

/// The step of [`Scale::ticks`].
pub fn step(span: f64, wanted: f64) -> f64 {
    let raw = (span / wanted).max(1e-9);
    let power = 10f64.powf(raw.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|factor| factor * power >= raw * 0.999)
        .unwrap_or(10.0);
    factor * power
}

/// A number without digits that say nothing.
pub fn number(value: f64) -> String {
    let digits: usize = match value.abs() {
        0.0 => 0,
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let ticks = |end, wanted| {
            Scale {
                values: 0.0..end,
                pixels: [0, 100],
            }
            .ticks(wanted)
        };
        assert_eq!(ticks(10.0, 5.0), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks(0.9, 4.0), [0.0, 0.5]);
        assert_eq!(number(0.25), "0.25");
        assert_eq!(number(1500.4), "1500");
        assert_eq!(number(20.0), "20");
    }
}
