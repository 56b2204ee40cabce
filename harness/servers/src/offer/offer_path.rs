//! Checks base URLs and paths, and makes paths that cannot be guessed.

use super::OfferError;
use rustix::io::retry_on_intr;
use rustix::rand::{GetRandomFlags, getrandom};
use std::io;

/// Checks a base; gives it without its last slash.
pub(super) fn check_base<'b>(base: &'b str, scheme: &'static str) -> Result<&'b str, OfferError> {
    let own = base
        .get(..scheme.len())
        .filter(|own| own.eq_ignore_ascii_case(scheme));
    let host = own.map(|_| base[scheme.len()..].trim_end_matches('/'));
    let sound = host.is_some_and(|host| {
        let printable = host.bytes().all(|byte| byte.is_ascii_graphic());
        !host.is_empty() && !host.starts_with('/') && printable && !host.contains(['?', '#', '"', '\\'])
    });
    if sound {
        Ok(base.trim_end_matches('/'))
    } else {
        Err(OfferError::Base {
            base: base.to_owned(),
            scheme,
        })
    }
}

/// A path that nobody can guess: 128 bits of the system's randomness, and the name. It does not derive from the run's seed,
/// which is public: who knows it must not know the path.
pub(super) fn unguessable_path(name: &str) -> Result<String, OfferError> {
    let token = unguessable().map_err(OfferError::Random)?;
    let name: String = name.trim_start_matches('.').chars().map(plain).collect();
    Ok(if name.is_empty() {
        format!("/{token}")
    } else {
        format!("/{token}/{name}")
    })
}

/// 128 bits of the system's randomness in hex.
fn unguessable() -> io::Result<String> {
    let mut token = [0; 16];
    let got = retry_on_intr(|| getrandom(&mut token, GetRandomFlags::empty()))?;
    if got < token.len() {
        return Err(io::Error::other(format!(
            "{got} bytes instead of {}",
            token.len()
        )));
    }
    Ok(token.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The character, if every URL parser leaves it alone.
fn plain(character: char) -> char {
    match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => character,
        _ => '-',
    }
}

/// Checks the path of an offer: one that every URL parser and every module leaves as it is.
pub(super) fn check_path(path: &str) -> Result<(), OfferError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-~/".contains(&byte);
    let dots = path.split('/').any(|segment| matches!(segment, "." | ".."));
    if path.starts_with('/') && path.bytes().all(plain) && !dots {
        Ok(())
    } else {
        Err(OfferError::Path(path.to_owned()))
    }
}
