//! A server and a client on a cable in memory; `greeting_in_memory` shows how that is done.

use std::error::Error;

use smolstep::app::Client;
use smolstep::host::{HeapPool, Sizes};
use smolstep::phy::Cable;
use smolstep::stack::{Config, Io, Listener, NullConsole, Seed, Session, Stack};
use smoltcp::phy::Medium;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr, IpEndpoint};

const SERVER: IpCidr = IpCidr::new(IpAddress::v4(10, 0, 0, 1), 24);
const CLIENT: IpCidr = IpCidr::new(IpAddress::v4(10, 0, 0, 2), 24);
const SIZES: Sizes = Sizes { connections: 4, receive: 1024, send: 1024, ports: 0, datagrams: 0, payload: 0 };

/// Serves `server` on port 1000, calls it, and returns what the client printed.
pub fn call<S: Session + Clone>(server: S, client: Client<'_>) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut cable = Cable::<8, 1500>::with_medium(Medium::Ip);
    let (left, right) = cable.ends();
    let (mut server_io, mut client_io) = (Io::new(left, NullConsole), Io::new(right, Vec::new()));
    let (mut server_memory, mut client_memory) = (HeapPool::new(SIZES), HeapPool::new(SIZES));
    let mut now = Instant::from_secs(1);
    let config = Config::new(HardwareAddress::Ip, Seed([1; 32]), &[SERVER]);
    let mut servers = Stack::<S, ()>::new(config, &mut server_io.device, server_memory.memory(), now)?;
    let config = Config::new(HardwareAddress::Ip, Seed([2; 32]), &[CLIENT]);
    let mut clients = Stack::<Client<'_>, ()>::new(config, &mut client_io.device, client_memory.memory(), now)?;
    servers.listen(Listener::new(1000, server))?;
    let (remote, patience) = (IpEndpoint::new(SERVER.address(), 1000), Duration::from_secs(5));
    let id = clients.connect(now, remote, client, patience, &mut client_io)?;
    while clients.ended(id).is_none() {
        clients.poll(now, &mut client_io);
        servers.poll(now, &mut server_io);
        now += Duration::from_millis(1);
    }
    Ok(client_io.console)
}
