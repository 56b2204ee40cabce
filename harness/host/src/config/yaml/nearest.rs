//! "Did you mean": the valid name that lies nearest to a mistyped one.

/// The nearest of `names`, if one is near enough to have been meant.
pub fn nearest<'n>(typed: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let typed = typed.to_lowercase();
    names
        .into_iter()
        .map(|name| (distance(&typed, &name.to_lowercase()), name))
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

/// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
fn distance(a: &str, b: &str) -> usize {
    // Names are short; what is longer is near to none of them.
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let mut best = (rows[i - 1][j] + 1)
                .min(row[j - 1] + 1)
                .min(rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]));
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
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
