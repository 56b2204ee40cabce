//! The page of a run that goes on, in parts: each is replaced as a whole when something in it has changed.
//!
//! It has the look of the report, and works without its script: then the browser loads it again every few seconds. Its content
//! security policy allows its own style and script, by their digests, and the events of its own server.

mod case;
mod claim;
mod head;
pub(super) mod lab;
mod queue;
mod rigs;
mod verdicts;

use super::{LivePart, LiveRun};
use crate::report::html::{STYLE, digest, visible};
use dfota_core::verdict::Verdict;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const LIVE_STYLE: &str = include_str!("page/live.css");
const SCRIPT: &str = include_str!("page/live.js");
/// Seconds after which a browser without script loads the page again.
const RELOAD: u32 = 5;

/// A page, and the policy that its answer has to name.
#[derive(Debug, Clone)]
pub struct LiveHtml {
    pub html: String,
    pub policy: String,
}

impl LivePart {
    /// The id of its element.
    pub fn id(self) -> String {
        match self {
            Self::Head => "head".into(),
            Self::Rigs => "rigs".into(),
            Self::Rig(number) => format!("rig-{}", number + 1),
            Self::Queue => "queue".into(),
            Self::Verdicts => "verdicts".into(),
            Self::Claim => "claim".into(),
        }
    }
}

impl LiveRun {
    /// The whole page at `now_ms`.
    pub fn page(&self, now_ms: u64) -> LiveHtml {
        let body = html! {
            a.skip href="#main" { "To the run" }
            main.live #main {
                (head::write(self, now_ms))
                (rigs::all(self, now_ms))
                div.columns {
                    (verdicts::write(self))
                    div {
                        (claim::write(self))
                        (queue::write(self, now_ms))
                    }
                }
            }
            footer { p {
                "Made from the journal as it is written. Also as "
                a href="api/run.json" { "JSON" } " and as " a href="metrics" { "metrics" } "."
            } }
        };
        let reload = self.ended.is_none().then_some(Reload::WithoutScript);
        shell(self.name(), reload, &body)
    }

    /// A part of it, for whoever has the page open.
    pub fn part(&self, part: LivePart, now_ms: u64) -> String {
        let markup = match part {
            LivePart::Head => head::write(self, now_ms),
            LivePart::Rigs => rigs::all(self, now_ms),
            LivePart::Rig(number) => match self.tiles.get(number) {
                Some(tile) => rigs::tile(self, number, tile, now_ms),
                None => html! {},
            },
            LivePart::Queue => queue::write(self, now_ms),
            LivePart::Verdicts => verdicts::write(self),
            LivePart::Claim => claim::write(self),
        };
        visible(markup.into_string())
    }

    /// Every part, for whoever opens the page or has fallen behind.
    pub const WHOLE: [LivePart; 5] = [
        LivePart::Head,
        LivePart::Rigs,
        LivePart::Queue,
        LivePart::Verdicts,
        LivePart::Claim,
    ];

    /// The page of one case; nothing for one that is not known.
    pub fn case_page(&self, suite: &str, id: &str) -> Option<LiveHtml> {
        let case = self.cases.find(suite, id)?;
        let reload = case.records.open.then_some(Reload::Always);
        Some(shell(
            &format!("{id} · {}", self.name()),
            reload,
            &case::write(case),
        ))
    }

    fn name(&self) -> &str {
        self.started.as_deref().map_or("a run", |started| &started.run)
    }
}

/// A page around its body.
fn shell(title: &str, reload: Option<Reload>, body: &Markup) -> LiveHtml {
    let style = format!("{STYLE}{LIVE_STYLE}");
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        digest(&style),
        digest(SCRIPT),
    );
    let refresh = html! { meta http-equiv="refresh" content=(RELOAD); };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                @match reload {
                    Some(Reload::Always) => (refresh),
                    Some(Reload::WithoutScript) => noscript { (refresh) },
                    None => {}
                }
                title { (title) " · dfota-hil live" }
                style { (PreEscaped(style)) }
            }
            body {
                (body)
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    LiveHtml {
        html: visible(page.into_string()),
        policy,
    }
}

/// Which browsers load the page again by themselves.
#[derive(Debug, Clone, Copy)]
enum Reload {
    WithoutScript,
    Always,
}

/// The address of the page of a case, from the first page.
fn case_href(suite: &str, id: &str) -> String {
    format!("case/{}/{}", encoded(suite), encoded(id))
}

/// A part of a path, in which everything but the plainest letters is escaped.
fn encoded(text: &str) -> String {
    let mut path = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_".contains(&byte) {
            path.push(byte.into());
        } else {
            path += &format!("%{byte:02X}");
        }
    }
    path
}

fn badge(verdict: &Verdict) -> Markup {
    crate::report::html::look::try_badge(verdict)
}

/// A time that goes on: the script counts it up between two events.
fn clock(ms: u64, runs: bool) -> Markup {
    html! { span data-ms=[runs.then_some(ms)] { (super::short_time(ms)) } }
}
