//! The terminal, for every layer of the program.

pub mod paint;
pub mod prompt;
pub mod width;

/// Writes a result to standard output. A reader that has gone, as behind `| head -1`, is no error.
pub fn print(text: &str) {
    use std::io::Write;
    let mut stdout = std::io::stdout();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Writes a line to standard error. A closed one is no error: a panic (as of `eprintln!`) could keep a signal from making the rig
/// safe.
pub fn print_warning(text: impl std::fmt::Display) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{text}");
}
