//! Watches whether the link of an interface is up, through the kernel's netlink messages.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, netdevice, recv, socket_with};

// Constants of linux/netlink.h, linux/rtnetlink.h and linux/if.h.
const RTMGRP_LINK: u32 = 1;
const RTM_NEWLINK: u16 = 16;
const IFF_UP: u32 = 1;
const IFF_LOWER_UP: u32 = 0x1_0000;

/// The length of a netlink message's header, in bytes.
const HEADER: usize = 16;
/// The length of the header and the fixed part of a link message, in bytes.
const DESCRIBED: usize = HEADER + 16;

/// A netlink socket that gets a message whenever an interface changes.
#[derive(Debug)]
pub(super) struct Carrier {
    socket: OwnedFd,
    index: u32,
    /// Whether the link is up. `None` before the first message.
    up: Option<bool>,
}

impl Carrier {
    /// Watches the interface `name`. Returns `None` if the kernel does not allow it, or if there is no such interface.
    /// The device then reports no link changes.
    pub(super) fn watch(name: &str) -> Option<Carrier> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        // Protocol `None` means NETLINK_ROUTE.
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None).ok()?;
        // With the address 0, the kernel assigns an address to the socket.
        bind(&socket, &SocketAddrNetlink::new(0, RTMGRP_LINK)).ok()?;
        let index = netdevice::name_to_index(&socket, name).ok()?;
        Some(Carrier { socket, index, up: None })
    }

    /// Reads the messages that have arrived.
    ///
    /// Returns whether the link is up, or `None` if its state has not changed since the previous call.
    pub(super) fn read_change(&mut self) -> Option<bool> {
        let (mut buffer, mut change) = ([0; 8192], None);
        // The kernel truncates a message that is too long, but the beginning of the message is enough. If a message is
        // lost, the change is not reported.
        while let Ok((len, _)) = recv(&self.socket, &mut buffer[..], RecvFlags::empty()) {
            if len == 0 {
                break;
            }
            each_link(&buffer[..len], &mut |index, up| {
                if index == self.index {
                    // Before the first message, the link counts as up.
                    let was_up = self.up.replace(up).unwrap_or(true);
                    if was_up != up {
                        change = Some(up);
                    }
                }
            });
        }
        change
    }
}

impl AsFd for Carrier {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Calls `report` for each link in a netlink datagram. Passes the link's index and whether the link is up. Reading ends
/// at a message whose length is not valid.
fn each_link(mut datagram: &[u8], report: &mut dyn FnMut(u32, bool)) {
    while datagram.len() >= HEADER {
        let Some(len) = word(datagram, 0).map(|len| len as usize).filter(|&len| len >= HEADER) else { return };
        let kind = u16::from_ne_bytes([datagram[4], datagram[5]]);
        // The fields `ifi_index` and `ifi_flags` of a `struct ifinfomsg`.
        if kind == RTM_NEWLINK
            && len >= DESCRIBED
            && let (Some(index), Some(flags)) = (word(datagram, HEADER + 4), word(datagram, HEADER + 8))
        {
            // The link is up if the interface is up and has its carrier.
            report(index, flags & IFF_UP != 0 && flags & IFF_LOWER_UP != 0);
        }
        // The next message begins at a multiple of 4 bytes.
        datagram = datagram.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
}

/// Returns the 32-bit number at offset `at`, in the machine's byte order. `None` if `bytes` is too short.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a netlink message about a link, with `attributes` zero bytes after its fixed part.
    fn message(kind: u16, index: u32, flags: u32, attributes: usize) -> Vec<u8> {
        let mut message = vec![0; DESCRIBED + attributes];
        message[..4].copy_from_slice(&((DESCRIBED + attributes) as u32).to_ne_bytes());
        message[4..6].copy_from_slice(&kind.to_ne_bytes());
        message[HEADER + 4..HEADER + 8].copy_from_slice(&index.to_ne_bytes());
        message[HEADER + 8..HEADER + 12].copy_from_slice(&flags.to_ne_bytes());
        message.resize(message.len().next_multiple_of(4), 0);
        message
    }

    fn links(datagram: &[u8]) -> Vec<(u32, bool)> {
        let mut links = Vec::new();
        each_link(datagram, &mut |index, up| links.push((index, up)));
        links
    }

    #[test]
    fn links_are_read_from_each_message_of_a_datagram() {
        let up = IFF_UP | IFF_LOWER_UP;
        // 17 is RTM_DELLINK, which describes no link. The other arguments are the index, the flags and the number of
        // bytes of attributes. A link is up only if it has both flags.
        let datagram = [
            message(RTM_NEWLINK, 7, up, 5),
            message(17, 8, up, 0),
            message(RTM_NEWLINK, 9, IFF_UP, 4),
            message(RTM_NEWLINK, 7, IFF_LOWER_UP, 0),
        ]
        .concat();
        assert_eq!(links(&datagram), [(7, true), (9, false), (7, false)]);
        // A truncated datagram is parsed up to its end.
        for len in 0..datagram.len() {
            assert!(links(&datagram[..len]).len() <= 3);
        }
    }

    #[test]
    fn a_message_with_a_wrong_length_stops_the_parser() {
        // The first message, an RTM_DELLINK, gets a length below that of a header, or beyond the datagram's end. The
        // parser then does not reach the second message, whose link has index 1 and no carrier.
        for len in [0, 15, u32::MAX] {
            let mut datagram = [message(17, 1, 1, 0), message(RTM_NEWLINK, 1, 1, 0)].concat();
            assert_eq!(links(&datagram), [(1, false)]);
            datagram[..4].copy_from_slice(&len.to_ne_bytes());
            assert_eq!(links(&datagram), []);
        }
    }
}
