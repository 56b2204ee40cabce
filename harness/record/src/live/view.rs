//! What a page shows, be it a run or a lab: in parts, each of which is replaced as a whole when something in it has changed.

use super::lab::{LabPart, LiveLab};
use super::{LiveHtml, LivePart, LiveRun, metrics, page};

/// Something that a page shows while it goes on.
pub trait LiveView {
    /// A part of the page.
    type Part: Copy + 'static;
    /// Every part, for whoever opens the page or has fallen behind.
    const WHOLE: &'static [Self::Part];
    /// The address of its JSON.
    const JSON: &'static str;

    /// The parts that have changed since this was last asked.
    fn take_changed(&mut self) -> Vec<Self::Part>;
    /// The id of a part's element.
    fn id(part: Self::Part) -> String;
    /// The HTML of a part at `now_ms`.
    fn part(&self, part: Self::Part, now_ms: u64) -> String;
    /// The whole page.
    fn page(&self, now_ms: u64) -> LiveHtml;
    /// The page of one case; nothing for one that is not known.
    fn case_page(&self, suite: &str, id: &str) -> Option<LiveHtml>;
    /// What the page knows, as JSON.
    fn json(&self, now_ms: u64) -> Result<String, serde_json::Error>;
    /// The gauges.
    fn metrics(&self, now_ms: u64) -> String;
}

impl LiveView for LiveRun {
    type Part = LivePart;
    const WHOLE: &'static [LivePart] = &LiveRun::WHOLE;
    const JSON: &'static str = "/api/run.json";

    fn take_changed(&mut self) -> Vec<LivePart> {
        let changed = self.take_changed();
        let all = changed.contains(&LivePart::Rigs);
        let is_told = |part: &LivePart| !(all && matches!(part, LivePart::Rig(_)));
        changed.into_iter().filter(is_told).collect()
    }

    fn id(part: LivePart) -> String {
        part.id()
    }

    fn part(&self, part: LivePart, now_ms: u64) -> String {
        self.part(part, now_ms)
    }

    fn page(&self, now_ms: u64) -> LiveHtml {
        self.page(now_ms)
    }

    fn case_page(&self, suite: &str, id: &str) -> Option<LiveHtml> {
        self.case_page(suite, id)
    }

    fn json(&self, now_ms: u64) -> Result<String, serde_json::Error> {
        self.json(now_ms)
    }

    fn metrics(&self, now_ms: u64) -> String {
        self.metrics(now_ms)
    }
}

impl LiveView for LiveLab {
    type Part = LabPart;
    const WHOLE: &'static [LabPart] = &LiveLab::WHOLE;
    const JSON: &'static str = "/api/lab.json";

    fn take_changed(&mut self) -> Vec<LabPart> {
        self.take_changed()
    }

    fn id(part: LabPart) -> String {
        part.id()
    }

    fn part(&self, part: LabPart, now_ms: u64) -> String {
        page::lab::part(self, part, now_ms)
    }

    fn page(&self, now_ms: u64) -> LiveHtml {
        page::lab::page(self, now_ms)
    }

    fn case_page(&self, _suite: &str, _id: &str) -> Option<LiveHtml> {
        None
    }

    fn json(&self, _now_ms: u64) -> Result<String, serde_json::Error> {
        self.json()
    }

    fn metrics(&self, _now_ms: u64) -> String {
        metrics::of_a_lab(&self.facts)
    }
}
