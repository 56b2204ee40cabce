//! One bench in three places: the example, the pages that show it, and the drawing by which somebody solders.

use crate::house::{read, root};
use dfota_hil::config::rig::{Bench, Driver, LineId, Link, Rig};
use std::path::Path;

/// What stands before the first key of the example: for editors, and whose bench it is.
const KEYS: &str = "rig: ";

/// The YAML block of a page that begins with the rig of the example.
fn block(page: &str) -> String {
    let text = read(page);
    let blocks = text.split("```yaml\n").skip(1);
    let mut blocks = blocks.filter(|block| block.starts_with("rig: bench-01\n"));
    let block = blocks
        .next()
        .unwrap_or_else(|| panic!("{page} does not show `bench-01`"));
    block.split("```").next().expect("a block ends").to_owned()
}

/// The bench of a rig file, with the lines that it leaves to who has wired them.
fn bench(text: &str) -> Bench {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("rig.yaml");
    let all = text
        .replace("\n# sense: ", "\nsense: ")
        .replace("\n# isolate: ", "\nisolate: ");
    std::fs::write(&file, all).expect("a file");
    let rig = Rig::load(&file).unwrap_or_else(|why| panic!("{}", why.render(false)));
    match rig.link {
        Link::Bench(bench) => *bench,
        Link::Simulated(_) => panic!("a bench has wires"),
    }
}

/// The lines of a bench: the key, the GPIO by its name, the level at which it is asserted.
fn lines(bench: &Bench) -> Vec<(&'static str, String, &'static str)> {
    let pulse =
        |pulse: &Option<dfota_hil::config::rig::Pulse>| pulse.as_ref().map(|pulse| pulse.driver.clone());
    let drivers = [
        ("power", Some(bench.power.driver.clone())),
        ("pwrkey", pulse(&bench.pwrkey)),
        ("reset", pulse(&bench.reset)),
        ("sense", bench.sense.clone()),
        ("isolate", bench.isolate.clone()),
    ];
    let line = |(key, driver)| match driver {
        Some(Driver::GpioChip {
            chip: None,
            line: LineId::Name(name),
            active_high,
        }) => (key, name, if active_high { "high" } else { "low" }),
        other => panic!("`{key}` of the example is no line by its name: {other:?}"),
    };
    drivers.into_iter().map(line).collect()
}

#[test]
fn the_pages_show_the_example() {
    let example = read("rigs/bench-example.yaml");
    let (_, keys) = example.split_once(KEYS).expect("a rig file");
    for page in ["docs/wiring.md", "rigs/README.md"] {
        assert_eq!(block(page), format!("{KEYS}{keys}"), "{page}");
    }
}

/// The drawing says of each GPIO at which level it does what its line is for, and the example says the same.
#[test]
fn the_example_is_wired_as_drawn() {
    let drawing = read("docs/wiring.svg");
    let does = [
        "switches VBAT on<",
        "presses<",
        "resets<",
        "while the module runs<",
        "isolates<",
    ];
    let lines = lines(&bench(&read("rigs/bench-example.yaml")));
    for ((key, gpio, level), does) in lines.iter().zip(does) {
        let says = format!(">{gpio} {level} {does}");
        assert!(
            drawing.contains(&says),
            "`{key}` of the example: the drawing does not say `{says}`"
        );
        assert!(
            drawing.contains(&format!(">{gpio} (")),
            "no pin of `{gpio}` in the drawing"
        );
        assert!(drawing.contains(&format!(">{key}<")), "no `{key}` in the drawing");
    }
    assert_eq!(lines.len(), does.len());
}

/// Wherever a page shows one of these lines by the GPIO of the drawing, it has the level of the drawing.
#[test]
fn no_page_has_another_level() {
    let drawn = lines(&bench(&read("rigs/bench-example.yaml")));
    let mut seen = 0;
    for page in pages(&root()) {
        for line in read(&page).lines() {
            for (key, gpio, level) in &drawn {
                let other = if *level == "high" { "low" } else { "high" };
                let is_theirs = line.trim_start_matches("# ").starts_with(&format!("{key}: {{"));
                if is_theirs && line.contains(&format!("line: {gpio},")) {
                    seen += 1;
                    assert!(!line.contains(&format!("active: {other}")), "{page}: {line}");
                }
            }
        }
    }
    assert!(
        seen >= 12,
        "only {seen} lines were found: the test reads the pages wrongly"
    );
}

/// Pages and examples, by their path in the repository.
fn pages(root: &Path) -> Vec<String> {
    let mut pages = Vec::new();
    for folder in [".", "docs", "docs/ci", "rigs", "suites"] {
        for entry in std::fs::read_dir(root.join(folder)).expect(folder).flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if [".md", ".yaml"].iter().any(|end| name.ends_with(end)) {
                pages.push(format!("{folder}/{name}"));
            }
        }
    }
    pages
}
