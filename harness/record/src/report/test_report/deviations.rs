//! Additions to, deviations and exclusions from the method: whatever a reader of the suite alone would not expect.

use crate::report::{CaseRun, Run, campaigns};
use crate::shell_word::shell_word;
use dfota_core::event::TryEnded;
use dfota_core::rig_check::CheckOutcome;
use dfota_core::verdict::{Rule, Verdict};
use serde::Serialize;
use std::collections::BTreeMap;

/// Flags of `run` that change what is run, or when it ends, and what each does.
const OVERRIDES: [(&str, &str); 8] = [
    ("--filter", "only cases that match were selected"),
    ("--tag", "only cases with a tag were selected"),
    ("--shard", "only a share of the cases was selected"),
    ("--cut", "a cut was made in place of the suite's own"),
    ("--repeat", "each case was run several times"),
    (
        "--fail-fast",
        "the run was to end at the first case that does not pass",
    ),
    ("--max-time", "no further case was to be begun after a time"),
    ("--over-budget", "the rig's budget of flash updates was set aside"),
];

/// So many cases are named; of more the number is given, and all are in the list of results.
const NAMED: usize = 8;

/// One kind of deviation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deviation {
    pub kind: &'static str,
    /// What happened, one thing each.
    pub what: Vec<String>,
}

/// All of them, without the kinds of which there are none.
pub(super) fn deviations(run: &Run<'_>) -> Vec<Deviation> {
    let kinds = [
        ("Overrides on the command line", overrides(&run.started.args)),
        ("Cases left out", left_out(run)),
        ("Cases not reached", not_reached(run)),
        ("Cases not decided", not_decided(run)),
        ("Retries", retries(run)),
        ("Module restored", restored(run)),
        ("Cuts made up for", made_up_for(run)),
        ("Rig", rig(run)),
        ("End of the run", end(run)),
    ];
    let some = kinds.into_iter().filter(|(_, what)| !what.is_empty());
    some.map(|(kind, what)| Deviation { kind, what }).collect()
}

/// A command line as it can be typed again.
pub(super) fn command_line(args: &[String]) -> String {
    let words: Vec<String> = args.iter().map(|arg| shell_word(arg)).collect();
    format!("dfota-hil {}", words.join(" "))
}

fn overrides(args: &[String]) -> Vec<String> {
    let mut seen = Vec::new();
    for (at, arg) in args.iter().enumerate() {
        let (name, value) = arg
            .split_once('=')
            .map_or((arg.as_str(), None), |(name, value)| (name, Some(value)));
        let Some((flag, means)) = OVERRIDES.iter().find(|(flag, _)| *flag == name) else {
            continue;
        };
        let lone = ["--fail-fast", "--over-budget"].contains(flag);
        let value = value.or_else(|| args.get(at + 1).map(String::as_str).filter(|_| !lone));
        let value = value.map_or(String::new(), |value| format!(" {}", shell_word(value)));
        seen.push(format!("`{flag}{value}`: {means}"));
    }
    seen
}

fn left_out(run: &Run<'_>) -> Vec<String> {
    let mut reasons: BTreeMap<&str, Vec<&CaseRun<'_>>> = BTreeMap::new();
    for case in &run.cases {
        if let Verdict::Skip { reason } = &case.verdict {
            reasons.entry(reason).or_default().push(case);
        }
    }
    reasons
        .iter()
        .map(|(reason, cases)| format!("{}: {reason}", named(cases)))
        .collect()
}

fn not_reached(run: &Run<'_>) -> Vec<String> {
    let cases: Vec<&CaseRun<'_>> = run
        .cases
        .iter()
        .filter(|case| case.verdict == Verdict::NotReached)
        .collect();
    if cases.is_empty() {
        return Vec::new();
    }
    let cause = run.why_not_reached().unwrap_or("the run ended before them");
    vec![format!("{}: {cause}", named(&cases))]
}

/// By rule: a whole night of one cause is one line.
fn not_decided(run: &Run<'_>) -> Vec<String> {
    let mut rules: BTreeMap<(&str, Rule), Vec<&CaseRun<'_>>> = BTreeMap::new();
    for case in &run.cases {
        if let Verdict::Error(finding) | Verdict::Inconclusive(finding) = &case.verdict {
            rules
                .entry((case.verdict.name(), finding.rule))
                .or_default()
                .push(case);
        }
    }
    let line = |((verdict, rule), cases): (&(&str, Rule), &Vec<&CaseRun<'_>>)| {
        format!("{}: {verdict}, `{rule}`: {}", named(cases), rule.meaning())
    };
    rules.iter().map(line).collect()
}

/// By cause: a campaign can have hundreds of one kind. How many tries each case took is in the list of results.
fn retries(run: &Run<'_>) -> Vec<String> {
    let mut causes: BTreeMap<(String, &str), Vec<(&CaseRun<'_>, &TryEnded)>> = BTreeMap::new();
    for case in &run.cases {
        for tried in &case.earlier {
            let rule = tried.verdict.finding().map(|finding| finding.rule);
            let cause = rule.map_or(String::new(), |rule| format!(", `{rule}`"));
            let cause = (format!("{}{cause}", tried.verdict.name()), tried.again.as_str());
            causes.entry(cause).or_default().push((case, tried));
        }
    }
    let mut lines: Vec<String> = causes
        .iter()
        .map(|((how, why), tries)| again(how, why, tries))
        .collect();
    let flaky = run.flaky();
    if flaky > 0 {
        lines.push(format!(
            "{flaky} of the cases that passed did not pass at the first try"
        ));
    }
    lines
}

fn again(how: &str, why: &str, tries: &[(&CaseRun<'_>, &TryEnded)]) -> String {
    let which = match tries {
        [(case, tried)] => {
            let finding = tried.verdict.finding();
            let seen = finding.map_or(String::new(), |finding| format!(" ({})", finding.sentence));
            format!("try {} of {}: {how}{seen}", tried.number, case.case.id)
        }
        _ => {
            let mut cases: Vec<&CaseRun<'_>> = tries.iter().map(|(case, _)| *case).collect();
            cases.dedup_by_key(|case| &case.case.id);
            format!("{} tries of {}: {how}", tries.len(), named(&cases))
        }
    };
    format!("{which}; tried again: {why}")
}

fn restored(run: &Run<'_>) -> Vec<String> {
    let after = |case: &CaseRun<'_>| {
        let restored = case.restored?;
        Some(format!(
            "after {}: by {}, to {}",
            case.case.id, restored.by, restored.version
        ))
    };
    run.cases.iter().filter_map(after).collect()
}

fn made_up_for(run: &Run<'_>) -> Vec<String> {
    let campaigns = campaigns::reports(run);
    let elsewhere = campaigns
        .iter()
        .filter(|campaign| campaign.tally.outside.cuts > 0);
    elsewhere
        .map(|campaign| {
            let outside = campaign.tally.outside;
            format!(
                "{}::{}: cuts drawn for the claim that landed outside its window, not counted for it, and made up for: {} \
                 ({} of them bricked the module; what a cut does to the module counts as a verdict wherever it landed)",
                campaign.suite, campaign.campaign, outside.cuts, outside.bricks
            )
        })
        .collect()
}

fn rig(run: &Run<'_>) -> Vec<String> {
    let mut all = Vec::new();
    for around in &run.rig_checks {
        for check in around
            .checks
            .iter()
            .filter(|check| check.outcome == CheckOutcome::Fail)
        {
            all.push(format!(
                "the rig failed its check {} suite {} and is in quarantine since: {}",
                around.when.name(),
                around.suite,
                check.seen
            ));
        }
    }
    let quarantined = |verdict: &Verdict| {
        verdict
            .finding()
            .is_some_and(|finding| finding.rule == Rule::RigQuarantined)
    };
    let count = run.count(quarantined);
    if count > 0 {
        all.push(format!(
            "the rig was in quarantine when the run began: {} not run on it",
            match count {
                1 => "1 case was".to_owned(),
                more => format!("{more} cases were"),
            }
        ));
    }
    all
}

fn end(run: &Run<'_>) -> Vec<String> {
    let mut all = Vec::new();
    match run.ended {
        None => all.push(
            "the harness was killed: the journal has no end, and the state of the rig is not known"
                .to_owned(),
        ),
        Some(ended) => {
            if ended.interrupted {
                all.push("the run was interrupted by a signal".to_owned());
            }
            if !ended.safe {
                all.push("the rig could not be brought to its safe state".to_owned());
            }
        }
    }
    if run.bisected.is_some() {
        all.push(
            "the run was a search for a failing window (`bisect`): the result of each cut chose the next one"
                .to_owned(),
        );
    }
    all
}

fn named(cases: &[&CaseRun<'_>]) -> String {
    if cases.len() > NAMED {
        return format!("{} cases", cases.len());
    }
    let ids: Vec<&str> = cases.iter().map(|case| case.case.id.as_str()).collect();
    ids.join(", ")
}
