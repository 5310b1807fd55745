//! Whole numbers of the command line.

use std::ops::RangeInclusive;

/// A value parser for a whole number in `range`; `example` is one.
pub fn whole<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
    example: &'static str,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let (least, most) = (range.start(), range.end());
        let number = text.parse().ok().filter(|number| range.contains(number)).and_then(|n| T::try_from(n).ok());
        number.ok_or_else(|| match *most {
            u64::MAX => format!("it is a whole number from {least}, as in {example}"),
            most => format!("it is a whole number from {least} to {most}, as in {example}"),
        })
    }
}
