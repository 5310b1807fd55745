//! Forwards published ports: 127.0.0.1:HOSTPORT on the host to 192.168.69.1:PORT in the sandbox.

use core::str::FromStr;
use core::time::Duration;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, Builder, Scope};

use rustix::net::sockopt::set_socket_linger;

use super::error::SandboxError;
use super::{SERVER, udp};

/// A published port, `HOSTPORT=PORT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publish {
    /// The port on the host's 127.0.0.1.
    pub host: u16,
    /// The port of the server in the sandbox.
    pub port: u16,
}

/// The largest number of TCP connections through all published ports at a time. Further connections wait in the
/// kernel's accept queue.
pub const MAX_CONNECTIONS: usize = 64;

/// The longest time to wait for a server to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// The stack size of a thread that copies data, in bytes. The thread's buffer fits on this stack.
const STACK: usize = 128 * 1024;

impl FromStr for Publish {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let port = |text: &str| text.parse().ok().filter(|port: &u16| *port != 0);
        text.split_once('=')
            .and_then(|(host, inside)| Some(Publish { host: port(host)?, port: port(inside)? }))
            .ok_or("give two ports from 1 to 65535, as in 8080=9999")
    }
}

/// Binds the published ports on the host, for TCP and UDP. Call this function before the process enters the namespace,
/// so that the ports belong to the host. [`Published::run`] then forwards their traffic from inside the sandbox.
pub(super) fn bind(ports: &[Publish]) -> Result<Published, SandboxError> {
    let bound = ports.iter().map(|&Publish { host, port }| {
        let fail = |transport| move |e| SandboxError::Port(transport, host, e);
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, host)).map_err(fail("tcp"))?;
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, host)).map_err(fail("udp"))?;
        Ok(Bound { tcp, udp, to: SocketAddr::from((SERVER, port)) })
    });
    Ok(Published(bound.collect::<Result<_, SandboxError>>()?))
}

/// The bound host ports.
pub(super) struct Published(Vec<Bound>);

struct Bound {
    tcp: TcpListener,
    udp: UdpSocket,
    to: SocketAddr,
}

impl Published {
    /// Starts the threads that connect the ports to the servers. Call this method in the sandbox, because the threads
    /// inherit the caller's namespace. The threads run until the process exits.
    pub(super) fn run(self) -> io::Result<()> {
        let Published(ports) = self;
        let permits = Arc::new(Permits::new(MAX_CONNECTIONS));
        for Bound { tcp, udp, to } in ports {
            let permits = permits.clone();
            Builder::new().stack_size(STACK).spawn(move || accept(&tcp, to, &permits))?;
            Builder::new().stack_size(2 * STACK).spawn(move || udp::relay(&udp, to))?;
        }
        Ok(())
    }
}

/// Accepts connections, and starts a thread for each as soon as a permit is free.
fn accept(listener: &TcpListener, to: SocketAddr, permits: &Arc<Permits>) {
    loop {
        // The permit is taken first. While no permit is free, connections wait in the kernel's accept queue.
        let permit = permits.take();
        let started = listener.accept().and_then(|(client, _)| {
            Builder::new().stack_size(STACK).spawn(move || {
                let _permit = permit;
                connect(&client, to);
            })
        });
        if let Err(error) = started {
            // The system has no more files or threads. During the pause, other connections can close and release
            // theirs.
            log::warn!("a connection to a published port failed: {error}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Connects `client` to the server at `to`, and copies data until both sides have closed.
fn connect(client: &TcpStream, to: SocketAddr) {
    match TcpStream::connect_timeout(&to, CONNECT) {
        Ok(server) => thread::scope(|scope| splice(scope, client, &server)),
        Err(error) => {
            log::info!("the published server {to} cannot be reached: {error}");
            reset(client);
        }
    }
}

/// Copies in both directions until both sides have closed. A second thread copies from the server to the client.
fn splice<'scope>(scope: &'scope Scope<'scope, '_>, client: &'scope TcpStream, server: &'scope TcpStream) {
    match Builder::new().stack_size(STACK).spawn_scoped(scope, move || copy(server, client)) {
        Ok(_) => copy(client, server),
        Err(error) => {
            log::warn!("a connection to a published port failed: {error}");
            reset(client);
            reset(server);
        }
    }
}

/// Copies data from `from` to `to` until the stream ends. Passes on the end as a half-close, and an error or a reset as
/// a reset of both connections.
fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    match io::copy(&mut from, &mut to).and_then(|_| to.shutdown(Shutdown::Write)) {
        Ok(()) => {}
        Err(_) => {
            reset(from);
            reset(to);
        }
    }
}

/// Makes the socket send RST when the socket is closed, and ends any read on the socket immediately.
fn reset(socket: &TcpStream) {
    // With a linger time of zero, closing a socket sends RST instead of FIN (SO_LINGER).
    let _ = set_socket_linger(socket, Some(Duration::ZERO));
    let _ = socket.shutdown(Shutdown::Read);
}

/// A fixed number of permits. A permit that is dropped becomes free again.
struct Permits {
    free: Mutex<usize>,
    returned: Condvar,
}

impl Permits {
    fn new(free: usize) -> Self {
        Permits { free: Mutex::new(free), returned: Condvar::new() }
    }

    /// Waits until a permit is free, then takes the permit.
    fn take(self: &Arc<Self>) -> Permit {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.returned.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Permit(self.clone())
    }
}

struct Permit(Arc<Permits>);

impl Drop for Permit {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pair_of_ports_is_accepted() {
        assert_eq!("8080=9999".parse(), Ok(Publish { host: 8080, port: 9999 }));
        for text in ["", "=", "8080", "8080=", "=9999", "0=1", "1=0", "1=65536", "1=2=3", "a=b"] {
            assert!(text.parse::<Publish>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_dropped_permit_is_free_again() {
        let permits = Arc::new(Permits::new(1));
        drop(permits.take());
        let held = permits.take();
        assert_eq!(*permits.free.lock().unwrap(), 0);
        drop(held);
        assert_eq!(*permits.free.lock().unwrap(), 1);
    }
}
