//! Closed lists of named traits of a simulated module: what the command line takes, and sets of it.

use clap::ValueEnum;
use std::marker::PhantomData;

/// Writes such a list from one line for each entry: variant, name on the command line, what it does in one sentence.
macro_rules! named {
    ($type:ident { $($entry:ident = $name:literal, $about:literal;)+ }) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $type {
            $(#[doc = $about] $entry,)+
        }

        impl $type {
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$entry),+];

            /// Its name on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$entry => $name,)+ }
            }

            /// What it does, in one sentence.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$entry => $about,)+ }
            }
        }

        impl ::clap::ValueEnum for $type {
            fn value_variants<'a>() -> &'a [Self] {
                &Self::ALL
            }

            fn to_possible_value(&self) -> Option<::clap::builder::PossibleValue> {
                Some(::clap::builder::PossibleValue::new(self.name()).help(self.about()))
            }
        }
    };
}
pub(crate) use named;

/// The list as the command line shows it: each name, and what it does.
pub(crate) fn listing<T: ValueEnum>() -> String {
    let entries = || T::value_variants().iter().filter_map(T::to_possible_value);
    let width = entries().map(|entry| entry.get_name().len()).max();
    let width = width.unwrap_or_default();
    let line = |entry: clap::builder::PossibleValue| {
        let about = entry.get_help().map(ToString::to_string).unwrap_or_default();
        format!("{:width$}  {about}\n", entry.get_name())
    };
    entries().map(line).collect()
}

/// Reads a name of the list; the error names the one that was probably meant, and not all of them.
pub(crate) fn parse<T: ValueEnum>(name: &str) -> Result<T, String> {
    T::from_str(name, false).map_err(|_| {
        let names = T::value_variants().iter().filter_map(T::to_possible_value);
        let near = |known: &String| strsim::osa_distance(known, name) <= name.len() / 3;
        let mut names = names.map(|value| value.get_name().to_owned()).filter(near);
        match names.next() {
            Some(nearest) => format!("there is no `{name}`; did you mean `{nearest}`?"),
            None => {
                format!("there is no `{name}`; `--list-defects` and `--list-dialects` name what there is")
            }
        }
    })
}

/// A set of entries of one list, which has no more than 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedSet<T> {
    bits: u64,
    list: PhantomData<T>,
}

impl<T> Default for NamedSet<T> {
    fn default() -> Self {
        Self {
            bits: 0,
            list: PhantomData,
        }
    }
}

impl<T: ValueEnum + Copy + PartialEq> NamedSet<T> {
    pub fn has(self, entry: T) -> bool {
        self.bits & Self::bit(entry) != 0
    }

    /// The set with this one in it.
    #[must_use]
    pub fn with(mut self, entry: T) -> Self {
        self.bits |= Self::bit(entry);
        self
    }

    /// The names of its entries, between commas.
    pub(crate) fn to_list(self) -> String {
        let entries = T::value_variants().iter().filter(|entry| self.has(**entry));
        let values: Vec<_> = entries.filter_map(T::to_possible_value).collect();
        let names: Vec<&str> = values.iter().map(|value| value.get_name()).collect();
        names.join(",")
    }

    /// Reads what [`NamedSet::to_list`] wrote.
    pub(crate) fn from_list(names: &str) -> Option<Self> {
        let names = names.split(',').filter(|name| !name.is_empty());
        names.map(|name| T::from_str(name, false).ok()).collect()
    }

    fn bit(entry: T) -> u64 {
        let at = T::value_variants().iter().position(|other| *other == entry);
        at.map_or(0, |at| 1 << at)
    }
}

impl<T: ValueEnum + Copy + PartialEq> FromIterator<T> for NamedSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(entries: I) -> Self {
        entries.into_iter().fold(Self::default(), Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defect::Defect;
    use crate::dialect::Dialect;
    use std::collections::BTreeSet;
    use std::fmt::Debug;

    #[test]
    fn names_are_unique_and_a_set_is_read_back() {
        fn check<T: ValueEnum + Copy + PartialEq + Debug>(name: fn(T) -> &'static str) {
            let list = T::value_variants();
            assert!(list.len() <= 64, "a set has 64 bits");
            let names: BTreeSet<&str> = list.iter().copied().map(name).collect();
            assert_eq!(names.len(), list.len(), "a name is there twice");
            let kebab = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            assert!(names.iter().all(|name| name.bytes().all(kebab)), "{names:?}");
            let all: NamedSet<T> = list.iter().copied().collect();
            assert_eq!(NamedSet::from_list(&all.to_list()), Some(all));
        }
        check(Defect::name);
        check(Dialect::name);
    }
}
