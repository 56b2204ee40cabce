//! How many of something, in words.

/// `1 case`, `2 cases`.
pub fn count_of(count: impl TryInto<u64> + Copy + std::fmt::Display, noun: &str) -> String {
    match count.try_into() {
        Ok(1) => format!("{count} {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::count_of;

    #[test]
    fn one_and_more() {
        assert_eq!(
            [0_usize, 1, 2].map(|n| count_of(n, "error")),
            ["0 errors", "1 error", "2 errors"]
        );
        assert_eq!(count_of(1_u32, "flash update"), "1 flash update");
    }
}
