//! Texts as the fonts can show them. PDF/A refuses a character without a glyph, and a report that cannot be made because of
//! a customer's name would be worse than one that writes it `\u{91d1}`.

use serde_json::Value;

/// The same data, with every character that cannot be shown written by its number.
pub fn printable(value: Value, shown: &impl Fn(char) -> bool) -> Value {
    match value {
        Value::String(text) => Value::String(spelled(&text, shown)),
        Value::Array(items) => items.into_iter().map(|item| printable(item, shown)).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| (key, printable(value, shown)))
            .collect(),
        plain => plain,
    }
}

fn spelled(text: &str, shown: &impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if !c.is_control() && shown(c) => out.push(c),
            c => out.extend(c.escape_unicode()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_no_font_has_is_spelled() {
        let data = json!({ "a": ["München", "金", 7], "b": { "c": "x\u{7}\ny" } });
        let shown = |c: char| c < '\u{500}';
        let expected = json!({ "a": ["München", "\\u{91d1}", 7], "b": { "c": "x\\u{7}\\u{a}y" } });
        assert_eq!(printable(data, &shown), expected);
    }
}
