//! A plan of 10,000 cases over 8 rigs, out of files in memory, and its text.
//!
//! `cargo bench -p dfota-hil --bench fleet_plan`. Half of the cases are cuts of a claim, half the product of a matrix.

use dfota_core::seed::Seed;
use dfota_hil::config::rig::Rig;
use dfota_hil::config::suite::Suite;
use dfota_hil::config::yaml::document::Document;
use dfota_hil::plan::earlier::Earlier;
use dfota_hil::plan::fleet::FleetPlan;
use dfota_hil::plan::selection::Selection;
use dfota_hil::terminal::width::Width;
use std::path::PathBuf;
use std::time::Instant;

const RIGS: usize = 8;
/// What the plan may take.
const LIMIT: f64 = 1.0;

fn main() {
    let rigs: Vec<Rig> = (0..RIGS).map(rig).collect();
    let suites = [timed("suite read", suite)];
    let plan = timed("planned", || {
        FleetPlan::new(&suites, &rigs, &Selection::all(Seed(1)), &Earlier::default()).expect("a plan")
    });
    println!(
        "  {} cases, {} batches, {RIGS} rigs; the last is done after {:.1} h",
        plan.cases.len(),
        plan.batches.len(),
        plan.makespan_ms as f64 / 3.6e6
    );
    assert!(plan.cases.len() >= 10_000, "{}", plan.cases.len());
    let text = timed("shown", || plan.text(Width::ENDLESS));
    println!("  {:.1} MB", text.len() as f64 / 1e6);
    let began = Instant::now();
    let all = FleetPlan::new(&suites, &rigs, &Selection::all(Seed(2)), &Earlier::default());
    let took = began.elapsed().as_secs_f64();
    assert!(
        all.is_ok() && took < LIMIT,
        "{took:.2} s, at most {LIMIT} s are taken"
    );
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let made = work();
    println!("{what}: {:.0} ms", 1e3 * began.elapsed().as_secs_f64());
    made
}

fn rig(n: usize) -> Rig {
    let text = format!(
        "rig: bench-{n}\nmodule: bc66\nserial: {{port: /dev/ttyS{n}}}\npower: {{driver: rppal, pin: 17}}\n\
         labels: [roof, sense]\n"
    );
    let document = Document::parse("rig.yaml", text.as_bytes()).expect("YAML");
    Rig::from_document(&document, PathBuf::from(format!("/rigs/{n}.yaml"))).expect("a rig")
}

fn suite() -> Suite {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.delta"), [b'a'; 9000]).expect("a package");
    let numbers = |to: u32| (1..=to).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    let text = format!(
        "suite: night
needs: {{module: bc66, labels: [sense]}}
packages:
  a-to-b: {{file: a.delta, from: A, to: B}}
  b-to-a: {{file: a.delta, from: B, to: A}}
cases:
  - name: cut
    matrix: {{package: [a-to-b, b-to-a], at: [20%, 40%, 60%, 80%, 100%], run: [{}]}}
    update: {{package: \"{{package}}\", via: uart}}
    cut: {{at: \"updating {{at}}\", after: 0ms..400ms}}
  - name: campaign
    update: {{package: a-to-b, via: uart}}
    claim: {{brick_rate_below: 0.06%}}
",
        numbers(510)
    );
    let document = Document::parse("night.yaml", text.as_bytes()).expect("YAML");
    Suite::from_document(&document, folder.path().join("night.yaml")).expect("a suite")
}
