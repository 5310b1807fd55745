//! Runs a server and a client on a cable in memory. The example `greeting_in_memory` shows the set-up step by step.
#![allow(dead_code, reason = "no example needs all of it")]

use std::error::Error;

use smolstep::app::{Client, UdpClient};
use smolstep::host::{HeapPool, Sizes};
use smolstep::phy::Cable;
use smolstep::stack::{Config, Io, Listener, NullConsole, Probe, Seed, Session, Stack, UdpSession};
use smoltcp::phy::Medium;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr, IpEndpoint};

const SERVER: IpCidr = IpCidr::new(IpAddress::v4(10, 0, 0, 1), 24);
const CLIENT: IpCidr = IpCidr::new(IpAddress::v4(10, 0, 0, 2), 24);
const SIZES: Sizes = Sizes { connections: 4, receive: 1024, send: 1024, ports: 1, datagrams: 4, payload: 1024 };

/// The address and port of the server: port 1000.
pub const REMOTE: IpEndpoint = IpEndpoint { addr: SERVER.address(), port: 1000 };

/// Serves `server` on TCP port 1000, connects a client, and returns the client's output.
pub fn call<S: Session + Clone>(server: S, client: Client<'_>) -> Result<Vec<u8>, Box<dyn Error>> {
    call_all((), [(REMOTE.port, server)], [(REMOTE.port, client)])
}

/// Starts the TCP servers, runs the clients one after another, and returns the clients' output. `probe` observes the
/// server's stack.
pub fn call_all<S: Session + Clone, C: Session + Clone>(
    probe: impl Probe,
    servers: impl IntoIterator<Item = (u16, S)>,
    clients: impl IntoIterator<Item = (u16, C)>,
) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut cable = Cable::<8, 1500>::with_medium(Medium::Ip);
    let (left, right) = cable.ends();
    let mut server_io = Io { device: left, console: NullConsole, probe };
    let mut client_io = Io::new(right, Vec::new());
    let (mut server_memory, mut client_memory) = (HeapPool::new(SIZES), HeapPool::new(SIZES));
    let mut now = Instant::from_secs(1);
    let config = Config::new(HardwareAddress::Ip, Seed([1; 32]), &[SERVER]);
    let mut server = Stack::<S, ()>::new(config, &mut server_io.device, server_memory.memory(), now)?;
    let config = Config::new(HardwareAddress::Ip, Seed([2; 32]), &[CLIENT]);
    let mut client = Stack::<C, ()>::new(config, &mut client_io.device, client_memory.memory(), now)?;
    for (port, session) in servers {
        server.listen(Listener::new(port, session))?;
    }
    for (port, session) in clients {
        let remote = IpEndpoint { port, ..REMOTE };
        let id = client.connect(now, remote, session, Duration::from_secs(5), &mut client_io)?;
        while client.ended(id).is_none() {
            client.poll(now, &mut client_io);
            server.poll(now, &mut server_io);
            now += Duration::from_millis(1);
        }
        // Frees the connection, so that the next client can use its memory.
        client.take(id);
    }
    Ok(client_io.console)
}

/// Serves `server` on UDP port 1000, runs `client`, and returns the client's output.
pub fn ask<U: UdpSession>(server: U, client: UdpClient<'_>) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut cable = Cable::<8, 1500>::with_medium(Medium::Ip);
    let (left, right) = cable.ends();
    let (mut server_io, mut client_io) = (Io::new(left, NullConsole), Io::new(right, Vec::new()));
    let (mut server_memory, mut client_memory) = (HeapPool::new(SIZES), HeapPool::new(SIZES));
    let mut now = Instant::from_secs(1);
    let config = Config::new(HardwareAddress::Ip, Seed([1; 32]), &[SERVER]);
    let mut servers = Stack::<(), U>::new(config, &mut server_io.device, server_memory.memory(), now)?;
    let config = Config::new(HardwareAddress::Ip, Seed([2; 32]), &[CLIENT]);
    let mut clients = Stack::<(), UdpClient<'_>>::new(config, &mut client_io.device, client_memory.memory(), now)?;
    servers.bind(REMOTE.port, server)?;
    let port = clients.bind(0, client)?;
    // `take_udp` returns the client once it has ended.
    while clients.take_udp(port).is_none() {
        clients.poll(now, &mut client_io);
        servers.poll(now, &mut server_io);
        now += Duration::from_millis(1);
    }
    Ok(client_io.console)
}
