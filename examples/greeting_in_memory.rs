//! Runs a greeting server and its client on a cable in memory. The example needs no network interface and no root.

use std::error::Error;
use std::io::{self, Write};

use smolstep::app::{self, Client, ClientOptions, Options, Server};
use smolstep::host::{HeapPool, Sizes};
use smolstep::phy::Cable;
use smolstep::stack::{Config, Io, Listener, NullConsole, Seed, Stack};
use smoltcp::phy::Medium;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr, IpEndpoint};

const SERVER: IpCidr = IpCidr::new(IpAddress::v4(10, 0, 0, 1), 24);
const CLIENT: IpCidr = IpCidr::new(IpAddress::v4(10, 0, 0, 2), 24);
const SIZES: Sizes = Sizes { connections: 4, receive: 1024, send: 1024, ports: 0, datagrams: 0, payload: 0 };

fn main() -> Result<(), Box<dyn Error>> {
    let mut cable = Cable::<8, 1500>::with_medium(Medium::Ip);
    let (left, right) = cable.ends();
    let (mut server_io, mut client_io) = (Io::new(left, NullConsole), Io::new(right, Vec::new()));
    let (mut server_memory, mut client_memory) = (HeapPool::new(SIZES), HeapPool::new(SIZES));
    let mut now = Instant::from_secs(1);

    let config = Config::new(HardwareAddress::Ip, Seed([1; 32]), &[SERVER]);
    let mut server = Stack::<Server, ()>::new(config, &mut server_io.device, server_memory.memory(), now)?;
    let config = Config::new(HardwareAddress::Ip, Seed([2; 32]), &[CLIENT]);
    let mut client = Stack::<Client, ()>::new(config, &mut client_io.device, client_memory.memory(), now)?;

    let greeting = app::find("greeting").ok_or("no such program")?;
    server.listen(Listener::new(9999, greeting.server(&Options::default()).ok_or("no server")?))?;
    let options = ClientOptions::sending(&[b"Li", b"Cheng", b"victor"]);
    let session = greeting.client(&options).ok_or("no client")?;
    let remote = IpEndpoint::new(SERVER.address(), 9999);
    let id = client.connect(now, remote, session, Duration::from_secs(5), &mut client_io)?;
    while client.ended(id).is_none() {
        client.poll(now, &mut client_io);
        server.poll(now, &mut server_io);
        // The clock is virtual, so the example never sleeps.
        now += Duration::from_millis(1);
    }
    Ok(io::stdout().write_all(&client_io.console)?)
}
