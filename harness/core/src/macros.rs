//! Macros for the code that types of the journal and of suites share, such as enums with a name for each variant.

/// An enum whose variants have one name each: the same in suites, in the journal and in reports.
macro_rules! named_enum {
    ($(#[$attribute:meta])* pub enum $name:ident { $($(#[$of_variant:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub enum $name {
            $($(#[$of_variant])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// All, in the order of their declaration.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

/// Lets serde write a type as its text, and read it as `FromStr` does.
macro_rules! serde_as_text {
    ($name:ident) => {
        impl TryFrom<alloc::string::String> for $name {
            type Error = <Self as core::str::FromStr>::Err;

            fn try_from(text: alloc::string::String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for alloc::string::String {
            fn from(value: $name) -> Self {
                alloc::string::ToString::to_string(&value)
            }
        }
    };
}

pub(crate) use {named_enum, serde_as_text};
