//! "Did you mean": the valid name that lies nearest to a mistyped one.

/// The nearest of `names`, if one is near enough to have been meant.
pub fn nearest<'n>(typed: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    // The distance takes time with the square of the length, and the text may be a whole file.
    let short = |text: &str| text.to_lowercase().chars().take(64).collect::<String>();
    names
        .into_iter()
        .map(|name| (strsim::osa_distance(&short(typed), &short(name)), name))
        .filter(|(distance, name)| *distance <= (name.chars().count().max(typed.chars().count()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// A help text: the nearest name, and all of them.
pub fn suggestion(typed: &str, names: &[&str], all_are: &str) -> String {
    let list = if names.is_empty() {
        format!("{all_are} none")
    } else {
        format!("{all_are} {}", ticked(names))
    };
    match nearest(typed, names.iter().copied()) {
        Some(name) => format!("did you mean `{name}`? {list}"),
        None => list,
    }
}

/// The names in back-ticks, with commas.
pub fn ticked(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("nmae", Some("name"))]
    #[case("Name", Some("name"))]
    #[case("updat", Some("update"))]
    #[case("powercycle", None)]
    #[case("", None)]
    #[case("cutt", Some("cut"))]
    fn what_was_meant(#[case] typed: &str, #[case] meant: Option<&str>) {
        assert_eq!(nearest(typed, ["name", "update", "cut"]), meant);
    }
}
