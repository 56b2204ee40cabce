//! How wide the terminal is, and lines that are broken on purpose where they do not fit.
//!
//! Where standard output is no terminal, lines stay whole: what reads them there looks for text in a line.

use std::io::IsTerminal;

/// Narrower than this, nothing is broken: it would be a column of words.
const NARROWEST: usize = 40;

/// The columns of standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Width(Option<usize>);

impl Width {
    /// As many as there are.
    pub const ENDLESS: Self = Self(None);

    /// Those of the terminal, where standard output is one.
    pub fn of_stdout() -> Self {
        let stdout = std::io::stdout();
        if !stdout.is_terminal() {
            return Self::ENDLESS;
        }
        let size = rustix::termios::tcgetwinsize(&stdout).ok();
        Self(
            size.map(|size| size.ws_col.into())
                .filter(|columns| *columns >= NARROWEST),
        )
    }

    pub const fn of(columns: usize) -> Self {
        Self(Some(columns))
    }

    /// Whether so many characters fit on a line.
    pub fn holds(self, characters: usize) -> bool {
        self.0.is_none_or(|columns| characters <= columns)
    }

    /// The text on lines that begin with `indent` blanks. A word that is longer than a line stays whole.
    pub fn indented(self, indent: usize, text: &str) -> String {
        self.each(text, |line| self.broken((indent, indent), line))
    }

    /// The text with every line that does not fit broken, and what is broken off `hang` blanks to the right.
    pub fn hanging(self, hang: usize, text: &str) -> String {
        self.each(text, |line| {
            if self.holds(line.chars().count()) {
                line.to_owned()
            } else {
                self.broken((0, hang), line)
            }
        })
    }

    fn each(self, text: &str, broken: impl Fn(&str) -> String) -> String {
        text.split('\n').map(broken).collect::<Vec<_>>().join("\n")
    }

    /// Broken at blanks; the first line begins with `first` blanks, the others with `indent`.
    fn broken(self, (first, indent): (usize, usize), text: &str) -> String {
        let mut lines: Vec<String> = Vec::new();
        let mut filled = 0;
        for word in text.split(' ') {
            let length = word.chars().count();
            match lines.last_mut() {
                Some(line) if self.holds(filled + 1 + length) => {
                    line.push(' ');
                    line.push_str(word);
                    filled += 1 + length;
                }
                _ => {
                    let blanks = if lines.is_empty() { first } else { indent };
                    lines.push(format!("{:blanks$}{word}", ""));
                    filled = blanks + length;
                }
            }
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Width::ENDLESS, "one two three", "  one two three")]
    #[case(Width::of(15), "one two three", "  one two three")]
    #[case(Width::of(14), "one two three", "  one two\n  three")]
    #[case(Width::of(7), "one two three", "  one\n  two\n  three")]
    #[case(Width::of(4), "word", "  word")]
    #[case(Width::of(7), "", "  ")]
    #[case(Width::ENDLESS, "one two\nthree", "  one two\n  three")]
    fn broken(#[case] width: Width, #[case] text: &str, #[case] expected: &str) {
        assert_eq!(width.indented(2, text), expected);
    }

    #[rstest]
    #[case("ok   http  answered at once", "ok   http  answered\n           at once")]
    #[case("ok   http  answered", "ok   http  answered")]
    #[case(
        "    cut\nok   http  answered at once",
        "    cut\nok   http  answered\n           at once"
    )]
    fn hanging(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(Width::of(20).hanging(11, text), expected);
        assert_eq!(Width::ENDLESS.hanging(11, text), text);
    }
}
