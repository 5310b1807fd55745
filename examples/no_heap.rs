//! Runs a server and a client without a heap, as on a board. The pool's type parameters fix the amount of memory.
//!
//! On a board, the pool is also a variable of `main`, or it is a static cell. tests/stack/no_heap.rs proves that no
//! heap is used.

use std::error::Error;

use smolstep::app::{self, Client, ClientOptions, Options, Server};
use smolstep::phy::Cable;
use smolstep::stack::{Config, Io, Listener, NullConsole, Pool, Seed, Stack};
use smoltcp::phy::Medium;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr, IpEndpoint};

const SERVER: IpCidr = IpCidr::new(IpAddress::v4(10, 0, 0, 1), 24);
const CLIENT: IpCidr = IpCidr::new(IpAddress::v4(10, 0, 0, 2), 24);

/// Memory for two TCP connections and no UDP port. Each socket buffer is 512 bytes long.
type Memory<'a, S> = Pool<'a, S, (), 2, 512, 512, 0, 0, 0>;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut server_memory, mut client_memory) = (Memory::<Server>::new(), Memory::<Client>::new());
    let mut cable = Cable::<4, 600>::with_medium(Medium::Ip);
    let (left, right) = cable.ends();
    let (mut server_io, mut client_io) = (Io::new(left, NullConsole), Io::new(right, NullConsole));
    let mut now = Instant::from_secs(1);
    let config = Config::new(HardwareAddress::Ip, Seed([1; 32]), &[SERVER]);
    let mut server = Stack::new(config, &mut server_io.device, server_memory.memory(), now)?;
    let config = Config::new(HardwareAddress::Ip, Seed([2; 32]), &[CLIENT]);
    let mut client = Stack::new(config, &mut client_io.device, client_memory.memory(), now)?;
    let upper = app::find("upper").ok_or("no such program")?;
    server.listen(Listener::new(14000, upper.server(&Options::default()).ok_or("no server")?))?;
    let session = upper.client(&ClientOptions::sending(&[b"no heap"])).ok_or("no client")?;
    let id = client.connect(
        now,
        IpEndpoint::new(SERVER.address(), 14000),
        session,
        Duration::from_secs(5),
        &mut client_io,
    )?;
    while client.ended(id).is_none() {
        client.poll(now, &mut client_io);
        server.poll(now, &mut server_io);
        now += Duration::from_millis(1);
    }
    println!("the connection is {}", client.ended(id).ok_or("it has ended")?);
    Ok(())
}
