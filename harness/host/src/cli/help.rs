//! The text below the help of each command: two examples, and what its exit codes mean.

use clap::Command;

pub struct CommandHelp {
    /// Its words behind `dfota-hil`.
    pub path: &'static str,
    examples: [&'static str; 2],
    exits: &'static str,
}

/// A command, two examples of it, and its exit codes.
const fn help(
    path: &'static str,
    one: &'static str,
    other: &'static str,
    exits: &'static str,
) -> CommandHelp {
    CommandHelp {
        path,
        examples: [one, other],
        exits,
    }
}

const RUN: &str = "0 every case passed or was skipped, at least one passed; 1 a case failed; 2 usage, nothing was powered; \
                   3 an error, inconclusive or not reached; 130 interrupted, the rig is safe";
const PLAIN: &str = "0 done; 2 usage, or a file that cannot be read";
const STAMPS: &str = "0 done; 1 the run was touched; 2 usage, or a file that cannot be read";
/// Of every command: README and `run --help` have them as well.
const WHOLE: [&str; 2] = [
    "dfota-hil run suites/smoke.yaml --rig rigs/sim.yaml",
    "dfota-hil init",
];
const CODES: &str = "0 done, for `run`: passed; 1 for `run`: a case failed; 2 usage, nothing was powered; \
                     3 an error of ours: rig, network, server or harness; 130 interrupted, the rig is safe";

/// Every command that does something.
pub const ALL: &[CommandHelp] = &[
    help(
        "run",
        "dfota-hil run suites/smoke.yaml --rig rigs/sim.yaml",
        "dfota-hil run nightly.yaml --rig bench.yaml --filter 'resume & !coap'",
        RUN,
    ),
    help(
        "plan",
        "dfota-hil plan suites/campaign.yaml --rig rigs/sim-fast.yaml",
        "dfota-hil plan nightly.yaml --rig bench.yaml --tag slow --json",
        "0 there is a plan; 2 usage, or nothing is selected",
    ),
    help(
        "list",
        "dfota-hil list suites/smoke.yaml",
        "dfota-hil list nightly.yaml --tag slow --json",
        "0 listed; 2 usage, or nothing is selected",
    ),
    help(
        "bisect",
        "dfota-hil bisect s.yaml --rig r.yaml --filter =s::c --pass CUT --fail CUT",
        "dfota-hil bisect s.yaml --rig r.yaml --pass CUT --fail CUT --tries 5",
        "0 a window was found; 2 usage; 3 none was; 130 interrupted, the rig is safe",
    ),
    help(
        "check",
        "dfota-hil check bench.yaml",
        "dfota-hil check bench.yaml --step",
        "0 sound; 2 usage; 3 not sound, or stopped; 130 interrupted, the rig is safe",
    ),
    help(
        "init",
        "dfota-hil init",
        "dfota-hil init --port /dev/ttyUSB0 --driver gpiochip --power GPIO17",
        "0 written; 2 usage, or a file that is there already",
    ),
    help(
        "prune",
        "dfota-hil prune reports --keep 30 --keep-failed --dry-run",
        "dfota-hil prune /srv/runs --older-than 90d --pack",
        "0 done; 2 usage; 3 a folder could not be removed",
    ),
    help(
        "report",
        "dfota-hil report reports/20261122T143005Z-bench-nightly",
        "dfota-hil report out --mask --junit junit.xml",
        "0 made, also where cases had failed; 1 it could not be signed; 2 usage, or a journal that cannot be read",
    ),
    help("history", "dfota-hil history", "dfota-hil history --json", PLAIN),
    help(
        "compare",
        "dfota-hil compare run-1 run-2",
        "dfota-hil compare run-1 run-2 --json",
        "0 compared; 1 something got worse, where that is asked for; 2 usage, or a run that cannot be read; \
         3 nothing can be compared, where that is asked for",
    ),
    help(
        "verify",
        "dfota-hil verify out",
        "dfota-hil verify out/evidence.tar.zst --key lab.pub",
        "0 untouched; 1 touched, or not signed as asked; 2 usage, or nothing that can be read",
    ),
    help(
        "judge",
        "dfota-hil judge out",
        "dfota-hil judge --log minicom.cap",
        "0 all verdicts are the same, or nothing illegal in the log; 1 some differ, or something is illegal; \
         2 usage, or unreadable; 3 no update in the log",
    ),
    help(
        "keygen",
        "dfota-hil keygen --out lab.pem",
        "dfota-hil keygen --out /etc/dfota-hil/bench-01.pem",
        "0 made; 2 usage, or the file is there already",
    ),
    help(
        "evidence timestamp-request",
        "dfota-hil evidence timestamp-request out",
        "dfota-hil evidence timestamp-request reports/night-1",
        STAMPS,
    ),
    help(
        "evidence timestamp-attach",
        "dfota-hil evidence timestamp-attach out reply.tsr",
        "dfota-hil evidence timestamp-attach reports/night-1 night-1.tsr",
        STAMPS,
    ),
    help(
        "serve",
        "dfota-hil serve a-to-b.delta --http 0.0.0.0:8080",
        "dfota-hil serve a-to-b.delta --drive urn:imei:867725030000001",
        "0 ended, or with `--drive`: updated; 1 the update failed; 2 usage; 3 no result; 130 `--drive` was interrupted",
    ),
    help(
        "sim",
        "dfota-hil sim",
        "dfota-hil sim --speed 20 --defect forgets-resume",
        "0 ended; 2 usage, or the module could not be started",
    ),
    help(
        "console",
        "dfota-hil console bench.yaml",
        "dfota-hil console rigs/sim.yaml",
        "0 ended; 2 usage; 3 the rig failed; 130 interrupted, the rig is safe",
    ),
    help(
        "power",
        "dfota-hil power bench.yaml cycle",
        "dfota-hil power bench.yaml off",
        "0 moved, and left as asked; 2 usage; 3 a line could not be moved",
    ),
    help(
        "package inspect",
        "dfota-hil package inspect a-to-b.delta",
        "dfota-hil package inspect suites/packages/a-to-b.delta",
        PLAIN,
    ),
    help(
        "package pack",
        "dfota-hil package pack --from BC66NBR01A01 --to BC66NBR01A02 -o there.delta",
        "dfota-hil package pack --from BC66NBR01A02 --to BC66NBR01A01 -o back.delta",
        PLAIN,
    ),
    help(
        "schema",
        "dfota-hil schema rig",
        "dfota-hil schema event > event.schema.json",
        PLAIN,
    ),
    help(
        "completions",
        "dfota-hil completions bash > ~/.local/share/bash-completion/completions/dfota-hil",
        "dfota-hil completions fish > ~/.config/fish/completions/dfota-hil.fish",
        PLAIN,
    ),
];

/// The command line with all that below each command.
pub fn with_examples(mut whole: Command) -> Command {
    for help in ALL {
        let path: Vec<&str> = help.path.split(' ').collect();
        whole = below(whole, &path, &help.examples, help.exits);
    }
    below(whole, &[], &WHOLE, CODES)
}

fn below(command: Command, path: &[&str], examples: &[&str; 2], exits: &str) -> Command {
    match path {
        [] => {
            let [one, other] = examples;
            let exits: Vec<String> = exits.split("; ").map(|exit| format!("  {exit}")).collect();
            command.after_help(format!(
                "Examples:\n  {one}\n  {other}\n\nExit codes:\n{}",
                exits.join("\n")
            ))
        }
        [first, rest @ ..] => command.mut_subcommand(first, |command| below(command, rest, examples, exits)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::definition;

    fn leaves(command: &Command, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
        let below: Vec<&Command> = command
            .get_subcommands()
            .filter(|one| !one.is_hide_set())
            .collect();
        if below.is_empty() {
            found.push(path.clone());
        }
        for one in below {
            path.push(one.get_name().to_owned());
            leaves(one, path, found);
            path.pop();
        }
    }

    /// A command without examples fails here.
    #[test]
    fn every_command_has_them() {
        let mut found = Vec::new();
        leaves(&definition(), &mut Vec::new(), &mut found);
        let has = |path: &Vec<String>| ALL.iter().any(|help| help.path == path.join(" "));
        let without: Vec<_> = found.iter().filter(|path| !has(path)).collect();
        assert!(without.is_empty(), "{without:?}");
    }

    /// What stands there can be typed, and fits a terminal of 80 columns.
    #[test]
    fn every_example_is_understood() {
        for CommandHelp { path, examples, .. } in ALL {
            for example in examples {
                assert!(
                    example.chars().count() <= 76 || example.contains('>'),
                    "{example}"
                );
                let typed = example.split(" > ").next().unwrap_or_default();
                let typed = typed
                    .replace("CUT", "updating@50%+0ms/power/3s")
                    .replace("'resume & !coap'", "resume");
                let words: Vec<&str> = typed.split(' ').collect();
                let matched = definition().try_get_matches_from(&words);
                assert!(matched.is_ok(), "{example}: {:?}", matched.err());
                assert!(words[1..].join(" ").starts_with(path), "{example}");
            }
        }
    }
}
