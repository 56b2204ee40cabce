//! Answers as words of YAML.

use super::ask::InvalidAnswer;

/// A scalar of YAML: in quotes, unless it can be nothing but text.
pub(super) fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') || text.starts_with("./");
    let means_else = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let is_word = means_else.contains(&text.to_ascii_lowercase().as_str());
    if begins && !is_word && text.chars().all(plain) {
        text.to_owned()
    } else {
        serde_json::json!(text).to_string()
    }
}

/// Program and arguments as a list of YAML.
pub(super) fn words(text: &str) -> Result<String, InvalidAnswer> {
    if text.trim().is_empty() || text.contains(['\'', '"', '\\', '$', '|', '&', ';', '<', '>', '`']) {
        return Err(InvalidAnswer(format!(
            "expected a program and its arguments with blanks between them, found `{text}`; what needs a shell goes into a script beside the rig file"
        )));
    }
    let words: Vec<String> = text.split_whitespace().map(scalar).collect();
    Ok(format!("[{}]", words.join(", ")))
}
