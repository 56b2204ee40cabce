//! Names of several rigs in a line, as journals and the history have them.

/// The same names, in alphabetical order: whichever came first on the command line, they are the same rigs.
pub(crate) fn in_order(names: &str) -> String {
    let mut names: Vec<&str> = names.split(", ").collect();
    names.sort_unstable();
    names.join(", ")
}
