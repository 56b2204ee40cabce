//! A run, or a lab, in the text format of Prometheus: gauges alone, for a run begins and ends.

use super::LiveRun;
use super::cases::LiveCounts;
use super::lab::{LabFacts, LabRigWord, LabRunWord};
use super::queue::LiveBatchState;
use super::remaining;
use super::tile::LiveRigState;
use std::fmt::Write;

/// What the answer is called in `Content-Type`.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes one family of metrics after the other.
#[derive(Default)]
struct Exposition(String);

impl Exposition {
    fn family(&mut self, name: &str, help: &str) {
        let _ = writeln!(
            self.0,
            "# HELP dfota_hil_{name} {help}\n# TYPE dfota_hil_{name} gauge"
        );
    }

    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, text)| format!("{label}=\"{}\"", escaped(text)))
            .collect();
        let labels = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", labels.join(","))
        };
        let _ = writeln!(self.0, "dfota_hil_{name}{labels} {value}");
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

impl LiveRun {
    /// The gauges.
    pub fn metrics(&self, now_ms: u64) -> String {
        let mut to = Exposition::default();
        self.of_the_run(&mut to, now_ms);
        cases(&mut to, &[(None, self.cases.counts())]);
        self.of_the_rigs(&mut to, now_ms);
        to.family("batches", "Batches of a run on several rigs, by state.");
        for state in LiveBatchState::ALL {
            to.value("batches", &[("state", state.word())], self.queue.count(state));
        }
        self.of_the_claims(&mut to);
        to.0
    }

    fn of_the_run(&self, to: &mut Exposition, now_ms: u64) {
        let started = self.started.as_deref();
        let [run, tool] = started.map_or([""; 2], |started| [&started.run, &started.tool]);
        to.family("run_info", "The run, always 1.");
        to.value("run_info", &[("run", run), ("version", tool)], 1);
        to.family("run_seconds", "How long the run has taken.");
        to.value("run_seconds", &[], self.took_ms(now_ms) as f64 / 1e3);
        if let Some(left) = remaining::time_left(self, now_ms) {
            to.family("run_seconds_left", "How long it is likely to go on.");
            to.value("run_seconds_left", &[], left.ms as f64 / 1e3);
        }
        to.family("run_ended", "1 once the run is over.");
        to.value("run_ended", &[], u8::from(self.ended.is_some()));
    }

    fn of_the_rigs(&self, to: &mut Exposition, now_ms: u64) {
        to.family("rigs", "Rigs by state.");
        for state in LiveRigState::ALL {
            let count = self.tiles.iter().filter(|tile| tile.state == state).count();
            to.value("rigs", &[("state", state.word())], count);
        }
        to.family(
            "flash_updates",
            "Updates that the flash of a rig's modules has seen in this run.",
        );
        for tile in &self.tiles {
            to.value("flash_updates", &[("rig", &tile.name)], tile.wear());
        }
        to.family("case_seconds", "How long a rig has been at its present case.");
        for tile in &self.tiles {
            let since = tile.present.as_ref().map_or(now_ms, |present| present.began_ms);
            let seconds = now_ms.saturating_sub(since) as f64 / 1e3;
            to.value("case_seconds", &[("rig", &tile.name)], seconds);
        }
    }

    fn of_the_claims(&self, to: &mut Exposition) {
        let views = self.claims.views();
        let mut family =
            |name: &str, help: &str, value: &dyn Fn(&super::claims::ClaimView) -> Option<u64>| {
                to.family(name, help);
                for view in &views {
                    let labels = [
                        ("suite", view.report.suite.as_str()),
                        ("campaign", view.report.campaign.as_str()),
                    ];
                    if let Some(value) = value(view) {
                        to.value(name, &labels, value);
                    }
                }
            };
        family(
            "claim_counted_cuts",
            "Cuts that count for a claim so far.",
            &|view| Some(view.report.counted_cuts().cuts.into()),
        );
        family("claim_needed_cuts", "Cuts that have to count.", &|view| {
            view.needed.map(u64::from)
        });
        family("claim_bricks", "Counted cuts that bricked a module.", &|view| {
            Some(view.report.counted_cuts().bricks.into())
        });
        family(
            "claim_open_attempts",
            "Cuts that were ordered on a rig that then stopped, and of which nobody knows what they did.",
            &|view| Some(view.open as u64),
        );
    }
}

/// The cases of runs; with several, each is named.
fn cases(to: &mut Exposition, runs: &[(Option<&str>, LiveCounts)]) {
    to.family(
        "cases",
        "Cases by verdict; `running` and `planned` have none yet.",
    );
    for (run, counts) in runs {
        for (verdict, count) in by_verdict(*counts) {
            to.value("cases", &labelled(*run, &[("verdict", verdict)]), count);
        }
    }
    to.family("bricks", "Cases whose outcome is a brick.");
    for (run, counts) in runs {
        to.value("bricks", &labelled(*run, &[]), counts.bricks);
    }
}

fn labelled<'l>(run: Option<&'l str>, more: &[(&'l str, &'l str)]) -> Vec<(&'l str, &'l str)> {
    let run = run.map(|run| ("run", run));
    run.into_iter().chain(more.iter().copied()).collect()
}

fn by_verdict(counts: LiveCounts) -> [(&'static str, usize); 8] {
    let LiveCounts {
        planned,
        pass,
        fail,
        error,
        inconclusive,
        skip,
        not_reached,
        bricks: _,
        running,
    } = counts;
    let ahead = planned.saturating_sub(counts.over() + skip + running);
    [
        ("pass", pass),
        ("fail", fail),
        ("error", error),
        ("inconclusive", inconclusive),
        ("skip", skip),
        ("not-reached", not_reached),
        ("running", running),
        ("planned", ahead),
    ]
}

/// The gauges of a lab.
pub(super) fn of_a_lab(lab: &LabFacts) -> String {
    let mut to = Exposition::default();
    to.family("lab_connected", "1 while the server of the lab is reached.");
    to.value("lab_connected", &[], u8::from(lab.connected));
    to.family("lab_rigs", "Rigs of the lab by state.");
    for state in LabRigWord::ALL {
        let count = lab.rigs.iter().filter(|rig| rig.state == state).count();
        to.value("lab_rigs", &[("state", state.word())], count);
    }
    to.family("lab_rig_state", "What a rig of the lab does, always 1.");
    for rig in &lab.rigs {
        let run = rig.run.as_deref().unwrap_or_default();
        let labels = [
            ("rig", rig.rig.as_str()),
            ("state", rig.state.word()),
            ("run", run),
        ];
        to.value("lab_rig_state", &labels, 1);
    }
    to.family("lab_runs", "Runs that the lab knows, by state.");
    for state in LabRunWord::ALL {
        let count = lab.runs.iter().filter(|run| run.state == state).count();
        to.value("lab_runs", &[("state", state.word())], count);
    }
    let counted: Vec<(Option<&str>, LiveCounts)> = lab
        .runs
        .iter()
        .filter_map(|run| Some((Some(run.run.as_str()), run.cases?)))
        .collect();
    cases(&mut to, &counted);
    to.0
}
