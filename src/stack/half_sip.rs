//! HalfSipHash: SipHash on 32-bit words (Aumasson and Bernstein, "SipHash: a fast short-input PRF"). [`Random`] uses
//! HalfSipHash to generate random numbers.
//!
//! Without the key, nobody can choose inputs that collide. HalfSipHash needs a tenth of SipHash's code, and a quarter
//! of SipHash's time on a 32-bit core.

use smoltcp::wire::IpAddress;

use super::event::Tuple;

/// Hashes words under a key, with `C` rounds for each word and `D` rounds at the end.
///
/// The authors propose `C` = 2 and `D` = 4. For hash tables, use `C` = 1 and `D` = 3.
pub(crate) fn half_sip<const C: usize, const D: usize>(key: u64, words: &[u32]) -> u32 {
    let (low, high) = (key as u32, (key >> 32) as u32);
    // The two constants are part of HalfSipHash.
    let mut state = [low, high, 0x6c79_6765 ^ low, 0x7465_6462 ^ high];
    // The highest byte of the final block is the length in bytes, four for each word. The block contains no input,
    // because the input consists of whole words.
    let end = (words.len() as u32) << 26;
    for &word in words.iter().chain([&end]) {
        state[3] ^= word;
        (0..C).for_each(|_| round(&mut state));
        state[0] ^= word;
    }
    state[2] ^= 0xff;
    (0..D).for_each(|_| round(&mut state));
    state[1] ^ state[3]
}

/// Hashes two endpoints under a key. Two IPv4 addresses are hashed as two words, and two IPv6 addresses as eight. The
/// hash includes the length, so an IPv4 tuple and an IPv6 tuple never have the same input.
pub(super) fn half_sip_of<const C: usize, const D: usize>(key: u64, tuple: &Tuple) -> u32 {
    let ports = u32::from(tuple.remote.port) << 16 | u32::from(tuple.local.port);
    match (tuple.remote.addr, tuple.local.addr) {
        (IpAddress::Ipv4(remote), IpAddress::Ipv4(local)) => {
            half_sip::<C, D>(key, &[remote.to_bits(), local.to_bits(), ports])
        }
        #[cfg(feature = "ipv6")]
        (remote, local) => {
            // Eight words for the addresses. The ninth word contains the ports.
            let mut words = [ports; 9];
            let addresses = [remote, local].map(|address| match address {
                // Both endpoints of a connection have the same IP version.
                IpAddress::Ipv4(address) => address.to_ipv6_mapped().octets(),
                IpAddress::Ipv6(address) => address.octets(),
            });
            for (word, bytes) in words.iter_mut().zip(addresses.as_flattened().as_chunks().0) {
                *word = u32::from_le_bytes(*bytes);
            }
            half_sip::<C, D>(key, &words)
        }
    }
}

/// Hashes an address under a key, in the same way as [`half_sip_of`].
pub(super) fn half_sip_of_address(key: u64, address: &IpAddress) -> u32 {
    match address {
        IpAddress::Ipv4(address) => half_sip::<1, 3>(key, &[address.to_bits()]),
        #[cfg(feature = "ipv6")]
        IpAddress::Ipv6(address) => {
            let mut words = [0; 4];
            for (word, bytes) in words.iter_mut().zip(address.octets().as_chunks().0) {
                *word = u32::from_le_bytes(*bytes);
            }
            half_sip::<1, 3>(key, &words)
        }
    }
}

/// Applies one SipRound of HalfSipHash, which mixes the four words of the state.
fn round([a, b, c, d]: &mut [u32; 4]) {
    *a = a.wrapping_add(*b);
    *b = b.rotate_left(5) ^ *a;
    *a = a.rotate_left(16);
    *c = c.wrapping_add(*d);
    *d = d.rotate_left(8) ^ *c;
    *a = a.wrapping_add(*d);
    *d = d.rotate_left(7) ^ *a;
    *c = c.wrapping_add(*b);
    *b = b.rotate_left(13) ^ *c;
    *c = c.rotate_left(16);
}

/// A generator of numbers that peers cannot predict: HalfSipHash-2-4 of a counter.
///
/// A peer that sees some of the numbers cannot compute the others without the key.
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

    /// Uses the authors' test vectors of HalfSipHash-2-4, for whole words only. The vectors are `vectors_hsip32` in the
    /// reference implementation. The input is the bytes 0, 1, 2, …, and the key is the bytes 0, 1, … 7.
    #[test]
    fn agrees_with_the_test_vectors() {
        let vectors = [
            0xa935_9f5bu32,
            0x2a6e_4689,
            0xd0b8_848f,
            0x57f0_872f,
            0xd9b5_ac84,
            0xe34d_1045,
            0x2740_0c63,
            0xb064_4000,
            0xfee7_2112,
            0xe75c_c6ec,
            0xb6bc_1840,
        ];
        let words: [u32; 10] = core::array::from_fn(|word| {
            let first = 4 * word as u8;
            u32::from_le_bytes([first, first + 1, first + 2, first + 3])
        });
        for (len, vector) in vectors.into_iter().enumerate() {
            let hash = half_sip::<2, 4>(0x0706_0504_0302_0100, &words[..len]);
            // The reference implementation lists the bytes of a hash with the lowest byte first.
            assert_eq!(hash, vector.swap_bytes(), "{len} words");
        }
    }

    /// The same key draws the same numbers again. The first four numbers of two keys are eight different numbers.
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
