//! The path of an object, an instance or a resource: `/5`, `/5/0`, `/5/0/3` (TS10 §6.2).

use crate::decimal::decimal;

/// A path of one to three ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Path {
    /// All instances of an object.
    Object(u16),
    Instance(u16, u16),
    Resource(u16, u16, u16),
}

impl Path {
    /// Reads the segments of a CoAP path.
    pub(crate) fn from_segments(segments: &[&str]) -> Option<Self> {
        let ids: Vec<u16> = segments.iter().map(|text| id(text)).collect::<Option<_>>()?;
        match ids[..] {
            [object] => Some(Self::Object(object)),
            [object, instance] => Some(Self::Instance(object, instance)),
            [object, instance, resource] => Some(Self::Resource(object, instance, resource)),
            _ => None,
        }
    }
}

/// Digits only, and no zero before others.
fn id(text: &str) -> Option<u16> {
    decimal(text).filter(|_| text == "0" || !text.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&["5"], Some(Path::Object(5)))]
    #[case(&["5", "0", "3"], Some(Path::Resource(5, 0, 3)))]
    #[case(&["05"], None)]
    #[case(&["+5"], None)]
    #[case(&["65536"], None)]
    #[case(&[""], None)]
    #[case(&[], None)]
    #[case(&["5", "0", "3", "0"], None)]
    fn from_segments(#[case] segments: &[&str], #[case] path: Option<Path>) {
        assert_eq!(Path::from_segments(segments), path);
    }
}
