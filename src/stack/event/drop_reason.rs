//! Why a stack dropped a packet.

use core::fmt;

/// Why the stack dropped a frame or refused a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DropReason {
    /// Data after the peer's FIN.
    AfterFin,
    /// The listener's backlog is full.
    BacklogFull,
    /// An acknowledgement of data that was never sent, or that was acknowledged long ago (RFC 5961 section 5.2).
    BadAck,
    /// An IP fragment that is not valid, or does not fit its datagram.
    ///
    /// The fragment overlaps another fragment (RFC 5722 section 4), or completes a datagram whose fragments contradict
    /// each other about congestion (RFC 3168 section 5.3).
    BadFragment,
    /// An ICMP error that does not quote a packet in flight, or that reports an impossible path MTU (RFC 5927 section
    /// 4.1).
    BadIcmp,
    /// An RST without the expected sequence number (RFC 5961 section 3.2), or in TIME-WAIT (RFC 1337).
    BadReset,
    /// A SYN for an established connection (RFC 5961 section 4.2).
    BadSyn,
    /// A wrong TCP or IPv4 checksum.
    Checksum,
    /// A DHCP server's refusal (DHCPNAK) that does not answer a request from this host to that server.
    #[cfg(feature = "dhcp")]
    DhcpNak,
    /// A DHCP message whose options are missing or not valid.
    #[cfg(feature = "dhcp")]
    DhcpOptions,
    /// A DHCP message without a valid server identifier.
    #[cfg(feature = "dhcp")]
    DhcpServer,
    /// A DHCP message that answers a request of another transaction.
    #[cfg(feature = "dhcp")]
    DhcpTransaction,
    /// A DHCP message that this host does not expect: a duplicate, or another server's offer.
    #[cfg(feature = "dhcp")]
    DhcpUnexpected,
    /// An ARP or NDP message of another host that uses one of our addresses.
    DuplicateAddress,
    /// A TCP segment inside IP fragments, on a stack without memory for fragments.
    FragmentedTcp,
    /// A datagram that lacks fragments. The datagram's time limit expired, or a newer datagram replaced it.
    LostFragments,
    /// An invalid source or destination (RFC 1122 section 3.2.1.3), such as this host's own address as the source.
    Martian,
    /// A segment without ACK (RFC 9293 section 3.10.7.4, fifth step).
    NoAck,
    /// A segment without data whose acknowledgement is older than the newest acknowledgement.
    OldAck,
    /// Every connection slot is taken.
    SlotsFull,
    /// A datagram that is longer than the MTU of the link or the path, on a stack without memory for fragments.
    TooLong,
    /// A router advertisement that exceeds the limit per second, or whose router does not fit the list of routers.
    TooManyAdvertisements,
    /// A datagram that could not be sent in time, because the receiver's hardware address is unknown.
    Unreachable,
    /// An IPv6 packet with an unsupported extension header or without a payload (next header 59).
    UnsupportedHeader,
}

impl DropReason {
    /// All reasons.
    pub const ALL: &'static [DropReason] = &[
        DropReason::AfterFin,
        DropReason::BacklogFull,
        DropReason::BadAck,
        DropReason::BadFragment,
        DropReason::BadIcmp,
        DropReason::BadReset,
        DropReason::BadSyn,
        DropReason::Checksum,
        #[cfg(feature = "dhcp")]
        DropReason::DhcpNak,
        #[cfg(feature = "dhcp")]
        DropReason::DhcpOptions,
        #[cfg(feature = "dhcp")]
        DropReason::DhcpServer,
        #[cfg(feature = "dhcp")]
        DropReason::DhcpTransaction,
        #[cfg(feature = "dhcp")]
        DropReason::DhcpUnexpected,
        DropReason::DuplicateAddress,
        DropReason::FragmentedTcp,
        DropReason::LostFragments,
        DropReason::Martian,
        DropReason::NoAck,
        DropReason::OldAck,
        DropReason::SlotsFull,
        DropReason::TooLong,
        DropReason::TooManyAdvertisements,
        DropReason::Unreachable,
        DropReason::UnsupportedHeader,
    ];
}

impl DropReason {
    /// Returns the reason in words.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            DropReason::AfterFin => "data after FIN",
            DropReason::BacklogFull => "backlog full",
            DropReason::BadAck => "acknowledgement of data never sent",
            DropReason::BadFragment => "bad IP fragment",
            DropReason::BadIcmp => "ICMP error about nothing in flight",
            DropReason::BadReset => "RST without the expected sequence number",
            DropReason::BadSyn => "SYN for an established connection",
            DropReason::Checksum => "wrong checksum",
            #[cfg(feature = "dhcp")]
            DropReason::DhcpNak => "unrequested DHCP refusal",
            #[cfg(feature = "dhcp")]
            DropReason::DhcpOptions => "DHCP reply with bad options",
            #[cfg(feature = "dhcp")]
            DropReason::DhcpServer => "DHCP reply without a server",
            #[cfg(feature = "dhcp")]
            DropReason::DhcpTransaction => "DHCP reply to another request",
            #[cfg(feature = "dhcp")]
            DropReason::DhcpUnexpected => "DHCP reply that is not needed",
            DropReason::DuplicateAddress => "own address used by another host",
            DropReason::FragmentedTcp => "TCP in IP fragments",
            DropReason::LostFragments => "lost IP fragments",
            DropReason::Martian => "impossible source or destination",
            DropReason::NoAck => "segment without ACK",
            DropReason::OldAck => "old acknowledgement",
            DropReason::SlotsFull => "all connection slots taken",
            DropReason::TooLong => "longer than the MTU",
            DropReason::TooManyAdvertisements => "too many router advertisements",
            DropReason::Unreachable => "receiver does not answer ARP or NDP",
            DropReason::UnsupportedHeader => "IPv6 extension header refused",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
