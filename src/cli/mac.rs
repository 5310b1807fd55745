//! The default hardware address on a TAP: different on each machine and TAP, but the same in each run.

use std::fs;

use smoltcp::wire::EthernetAddress;

use super::error::Failure;
use crate::stack::{Hardware, half_sip};

/// Returns the default hardware address of `side` on `tap`, the same in each run. On a machine without an id, the
/// address is instead random in each run, and is logged.
///
/// # Errors
/// Fails if the machine has neither an id nor entropy.
pub fn default_mac(tap: &str, side: &str) -> Result<EthernetAddress, Failure> {
    let read = |file| fs::read_to_string(file).unwrap_or_default();
    if let Some(mac) = derive(tap, side, &read("/etc/machine-id"), &read("/proc/sys/kernel/hostname")) {
        return Ok(mac);
    }
    let mut bytes = [0; 6];
    getrandom::fill(&mut bytes).map_err(|error| Failure::run(format_args!("no entropy: {error}")))?;
    let mac = local(bytes);
    let shown = Hardware(mac);
    log::info!(
        "no machine id in /etc/machine-id: {tap} has the random hardware address {shown}; --mac gives a lasting one"
    );
    Ok(mac)
}

/// Derives a hardware address from the machine's id, the host's name, the TAP and the side. Returns `None` if the
/// machine's id is invalid (machine-id(5)).
fn derive(tap: &str, side: &str, machine: &str, host: &str) -> Option<EthernetAddress> {
    let id = u128::from_str_radix(machine.trim(), 16).ok().filter(|&id| id != 0 && machine.trim().len() == 32)?;
    // LF separates the names, because no name contains LF.
    let text = format!("{id:032x}\n{}\n{tap}\n{side}", host.trim());
    // Each word has up to four bytes of the text, with the first byte in the lowest bits.
    let words: Vec<u32> = text
        .as_bytes()
        .chunks(4)
        .map(|bytes| bytes.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte)))
        .collect();
    // A hash has 32 bits, and an address needs 48, so the words are hashed with two keys.
    let [a, b, c, d] = half_sip::<2, 4>(0, &words).to_be_bytes();
    let [e, f, ..] = half_sip::<2, 4>(1, &words).to_be_bytes();
    Some(local([a, b, c, d, e, f]))
}

/// Turns `bytes` into a locally administered unicast address (RFC 9542 section 2.1).
fn local(mut bytes: [u8; 6]) -> EthernetAddress {
    bytes[0] = bytes[0] & !0b11 | 0b10;
    EthernetAddress(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: &str = "0123456789abcdef0123456789abcdef\n";

    /// The address is the same for the same input, and different if any part of the input differs.
    #[test]
    fn the_address_depends_on_machine_host_tap_and_side() {
        let of = |tap, side, machine, host| derive(tap, side, machine, host).unwrap();
        let mac = of("tap0", "Server", MACHINE, "host\n");
        // The address must not change between releases, or DHCP servers and neighbours would not recognise this side.
        assert_eq!(Hardware(mac).to_string(), "b6:1f:ef:0f:1c:44");
        assert_eq!(mac, of("tap0", "Server", MACHINE.trim(), "host"));
        let others = [
            of("tap1", "Server", MACHINE, "host"),
            of("tap0", "Client", MACHINE, "host"),
            of("tap0", "Server", "0123456789abcdef0123456789abcdee", "host"),
            of("tap0", "Server", MACHINE, "other"),
            of("tap0", "Server", MACHINE, ""),
        ];
        for (at, other) in others.iter().enumerate() {
            assert!(other.is_unicast() && other.0[0] & 3 == 2, "{other}");
            assert!(*other != mac && !others[..at].contains(other), "{other}");
        }
    }

    #[test]
    fn an_invalid_machine_id_yields_no_address() {
        for machine in ["", "\n", "uninitialized\n", "00000000000000000000000000000000\n", "0123", "x"] {
            assert_eq!(derive("tap0", "Server", machine, "host"), None, "{machine:?}");
        }
    }
}
