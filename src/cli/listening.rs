//! Formats the `listening` lines of a server: one line for each address, transport and program.

use smoltcp::wire::IpCidr;

use crate::app::App;

/// Formats `listening` lines and remembers the addresses for which lines were printed.
pub struct Listening<'p> {
    tcp: &'p [(u16, &'static App)],
    udp: &'p [(u16, &'static App)],
    known: Vec<IpCidr>,
}

impl<'p> Listening<'p> {
    /// Starts with no remembered addresses. `tcp` and `udp` are the ports and programs of the server.
    pub fn new(tcp: &'p [(u16, &'static App)], udp: &'p [(u16, &'static App)]) -> Self {
        Listening { tcp, udp, known: Vec::new() }
    }

    /// Returns a line for each listener on an address that was added or removed since the previous call. Remembers
    /// `addresses` for the next call.
    pub fn update(&mut self, addresses: impl Iterator<Item = IpCidr> + Clone) -> String {
        if addresses.clone().eq(self.known.iter().copied()) {
            return String::new();
        }
        let now: Vec<IpCidr> = addresses.collect();
        let mut lines = String::new();
        // Addresses are compared without their prefix lengths.
        let not_in = |list: &[IpCidr], one: &&IpCidr| !list.iter().any(|other| other.address() == one.address());
        for removed in self.known.iter().filter(|one| not_in(&now, one)) {
            self.push_lines(&mut lines, "no longer listening", removed);
        }
        for added in now.iter().filter(|one| not_in(&self.known, one)) {
            self.push_lines(&mut lines, "listening", added);
        }
        self.known = now;
        lines
    }

    /// Appends a line with `verb` for each listener on `address`.
    fn push_lines(&self, lines: &mut String, verb: &str, address: &IpCidr) {
        for (transport, list) in [("tcp", self.tcp), ("udp", self.udp)] {
            for &(port, app) in list {
                let endpoint = std::net::SocketAddr::new(address.address().into(), port);
                lines.push_str(&format!("{verb} {transport} {endpoint} {}\n", app.name));
            }
        }
    }
}
