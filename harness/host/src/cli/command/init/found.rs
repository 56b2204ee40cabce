//! What this machine has: serial adapters by the names that stay, GPIO chips and the names of their lines.

use gpiocdev::chip::{Chip, chips};
use std::path::{Path, PathBuf};

/// Where names of serial ports are, the best first.
const FOLDERS: [&str; 3] = ["dev/dfota-hil", "dev/serial/by-id", "dev/serial/by-path"];

/// The serial ports below `root`, each by its best name.
pub(super) fn ports(root: &Path) -> Vec<String> {
    let mut devices: Vec<PathBuf> = Vec::new();
    let mut ports = Vec::new();
    for path in FOLDERS
        .iter()
        .flat_map(|folder| entries(&root.join(folder)))
        .chain([root.join("dev/serial0")])
        .chain(
            entries(&root.join("dev"))
                .into_iter()
                .filter(|path| is_adapter(path)),
        )
    {
        let Ok(device) = path.canonicalize() else {
            continue;
        };
        if !devices.contains(&device) {
            devices.push(device);
            let name = path.strip_prefix(root).unwrap_or(&path);
            ports.push(Path::new("/").join(name).display().to_string());
        }
    }
    ports
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// An adapter that no rule of udev has named.
fn is_adapter(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("ttyUSB") || name.starts_with("ttyACM")
}

/// A GPIO chip, as far as this user may look at it.
pub(super) struct GpioChip {
    /// Path, label and lines, or why nothing is known of them.
    pub about: String,
    /// The names of its lines.
    pub names: Vec<String>,
}

/// The GPIO chips of this machine.
pub(super) fn gpio_chips() -> Vec<GpioChip> {
    let paths = chips().unwrap_or_default();
    paths.iter().map(|path| gpio_chip(path)).collect()
}

fn gpio_chip(path: &Path) -> GpioChip {
    let asked = Chip::from_path(path).and_then(|chip| {
        let info = chip.info()?;
        let lines: Result<Vec<_>, _> = chip.line_info_iter()?.collect();
        Ok((info.label, lines?))
    });
    match asked {
        Ok((label, lines)) => {
            let names = lines.iter().map(|line| line.name.clone());
            GpioChip {
                about: format!("{}  {label}, {} lines", path.display(), lines.len()),
                names: names.filter(|name| !name.is_empty()).collect(),
            }
        }
        Err(why) => GpioChip {
            about: format!("{}  cannot be looked at: {why}", path.display()),
            names: Vec::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn each_port_once_by_the_name_that_stays() {
        let root = tempfile::tempdir().expect("a folder");
        let dev = root.path().join("dev");
        for folder in FOLDERS {
            std::fs::create_dir_all(root.path().join(folder)).expect("a folder");
        }
        for device in ["ttyUSB0", "ttyUSB1", "ttyACM0", "ttyS0", "tty1"] {
            std::fs::write(dev.join(device), "").expect("a file");
        }
        for (link, device) in [
            ("dfota-hil/A50285BI-00", "../ttyUSB1"),
            ("serial/by-id/usb-FTDI_A50285BI-if00-port0", "../../ttyUSB1"),
            ("serial/by-path/usb-0:2", "../../ttyUSB0"),
            ("serial/by-path/usb-0:3", "../../ttyUSB1"),
            ("serial/by-id/gone", "../../ttyUSB9"),
            ("serial0", "ttyS0"),
        ] {
            symlink(device, dev.join(link)).expect("a link");
        }
        let expected = [
            "/dev/dfota-hil/A50285BI-00",
            "/dev/serial/by-path/usb-0:2",
            "/dev/serial0",
            "/dev/ttyACM0",
        ];
        assert_eq!(ports(root.path()), expected);
        assert!(ports(&dev).is_empty());
    }
}
