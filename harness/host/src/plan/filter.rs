//! `--filter`: which cases are run, by their ids.
//!
//! `A | B` takes what either takes, `A & B` what both take, `!A` what `A` does not; `&` binds closer. A term is found
//! anywhere in `suite::id`; one with `*` or `?` has to match the whole of `suite::id` or of the id; `=X` is exactly that
//! id or `suite::id`. Brackets, commas and percent signs stand for themselves: an id pasted from a report selects its case.

use std::fmt;
use std::str::FromStr;

/// A filter expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    text: String,
    /// Any of these, each of which is all of its terms.
    any: Vec<Vec<Term>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    negated: bool,
    pattern: Pattern,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Part(String),
    Glob(Vec<char>),
    Exact(String),
}

impl Filter {
    /// Whether the case `id` of `suite` is taken. One that is run several times is known by its id, and by its id with the
    /// number of the `run`, as reports have it.
    pub fn takes(&self, suite: &str, id: &str, run: Option<u32>) -> bool {
        let mut ids = vec![(format!("{suite}::{id}"), id.to_owned())];
        ids.extend(run.map(|run| (format!("{suite}::{id}#{run}"), format!("{id}#{run}"))));
        let fits = |pattern: &Pattern| ids.iter().any(|(full, id)| pattern.fits(full, id));
        self.any
            .iter()
            .any(|all| all.iter().all(|term| fits(&term.pattern) != term.negated))
    }
}

impl Pattern {
    fn of(text: &str) -> Self {
        match text.strip_prefix('=') {
            Some(exact) => Self::Exact(exact.trim().to_owned()),
            None if text.contains(['*', '?']) => Self::Glob(text.chars().collect()),
            None => Self::Part(text.to_owned()),
        }
    }

    fn fits(&self, full: &str, id: &str) -> bool {
        match self {
            Self::Part(part) => full.contains(part.as_str()),
            Self::Exact(exact) => exact == full || exact == id,
            Self::Glob(glob) => matches(glob, full) || matches(glob, id),
        }
    }
}

/// Whether `*` (any text) and `?` (one character) of the glob can stand for the text, the whole of it.
fn matches(glob: &[char], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut g, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match glob.get(g) {
            Some('*') => {
                star = Some((g, t));
                g += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                g += 1;
                t += 1;
            }
            _ => {
                // Let the last star stand for one character more.
                let Some((at, stood_for)) = star else {
                    return false;
                };
                star = Some((at, stood_for + 1));
                g = at + 1;
                t = stood_for + 1;
            }
        }
    }
    glob[g..].iter().all(|c| *c == '*')
}

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let term = |word: &str| {
            let word = word.trim();
            let bare = word.trim_start_matches('!').trim();
            if bare.is_empty() || bare == "=" {
                return Err(format!(
                    "the filter `{text}` has an empty term; it looks like `uart & !updating | =suite::id`"
                ));
            }
            let marks = word.len() - word.trim_start_matches('!').len();
            Ok(Term {
                negated: marks % 2 == 1,
                pattern: Pattern::of(bare),
            })
        };
        let all = |words: &str| words.split('&').map(term).collect::<Result<Vec<_>, _>>();
        let any = text.split('|').map(all).collect::<Result<_, _>>()?;
        Ok(Self {
            text: text.to_owned(),
            any,
        })
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const ID: &str = "forced-resume[via=uart,at=50%]";

    #[rstest]
    #[case("forced", true)]
    #[case("uart", true)]
    #[case("http", false)]
    #[case("!http", true)]
    #[case("!!uart", true)]
    #[case("smoke::", true)]
    #[case("smoke::forced-resume[via=uart,at=50%]", true)]
    #[case("=forced-resume[via=uart,at=50%]", true)]
    #[case("=smoke::forced-resume[via=uart,at=50%]", true)]
    #[case("=forced-resume", false)]
    #[case("http | uart", true)]
    #[case("http & uart", false)]
    #[case("http & uart | forced", true)]
    #[case("uart & !forced", false)]
    #[case("forced-*", true)]
    #[case("smoke::*at=5?%]", true)]
    #[case("forced", true)]
    #[case("*via=http*", false)]
    #[case("*a*a*a*a*a*a*a*a*a*a*b", false)]
    #[case("resume*", false)]
    fn takes(#[case] filter: &str, #[case] expected: bool) {
        assert_eq!(
            filter.parse::<Filter>().unwrap().takes("smoke", ID, None),
            expected
        );
    }

    #[rstest]
    #[case("=forced-resume[via=http,at=50%]", true)]
    #[case("=forced-resume[via=http,at=50%]#2", true)]
    #[case("=forced-resume[via=http,at=50%]#1", false)]
    #[case("=smoke::forced-resume[via=http,at=50%]#2", true)]
    #[case("*at=50%]", true)]
    #[case("!#2", false)]
    fn takes_one_run_of_several(#[case] filter: &str, #[case] expected: bool) {
        let filter: Filter = filter.parse().unwrap();
        assert_eq!(
            filter.takes("smoke", "forced-resume[via=http,at=50%]", Some(2)),
            expected
        );
    }

    #[rstest]
    #[case("")]
    #[case("a |")]
    #[case("a & & b")]
    #[case("!")]
    #[case("=")]
    fn what_is_no_filter(#[case] filter: &str) {
        assert!(filter.parse::<Filter>().is_err());
    }
}
