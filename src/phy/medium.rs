//! The two kinds of links: Ethernet, and bare IP packets.
//!
//! The stack has its own link layer. A board that needs neither DHCP nor IPv6 therefore builds smoltcp without the
//! feature `medium-ethernet`, which saves 2.7 KB of flash. The types in this file then replace smoltcp's address types.

use smoltcp::phy::Medium;
#[cfg(feature = "ethernet")]
pub use smoltcp::wire::{EthernetAddress, HardwareAddress};

#[cfg(not(feature = "ethernet"))]
pub use own::{EthernetAddress, HardwareAddress};

/// The medium of a device that carries Ethernet frames.
///
/// Without the feature `ethernet`, smoltcp knows only `Medium::Ip`, so every device is treated as an Ethernet device.
/// The stack itself decides by the kind of its hardware address whether frames have Ethernet headers.
#[cfg(feature = "ethernet")]
pub(crate) const ETHERNET: Medium = Medium::Ethernet;
#[cfg(not(feature = "ethernet"))]
pub(crate) const ETHERNET: Medium = Medium::Ip;

/// The length of an Ethernet header, in bytes.
pub(crate) const ETHERNET_HEADER: usize = 14;

/// Returns whether the frames of a device can have Ethernet headers.
pub(crate) fn is_ethernet(medium: Medium) -> bool {
    // Without the feature `ethernet`, every device counts as an Ethernet device, even if another crate has turned on
    // the feature `medium-ethernet` of smoltcp.
    ETHERNET == Medium::Ip || medium != Medium::Ip
}

/// Replacements for smoltcp's types, with the same names and methods.
#[cfg(any(not(feature = "ethernet"), test))]
mod own {
    use core::fmt;

    /// The hardware address of an Ethernet interface.
    #[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
    #[cfg_attr(feature = "defmt", derive(defmt::Format))]
    pub struct EthernetAddress(pub [u8; 6]);

    impl EthernetAddress {
        /// The broadcast address.
        pub const BROADCAST: EthernetAddress = EthernetAddress([0xff; 6]);

        /// Returns whether the address is a unicast address.
        pub fn is_unicast(&self) -> bool {
            // The broadcast address has the group bit, too.
            self.0[0] & 1 == 0
        }
    }

    impl fmt::Display for EthernetAddress {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let [a, b, c, d, e, g] = self.0;
            write!(f, "{a:02x}-{b:02x}-{c:02x}-{d:02x}-{e:02x}-{g:02x}")
        }
    }

    /// The hardware address of an interface, or `Ip` if the interface has none.
    #[derive(Clone, Copy, Debug, Eq, PartialEq)]
    #[cfg_attr(feature = "defmt", derive(defmt::Format))]
    pub enum HardwareAddress {
        /// The link carries Ethernet frames.
        Ethernet(EthernetAddress),
        /// The link carries bare IP packets.
        Ip,
    }

    impl From<EthernetAddress> for HardwareAddress {
        fn from(address: EthernetAddress) -> Self {
            HardwareAddress::Ethernet(address)
        }
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::string::ToString;

    use super::{EthernetAddress, own};

    #[test]
    fn an_address_is_as_in_smoltcp() {
        for bytes in [[0; 6], [0xff; 6], [2, 0, 0, 0, 0, 1], [0x33, 0x33, 0, 1, 0xfe, 7], [1, 0, 0x5e, 9, 8, 0xa0]] {
            let (own, its) = (own::EthernetAddress(bytes), EthernetAddress(bytes));
            assert_eq!(own.is_unicast(), its.is_unicast(), "{its}");
            assert_eq!(own.to_string(), its.to_string());
            let ethernet = own::HardwareAddress::from(own);
            assert!(ethernet == own::HardwareAddress::Ethernet(own) && ethernet != own::HardwareAddress::Ip);
        }
        assert_eq!(own::EthernetAddress::BROADCAST.0, EthernetAddress::BROADCAST.0);
    }
}
