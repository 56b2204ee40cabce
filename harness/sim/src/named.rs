//! Closed lists of named traits of a simulated module: what the command line takes, and sets of them.
//!
//! The macro `named!` writes such a list from one line for each entry: variant, name, one sentence.

use std::fmt;
use std::marker::PhantomData;

/// An entry of a closed list.
pub trait Named: Copy + PartialEq + 'static {
    /// What an entry is, in a word.
    const KIND: &'static str;
    /// Every entry; not more than 64.
    const LIST: &'static [Self];

    /// Its name on the command line.
    fn name(self) -> &'static str;

    /// What it does, in one sentence.
    fn about(self) -> &'static str;
}

/// Writes a closed list: the enum, and everything that [`Named`] asks of it.
macro_rules! named {
    ($(#[$attribute:meta])* $type:ident is a $kind:literal { $($name:ident = $id:literal, $about:literal;)+ }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $type {
            $(#[doc = $about] $name,)+
        }

        impl $type {
            /// How many there are.
            pub const COUNT: usize = [$(Self::$name),+].len();
            pub const ALL: [Self; Self::COUNT] = [$(Self::$name),+];

            /// Its name on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $id,)+ }
            }

            /// What it does, in one sentence.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$name => $about,)+ }
            }
        }

        impl $crate::named::Named for $type {
            const KIND: &'static str = $kind;
            const LIST: &'static [Self] = &Self::ALL;

            fn name(self) -> &'static str {
                self.name()
            }

            fn about(self) -> &'static str {
                self.about()
            }
        }

        impl ::std::str::FromStr for $type {
            type Err = $crate::named::UnknownName;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                $crate::named::find(name)
            }
        }
    };
}
pub(crate) use named;

/// The entry of that name.
pub fn find<T: Named>(name: &str) -> Result<T, UnknownName> {
    let found = T::LIST.iter().copied().find(|entry| entry.name() == name);
    found.ok_or_else(|| UnknownName {
        kind: T::KIND,
        name: name.to_owned(),
        known: T::LIST.iter().map(|entry| entry.name()).collect(),
    })
}

/// The list as the command line shows it: names, and behind them what they mean.
pub fn listing<T: Named>() -> String {
    let width = T::LIST.iter().map(|entry| entry.name().len()).max();
    let width = width.unwrap_or_default();
    let line = |entry: &T| format!("{:width$}  {}\n", entry.name(), entry.about());
    T::LIST.iter().map(line).collect()
}

/// No entry has this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    kind: &'static str,
    name: String,
    known: Vec<&'static str>,
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, known } = self;
        let nearest = known.iter().min_by_key(|other| distance(other, name));
        let nearest = nearest.copied().unwrap_or_default();
        let all = known.join(", ");
        write!(
            f,
            "unknown {kind} `{name}`: did you mean `{nearest}`? all {kind}s: {all}"
        )
    }
}

impl std::error::Error for UnknownName {}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// A set of entries of one list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedSet<T> {
    bits: u64,
    of: PhantomData<T>,
}

impl<T> Default for NamedSet<T> {
    fn default() -> Self {
        Self {
            bits: 0,
            of: PhantomData,
        }
    }
}

impl<T: Named> NamedSet<T> {
    /// Is this one in the set?
    pub fn has(self, entry: T) -> bool {
        self.bits & Self::bit(entry) != 0
    }

    /// The set with this one in it.
    #[must_use]
    pub fn with(mut self, entry: T) -> Self {
        self.bits |= Self::bit(entry);
        self
    }

    /// The entries in the set.
    pub fn iter(self) -> impl Iterator<Item = T> {
        T::LIST.iter().copied().filter(move |entry| self.has(*entry))
    }

    /// Their names, between commas.
    pub fn to_list(self) -> String {
        let names: Vec<&str> = self.iter().map(Named::name).collect();
        names.join(",")
    }

    /// Reads what [`NamedSet::to_list`] wrote.
    pub fn from_list(names: &str) -> Result<Self, UnknownName> {
        names
            .split(',')
            .filter(|name| !name.is_empty())
            .map(find)
            .collect()
    }

    fn bit(entry: T) -> u64 {
        let at = T::LIST.iter().position(|other| *other == entry);
        at.map_or(0, |at| 1 << at)
    }
}

impl<T: Named> FromIterator<T> for NamedSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(entries: I) -> Self {
        entries.into_iter().fold(Self::default(), Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defect::{Defect, Defects};
    use crate::dialect::{Dialect, Dialects};

    fn sound<T: Named + fmt::Debug>() {
        assert!(T::LIST.len() <= 64, "a set has 64 bits");
        for (n, entry) in T::LIST.iter().enumerate() {
            let name = entry.name();
            let kebab = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            assert!(name.bytes().all(kebab), "{name}");
            assert!(
                T::LIST[..n].iter().all(|other| other.name() != name),
                "{name} twice"
            );
            assert!(
                entry.about().len() > 10 && !entry.about().ends_with('.'),
                "{name}"
            );
            assert_eq!(find(name), Ok(*entry));
        }
    }

    #[test]
    fn names_are_unique_and_found() {
        sound::<Defect>();
        sound::<Dialect>();
    }

    #[test]
    fn a_set_is_read_back() {
        let all: Defects = Defect::ALL.into_iter().collect();
        assert_eq!(Defects::from_list(&all.to_list()), Ok(all));
        assert_eq!(all.iter().count(), Defect::COUNT);
        assert_eq!(Dialects::from_list(""), Ok(Dialects::default()));
        let told = Dialects::from_list("end-twise").map_err(|error| error.to_string());
        assert!(told.is_err_and(|told| told.starts_with("unknown dialect `end-twise`: did you mean `end-twice`?")));
    }
}
