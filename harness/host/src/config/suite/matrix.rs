//! The matrix of a case: all combinations of its values, and the ids that they give.

use crate::config::suite::suite_keys::Values;
use crate::config::yaml::containers::NotEmpty;
use crate::config::yaml::literal::{InvalidValue, Literal};
use crate::config::yaml::reader::{Binding, ValueReader};
use dfota_core::escape::quoted;
use indexmap::IndexMap;

/// Most cases that one case can be multiplied to.
const MAX_CASES: usize = 10_000;

/// All combinations, the last key running fastest; one empty combination without a matrix.
pub fn combinations(
    reader: &mut ValueReader<'_>,
    matrix: Option<&NotEmpty<IndexMap<String, Values>>>,
) -> Vec<Vec<Binding>> {
    let Some(matrix) = matrix else {
        return vec![Vec::new()];
    };
    let product = matrix
        .iter()
        .try_fold(1_usize, |product, (_, values)| product.checked_mul(values.len()));
    if product.is_none_or(|product| product > MAX_CASES) {
        let why = InvalidValue::new(format!("multiplies the case to more than {MAX_CASES}"));
        reader.key_mistake(matrix.at, why);
        return Vec::new();
    }
    matrix.iter().fold(vec![Vec::new()], |so_far, (name, values)| {
        let axis = axis(reader, name, values);
        so_far
            .iter()
            .flat_map(|bindings: &Vec<Binding>| {
                axis.iter().map(move |binding| {
                    let mut bindings = bindings.clone();
                    bindings.push(binding.clone());
                    bindings
                })
            })
            .collect()
    })
}

/// One key with its values.
fn axis(reader: &mut ValueReader<'_>, name: &str, values: &Values) -> Vec<Binding> {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || !name.chars().all(legal) {
        let why =
            InvalidValue::new("cannot be referred to as `{name}`").help("use letters, digits, `_` and `-`");
        reader.key_mistake(values.at, why);
    }
    let mut axis: Vec<Binding> = Vec::new();
    for raw in values.iter() {
        let Some(value) = raw.text.clone() else {
            continue;
        };
        if let Err(why) = String::read(&value) {
            reader.mistake(raw.at, why);
        } else if axis.iter().any(|other| id_word(&other.value) == id_word(&value)) {
            let why = InvalidValue::new(format!("{} is given twice in the matrix", quoted(&value)));
            reader.mistake(raw.at, why.label("the same case again"));
            continue;
        }
        axis.push(Binding {
            name: name.to_owned(),
            value,
            at: raw.at,
        });
    }
    axis
}

/// The id of a case: its name as a slug, and the values of its matrix.
pub fn id(name: &str, bindings: &[Binding]) -> String {
    let values: Vec<String> = bindings
        .iter()
        .map(|binding| format!("{}={}", binding.name, id_word(&binding.value)))
        .collect();
    if values.is_empty() {
        slug(name)
    } else {
        format!("{}[{}]", slug(name), values.join(","))
    }
}

/// Lower case; letters and digits of any script stay. A `-` for what is no letter, digit, `.` or `_`, but never two of them.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.trim().to_lowercase().chars() {
        match c {
            '.' | '_' => slug.push(c),
            c if c.is_alphanumeric() => slug.push(c),
            _ if slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    slug.trim_matches('-').to_owned()
}

/// A value as it stands in an id: blanks become `-`, and nothing that would end the value early.
fn id_word(value: &str) -> String {
    value
        .trim()
        .chars()
        .map(|c| match c {
            c if c.is_alphanumeric() => c,
            '.' | '_' | '-' | '%' | '+' | ':' | '/' => c,
            _ => '-',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::yaml::tree::KeyPlace;
    use rstest::rstest;

    #[rstest]
    #[case("forced resume", "forced-resume")]
    #[case("Wrong base version is refused!", "wrong-base-version-is-refused")]
    #[case("  a -- b  ", "a-b")]
    #[case("v1.2_x", "v1.2_x")]
    #[case("§§§", "")]
    #[case("Rücksturz", "rücksturz")]
    #[case("Обновление № 2", "обновление-2")]
    #[case("断电 恢复", "断电-恢复")]
    fn slugs(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(slug(name), expected);
    }

    #[rstest]
    #[case(&[], "forced-resume")]
    #[case(&[("via", "uart"), ("at", "50%")], "forced-resume[via=uart,at=50%]")]
    #[case(&[("at", "updating 50%")], "forced-resume[at=updating-50%]")]
    #[case(&[("at", "a,b]=c")], "forced-resume[at=a-b--c]")]
    fn ids(#[case] values: &[(&str, &str)], #[case] expected: &str) {
        let bindings: Vec<Binding> = values
            .iter()
            .map(|(name, value)| Binding {
                name: (*name).to_owned(),
                value: (*value).to_owned(),
                at: KeyPlace::default(),
            })
            .collect();
        assert_eq!(id("forced resume", &bindings), expected);
    }
}
