//! The text below the help of each command: two examples, and what its exit codes mean. `help.txt` has it,
//! and `help_lab.txt` that of the commands behind the feature `lab`.

use clap::Command;

const HELP: &str = include_str!("help.txt");
#[cfg(feature = "lab")]
const OF_LAB: &str = include_str!("help_lab.txt");
#[cfg(not(feature = "lab"))]
const OF_LAB: &str = "";

/// A command, and the indented lines below its name in `help.txt`: two examples, then its exit codes.
pub struct CommandHelp {
    /// Its words behind `dfota-hil`.
    pub path: Vec<&'static str>,
    examples: [&'static str; 2],
    exits: Vec<&'static str>,
}

/// Every command that does something; the first is the program itself.
pub fn all() -> impl Iterator<Item = CommandHelp> {
    let blocks = [HELP, OF_LAB].into_iter().filter(|text| !text.is_empty());
    blocks.flat_map(|text| text.split("\n\n")).map(|block| {
        let mut lines = block.lines().map(str::trim_start);
        let mut next = || lines.next().unwrap_or_default();
        CommandHelp {
            path: next().split(' ').filter(|word| *word != "dfota-hil").collect(),
            examples: [next(), next()],
            exits: lines.collect(),
        }
    })
}

/// The command line with all that below each command.
pub fn with_examples(whole: Command) -> Command {
    all().fold(whole, |whole, help| below(whole, &help.path, &help))
}

fn below(command: Command, path: &[&str], help: &CommandHelp) -> Command {
    match path {
        [] => command.after_help(format!(
            "Examples:\n  {}\n\nExit codes:\n  {}",
            help.examples.join("\n  "),
            help.exits.join("\n  ")
        )),
        [first, rest @ ..] => command.mut_subcommand(first, |command| below(command, rest, help)),
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
        let has = |path: &Vec<String>| all().any(|help| help.path == *path);
        let without: Vec<_> = found.iter().filter(|path| !has(path)).collect();
        assert!(without.is_empty(), "{without:?}");
    }

    /// What stands there can be typed, and fits a terminal of 80 columns.
    #[test]
    fn every_example_is_understood() {
        for CommandHelp {
            path,
            examples,
            exits,
        } in all()
        {
            assert!(!exits.is_empty(), "{path:?}");
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
                assert!(words[1..].starts_with(&path) || path.is_empty(), "{example}");
            }
        }
    }
}
