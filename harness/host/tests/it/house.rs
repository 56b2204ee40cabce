//! The documents tell the truth: every path that ARCHITECTURE.md names exists, every YAML block of the pages for users loads. What is
//! packed beside the program does what they say.

mod circles;
mod drawing;
mod pages;
mod udev;

use dfota_hil::config::rig::Rig;
use dfota_hil::config::suite::Suite;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the repository")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).expect(name)
}

#[test]
fn architecture_is_short_and_its_paths_exist() {
    let text = read("ARCHITECTURE.md");
    assert!(
        text.lines().count() < 150,
        "ARCHITECTURE.md has 150 lines or more"
    );
    let mut paths = 0;
    for word in text.split('`').skip(1).step_by(2) {
        let is_path = word.contains('/') && word.starts_with(|c: char| c.is_ascii_lowercase() || c == '.');
        let is_place = ["rigs", "suites", "reports"].contains(&word);
        if !(is_path || is_place) || word.contains(['*', ' ']) {
            continue;
        }
        paths += 1;
        assert!(
            root().join(word).exists(),
            "ARCHITECTURE.md names `{word}`, which does not exist"
        );
    }
    assert!(
        paths > 30,
        "only {paths} paths were found: the test reads the page wrongly"
    );
}

#[test]
fn the_blocks_of_the_pages_load() {
    let (mut rigs, mut suites) = (0, 0);
    let folder = tempfile::tempdir().expect("a folder");
    let pages = ["docs/tour.md", "docs/first-night.md", "docs/wiring.md"]
        .map(read)
        .concat();
    for (n, block) in pages.split("```yaml\n").skip(1).enumerate() {
        let block = block.split("```").next().expect("a block");
        let file = folder.path().join(format!("{n}.yaml"));
        let packages = root().join("suites/packages");
        std::fs::write(
            &file,
            block.replace("packages/", &format!("{}/", packages.display())),
        )
        .expect("a file");
        if block.starts_with("rig:") {
            Rig::load(&file)
                .map_err(|error| error.render(false))
                .expect("a rig of a page");
            rigs += 1;
        } else {
            Suite::load(&file)
                .map_err(|error| error.render(false))
                .expect("a suite of a page");
            suites += 1;
        }
    }
    assert_eq!((rigs, suites), (2, 2));
}

#[test]
fn every_rule_stands_in_the_reference() {
    let text = read("suites/README.md");
    for rule in dfota_core::verdict::Rule::ALL {
        let basis = match rule.basis() {
            dfota_core::verdict::Basis::Seen => "seen",
            dfota_core::verdict::Basis::Missing => "missing",
        };
        let row = format!(
            "| `{}` | {} | {basis} | {} |",
            rule.id(),
            rule.class(),
            rule.meaning().trim_end_matches('.')
        );
        assert!(
            text.contains(&row),
            "suites/README.md does not explain the rule `{}`",
            rule.id()
        );
    }
}

/// The rules of a machine that has the package.
#[test]
fn the_packaged_configuration_keeps_a_month() {
    use dfota_hil::config::machine_config::MachineConfig;
    use dfota_record::retention::Rules;
    let file = root().join("harness/host/packaging/config.yaml");
    let config = MachineConfig::load(&file)
        .map_err(|error| error.render(false))
        .expect("the configuration");
    assert_eq!(
        config.folder.as_deref(),
        Some(Path::new("/var/lib/dfota-hil/reports"))
    );
    let rules = Rules {
        keep: Some(30),
        older_than: None,
        keep_failed: true,
        pack: true,
    };
    assert_eq!(config.rules, rules);
    let unit = read("harness/host/packaging/dfota-hil@.service");
    assert!(
        unit.lines()
            .any(|line| line == "ExecStopPost=-/usr/bin/dfota-hil prune"),
        "{unit}"
    );
}
