//! `package`: any file is one; those for the simulated module are packed here.

use crate::lab::Lab;

#[test]
fn pack_makes_the_packages_of_the_suites() {
    let lab = Lab::new();
    for (name, from, to) in [
        ("a-to-b.delta", "BC66NBR01A01", "BC66NBR01A02"),
        ("b-to-a.delta", "BC66NBR01A02", "BC66NBR01A01"),
        ("a01-to-a0a.delta", "BC66NBR01A01", "BC66NBR01A0A"),
        ("a0a-to-a01.delta", "BC66NBR01A0A", "BC66NBR01A01"),
    ] {
        let ran = lab
            .run(&["package", "pack", "--from", from, "--to", to, "--out", name])
            .ends(0);
        assert!(ran.stdout.starts_with(&format!("{name} ")), "{}", ran.stdout);
        let bytes = |path: &str| std::fs::read(lab.path(path)).expect("a package");
        assert!(
            bytes(name) == bytes(&format!("suites/packages/{name}")),
            "{name} differs"
        );
        let seen = lab.run(&["package", "inspect", name]).ends(0).stdout;
        assert_eq!(seen.lines().next(), ran.stdout.lines().next());
        assert!(seen.contains(from) && seen.contains(to), "{seen}");
    }
}

#[test]
fn any_file_can_be_inspected() {
    let lab = Lab::new();
    lab.write("vendor.bin", "abc");
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let ran = lab.run(&["package", "inspect", "vendor.bin"]).ends(0);
    assert_eq!(
        ran.stdout,
        format!("vendor.bin 3 bytes sha256 {sha256}\nno delta for the simulated module: opaque\n")
    );
    let ran = lab.run(&["package", "inspect", "vendor.bin", "--json"]).ends(0);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(
        json,
        serde_json::json!({ "file": "vendor.bin", "bytes": 3, "sha256": sha256, "simulated": null })
    );
}

#[test]
fn packing_what_is_no_update() {
    let lab = Lab::new();
    let ran = lab.run(&[
        "package",
        "pack",
        "--from",
        "BC66NBR01A01",
        "--to",
        "BC66NANBR01A02",
        "--out",
        "x",
    ]);
    assert!(ran.ends(2).stderr.contains("different modules"));
    assert!(!lab.path("x").exists());
}

#[test]
fn a_package_for_a_rehearsal_says_the_same_of_itself() {
    let lab = Lab::new();
    let pack = [
        "package",
        "pack",
        "--from",
        "BC66NBR01A01",
        "--to",
        "BC66NBR01A02",
        "--out",
        "x.delta",
    ];
    lab.run(&[&pack[..], &["--rehearsal"]].concat()).ends(0);
    let ran = lab.run(&["package", "inspect", "x.delta"]).ends(0);
    ran.says("a delta for the simulated module: BC66NBR01A01 to BC66NBR01A02");
    let bytes = std::fs::read(lab.path("x.delta")).expect("a package");
    let purpose = bc66_sim::package::purpose(&bytes);
    assert_eq!(purpose, Some(bc66_sim::package::PackagePurpose::Rehearsal));
}
