//! A DHCP server whose replies the test controls.

use smoltcp::wire::{DhcpMessageType, DhcpPacket, DhcpRepr, Ipv4Address};

use super::{OURS, datagram, udp};

pub const SERVER: Ipv4Address = Ipv4Address::new(10, 0, 0, 1);
pub const GIVEN: Ipv4Address = Ipv4Address::new(10, 0, 0, 50);

/// A DHCP server whose replies the test controls.
pub struct Server {
    /// The messages that the server has received, one line each.
    pub heard: Vec<String>,
    /// The address that the server offers.
    pub given: Ipv4Address,
    /// Whether the server sends no replies.
    pub silent: bool,
    /// Whether the server refuses renewals with DHCPNAK.
    pub refuse_renewal: bool,
    /// Whether the server refuses requests for its own offer with DHCPNAK.
    pub refuse_request: bool,
    /// Whether the server ignores all requests.
    pub ignore_request: bool,
    /// The source address of the replies: the address of the server or of a relay.
    pub from: Ipv4Address,
    /// The number of identical replies to each message.
    pub copies: usize,
    /// Changes each reply before it is sent.
    pub change: Option<fn(&mut DhcpRepr<'static>)>,
    /// Changes each DHCPACK before it is sent.
    pub change_grant: Option<fn(&mut DhcpRepr<'static>)>,
}

impl Default for Server {
    fn default() -> Self {
        Server {
            heard: Vec::new(),
            given: GIVEN,
            silent: false,
            refuse_renewal: false,
            refuse_request: false,
            ignore_request: false,
            from: SERVER,
            copies: 1,
            change: None,
            change_grant: None,
        }
    }
}

impl Server {
    /// Returns the server's replies to a frame from the stack.
    pub fn replies_to(&mut self, frame: &[u8]) -> Vec<Vec<u8>> {
        self.reply(frame).into_iter().flat_map(|reply| vec![reply; self.copies]).collect()
    }

    /// Records a message in `heard`, and returns the reply to it, if the server sends one.
    fn reply(&mut self, frame: &[u8]) -> Option<Vec<u8>> {
        let (68, 67, data) = datagram(frame)? else { return None };
        assert!(data.len() >= 300);
        // The destination address is at byte 30, after the Ethernet header and 16 bytes of the IPv4 header.
        let to = Ipv4Address::from(*frame[30..].first_chunk::<4>().unwrap());
        let packet = DhcpPacket::new_checked(data).unwrap();
        let asked = DhcpRepr::parse(&packet).ok()?;
        let renews = !asked.client_ip.is_unspecified();
        self.heard.push(match (asked.message_type, renews) {
            (DhcpMessageType::Discover, _) => "DISCOVER".into(),
            (DhcpMessageType::Request, true) => format!("renew {} at {}", asked.client_ip, to),
            (DhcpMessageType::Release, _) => {
                format!("RELEASE {} at {to} of {}", asked.client_ip, asked.server_identifier.unwrap())
            }
            (DhcpMessageType::Request, _) if asked.server_identifier.is_none() => {
                format!("confirm {} at {to}", asked.requested_ip.unwrap())
            }
            (kind, _) => {
                let kind = if kind == DhcpMessageType::Decline { "DECLINE" } else { "REQUEST" };
                format!("{kind} {} of {}", asked.requested_ip.unwrap(), asked.server_identifier.unwrap())
            }
        });
        if self.silent {
            return None;
        }
        let message_type = match asked.message_type {
            DhcpMessageType::Discover => DhcpMessageType::Offer,
            DhcpMessageType::Request if self.ignore_request => return None,
            DhcpMessageType::Request if renews && self.refuse_renewal => DhcpMessageType::Nak,
            DhcpMessageType::Request if self.refuse_request => DhcpMessageType::Nak,
            DhcpMessageType::Request => DhcpMessageType::Ack,
            _ => return None,
        };
        let mut reply = DhcpRepr {
            message_type,
            transaction_id: asked.transaction_id,
            secs: 0,
            client_hardware_address: OURS,
            client_ip: Ipv4Address::UNSPECIFIED,
            your_ip: self.given,
            server_ip: SERVER,
            router: Some(SERVER),
            subnet_mask: Some(Ipv4Address::new(255, 255, 255, 0)),
            relay_agent_ip: Ipv4Address::UNSPECIFIED,
            broadcast: false,
            requested_ip: None,
            client_identifier: None,
            server_identifier: Some(SERVER),
            parameter_request_list: None,
            // The stack must ignore the second address, because it is not a host address.
            dns_servers: Some([[10, 0, 0, 53].into(), Ipv4Address::UNSPECIFIED].into_iter().collect()),
            max_size: None,
            lease_duration: Some(1000),
            renew_duration: None,
            rebind_duration: None,
            additional_options: &[],
        };
        self.change.iter().for_each(|change| change(&mut reply));
        if message_type == DhcpMessageType::Ack {
            self.change_grant.iter().for_each(|change| change(&mut reply));
        }
        Some(packed(&reply, self.from))
    }
}

/// Builds a frame from `from` to [`GIVEN`] that contains the reply.
fn packed(reply: &DhcpRepr<'_>, from: Ipv4Address) -> Vec<u8> {
    let mut data = vec![0; reply.buffer_len()];
    reply.emit(&mut DhcpPacket::new_unchecked(&mut data[..])).unwrap();
    udp((from, 67), (GIVEN, 68), &data)
}
