//! Numbers on the wire and what they mean, each from one line.

/// Writes an enum of a result's numbers. Those that no document names are kept as they came.
macro_rules! codes {
    ($(#[$about:meta])* $type:ident: $raw:ty { $($variant:ident = $number:literal, $name:literal;)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $type {
            $(#[doc = concat!($number, ": ", $name, ".")] $variant,)+
            /// Any other number.
            Undocumented($raw),
        }

        impl $type {
            /// The code for a number on the wire; every number has one.
            pub const fn from_raw(raw: $raw) -> Self {
                match raw {
                    $($number => Self::$variant,)+
                    other => Self::Undocumented(other),
                }
            }

            /// The number on the wire.
            pub const fn raw(self) -> $raw {
                match self {
                    $(Self::$variant => $number,)+
                    Self::Undocumented(raw) => raw,
                }
            }

            /// What it means.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Undocumented(_) => "undocumented",
                }
            }
        }
    };
}
pub(crate) use codes;
