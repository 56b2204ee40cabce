//! Suite files that are refused, with the whole text that their author reads.

use crate::yaml::bench::{same, shown, suite, suite_of};
use rstest::rstest;

/// A case whose update is sound.
fn http(rest: &str) -> String {
    suite_of(&format!(
        "  - name: try\n    update: {{package: a-to-b, via: http}}\n{rest}"
    ))
}

fn uart(rest: &str) -> String {
    suite_of(&format!(
        "  - name: try\n    update: {{package: a-to-b, via: uart}}\n{rest}"
    ))
}

fn coap(rest: &str) -> String {
    suite_of(&format!(
        "  - name: try\n    update: {{package: a-to-b, via: coap}}\n{rest}"
    ))
}

#[rstest]
#[case("no-cases", "suite: try\ncases: []\n".to_owned())]
#[case("missing", "suite: try\ncases:\n  - update: {package: a}\n  - name: two\n".to_owned())]
#[case(
    "unknown-keys",
    suite_of("  - nmae: try\n    upate: {package: a-to-b, via: http}\n    cut: {att: end}\n")
)]
#[case("duplicate-keys", uart("    name: again\n"))]
#[case("null-cut", uart("    cut:\n"))]
#[case("package", suite_of("  - {name: x, update: {package: a-to-c, via: uart}}\n"))]
#[case("no-packages", "suite: try\ncases:\n  - {name: x, update: {package: a-to-c, via: uart}}\n".to_owned())]
#[case("sweep-and-cut", uart("    cut: {at: end}\n    sweep: {step: 10%}\n"))]
#[case("sweep-expect", uart("    sweep: {cuts: 5}\n    expect: {update: 254}\n"))]
#[case(
    "sweep-keys",
    uart("    sweep: {cuts: 5, step: 10%, ordr: linear, kind: [power, lightning]}\n")
)]
#[case(
    "sweep-values",
    uart(
        "    sweep: {over: [\"updating 80%..20%\", \"http-start..end\", \"strat\"], off: [5s, 0s], depth: 0}\n"
    )
)]
#[case("sweep-shape", uart("    sweep: {over: {from: start}, off: []}\n"))]
#[case(
    "claim",
    uart("    claim: {brick_rate_below: 101%, confidence: none, over: \"end..start\"}\n")
)]
#[case("claim-too-large", uart("    claim: {brick_rate_below: 0.0001%}\n"))]
#[case("claim-bare", uart("    claim: {confidence: 95%}\n"))]
#[case(
    "repeat",
    suite_of("  - {name: x, update: {package: a-to-b, via: uart}}\nrepeat: forever\n")
)]
#[case(
    "needs",
    suite_of(
        "  - {name: x, update: {package: a-to-b, via: uart}}\nneeds: {module: bc67, label: [sense], labels: []}\non: \"\"\n"
    )
)]
#[case(
    "needs-shape",
    suite_of("  - {name: x, update: {package: a-to-b, via: uart}}\nneeds: sense\non: [a, b]\n")
)]
#[case(
    "needs-nothing",
    suite_of("  - {name: x, update: {package: a-to-b, via: uart}}\nneeds: {}\n")
)]
#[case("via", suite_of("  - {name: x, update: {package: a-to-b, via: htpp}}\n"))]
#[case(
    "on",
    suite_of("  - {name: x, update: {package: a-to-b, via: http, on: \"A 1\"}}\n")
)]
#[case(
    "block-size",
    suite_of("  - {name: x, update: {package: a-to-b, via: uart, block_size: 1000}}\n")
)]
#[case(
    "block-size-http",
    suite_of("  - {name: x, update: {package: a-to-b, via: http, block_size: 1024}}\n")
)]
#[case("cut-at-120", http("    cut: {at: updating 120%}\n"))]
#[case("cut-moment", http("    cut: {at: updatin 20%}\n"))]
#[case("cut-percent", http("    cut: {at: updating 20}\n"))]
#[case("cut-http-start-uart", uart("    cut: {at: http-start}\n"))]
#[case("cut-upload-http", http("    cut: {at: upload block 2}\n"))]
#[case("cut-downloading-uart", uart("    cut: {at: downloading 5%}\n"))]
#[case("cut-coap-start-http", http("    cut: {at: coap-start}\n"))]
#[case(
    "cut-values",
    http("    cut: {at: end, after: 4s..1s, off: 0s, kind: lightning, times: 0}\n")
)]
#[case(
    "measure",
    uart(
        "    cut: {at: end}\n    measure: {first-urc: {max: 30}, resumed-at: {min: 60%, max: 20%}, update-tim: {}}\n"
    )
)]
#[case(
    "measure-units",
    uart(
        "    cut: {at: end}\n    measure: {first-urc: {max: 30}, resumed-at: {max: 30s}, cut-latency: {max: 5%}}\n"
    )
)]
#[case(
    "measure-limits",
    uart("    cut: {at: end}\n    measure: {resumed-at: {min: 60%, max: 20%}}\n")
)]
#[case(
    "measure-impossible",
    uart("    measure: {resumed-at: {max: 20%}, bytes-again: {max: 0}}\n")
)]
#[case(
    "retries",
    format!("retries: {{rig: 11, product: 1}}\n{}", uart(""))
)]
#[case("retries-count", format!("retries: {{rig: 11, network: many}}\n{}", uart("")))]
#[case("cut-after", http("    cut: {at: end, after: 400, off: forever}\n"))]
#[case("expect-empty", http("    expect: {}\n"))]
#[case("expect-key", http("    expect: {updates: 254}\n"))]
#[case(
    "expect-values",
    http("    expect: {reply: error, download: twelve, update: 99999, version: unchangd}\n")
)]
#[case("expect-download-uart", uart("    expect: {download: 12}\n"))]
#[case("expect-lwm2m-http", http("    expect: {lwm2m: {state: 0}}\n"))]
#[case(
    "expect-lwm2m",
    suite_of(
        "  - {name: x, update: {package: a-to-b, via: coap}, expect: {lwm2m: {state: 4, result: 10}}}\n"
    )
)]
#[case("http-fault-uart", uart("    faults: {http: {drop: 50%}}\n"))]
#[case("uart-fault-http", http("    faults: {uart: {damage: 50%}}\n"))]
#[case("order-fault-uart", uart("    faults: {order: {https: true}}\n"))]
#[case("order-detach-uart", uart("    faults: {order: {detach: 30%}}\n"))]
#[case("order-fault-coap", coap("    faults: {order: {before-ip: true}}\n"))]
#[case("order-faults-coap", coap("    faults: {order: {detach: 30%, again: 30%}}\n"))]
#[case("coap-fault-http", http("    faults: {coap: {stop: 50%}}\n"))]
#[case("http-fault-coap", coap("    faults: {http: {drop: 50%}}\n"))]
#[case("coap-fault-key", coap("    faults: {coap: {drop_share: 5%}}\n"))]
#[case("no-coap-fault", coap("    faults: {coap: {}}\n"))]
#[case(
    "coap-fault-values",
    coap(
        "    faults: {coap: {drop-every: 1, drop-share: 5, duplicate-every: 0, duplicate-share: 101%, delay: 500, stop: half, not-found: yes, max-block: 500}}\n"
    )
)]
#[case("two-uart-faults", uart("    faults: {uart: {silence: 1, damage: 50%}}\n"))]
#[case("no-uart-fault", uart("    faults: {uart: {}}\n"))]
#[case("fault-key", uart("    faults: {uart: {corrupt_block: 1}}\n"))]
#[case("fault-false", uart("    faults: {uart: {nothing: false}}\n"))]
#[case(
    "fault-values",
    http(
        "    faults: {http: {status: 200, refuse: yes, drop: 150%, stall: {at: 50%, for: 9}, throttle: 0}}\n"
    )
)]
#[case("limits", uart("    limits: {boot: 0s, attach: 5 m, resume: -3s}\n"))]
#[case("limits-key", uart("    limits: {atach: 5m}\n"))]
#[case("stall", http("    faults: {http: {stall: {at: 50%}}}\n"))]
#[case("matrix-empty", uart("    matrix: {}\n"))]
#[case("matrix-no-values", uart("    matrix: {a: []}\n"))]
#[case("matrix-no-list", uart("    matrix: {a: b}\n"))]
#[case("matrix-nested", uart("    matrix: {a: [[1]]}\n"))]
#[case("matrix-twice", uart("    matrix: {a: [1, 2, 1]}\n"))]
#[case("matrix-name", uart("    matrix: {a b: [1]}\n"))]
#[case(
    "matrix-unknown",
    uart("    matrix: {at: [20%]}\n    cut: {at: \"updating {att}\"}\n")
)]
#[case("no-matrix", uart("    cut: {at: \"updating {at}\"}\n"))]
#[case(
    "matrix-value",
    uart("    matrix: {at: [20%, 120%]}\n    cut: {at: \"updating {at}\"}\n")
)]
#[case(
    "matrix-via",
    suite_of(
        "  - name: x\n    matrix: {via: [http, uart]}\n    update: {package: a-to-b, via: \"{via}\"}\n    cut: {at: downloading 5%}\n"
    )
)]
#[case(
    "same-name",
    suite_of(
        "  - {name: Same Name, update: {package: a-to-b, via: uart}}\n  - {name: same-name, update: {package: a-to-b, via: uart}}\n"
    )
)]
#[case(
    "no-letters",
    suite_of("  - {name: \"!!!\", update: {package: a-to-b, via: uart}}\n")
)]
#[case(
    "empty-name",
    suite_of("  - {name: \"\", update: {package: a-to-b, via: uart}}\n")
)]
#[case(
    "ids",
    uart("    ids: {testrail: 123, xray: proj-45, xray-requirements: [PROJ], jira: X-1}\n")
)]
#[case(
    "ids-of-another-form",
    uart("    ids: {testrail: 123, xray: proj-45, xray-requirements: [PROJ-1, PROJ]}\n")
)]
#[case("requirements", uart("    requirements: []\n    tags: one\n"))]
#[case("package-file", "suite: x\npackages:\n  a: {file: nowhere.delta, from: A, to: B}\n  e: {file: empty.delta, from: A, to: B}\n  d: {file: ., from: A, to: B}\ncases:\n  - {name: x, update: {package: a, via: uart}}\n".to_owned())]
#[case("package-sha", format!("suite: x\npackages:\n  a: {{file: a.delta, from: A, to: B, sha256: \"{}\"}}\n  b: {{file: a.delta, from: A, to: B, sha256: abc}}\ncases:\n  - {{name: x, update: {{package: a, via: uart}}}}\n", "0".repeat(64)))]
#[case("package-versions", "suite: x\npackages:\n  a: {file: a.delta, from: A, to: A}\n  b: {file: a.delta, from: A, to: \"\"}\ncases:\n  - {name: x, update: {package: a, via: uart}}\n".to_owned())]
#[case("list-as-a-key", "suite: x\npackages:\n  ? [a, b]\n  : {file: a.delta, from: A, to: B}\n  c: {file: a.delta, from: A, to: B}\ncases:\n  - {name: x, update: {package: c, via: uart}}\n".to_owned())]
fn refused(#[case] name: &str, #[case] text: String) {
    same(&format!("suite-{name}"), &shown(suite(text.as_bytes())));
}

#[test]
fn a_matrix_beyond_all_measure() {
    let values = (0..200).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let text = uart(&format!("    matrix: {{a: [{values}], b: [{values}]}}\n"));
    let text = shown(suite(text.as_bytes()));
    assert!(
        text.contains("`matrix` multiplies the case to more than 10000"),
        "{text}"
    );
}

#[test]
fn many_mistakes_are_counted_not_shown() {
    let cases: String = (0..50)
        .map(|n| format!("  - {{name: c{n}, update: {{package: a-to-b, via: htpp}}}}\n"))
        .collect();
    let text = shown(suite(suite_of(&cases).as_bytes()));
    assert_eq!(
        text.matches("expected a transport").count(),
        40,
        "20 drawn, 20 in a line each"
    );
    assert!(text.contains("more in suites/try.yaml"), "{text}");
}
