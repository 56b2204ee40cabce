//! Firmware versions: `BC66NBR01A01`, `BC66NANBR01A01`.

use bc66_spec::module::Module;
use std::fmt;
use std::str::FromStr;

/// What a version of this module begins with (AN §2.1.1 names the grammar only by example).
fn prefix(module: Module) -> &'static str {
    match module {
        Module::Bc66 => "BC66NBR01A",
        Module::Bc66Na => "BC66NANBR01A",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FirmwareVersion(String);

/// The text is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a firmware version: expected `BC66NBR01Axx` or `BC66NANBR01Axx` with two letters or digits for xx"
)]
pub struct NotAVersion(String);

impl FirmwareVersion {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn module(&self) -> Module {
        let na = self.0.starts_with(prefix(Module::Bc66Na));
        if na { Module::Bc66Na } else { Module::Bc66 }
    }

    /// The first version of a module, for a fresh flash.
    pub fn first(module: Module) -> Self {
        Self(format!("{}01", prefix(module)))
    }
}

impl FromStr for FirmwareVersion {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let sound = Module::ALL
            .into_iter()
            .filter_map(|module| text.strip_prefix(prefix(module)))
            .any(|number| {
                number.len() == 2
                    && number
                        .bytes()
                        .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
            });
        if sound {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAVersion(text.to_owned()))
        }
    }
}

impl fmt::Display for FirmwareVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
