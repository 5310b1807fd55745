//! Reads the state of the kernel's end of a connection, if that end is on this host. Uses sock_diag over netlink.

use core::fmt;
use core::time::Duration;
use std::io;
use std::net::SocketAddr;

use netlink_packet_core::NLM_F_DUMP;
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP};
use netlink_packet_sock_diag::inet::nlas::Nla;
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, InetResponse, SocketId, StateFlags};
use netlink_sys::protocols::NETLINK_SOCK_DIAG;

use super::exchange::Exchange;
use crate::stack::Tuple;

/// The state of a kernel TCP socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelSocket {
    /// The state, as RFC 9293 names it.
    pub state: &'static str,
    /// The retransmission timeout.
    pub rto: Duration,
    /// The congestion window, in segments.
    pub cwnd: u32,
    /// The number of segments sent and not acknowledged.
    pub unacknowledged: u32,
    /// The number of retransmissions of the oldest unacknowledged segment.
    pub retransmits: u8,
}

impl KernelSocket {
    /// Returns the kernel's socket on the other side of our connection `tuple`. Returns `None` if no such socket is in
    /// this network namespace.
    ///
    /// # Errors
    /// Fails with the kernel's error.
    pub fn at_the_other_end(tuple: &Tuple) -> io::Result<Option<Self>> {
        let (kernel, ours) = (SocketAddr::from(tuple.remote), SocketAddr::from(tuple.local));
        let (family, socket_id) = match kernel {
            SocketAddr::V4(_) => (AF_INET, SocketId::new_v4()),
            SocketAddr::V6(_) => (AF_INET6, SocketId::new_v6()),
        };
        let request = InetRequest {
            family,
            protocol: IPPROTO_TCP,
            extensions: ExtensionFlags::INFO,
            states: StateFlags::all(),
            socket_id,
        };
        let mut found = None;
        // The request names no addresses, so the kernel lists every TCP socket of this family.
        Exchange::open(NETLINK_SOCK_DIAG)?.request(SockDiagMessage::InetRequest(request), NLM_F_DUMP, |answer| {
            if let SockDiagMessage::InetResponse(socket) = answer {
                let id = &socket.header.socket_id;
                // Seen from the kernel's socket, the kernel's address is the source, and ours is the destination.
                if (id.source_address, id.source_port) == (kernel.ip(), kernel.port())
                    && (id.destination_address, id.destination_port) == (ours.ip(), ours.port())
                {
                    found = Some(describe(&socket));
                }
            }
        })?;
        Ok(found)
    }
}

impl fmt::Display for KernelSocket {
    /// Writes the state and, unless the connection is in TIME-WAIT, the kernel's values for the connection.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let KernelSocket { state, rto, cwnd, unacknowledged, retransmits } = self;
        // In TIME-WAIT the kernel keeps only the state, so the other values are 0.
        if rto.is_zero() {
            return f.write_str(state);
        }
        let rto = rto.as_millis();
        write!(f, "{state:<12} rto={rto}ms cwnd={cwnd} unacknowledged={unacknowledged} retransmits={retransmits}")
    }
}

/// Returns the state and the values of the socket in the kernel's answer. Values that the answer lacks are 0.
fn describe(socket: &InetResponse) -> KernelSocket {
    let info = socket.nlas.iter().find_map(|nla| match nla {
        Nla::TcpInfo(info) => Some(info),
        _ => None,
    });
    KernelSocket {
        state: state(socket.header.state),
        rto: Duration::from_micros(info.map_or(0, |info| info.rto.into())),
        cwnd: info.map_or(0, |info| info.snd_cwnd),
        unacknowledged: info.map_or(0, |info| info.unacked),
        retransmits: info.map_or(0, |info| info.retransmits),
    }
}

/// Returns the RFC 9293 name of a kernel TCP state (include/net/tcp_states.h).
fn state(number: u8) -> &'static str {
    match number {
        1 => "ESTABLISHED",
        2 => "SYN-SENT",
        // The kernel's state 12 is a handshake that has no full socket yet (TCP_NEW_SYN_RECV).
        3 | 12 => "SYN-RECEIVED",
        4 => "FIN-WAIT-1",
        5 => "FIN-WAIT-2",
        6 => "TIME-WAIT",
        7 => "CLOSED",
        8 => "CLOSE-WAIT",
        9 => "LAST-ACK",
        10 => "LISTEN",
        11 => "CLOSING",
        _ => "unknown",
    }
}
