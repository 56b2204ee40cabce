//! The last lines of what is shown: where the reports are, and a link to the page.

use std::fmt::Write;
use std::path::Path;

/// Where JUnit's file is, and the page for people: that is a link, on terminals that have them.
pub fn page(folder: &Path) -> String {
    let path = folder.join(dfota_record::run_folder::HTML);
    let mut shown = path.display().to_string();
    if supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout) {
        let absolute = std::path::absolute(&path).unwrap_or(path);
        let host = rustix::system::uname();
        let host = host.nodename().to_string_lossy().into_owned();
        shown = linked(&shown, &format!("file://{host}{}", encoded(&absolute)));
    }
    let junit = folder.join(dfota_record::run_folder::JUNIT);
    format!("{:>12} {}\n{:>12} {shown}\n", "JUnit", junit.display(), "Page")
}

/// Where the signed evidence is.
pub fn signed(folder: &Path) -> String {
    let envelope = folder.join(dfota_record::evidence::ENVELOPE);
    format!("{:>12} {}\n", "Signed", envelope.display())
}

/// A text that leads to an address (OSC 8).
fn linked(text: &str, address: &str) -> String {
    format!("\x1b]8;;{address}\x1b\\{text}\x1b]8;;\x1b\\")
}

/// A path as a URI has it.
fn encoded(path: &Path) -> String {
    let mut encoded = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(*byte));
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_a_page() {
        let link = linked(
            "out/report.html",
            &format!("file://pi{}", encoded(Path::new("/home/a b/ü%.html"))),
        );
        assert_eq!(
            link,
            "\x1b]8;;file://pi/home/a%20b/%C3%BC%25.html\x1b\\out/report.html\x1b]8;;\x1b\\"
        );
    }
}
