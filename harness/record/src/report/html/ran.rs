//! What ran, with what, on what: rig checks, files, packages, command, machine. The rest stands in the head.

use super::book::Book;
use crate::report::Run;
use crate::report::campaigns::{self, CampaignReport, CutWindow, PoolReport, StratumReport};
use dfota_core::case::Package;
use dfota_core::event::FileFacts;
use dfota_core::pool::Stratum;
use dfota_core::rig_check::CheckOutcome;
use maud::{Markup, html};

/// The campaigns in figures; nothing for a run without.
pub fn campaigns(book: &Book<'_, '_>) -> Markup {
    let campaigns = campaigns::reports(book.run);
    let repeats = campaigns::repeats(book.run);
    html! {
        @if !campaigns.is_empty() || repeats.is_some() || book.run.bisected.is_some() {
            section #campaigns aria-labelledby="campaigns-head" {
                h2 #campaigns-head { "Campaigns" }
                @for campaign in &campaigns {
                    h3 { (campaign.campaign) }
                    (windows(campaign))
                    @if let Some(pool) = &campaign.pool { (modules(pool)) }
                }
                @if let Some(repeats) = repeats { p { (repeats) } }
                @if let Some(found) = book.run.bisected { p { "The search came to: " (found) } }
            }
        }
    }
}

/// The cuts of a campaign by the window of the update in which they landed.
fn windows(campaign: &CampaignReport) -> Markup {
    let tally = &campaign.tally;
    let confidence = campaign.confidence();
    let mut windows: Vec<CutWindow> = campaign.counted().collect();
    windows.push(campaign.all_counted("all of them"));
    windows.extend(campaign.directed());
    if tally.outside.cuts > 0 {
        windows.push(CutWindow::new(
            "outside the window",
            "made up for",
            tally.outside,
            None,
        ));
    }
    html! {
        div.scroll tabindex="0" role="region" aria-label=(format!("Cuts of {}", campaign.campaign)) {
            table {
                thead { tr {
                    th scope="col" { "Landed at" } th scope="col" { "Cuts" }
                    @for head in ["made", "bricked", "failed otherwise"] { th.number scope="col" { (head) } }
                    @for bound in ["lower", "upper"] {
                        th.number scope="col" { "brick rate, " (bound) " bound" @if let Some(confidence) = confidence { br; (confidence) " confidence for itself" } }
                    }
                } }
                tbody { @for window in &windows {
                    tr {
                        @let count = window.count;
                        th scope="row" { (window.name) } td { (window.kind) }
                        td.number { (count.cuts) } td.number { (count.bricks) } td.number { (count.failed - count.bricks) }
                        td.number { @if let Some(bounds) = window.bounds() { (bounds.above()) } }
                        td.number { @if let Some(bounds) = window.bounds() { (bounds.below()) } }
                    }
                } }
            }
        }
        @if !tally.earlier.is_empty() { p.quiet { "With the cuts of earlier runs: " (tally.earlier.join(", ")) "." } }
    }
}

/// The cuts of a claim by module, and what they say together.
fn modules(pool: &PoolReport) -> Markup {
    let is_of_several_runs = pool
        .strata
        .iter()
        .any(|module| !module.stratum.earlier.is_empty());
    html! {
        div.scroll tabindex="0" role="region" aria-label="Cuts by module" {
            table.modules {
                thead { tr {
                    @for head in ["Rig", "IMEI"] { th scope="col" { (head) } }
                    @for head in ["counted cuts", "bricked", "brick rate, upper bound", "slots not judged"] {
                        th.number scope="col" { (head) }
                    }
                    th scope="col" { "open attempts" }
                    @if is_of_several_runs { th scope="col" { "earlier runs" } }
                } }
                tbody { @for module in &pool.strata {
                    @let StratumReport { stratum, bound } = module;
                    tr {
                        th scope="row" { (stratum.name()) } td { (stratum.imei.as_deref().unwrap_or("not read")) }
                        td.number { (stratum.counted.cuts) } td.number { (stratum.counted.bricks) @if stratum.uncounted_bricks > 0 { " and " (stratum.uncounted_bricks) " not counted" } }
                        td.number { @if *bound < 1.0 { (format!("{:.3}%", bound * 100.0)) } @else { "none yet" } } td.number { (stratum.unjudged) }
                        td { (open_cases(stratum)) }
                        @if is_of_several_runs { td { (module.earlier_runs()) } }
                    }
                } }
            }
        }
        @if pool.strata.iter().any(|module| !open_cases(&module.stratum).is_empty()) {
            p.quiet { "An open attempt is a cut that was ordered and has no verdict: nobody knows what it did. The bounds hold whatever it did." }
        }
        @for sentence in &pool.sentences { p { (sentence) } }
    }
}

/// The rig's self-checks.
pub fn checks(book: &Book<'_, '_>) -> Markup {
    let checks = &book.run.rig_checks;
    html! {
        section #rig aria-labelledby="rig-head" {
            h2 #rig-head { "Checks of the rig" }
            @if checks.is_empty() { p { "The rig was not checked in this run." } }
            @for around in checks {
                @let (when, suite) = (around.when.name(), around.suite);
                @let failed = around.checks.iter().filter(|look| look.outcome == CheckOutcome::Fail).count();
                details.group open[failed > 0] {
                    summary {
                        h3 { (when) " " (suite) @if let Some(rig) = around.rig { " on " (rig) } } " "
                        @if failed > 0 { span.badge.error { "! " (failed) " failed" } } @else { span.badge.pass { "✓ sound" } }
                    }
                    div.scroll tabindex="0" role="region" aria-label=(format!("Checks of the rig {} {when} {suite}", around.rig.unwrap_or_default()).replace("  ", " ")) {
                        table {
                            thead { tr { th scope="col" { "Outcome" } th scope="col" { "What" } th scope="col" { "What was seen" } } }
                            tbody { @for look in around.checks {
                                tr {
                                    td { (outcome(look.outcome)) }
                                    th scope="row" { (look.probe.name()) }
                                    td { (look.seen) @if let Some(advice) = &look.advice { "; " (advice) } }
                                }
                            } }
                        }
                    }
                }
            }
        }
    }
}

fn outcome(outcome: CheckOutcome) -> Markup {
    match outcome {
        CheckOutcome::Ok => html! { span.badge.pass { "✓ ok" } },
        CheckOutcome::Fail => html! { span.badge.error { "! failed" } },
        CheckOutcome::Skip => html! { span.badge.skip { "– skipped" } },
    }
}

/// Suites, rig, packages, command, machine.
pub fn write(book: &Book<'_, '_>) -> Markup {
    let run = book.run;
    let started = run.started;
    html! {
        section #ran aria-labelledby="ran-head" {
            h2 #ran-head { "What ran" }
            dl.facts {
                dt { "Ended" }
                dd { @match run.ended {
                    Some(ended) => {
                        "exit code " (ended.exit) @if ended.interrupted { ", interrupted" }
                        @if ended.safe { "; the rig is in its safe state" } @else { "; the rig could not be made safe" }
                    }
                    None => { "it never ended: the harness was killed" }
                } }
                dt { "Machine" } dd { (started.host) }
                dt { "Command" } dd { code.command { "dfota-hil " (started.args.join(" ")) } }
            }
            h3 { "Packages" }
            div.scroll tabindex="0" role="region" aria-label="Packages" {
                table {
                    thead { tr { th scope="col" { "Name" } th scope="col" { "Suite" } th scope="col" { "From" } th scope="col" { "To" } th.number scope="col" { "Bytes" } th scope="col" { "SHA-256" } } }
                    tbody { @for package in packages(run) {
                        tr { th scope="row" { (package.name) } td { (suites_of(run, package)) } td { (package.from) } td { (package.to) } td.number { (package.bytes) } td { code.digest { (package.sha256) } } }
                    } }
                }
            }
            h3 { "Rig and suites" }
            @if run.fleet.is_fleet() { @for rig in &run.fleet.rigs { (file("Rig", &rig.facts.file)) } }
            @else { (file("Rig", &started.rig.file)) }
            @for suite in &started.suites { (file("Suite", suite)) }
        }
    }
}

/// The packages that the suites declare; one that several of them have is one.
fn packages<'a>(run: &Run<'a>) -> Vec<&'a Package> {
    let mut packages: Vec<&Package> = Vec::new();
    for package in &run.started.packages {
        if !packages.contains(&package) {
            packages.push(package);
        }
    }
    packages
}

/// The suites whose cases update by a package. Where no case does, the only suite has it.
fn suites_of(run: &Run<'_>, package: &Package) -> String {
    let mut suites: Vec<&str> = Vec::new();
    for case in &run.cases {
        if case.case.package == *package && !suites.contains(&case.case.suite.as_str()) {
            suites.push(&case.case.suite);
        }
    }
    match (&suites[..], &run.started.suites[..]) {
        ([], [only]) => only.name.clone(),
        ([], _) => "no case of this run updates by it".into(),
        _ => suites.join(", "),
    }
}

fn file(what: &str, file: &FileFacts) -> Markup {
    html! {
        details {
            summary { (what) " " code { (file.path) } ", SHA-256 " code.digest { (file.sha256) } }
            pre tabindex="0" { (file.text) }
        }
    }
}

/// Cases whose cut was ordered on the module, and of which nobody knows what they did.
fn open_cases(module: &Stratum) -> String {
    let all: Vec<&str> = module
        .open
        .iter()
        .chain(&module.uncounted_open)
        .map(String::as_str)
        .collect();
    all.join(", ")
}
