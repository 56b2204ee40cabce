//! `report.html`: the run for people, in one file that needs nothing else.
//!
//! The page works without its script, which only filters the list and enlarges pictures, and asks nothing of any network:
//! its content security policy allows its own style and its own script, by their digests, and nothing more. Every text out
//! of the journal is escaped by the templates; control characters are made visible first (`visible`).

pub mod book;
pub mod cases;
pub mod distributions;
pub mod drawing;
pub mod failures;
pub mod head;
pub mod histogram;
pub mod look;
pub mod map;
pub mod place;
pub mod plot;
pub mod ran;
pub mod timeline;
pub mod trend;

use super::Run;
use super::junit::xml_text;
use base64ct::{Base64, Encoding};
use book::Book;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

pub(crate) const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

pub fn write(run: &Run<'_>) -> String {
    let book = Book::new(run);
    let body = html! {
        a.skip href="#main" { "To the report" }
        (contents(&book))
        main #main {
            (head::write(&book))
            (map::write(&book))
            (failures::write(&book))
            (ran::campaigns(&book))
            (distributions::write(&book))
            (cases::details(&book))
            (cases::list(&book))
            (ran::checks(&book))
            (ran::write(&book))
        }
        footer { p { "Made from " code { (crate::journal::FILE) } " alone. End of the report." } }
    };
    page(&run.started.run, &run.started.tool, Some(SCRIPT), &body)
}

/// A page of the name, as this version of the program makes it. It allows its own style and its own script alone.
pub fn page(name: &str, tool: &str, script: Option<&str>, body: &Markup) -> String {
    let style = format!("{STYLE}{}", page_margins(name));
    let scripts = script.map_or("'none'".to_owned(), |script| {
        format!("'sha256-{}'", digest(script))
    });
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src {scripts}; base-uri 'none'; form-action 'none'",
        digest(&style),
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(format!("dfota-hil {tool}"));
                title { (name) " · dfota-hil report" }
                style { (PreEscaped(style)) }
            }
            body {
                (body)
                @if let Some(script) = script { script { (PreEscaped(script)) } }
            }
        }
    };
    visible(page.into_string())
}

fn contents(book: &Book<'_, '_>) -> Markup {
    let links = [
        ("map", "Map"),
        ("failures", "Not passed"),
        ("measurements", "Measurements"),
        ("timelines", "Timelines"),
        ("cases", "All cases"),
        ("rig", "Rig"),
        ("ran", "What ran"),
    ];
    html! {
        nav aria-label="Contents" {
            @if book.run.started.rig.simulated { strong.simulated { "SIMULATED" } " " }
            ul { @for (name, text) in links { li { a href=(format!("#{name}")) { (text) } } } }
        }
    }
}

/// Control characters as `\x1b`. HTML can hold them no more than XML can, and none of them is markup: the whole page can be
/// made visible at once.
pub(crate) fn visible(page: String) -> String {
    let plain = |c: char| c == '\n' || c == '\t' || !(c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'));
    if page.chars().all(plain) {
        page
    } else {
        xml_text(&page)
    }
}

/// What stands on every printed page. The name of the run is the only text out of the journal that is in the style: of
/// anything but letters, digits, `.`, `_` and `-`, it keeps a `?`.
fn page_margins(run: &str) -> String {
    let known = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let name: String = run
        .chars()
        .take(80)
        .map(|c| if known(c) { c } else { '?' })
        .collect();
    format!(
        "@page{{@top-left{{content:\"dfota-hil report · {name}\"}}@bottom-right{{content:counter(page) \" / \" counter(pages)}}}}"
    )
}

/// The digest of an inline style or script as a content security policy names it: SHA-256 in Base64.
pub(crate) fn digest(text: &str) -> String {
    Base64::encode_string(&Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_cannot_leave_the_style() {
        let margins = super::page_margins("a\"}</style><script>");
        assert!(!margins.contains("</") && margins.contains("a?"), "{margins}");
    }
}
