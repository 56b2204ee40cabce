//! Decimal numbers of digits alone, as commands and URIs have them: Rust's own parser takes a sign, too.

use std::str::FromStr;

/// The number; `None` if `text` has anything but digits, or too many.
pub(crate) fn decimal<T: FromStr>(text: &str) -> Option<T> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// The number, which must not be 0.
pub(crate) fn positive<T: FromStr + PartialOrd + Default>(text: &str) -> Option<T> {
    decimal(text).filter(|number| *number > T::default())
}
