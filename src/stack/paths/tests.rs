//! Compares the table with a plain list and checks which reported MTUs are accepted.

use std::vec;
use std::vec::Vec;

use super::*;
use crate::testing::random::{Random, seed};

const V4: IpAddress = IpAddress::v4(10, 0, 0, 1);
const V6: IpAddress = IpAddress::v6(0xfd00, 0, 0, 0, 0, 0, 0, 1);

#[test]
fn the_table_agrees_with_a_list() {
    let mut random = Random(seed(1191));
    for count in [1, 3, 256] {
        let mut entries = vec![Path::default(); count];
        let mut paths = Paths::new(&mut entries, random.next(), &DeviceCapabilities::default());
        let mut list: Vec<(IpAddress, usize, Instant)> = Vec::new();
        let mut now = Instant::from_secs(1);
        for _ in 0..20_000 {
            now += Duration::from_millis(random.below(5_000) as u64 + 1);
            let n = random.below(2 * count + 2) as u16;
            let address = if n.is_multiple_of(2) {
                IpAddress::v4(10, 0, (n >> 8) as u8, n as u8)
            } else {
                IpAddress::v6(1, 0, 0, 0, 0, 0, 0, n)
            };
            let known = list.iter().position(|(known, ..)| *known == address);
            let current = known.map(|at| list[at]).filter(|&(_, _, until)| now < until).map(|(_, mtu, _)| mtu);
            assert_eq!(paths.find(now, &address), current);
            if random.below(3) == 0 {
                let mtu = 552 + random.below(1_000);
                paths.learn(now, address, mtu);
                if current.is_none_or(|current| mtu <= current) {
                    match known {
                        Some(at) => drop(list.remove(at)),
                        None if list.len() == count => drop(list.remove(0)),
                        None => {}
                    }
                    list.push((address, mtu, now + LIFETIME));
                }
            }
        }
    }
}

#[test]
fn without_memory_no_path_mtu_is_stored() {
    let mut paths = Paths::new(&mut [], 1, &DeviceCapabilities::default());
    paths.learn(Instant::from_secs(1), V4, 600);
    assert_eq!(paths.find(Instant::from_secs(1), &V4), None);
}

#[test]
fn only_an_mtu_below_the_packet_and_not_below_the_floor_is_accepted() {
    for (address, mtu, len, wanted) in [
        (V4, 1_400, 1_500, Some(1_400)),
        (V4, 1_500, 1_500, None),
        (V4, 1_501, 1_500, None),
        (V4, u32::MAX, 1_500, None),
        (V4, 552, 553, Some(552)),
        (V4, 551, 1_500, None),
        (V4, 68, 1_500, None),
        // A router that does not report its MTU.
        (V4, 0, 1_500, Some(1_492)),
        (V4, 0, 1_492, Some(1_006)),
        (V4, 0, 1_006, Some(552)),
        (V4, 0, 552, None),
        (V4, 0, 20, None),
        (V6, 1_280, 1_500, Some(1_280)),
        (V6, 1_279, 1_500, None),
        (V6, 0, 1_500, None),
        (V6, 1_500, 1_500, None),
    ] {
        assert_eq!(reported(&address, mtu, len), wanted, "{address} {mtu} {len}");
    }
}

#[test]
fn the_next_mtu_to_try_in_a_black_hole_is_the_next_smaller_base() {
    let mut entries = [Path::default()];
    let paths = Paths::new(&mut entries, 1, &DeviceCapabilities::default());
    for (address, len, wanted) in [
        (V4, 1_500, Some(1_280)),
        (V4, 1_281, Some(1_280)),
        (V4, 1_280, Some(576)),
        (V4, 577, Some(576)),
        (V4, 576, None),
        (V6, 1_500, Some(1_280)),
        (V6, 1_280, None),
    ] {
        assert_eq!(paths.below(&address, len), wanted, "{address} {len}");
    }
}
