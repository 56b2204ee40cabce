//! Words of a command line that somebody pastes into a shell.

/// The word as a POSIX shell reads it back: quoted where it has to be.
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::shell_word;
    use rstest::rstest;
    use std::process::Command;

    #[rstest]
    #[case("suites/smoke.yaml", "suites/smoke.yaml")]
    #[case("", "''")]
    #[case("my suite", "'my suite'")]
    #[case("it's", r"'it'\''s'")]
    #[case("=s::a[b=1]#2", "'=s::a[b=1]#2'")]
    #[case("$HOME `x` \\ \"\n~*?", "'$HOME `x` \\ \"\n~*?'")]
    fn a_shell_reads_it_back(#[case] word: &str, #[case] quoted: &str) {
        assert_eq!(shell_word(word), quoted);
        let script = format!("printf %s {quoted}");
        let output = Command::new("sh")
            .args(["-c", &script])
            .output()
            .expect("there is a shell");
        assert_eq!(String::from_utf8_lossy(&output.stdout), word);
    }
}
