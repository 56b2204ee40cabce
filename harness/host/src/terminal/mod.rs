//! The terminal, for whatever floor of the program has to say something.

pub mod paint;
pub mod prompt;
pub mod width;

/// Writes a result to standard output. Nobody may read it any more, as behind `| head -1`: that changes nothing.
pub fn print(text: &str) {
    use std::io::Write;
    let mut stdout = std::io::stdout();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Writes a line to standard error. It may be closed as well, and a panic over that would come between a signal and the
/// rig's safe state.
pub fn print_warning(text: impl std::fmt::Display) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{text}");
}
