//! `--filter`: which cases are run, by their ids.
//!
//! `A | B` takes what either takes, `A & B` what both take, `!A` what `A` does not; `&` binds closer. A term is found
//! anywhere in `suite::id`; one with `*` or `?` has to match the whole of `suite::id` or of the id; `=X` is exactly that
//! id or `suite::id`. Brackets, commas and percent signs stand for themselves: an id pasted from a report selects its case.
//! A `\\` takes the meaning off the character behind it, for suites with `|` or `&` in their names.

use std::fmt;
use std::str::FromStr;

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
    Glob(Vec<Sign>),
    Exact(String),
}

/// A character of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// One that stands for itself.
    Is(char),
    /// One that may mean something: it had no backslash before it.
    May(char),
}

impl Sign {
    const fn char(self) -> char {
        match self {
            Self::Is(c) | Self::May(c) => c,
        }
    }
}

/// The characters of a filter, each with what it may mean. A backslash at the end stands for itself.
fn signs(text: &str) -> Vec<Sign> {
    let mut signs = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        signs.push(match c {
            '\\' => Sign::Is(chars.next().unwrap_or(c)),
            _ => Sign::May(c),
        });
    }
    signs
}

fn trim(signs: &[Sign]) -> &[Sign] {
    let blank = |sign: &Sign| matches!(sign, Sign::May(c) if c.is_whitespace());
    let start = signs.iter().take_while(|sign| blank(sign)).count();
    let rest = &signs[start..];
    let end = rest.iter().rev().take_while(|sign| blank(sign)).count();
    &rest[..rest.len() - end]
}

fn text_of(signs: &[Sign]) -> String {
    signs.iter().map(|sign| sign.char()).collect()
}

/// The filter that takes the case `id` of `suite` and no other.
pub fn exactly(suite: &str, id: &str) -> String {
    let full = format!("{suite}::{id}");
    let mut filter = String::from("=");
    for (n, c) in full.chars().enumerate() {
        if ['\\', '|', '&'].contains(&c) || (n == 0 && c.is_whitespace()) {
            filter.push('\\');
        }
        filter.push(c);
    }
    filter
}

impl Filter {
    /// Whether it is, or has beside others, `=id` or `=suite::id` (with the number of the `run`, or without), and nothing
    /// else with it.
    pub fn names(&self, suite: &str, id: &str, run: Option<u32>) -> bool {
        let bare = [id.to_owned(), format!("{suite}::{id}")];
        let numbered = run.map(|run| bare.clone().map(|id| format!("{id}#{run}")));
        let ids: Vec<String> = bare.into_iter().chain(numbered.into_iter().flatten()).collect();
        self.any.iter().any(|all| match &all[..] {
            [
                Term {
                    negated: false,
                    pattern: Pattern::Exact(exact),
                },
            ] => ids.contains(exact),
            _ => false,
        })
    }

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

impl Filter {
    /// What its terms look for, without the signs that mean something.
    pub fn words(&self) -> impl Iterator<Item = String> {
        let terms = self.any.iter().flatten().filter(|term| !term.negated);
        terms.map(|term| match &term.pattern {
            Pattern::Part(text) | Pattern::Exact(text) => text.clone(),
            Pattern::Glob(signs) => {
                let literal = signs.iter().filter(|sign| !matches!(sign, Sign::May('*' | '?')));
                literal.map(|sign| sign.char()).collect()
            }
        })
    }
}

impl Pattern {
    fn new(signs: &[Sign]) -> Self {
        match signs {
            [Sign::May('='), exact @ ..] => Self::Exact(text_of(trim(exact))),
            _ if signs.iter().any(|sign| matches!(sign, Sign::May('*' | '?'))) => Self::Glob(signs.to_vec()),
            _ => Self::Part(text_of(signs)),
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
fn matches(glob: &[Sign], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut g, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match glob.get(g) {
            Some(Sign::May('*')) => {
                star = Some((g, t));
                g += 1;
            }
            Some(sign) if *sign == Sign::May('?') || sign.char() == text[t] => {
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
    glob[g..].iter().all(|sign| *sign == Sign::May('*'))
}

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let term = |word: &[Sign]| {
            let (mut word, mut negated) = (trim(word), false);
            while let [Sign::May('!'), rest @ ..] = word {
                (word, negated) = (trim(rest), !negated);
            }
            if matches!(word, [] | [Sign::May('=')]) {
                return Err(format!(
                    "the filter `{text}` has an empty term; it looks like `uart & !updating | =suite::id`"
                ));
            }
            let pattern = Pattern::new(word);
            Ok(Term { negated, pattern })
        };
        let all = |words: &[Sign]| {
            let words = words.split(|sign| *sign == Sign::May('&'));
            words.map(term).collect::<Result<Vec<_>, _>>()
        };
        let signs = signs(text);
        let any = signs.split(|sign| *sign == Sign::May('|')).map(all);
        Ok(Self {
            text: text.to_owned(),
            any: any.collect::<Result<_, _>>()?,
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
    #[case("a|b")]
    #[case("a & b")]
    #[case(" a\\")]
    #[case("*?!=")]
    #[case("a\\|b")]
    fn one_case_of_a_suite_whatever_its_name(#[case] suite: &str) {
        let filter: Filter = exactly(suite, ID).parse().unwrap();
        assert!(filter.takes(suite, ID, None), "{filter}");
        assert!(
            !filter.takes(suite, "forced-resume[via=uart,at=50%]x", None),
            "{filter}"
        );
        assert!(!filter.takes("a", ID, None), "{filter}");
        assert!(!filter.takes("b", ID, None), "{filter}");
    }

    #[rstest]
    #[case("a\\*b", "a*b", true)]
    #[case("a\\*b", "axb", false)]
    #[case("*a\\?", "xa?", true)]
    #[case("*a\\?", "xab", false)]
    fn a_backslash_takes_the_meaning(#[case] filter: &str, #[case] id: &str, #[case] expected: bool) {
        assert_eq!(filter.parse::<Filter>().unwrap().takes("s", id, None), expected);
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
