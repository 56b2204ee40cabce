//! The help of every command, and completions.

use crate::cli::terminal::{COLUMNS, PLAIN, Session};
use crate::lab::{Lab, PROGRAM};
use crate::process::Running;
use rstest::rstest;

#[rstest]
#[case("dfota-hil", &[])]
#[case("run", &["run"])]
#[case("plan", &["plan"])]
#[case("list", &["list"])]
#[case("check", &["check"])]
#[case("init", &["init"])]
#[case("bisect", &["bisect"])]
#[case("report", &["report"])]
#[case("verify", &["verify"])]
#[case("judge", &["judge"])]
#[case("write-off", &["write-off"])]
#[case("evidence", &["evidence"])]
#[case("evidence-timestamp-request", &["evidence", "timestamp-request"])]
#[case("evidence-timestamp-attach", &["evidence", "timestamp-attach"])]
#[case("keygen", &["keygen"])]
#[case("history", &["history"])]
#[case("compare", &["compare"])]
#[case("prune", &["prune"])]
#[case("serve", &["serve"])]
#[case("sim", &["sim"])]
#[case("console", &["console"])]
#[case("power", &["power"])]
#[case("package", &["package"])]
#[case("package-inspect", &["package", "inspect"])]
#[case("package-pack", &["package", "pack"])]
#[case("schema", &["schema"])]
#[case("completions", &["completions"])]
fn help(#[case] name: &str, #[case] command: &[&str]) {
    let lab = Lab::new();
    let ran = lab.run(&[command, &["--help"]].concat()).ends(0);
    assert_eq!(ran.stderr, "");
    insta::assert_snapshot!(format!("help-of-{name}"), ran.stdout);
}

/// Help fits the terminal, whatever its width, but for a word that is longer.
#[rstest]
#[case(&["run", "--help"])]
#[case(&["check", "-h"])]
#[case(&["--help"])]
fn help_fits_the_terminal(#[case] args: &[&str]) {
    let lab = Lab::new();
    let shown = Session::start(lab.command(args).env("NO_COLOR", "1"), PLAIN)
        .ends(0)
        .stdout;
    for line in shown.lines() {
        assert!(line.chars().count() <= COLUMNS.into(), "{line}");
    }
    if args.len() > 1 {
        assert!(
            shown.contains("Examples:\n  dfota-hil ") && shown.contains("Exit codes:\n  0 "),
            "{shown}"
        );
    }
}

/// A command that is added needs a snapshot of its help above.
#[test]
fn no_command_is_left_out() {
    let lab = Lab::new();
    let help = lab.run(&["--help"]).ends(0).stdout;
    let (_, commands) = help.split_once("Commands:\n").expect("a list of commands");
    let names: Vec<&str> = commands
        .lines()
        .take_while(|line| !line.is_empty())
        // A line that goes on begins deeper.
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let covered = [
        "run",
        "plan",
        "list",
        "bisect",
        "check",
        "init",
        "report",
        "history",
        "compare",
        "prune",
        "verify",
        "judge",
        "write-off",
        "evidence",
        "keygen",
        "serve",
        "sim",
        "console",
        "power",
        "package",
        "schema",
        "completions",
        "help",
    ];
    assert_eq!(names, covered);
}

#[rstest]
#[case("bash", "complete -F _dfota__hil")]
#[case("zsh", "#compdef dfota-hil")]
#[case("fish", "complete -c dfota-hil")]
fn completions(#[case] shell: &str, #[case] part: &str) {
    let lab = Lab::new();
    let ran = lab.run(&["completions", shell]).ends(0);
    for part in [part, "console", "fail-fast", "pwrkey"] {
        assert!(ran.stdout.contains(part), "no `{part}` for {shell}");
    }
}

/// As bash does it, which knows the words and calls what the script has registered.
#[rstest]
#[case(&["dfota-hil", "che"], &["check"])]
#[case(&["dfota-hil", "check", "--st"], &["--step", "--state-dir"])]
#[case(&["dfota-hil", "run", "--ju"], &["--junit", "--junit-profile"])]
#[case(&["dfota-hil", "run", "--junit-profile", "str"], &["strict"])]
#[case(&["dfota-hil", "evidence", "timestamp-attach", "--hel"], &["--help"])]
fn completed_in_bash(#[case] words: &[&str], #[case] expected: &[&str]) {
    const COMPLETE: &str = r#"
        source <("$PROGRAM" completions bash)
        registered=$(complete -p dfota-hil) function=${registered#*-F } function=${function%% *}
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
        "$function" "$1" "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut bash = std::process::Command::new("bash");
    bash.args(["--norc", "-c", COMPLETE, "bash"])
        .args(words)
        .env("PROGRAM", PROGRAM);
    let ran = Running::start(&mut bash).end().ends(0);
    let completed: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!((completed.as_slice(), ran.stderr.as_str()), (expected, ""));
}

/// One page for each command that the help names, and each command has a page.
#[test]
fn manual_pages() {
    let lab = Lab::new();
    std::fs::create_dir(lab.path("man")).expect("a folder");
    lab.run(&["manual", "man"]).ends(0);
    let pages = lab.names("man");
    for page in [
        "dfota-hil.1",
        "dfota-hil-run.1",
        "dfota-hil-evidence-timestamp-attach.1",
        "dfota-hil-package-pack.1",
    ] {
        assert!(pages.iter().any(|name| name == page), "no `{page}` in {pages:?}");
    }
    assert!(
        !pages.iter().any(|name| name.contains("manual")),
        "what is hidden has none: {pages:?}"
    );
    let page = lab.read("man/dfota-hil-run.1");
    for part in [".TH dfota-hil-run 1", ".SH OPTIONS", "junit"] {
        assert!(page.contains(part), "no `{part}` in:\n{page}");
    }
    let ran = lab.run(&["manual", "nowhere"]).ends(2);
    assert!(ran.stderr.contains("`nowhere`"), "{}", ran.stderr);
}

#[test]
fn version() {
    let lab = Lab::new();
    let expected = format!("dfota-hil {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(lab.run(&["--version"]).ends(0).stdout, expected);
}
