//! Relays the datagrams of a published UDP port. Each client on the host has its own socket in the sandbox, so that
//! replies reach the right client.

use core::time::Duration;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// The largest number of clients for one port. A further client replaces the client that has been silent longest.
const MAX_CLIENTS: usize = 64;

/// The longest time for which a client may be silent before its socket is closed.
const IDLE: Duration = Duration::from_secs(60);

/// Relays datagrams between `host` and the server at `to`, until the process exits.
pub(super) fn relay(host: &UdpSocket, to: SocketAddr) {
    if let Err(error) = host.set_nonblocking(true).and_then(|()| run(host, to)) {
        log::warn!("a published UDP port has failed: {error}");
    }
}

/// Relays datagrams until a poll of the sockets fails.
fn run(host: &UdpSocket, to: SocketAddr) -> io::Result<()> {
    let mut clients = Clients::new();
    let mut buffer = vec![0; 65_535];
    loop {
        let ready = wait_until_ready(host, &clients)?;
        let now = Instant::now();
        // `ready` has the order of `clients.list`, so the list must not change before this loop.
        for (client, _) in clients.list.iter_mut().zip(ready).filter(|(_, ready)| *ready) {
            // Each client gets at most one datagram in each iteration, so that no client delays the others. An error
            // means that the server's port is closed. The client then gets no reply, as on a real network.
            if let Ok(len) = client.socket.recv(&mut buffer) {
                let _ = host.send_to(buffer.get(..len).unwrap_or_default(), client.address);
                client.heard = now;
            }
        }
        clients.forget_idle(now);
        if let Ok((len, from)) = host.recv_from(&mut buffer) {
            match clients.socket(from, now, || open(to)) {
                Ok(socket) => drop(socket.send(buffer.get(..len).unwrap_or_default())),
                Err(error) => log::info!("a datagram to a published port is lost: {error}"),
            }
        }
    }
}

/// Waits for a datagram from any client or from the server. If there are clients, waits for at most [`IDLE`]. Returns
/// for each client whether a datagram from the server is waiting.
fn wait_until_ready(host: &UdpSocket, clients: &Clients<UdpSocket>) -> io::Result<Vec<bool>> {
    let sockets = std::iter::once(host).chain(clients.list.iter().map(|c| &c.socket));
    let mut fds: Vec<PollFd<'_>> = sockets.map(|s| PollFd::new(s, PollFlags::IN)).collect();
    // If there are clients, the wait ends in time to forget an idle one.
    let timeout = if clients.list.is_empty() { None } else { Timespec::try_from(IDLE).ok() };
    match poll(&mut fds, timeout.as_ref()) {
        // The first file is the host's socket, and each further file belongs to a client.
        Ok(_) | Err(Errno::INTR) => Ok(fds.iter().skip(1).map(|fd| !fd.revents().is_empty()).collect()),
        Err(errno) => Err(errno.into()),
    }
}

/// Opens a socket that is connected to the server at `to`.
fn open(to: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect(to)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// The clients of a published port, each with its own socket in the sandbox.
struct Clients<S> {
    list: Vec<Client<S>>,
}

struct Client<S> {
    address: SocketAddr,
    socket: S,
    /// The time of the most recent datagram from or to the client.
    heard: Instant,
}

impl<S> Clients<S> {
    fn new() -> Self {
        Clients { list: Vec::new() }
    }

    /// Returns the socket of the client at `address`. Opens a socket for a new client.
    fn socket(
        &mut self,
        address: SocketAddr,
        now: Instant,
        open: impl FnOnce() -> io::Result<S>,
    ) -> io::Result<&mut S> {
        let index = match self.list.iter().position(|c| c.address == address) {
            Some(index) => index,
            None => {
                let socket = open()?;
                // If the list is full, the new client replaces the client that has been silent longest.
                if self.list.len() >= MAX_CLIENTS
                    && let Some((oldest, _)) = self.list.iter().enumerate().min_by_key(|(_, c)| c.heard)
                {
                    self.list.swap_remove(oldest);
                }
                self.list.push(Client { address, socket, heard: now });
                self.list.len() - 1
            }
        };
        let client = self.list.get_mut(index).ok_or(io::ErrorKind::NotFound)?;
        client.heard = now;
        Ok(&mut client.socket)
    }

    /// Closes the sockets of the clients that have been silent for [`IDLE`].
    fn forget_idle(&mut self, now: Instant) {
        self.list.retain(|c| now.saturating_duration_since(c.heard) < IDLE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(port: usize) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, port as u16))
    }

    /// The sockets are numbers here. A client that is heard again gets its old socket, not the new one.
    #[test]
    fn a_client_keeps_its_socket_until_it_has_been_idle() {
        let start = Instant::now();
        let mut clients = Clients::new();
        assert_eq!(clients.socket(client(1), start, || Ok(10)).unwrap(), &10);
        assert_eq!(clients.socket(client(1), start + IDLE / 2, || Ok(11)).unwrap(), &10);
        clients.forget_idle(start + IDLE);
        assert_eq!(clients.list.len(), 1);
        clients.forget_idle(start + IDLE / 2 + IDLE);
        assert!(clients.list.is_empty());
    }

    /// Client 1 is heard last, so client 2 has been silent longest when another client arrives.
    #[test]
    fn a_full_table_replaces_the_client_that_was_silent_longest() {
        let start = Instant::now();
        let mut clients = Clients::new();
        for i in 0..MAX_CLIENTS {
            clients.socket(client(1 + i), start + Duration::from_secs(i as u64), || Ok(i)).unwrap();
        }
        clients.socket(client(1), start + Duration::from_secs(100), || Ok(0)).unwrap();
        // Without a socket for the new client, nobody is replaced.
        let failed =
            clients.socket(client(999), start + Duration::from_secs(101), || Err(io::ErrorKind::OutOfMemory.into()));
        assert!(failed.is_err() && clients.list.iter().any(|c| c.address == client(2)));
        clients.socket(client(999), start + Duration::from_secs(101), || Ok(999)).unwrap();
        assert_eq!(clients.list.len(), MAX_CLIENTS);
        assert!(clients.list.iter().any(|c| c.address == client(1)));
        assert!(!clients.list.iter().any(|c| c.address == client(2)));
    }
}
