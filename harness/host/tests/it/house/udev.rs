//! The udev rules of the package, applied to the adapters that benches have. What is used of udev's language is read here
//! by its manual page: a rule is keys with commas between them, matches and assignments; the keys that look upwards
//! (`SUBSYSTEMS`, `DRIVERS`, `ATTRS`) have to fit one parent together.

use rstest::rstest;
use std::collections::BTreeMap;
use std::process::Command;

const RULES: &str = "harness/host/packaging/dfota-hil.rules";

/// A serial port as udev sees it when the rules of the system are done.
struct Device {
    subsystem: &'static str,
    name: &'static str,
    env: BTreeMap<String, String>,
    links: Vec<String>,
    /// Subsystem, driver and vendor of each parent.
    parents: Vec<[&'static str; 3]>,
}

/// One that the kernel drives as `driver`, of a maker of USB numbers, with these properties.
fn adapter(driver: &'static str, vendor: &'static str, env: &[(&str, &str)]) -> Device {
    let path = ("ID_PATH", "pci-0000:00:14.0-usb-0:2:1.0");
    let always = [path, ("ID_USB_INTERFACE_NUM", "00")];
    let env = always.iter().chain(env);
    Device {
        subsystem: "tty",
        name: "ttyUSB0",
        env: env.map(|(key, value)| ((*key).into(), (*value).into())).collect(),
        links: Vec::new(),
        // The driver of the port has a name of its own in some: `ch341-uart`.
        parents: vec![
            ["usb-serial", "ch341-uart", ""],
            ["usb", driver, ""],
            ["usb", "usb", vendor],
        ],
    }
}

impl Device {
    fn apply(&mut self, rules: &str) {
        for rule in rules
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let keys: Vec<_> = rule.split(", ").map(key).collect();
            let here = keys
                .iter()
                .all(|(name, sign, value)| self.fits(name, sign, value));
            let upwards = |parent: &[&str; 3]| keys.iter().all(|(name, _, value)| above(parent, name, value));
            let looks = keys.iter().any(|(name, ..)| PARENT.contains(&&**name));
            if here && (!looks || self.parents.iter().any(upwards)) {
                keys.iter()
                    .for_each(|(name, sign, value)| self.assign(name, sign, value));
            }
        }
    }

    /// A match of the device itself; whatever is none fits.
    fn fits(&self, name: &str, sign: &str, value: &str) -> bool {
        let is = match name {
            _ if sign != "==" && sign != "!=" => return true,
            _ if PARENT.contains(&name) => return true,
            "SUBSYSTEM" => self.subsystem,
            "KERNEL" => self.name,
            "ACTION" => "add",
            "DRIVER" => "",
            _ => self.env.get(of_env(name).expect(name)).map_or("", String::as_str),
        };
        value
            .split('|')
            .any(|pattern| glob(pattern.as_bytes(), is.as_bytes()))
            == (sign == "==")
    }

    fn assign(&mut self, name: &str, sign: &str, value: &str) {
        let mut text = value.to_owned();
        for (key, value) in &self.env {
            text = text.replace(&format!("$env{{{key}}}"), value);
        }
        match (name, sign) {
            ("SYMLINK", "+=") => self.links.push(text),
            (_, "=") if of_env(name).is_some() => {
                self.env.insert(of_env(name).expect(name).to_owned(), text);
            }
            (_, "==" | "!=") | ("GROUP" | "MODE", "=") => {}
            _ if name.starts_with("ATTR{") => {}
            _ => panic!("`{name}{sign}` is not known to this test"),
        }
    }
}

const PARENT: [&str; 3] = ["SUBSYSTEMS", "DRIVERS", "ATTRS{idVendor}"];

fn above(parent: &[&str; 3], name: &str, value: &str) -> bool {
    let Some(at) = PARENT.iter().position(|key| *key == name) else {
        return true;
    };
    value
        .split('|')
        .any(|pattern| glob(pattern.as_bytes(), parent[at].as_bytes()))
}

fn of_env(name: &str) -> Option<&str> {
    name.strip_prefix("ENV{")?.strip_suffix('}')
}

/// Name, sign and value of `NAME=="VALUE"`.
fn key(text: &str) -> (String, String, String) {
    let (left, value) = text.split_once('"').expect(text);
    let name = left.trim_end_matches(['=', '!', '+']);
    let value = value.strip_suffix('"').expect(text);
    (name.to_owned(), left[name.len()..].to_owned(), value.to_owned())
}

/// `?`, `*` and `[a-b]`.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], text) => text.is_empty(),
        ([b'*', rest @ ..], text) => (0..=text.len()).any(|from| glob(rest, &text[from..])),
        ([b'[', from, b'-', to, b']', rest @ ..], [first, text @ ..]) => {
            (from..=to).contains(&first) && glob(rest, text)
        }
        ([b'?', rest @ ..], [_, text @ ..]) => glob(rest, text),
        ([is, rest @ ..], [first, text @ ..]) => is == first && glob(rest, text),
        (_, []) => false,
    }
}

const BY_PATH: &str = "dfota-hil/pci-0000:00:14.0-usb-0:2:1.0";

#[rstest]
#[case::ftdi("ftdi_sio", "0403", &[("ID_SERIAL_SHORT", "A50285BI")], &["dfota-hil/A50285BI-00", BY_PATH])]
#[case::cp210x("cp210x", "10c4", &[("ID_SERIAL_SHORT", "0123"), (".ID_PORT", "0")], &["dfota-hil/0123-00", BY_PATH])]
#[case::cp210x_without_a_number_of_its_own("cp210x", "10c4", &[("ID_SERIAL_SHORT", "0001")], &[BY_PATH])]
#[case::ch340("ch341", "1a86", &[(".ID_PORT", "0")], &[BY_PATH])]
#[case::pl2303("pl2303", "067b", &[], &[BY_PATH])]
#[case::pl2303_of_another_maker("pl2303", "0557", &[], &[BY_PATH])]
#[case::cdc_acm("cdc_acm", "1a86", &[("ID_SERIAL_SHORT", "5A1B")], &["dfota-hil/5A1B-00", BY_PATH])]
#[case::cdc_acm_of_a_debugger("cdc_acm", "0483", &[], &[BY_PATH])]
#[case::a_makers_driver("ch343", "1a86", &[], &[BY_PATH])]
#[case::third_port("xr_serial", "04e2", &[(".ID_PORT", "3")], &["dfota-hil/pci-0000:00:14.0-usb-0:2:1.0-port3"])]
fn modem_manager_keeps_away_from_every_adapter_and_each_has_a_name(
    #[case] driver: &'static str,
    #[case] vendor: &'static str,
    #[case] env: &[(&str, &str)],
    #[case] links: &[&str],
) {
    let mut device = adapter(driver, vendor, env);
    device.apply(&super::read(RULES));
    assert_eq!(device.env.get("ID_MM_PORT_IGNORE").map(String::as_str), Some("1"));
    assert_eq!(device.links, links);
}

/// A modem that this machine goes on the Internet with is none of ours, nor is a port without USB.
#[test]
fn other_ports_are_left_alone() {
    let mut modem = adapter("option", "2c7c", &[("ID_SERIAL_SHORT", "1")]);
    let mut own = adapter("", "", &[]);
    (own.name, own.parents) = ("ttyAMA0", vec![["amba", "uart-pl011", ""]]);
    for device in [&mut modem, &mut own] {
        device.apply(&super::read(RULES));
        assert_eq!(device.env.get("ID_MM_PORT_IGNORE"), None);
        assert_eq!(device.links, [""; 0]);
    }
}

/// udev's own word, where there is one that can give it (254 and later).
#[test]
fn udev_understands_the_rules() {
    let verify = |arguments: &[&str]| Command::new("udevadm").arg("verify").args(arguments).output();
    if !verify(&["--help"]).is_ok_and(|asked| asked.status.success()) {
        eprintln!("no `udevadm verify` here: the rules were read by this test alone");
        return;
    }
    let path = super::root().join(RULES).display().to_string();
    let output = verify(&["--no-summary", &path]).expect("udevadm");
    let said = String::from_utf8_lossy(&output.stderr);
    // A group that this machine lacks is no mistake of the rules.
    let mistakes: Vec<_> = said
        .lines()
        .filter(|line| !line.contains("Unknown group"))
        .collect();
    assert!(output.status.success() || mistakes.is_empty(), "{said}");
}
