//! Random numbers that a seed reproduces. All tests use this generator.
//!
//! Files in tests/ and benches/ include this file.
#![allow(dead_code, reason = "each crate that includes it uses some of it")]

/// A random number generator: SplitMix64 (Steele, Lea and Flood 2014).
pub struct Random(pub u64);

impl Random {
    /// Returns the next random 64-bit number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number from 0 to `limit` - 1.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// Returns true once in `times` calls, on average.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// Returns a random element of `from`, which must not be empty.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Returns `len` random bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    /// Returns a random number of random bytes, fewer than `limit`.
    pub fn bytes_below(&mut self, limit: usize) -> Vec<u8> {
        let len = self.below(limit);
        self.bytes(len)
    }

    /// Returns a 16-bit number, often one that reveals bugs.
    pub fn u16(&mut self) -> u16 {
        match self.below(4) {
            0 => self.pick(&[0, 1, 7, 8, 19, 20, 21, 39, 40, 0x7fff, 0x8000, 0xfffe, 0xffff]),
            1 => 1 << self.below(16),
            2 => self.below(1600) as u16,
            _ => self.next() as u16,
        }
    }

    /// Returns a distance in sequence space, often one that reveals bugs.
    pub fn distance(&mut self) -> u32 {
        match self.below(5) {
            0 => self.pick(&[0, 1, u32::MAX, 1 << 31, (1 << 31) - 1, (1 << 31) + 1, 65_535, 65_536]),
            1 => self.below(3000) as u32,
            2 => (self.below(3000) as u32).wrapping_neg(),
            3 => 1 << self.below(32),
            _ => self.next() as u32,
        }
    }
}

/// Returns the seed in the environment variable SMOLSTEP_SEED, or `default`. Prints the seed, so that a failure can be
/// reproduced.
pub fn seed(default: u64) -> u64 {
    let seed = std::env::var("SMOLSTEP_SEED").map_or(default, |seed| seed.parse().expect("SMOLSTEP_SEED is a number"));
    eprintln!("SMOLSTEP_SEED={seed} reproduces this run");
    seed
}
