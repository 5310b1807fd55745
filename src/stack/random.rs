//! Numbers that peers cannot guess without the seed.

use super::half_sip::half_sip;

/// HalfSipHash-2-4 of a counter: seeing some numbers tells nothing about the others.
pub(super) struct Random {
    key: u64,
    count: u64,
}

impl Random {
    pub(super) fn new(key: u64) -> Self {
        Random { key, count: 0 }
    }

    pub(super) fn next(&mut self) -> u32 {
        self.count = self.count.wrapping_add(1);
        half_sip::<2, 4>(self.key, &[self.count as u32, (self.count >> 32) as u32])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_depend_on_key_and_count() {
        let draw = |key| {
            let mut random = Random::new(key);
            [(); 4].map(|()| random.next())
        };
        assert_eq!(draw(1), draw(1));
        let numbers = [draw(1), draw(2)].concat();
        assert!((1..8).all(|n| !numbers[..n].contains(&numbers[n])), "{numbers:?}");
    }
}
