//! Headless Chromium, spoken to over the pipe of its DevTools protocol.

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Real time that anything may take before a test gives up.
const LIMIT: Duration = Duration::from_secs(60);
const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// A browser with one page open.
pub(crate) struct Browser {
    child: Child,
    to: File,
    from: Receiver<Value>,
    session: Option<String>,
    next: u64,
    _profile: TempDir,
}

impl Browser {
    /// Opens a file; `None` where there is no browser, and says so.
    pub(crate) fn open(file: &Path, size: (u32, u32), script: bool) -> Option<Self> {
        let file = file.canonicalize().expect("a file");
        Self::open_url(&format!("file://{}", file.display()), size, script)
    }

    /// The same for an address.
    pub(crate) fn open_url(url: &str, (width, height): (u32, u32), script: bool) -> Option<Self> {
        let Some(program) = PROGRAMS.into_iter().find(|program| is_there(program)) else {
            eprintln!("skipped: none of {PROGRAMS:?} is installed");
            return None;
        };
        let profile = tempfile::tempdir().expect("a folder");
        let (child, to, from) = start(program, profile.path());
        let mut browser = Self {
            child,
            to,
            from,
            session: None,
            next: 0,
            _profile: profile,
        };
        let target = browser.ask("Target.createTarget", json!({ "url": "about:blank" }));
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.ask("Target.attachToTarget", target);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        browser.ask("Emulation.setDeviceMetricsOverride", size);
        browser.ask(
            "Emulation.setScriptExecutionDisabled",
            json!({ "value": !script }),
        );
        browser.ask("Page.navigate", json!({ "url": url }));
        browser.wait("document.readyState === 'complete' && !!document.querySelector('footer')");
        Some(browser)
    }

    /// What a script in the page gives.
    #[track_caller]
    pub(crate) fn value(&mut self, script: &str) -> Value {
        let asked = json!({ "expression": script, "returnByValue": true });
        let answer = self.ask("Runtime.evaluate", asked);
        assert!(answer["exceptionDetails"].is_null(), "{script}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until a script gives `true`.
    #[track_caller]
    pub(crate) fn wait(&mut self, script: &str) {
        let deadline = Instant::now() + LIMIT;
        while self.value(script) != json!(true) {
            assert!(Instant::now() < deadline, "waited {LIMIT:?} for {script}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Presses the left button over the middle of an element, as a person does.
    #[track_caller]
    pub(crate) fn click(&mut self, selector: &str) {
        let place = self.value(&format!(
            "(() => {{ const e = document.querySelector({selector:?}); e.scrollIntoView({{block: 'center', behavior: 'instant'}}); \
             const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let event =
                json!({ "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1 });
            self.ask("Input.dispatchMouseEvent", event);
        }
    }

    /// Shows it as on a machine that is set to dark.
    pub(crate) fn dark(&mut self) {
        let features = json!([{ "name": "prefers-color-scheme", "value": "dark" }]);
        self.ask("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// Keeps a picture of the whole page.
    pub(crate) fn screenshot(&mut self, file: &Path) {
        let asked = json!({ "format": "png", "captureBeyondViewport": true });
        let taken = self.ask("Page.captureScreenshot", asked);
        let data = taken["data"].as_str().expect("a picture");
        std::fs::write(file, Base64::decode_vec(data).expect("Base64")).expect("a file");
    }

    /// Lays the page out as it is printed.
    pub(crate) fn print(&mut self) {
        self.ask("Emulation.setEmulatedMedia", json!({ "media": "print" }));
    }

    /// Presses a key where the focus is; `text` is what it types.
    #[track_caller]
    pub(crate) fn press(&mut self, key: &str, text: &str) {
        for kind in ["keyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": key, "code": key, "text": text });
            self.ask("Input.dispatchKeyEvent", event);
        }
    }

    /// Types a text where the focus is.
    pub(crate) fn write(&mut self, text: &str) {
        self.ask("Input.insertText", json!({ "text": text }));
    }

    #[track_caller]
    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let mut message = json!({ "id": self.next, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).expect("the browser listens");
        loop {
            let said = self
                .from
                .recv_timeout(LIMIT)
                .unwrap_or_else(|_| panic!("no answer to {method}"));
            if said["id"] == self.next {
                assert!(said["error"].is_null(), "{method}: {said}");
                return said["result"].clone();
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_there(program: &str) -> bool {
    let version = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    version.is_ok_and(|status| status.success())
}

/// The protocol is spoken over descriptors 3 and 4, each message ended by a zero byte. A shell connects two named pipes to
/// them.
fn start(program: &str, profile: &Path) -> (Child, File, Receiver<Value>) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let (commands, answers) = (profile.join("commands"), profile.join("answers"));
    for pipe in [&commands, &answers] {
        mknodat(CWD, pipe, FileType::Fifo, Mode::RWXU, 0).expect("a named pipe");
    }
    let line = format!(
        "exec {program} --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
         --disable-component-update --disable-sync --remote-debugging-pipe \
         --user-data-dir=\"$0\" 3<\"$0/commands\" 4>\"$0/answers\""
    );
    let child = Command::new("sh")
        .args(["-c", &line])
        .arg(profile)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell");
    // In the order of the shell: each of the two waits for its other end.
    let to = File::options().write(true).open(&commands).expect("a pipe");
    let from = BufReader::new(File::open(&answers).expect("a pipe"));
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for message in from.split(0).map_while(Result::ok) {
            let sent = serde_json::from_slice(&message).map(|message| tell.send(message));
            if !matches!(sent, Ok(Ok(()))) {
                break;
            }
        }
    });
    (child, to, told)
}
