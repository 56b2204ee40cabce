//! The control socket: one line of text a request, one line an answer.
//!
//! | request | answer, once the effect has happened |
//! |---|---|
//! | `power on`, `power off` | `ok`; off: the module is dead and reaped |
//! | `reset on`, `reset off` | `ok`; on: RESET has been low for 50 ms of the module's time, and the module is dead |
//! | `pwrkey on`, `pwrkey off` | `ok`; on: pressed. The module starts after 500 ms of its time |
//! | `reflash` | `ok`; the module is off, and its flash as it left the factory: the firmware of the command line |
//! | `sense` | `ok on 1234` or `ok off 1234`: VDD_EXT, and for how many nanoseconds it has been so |
//! | `state` | `ok power=on module=running reset=off pwrkey=off`; module is `running`, `off` or `held` (in reset) |
//! | anything else | `error …` |

use crate::board::Board;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;

/// Longest request in bytes.
const REQUEST_MAX: u64 = 200;

/// Serves any number of clients at `path`, in threads of its own.
pub(crate) fn serve(board: Arc<Board>, path: &Path) -> io::Result<()> {
    let listener = bind(path)?;
    thread::Builder::new().name("control".into()).spawn(move || {
        for client in listener.incoming().flatten() {
            let board = Arc::clone(&board);
            let started = thread::Builder::new()
                .name("client".into())
                .spawn(move || converse(&board, client));
            if let Err(error) = started {
                eprintln!("bc66-sim: no thread for a control client: {error}");
            }
        }
    })?;
    Ok(())
}

/// Replaces a socket that an earlier simulator left behind.
fn bind(path: &Path) -> io::Result<UnixListener> {
    let stale =
        || UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && stale() => {
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        bound => bound,
    }
}

/// Answers until the client is gone; errors end the conversation.
fn converse(board: &Board, client: UnixStream) {
    let Ok(mut answers) = client.try_clone() else {
        return;
    };
    let mut requests = BufReader::new(client);
    loop {
        let mut request = Vec::new();
        match io::Read::take(&mut requests, REQUEST_MAX).read_until(b'\n', &mut request) {
            Ok(n) if n > 0 => {}
            _ => return,
        }
        let complete = request.ends_with(b"\n");
        let answer = if complete {
            answer(board, &request)
        } else {
            "error the request is too long or has no end".to_owned()
        };
        if answers.write_all(format!("{answer}\n").as_bytes()).is_err() || !complete {
            return;
        }
    }
}

fn answer(board: &Board, request: &[u8]) -> String {
    let text = String::from_utf8_lossy(request);
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["power", level] => moved(level, |on| board.power(on)),
        ["reset", level] => moved(level, |on| board.reset(on)),
        ["pwrkey", level] => moved(level, |on| board.pwrkey(on)),
        ["reflash"] => board.reflash().map_or_else(
            |error| format!("error the flash could not be written: {error}"),
            |()| "ok".to_owned(),
        ),
        ["sense"] => sense(board),
        ["state"] => state(board),
        _ => format!(
            "error unknown request `{}`: expected `power on|off`, `reset on|off`, `pwrkey on|off`, `reflash`, `sense` or `state`",
            text.trim_end().escape_default()
        ),
    }
}

fn moved(level: &str, line: impl FnOnce(bool)) -> String {
    match level {
        "on" => line(true),
        "off" => line(false),
        _ => return format!("error a line is `on` or `off`, not `{}`", level.escape_default()),
    }
    "ok".to_owned()
}

fn sense(board: &Board) -> String {
    let state = board.state();
    let up = level(state.module != "off");
    format!("ok {up} {}", state.vdd_ext_since.elapsed().as_nanos())
}

fn state(board: &Board) -> String {
    let state = board.state();
    let (power, reset, pwrkey) = (level(state.power), level(state.reset), level(state.pwrkey));
    format!(
        "ok power={power} module={} reset={reset} pwrkey={pwrkey}",
        state.module
    )
}

fn level(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
