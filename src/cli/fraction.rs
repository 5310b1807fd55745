//! Random numbers from 0 to 1, in the form that Python prints.

/// Formats `random` / 2^64, which is less than 1, as Python prints it: with up to 16 digits after the point.
pub fn fraction(random: u64) -> String {
    let digits = format!("{:016}", (u128::from(random) * 10u128.pow(16)) >> 64);
    let digits = digits.trim_end_matches('0');
    format!("0.{}", if digits.is_empty() { "0" } else { digits })
}

#[cfg(test)]
mod tests {
    use super::fraction;

    #[test]
    fn random_numbers_look_like_pythons() {
        for (random, want) in [
            (0, "0.0"),
            (u64::MAX, "0.9999999999999999"),
            (1 << 63, "0.5"),
            (1 << 40, "0.0000000596046447"),
            (1, "0.0"),
            (0x6e21_965a_c7b3_d1f0, "0.430200001872165"),
        ] {
            assert_eq!(fraction(random), want);
            assert!((0.0..1.0).contains(&fraction(random).parse::<f64>().unwrap()));
        }
    }
}
