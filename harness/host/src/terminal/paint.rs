//! Colour on a terminal, and none anywhere else.

use std::io::IsTerminal;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum When {
    /// Where standard output is a terminal and `NO_COLOR` is not set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint(bool);

/// A colour that means something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    Green,
    Red,
    Yellow,
    Dim,
    Bold,
}

impl Paint {
    /// Decides for standard output.
    pub fn new(when: When) -> Self {
        Self::on(when, &std::io::stdout())
    }

    /// Decides for standard error.
    pub fn stderr(when: When) -> Self {
        Self::on(when, &std::io::stderr())
    }

    fn on(when: When, stream: &impl IsTerminal) -> Self {
        Self(match when {
            When::Always => true,
            When::Never => false,
            When::Auto => stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        })
    }

    pub fn is_on(self) -> bool {
        self.0
    }

    /// The text in a colour.
    pub fn colour(self, colour: Colour, text: &str) -> String {
        let code = match colour {
            Colour::Green => "32;1",
            Colour::Red => "31;1",
            Colour::Yellow => "33;1",
            Colour::Dim => "2",
            Colour::Bold => "1",
        };
        if self.0 {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}
