//! How wide the terminal is, and lines that are broken on purpose where they do not fit.
//!
//! Where standard output is not a terminal, lines stay whole: programs look for text in a line.

use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// Narrower than this, nothing is broken: it would be a column of words.
const NARROWEST: usize = 40;

/// The columns of standard output; endless where it is not a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Width(usize);

impl Width {
    pub const ENDLESS: Self = Self(usize::MAX);

    pub fn of_stdout() -> Self {
        // It fails where standard output is not a terminal.
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok();
        let columns = size.map(|size| usize::from(size.ws_col));
        columns
            .filter(|columns| *columns >= NARROWEST)
            .map_or(Self::ENDLESS, Self)
    }

    /// Whether so many characters fit on a line.
    pub fn holds(self, characters: usize) -> bool {
        characters <= self.0
    }

    /// The text on lines that begin with `indent` blanks. A word that is longer than a line stays whole.
    pub fn indented(self, indent: usize, text: &str) -> String {
        self.wrapped(indent, indent, text)
    }

    /// The text with every line that does not fit broken, and what is broken off `hang` blanks to the right.
    pub fn hanging(self, hang: usize, text: &str) -> String {
        self.wrapped(0, hang, text)
    }

    /// Broken at blanks; the first part of each line begins with `first` blanks, the others with `rest`.
    fn wrapped(self, first: usize, rest: usize, text: &str) -> String {
        let (first, rest) = (" ".repeat(first), " ".repeat(rest));
        let options = Options::new(self.0)
            .initial_indent(&first)
            .subsequent_indent(&rest)
            .break_words(false)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation)
            .wrap_algorithm(WrapAlgorithm::FirstFit);
        text.split('\n')
            .flat_map(|line| textwrap::wrap(line, &options))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Width::ENDLESS, "one two three", "  one two three")]
    #[case(Width(15), "one two three", "  one two three")]
    #[case(Width(14), "one two three", "  one two\n  three")]
    #[case(Width(7), "one two three", "  one\n  two\n  three")]
    #[case(Width(4), "word", "  word")]
    #[case(Width(7), "", "")]
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
        assert_eq!(Width(20).hanging(11, text), expected);
        assert_eq!(Width::ENDLESS.hanging(11, text), text);
    }
}
