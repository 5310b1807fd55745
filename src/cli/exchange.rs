//! Sends requests to the kernel over netlink and reads the kernel's answers.

use std::io;

use netlink_packet_core::{
    NLM_F_REQUEST, NetlinkDeserializable, NetlinkHeader, NetlinkMessage, NetlinkPayload, NetlinkSerializable,
};
use netlink_sys::{Socket, SocketAddr};

/// A netlink socket in the network namespace of the calling thread.
pub(super) struct Exchange {
    socket: Socket,
    sequence: u32,
}

impl Exchange {
    /// Opens a socket for one netlink protocol, such as `NETLINK_ROUTE`.
    pub(super) fn open(protocol: isize) -> io::Result<Self> {
        let mut socket = Socket::new(protocol)?;
        socket.bind_auto()?;
        // The kernel has the address 0.
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Exchange { socket, sequence: 0 })
    }

    /// Sends one request, and passes each answer to `each`. Returns when the kernel reports success or an error.
    pub(super) fn request<M: NetlinkSerializable + NetlinkDeserializable>(
        &mut self,
        message: M,
        flags: u16,
        mut each: impl FnMut(M),
    ) -> io::Result<()> {
        self.sequence += 1;
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut packet = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message));
        packet.finalize();
        let mut bytes = vec![0; packet.buffer_len()];
        packet.serialize(&mut bytes);
        self.socket.send(&bytes, 0)?;

        loop {
            let (answer, _) = self.socket.recv_from_full()?;
            let mut rest = &answer[..];
            // A datagram can contain several messages. Each one begins with its length.
            while let Some(&[a, b, c, d]) = rest.first_chunk() {
                let len = usize::try_from(u32::from_ne_bytes([a, b, c, d])).unwrap_or(usize::MAX);
                // A length of 0 would repeat this loop for ever, so it ends the datagram.
                let Some(one) = rest.get(..len).filter(|one| !one.is_empty()) else { break };
                // Messages start at multiples of four bytes.
                rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
                // A message that the netlink crate cannot parse does not answer this request.
                let Ok(one) = NetlinkMessage::<M>::deserialize(one) else { continue };
                // A message with another sequence number does not answer this request.
                if one.header.sequence_number != self.sequence {
                    continue;
                }
                match one.payload {
                    NetlinkPayload::Done(_) => return Ok(()),
                    // An error message without a code reports success.
                    NetlinkPayload::Error(error) if error.code.is_none() => return Ok(()),
                    NetlinkPayload::Error(error) => return Err(error.to_io()),
                    NetlinkPayload::InnerMessage(inner) => each(inner),
                    _ => {}
                }
            }
        }
    }
}
