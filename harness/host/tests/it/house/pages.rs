//! The pages for users: their links lead somewhere, they can be found, and what they quote is what the program says.

use crate::house::{read, root};
use dfota_core::verdict::Rule;
use std::path::Path;

const TROUBLES: &str = "docs/troubleshooting.md";

/// The pages, by their path in the repository.
fn pages() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("docs")).expect("docs").flatten();
    let names = entries.map(|entry| format!("docs/{}", entry.file_name().to_string_lossy()));
    let mut pages: Vec<String> = names.filter(|name| name.ends_with(".md")).collect();
    let others = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "reports/README.md",
        "rigs/README.md",
        "suites/README.md",
    ];
    pages.extend(others.map(str::to_owned));
    pages.sort();
    pages
}

/// The targets of the links of a page that lead to files.
fn links(text: &str) -> Vec<&str> {
    let ends = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    ends.filter(|target| !target.contains("://")).collect()
}

/// A heading as links name it.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn every_link_leads_somewhere() {
    let mut seen = 0;
    for page in pages() {
        let text = read(&page);
        let folder = Path::new(&page).parent().expect("a folder");
        for target in links(&text) {
            let (file, place) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() {
                page.clone().into()
            } else {
                folder.join(file)
            };
            assert!(root().join(&path).exists(), "{page} links to `{target}`");
            if !place.is_empty() {
                let there = read(&path.display().to_string());
                let headings = there.lines().filter(|line| line.starts_with('#'));
                let mut anchors = headings.map(|line| anchor(line.trim_start_matches('#').trim()));
                assert!(
                    anchors.any(|anchor| anchor == place),
                    "{page}: no heading `{target}`"
                );
            }
            seen += 1;
        }
    }
    assert!(
        seen > 40,
        "only {seen} links were found: the test reads the pages wrongly"
    );
}

#[test]
fn every_page_can_be_found() {
    let front = ["README.md", "docs/first-night.md", "ARCHITECTURE.md"]
        .map(read)
        .concat();
    for page in pages().iter().filter(|page| page.starts_with("docs/")) {
        let name = page.trim_start_matches("docs/");
        assert!(front.contains(name), "nothing leads to {page}");
    }
}

/// Two screens, and what does everything on the first.
#[test]
fn the_front_page_is_short() {
    let text = read("README.md");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() <= 110, "README.md has {} lines", lines.len());
    for line in &lines {
        assert!(line.chars().count() <= 120, "wider than 120 columns: {line}");
    }
    let first = lines.iter().position(|line| *line == "```console");
    let first = first.expect("the commands");
    assert!(first <= 22, "the commands are on line {first}");
    let commands = [
        "$ cargo run --release -- run suites/smoke.yaml --rig rigs/sim.yaml",
        "$ cargo test --workspace",
        "```",
    ];
    assert_eq!(lines[first + 1..first + 4], commands);
}

#[test]
fn every_command_is_explained() {
    let text = read("docs/commands.md");
    for help in dfota_hil::cli::help::all().skip(1) {
        let command = help.path.first().copied();
        let starts = text.lines().filter_map(|line| line.strip_prefix("| "));
        let told = starts
            .filter_map(|row| row.split(" | ").next())
            .any(|cell| cell.split('`').any(|code| code.split(' ').next() == command));
        assert!(told, "docs/commands.md has no row for `{command:?}`");
    }
}

/// The timeline of the front page is the first of the example. With `BLESS=1`, it is drawn again.
#[test]
fn the_timeline_is_that_of_the_example() {
    let page = read("reports/example/report.html");
    let drawings = page.split("<svg ").skip(1).filter_map(|svg| svg.split_once('>'));
    let mut timelines = drawings.filter(|(tag, _)| tag.contains("\"Timeline of "));
    let (tag, drawn) = timelines.next().expect("a timeline");
    let tag = tag.replace(" The moments follow as a list.", "");
    let drawn = drawn.split("</svg>").next().expect("its shapes");
    // The places to click come last; a picture has none.
    let shapes = drawn.split("<a href").next().expect("its shapes").trim_end();
    let picture = read("docs/timeline.svg");
    let from = picture.find("<style>").expect("the colours");
    let to = picture.find("<rect class=\"sheet\"").expect("the sheet");
    let (colours, sheet) = (
        &picture[from..to],
        "<rect class=\"sheet\" width=\"100%\" height=\"100%\"/>",
    );
    let expected =
        format!("<svg xmlns=\"http://www.w3.org/2000/svg\" {tag}>\n{colours}{sheet}\n{shapes}\n</svg>\n");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(root().join("docs/timeline.svg"), &expected).expect("docs/timeline.svg");
    }
    assert!(
        read("docs/timeline.svg") == expected,
        "docs/timeline.svg is not the first timeline of reports/example: `just example` draws it again"
    );
}

/// Who sees a rule that is not the module's fault finds what to do; and no rule is told of that there is not.
#[test]
fn the_rules_of_the_bench_have_a_remedy() {
    let text = read(TROUBLES);
    let classes = ["rig", "network", "server"];
    let mut rules = 0;
    for rule in Rule::ALL {
        if classes.contains(&rule.class().to_string().as_str()) {
            rules += 1;
            assert!(
                text.contains(&format!("\n| `{}` | ", rule.id())),
                "no row for `{}`",
                rule.id()
            );
        }
    }
    assert!(rules > 10, "only {rules} rules were looked at");
    let (_, told) = text.split_once("## A case is an error").expect("its part");
    let (told, _) = told.split_once("\n## ").expect("another part");
    for row in told.lines().filter_map(|line| line.strip_prefix("| `")) {
        let id = row.split('`').next().expect("a rule");
        assert!(
            Rule::ALL.iter().any(|rule| rule.id() == id),
            "there is no rule `{id}`"
        );
    }
}

/// What is quoted as a message stands in the program.
#[test]
fn messages_are_what_the_program_says() {
    let text = read(TROUBLES);
    let (_, told) = text.split_once("## What the program says").expect("its part");
    let (told, _) = told.split_once("\n## ").expect("another part");
    let source = sources(&root().join("harness/host/src"));
    let rows: Vec<&str> = told.lines().filter_map(|line| line.strip_prefix("| `")).collect();
    assert!(rows.len() > 5, "only {} messages were found", rows.len());
    for row in rows {
        // Two of them around what has one in it.
        let message = row.split("` | ").next().expect("a message").trim_matches('`');
        assert!(source.contains(message), "nothing says `{message}`");
    }
}

/// The words that people search for.
#[test]
fn the_glossary_has_the_words_of_the_trade() {
    let text = read("docs/glossary.md").to_lowercase();
    for word in [
        "dut",
        "relay",
        "pdu",
        "time-out",
        "flaky",
        "brown-out",
        "labgrid",
        "urc",
        "brick",
        "hil",
        "watchdog",
        "delta",
    ] {
        let begins = text.lines().any(|line| {
            let cell = line.strip_prefix("| ").and_then(|line| line.split(" |").next());
            cell.is_some_and(|cell| cell.split(", ").any(|name| name.trim() == word))
        });
        assert!(begins, "no entry `{word}`");
    }
}

/// All source below a folder.
fn sources(folder: &Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            all += &sources(&path)
        } else {
            all += &std::fs::read_to_string(&path).unwrap_or_default()
        }
    }
    all
}
