//! Colour on a terminal, and none anywhere else.

use anstyle::{AnsiColor, Style};
use std::io::IsTerminal;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ColorMode {
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

pub const GREEN: Style = AnsiColor::Green.on_default().bold();
pub const RED: Style = AnsiColor::Red.on_default().bold();
pub const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
pub const DIM: Style = Style::new().dimmed();
pub const BOLD: Style = Style::new().bold();

impl Paint {
    /// Decides for standard output.
    pub fn new(mode: ColorMode) -> Self {
        Self::on(mode, &std::io::stdout())
    }

    /// Decides for standard error.
    pub fn stderr(mode: ColorMode) -> Self {
        Self::on(mode, &std::io::stderr())
    }

    fn on(mode: ColorMode, stream: &impl IsTerminal) -> Self {
        Self(match mode {
            ColorMode::Always => true,
            ColorMode::Never => false,
            ColorMode::Auto => {
                stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
            }
        })
    }

    pub fn is_on(self) -> bool {
        self.0
    }

    pub fn styled(self, style: Style, text: &str) -> String {
        if self.0 {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}
