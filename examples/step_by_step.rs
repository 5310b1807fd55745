//! Prints each step of two poll loops. A client and a server exchange one message and one reply.

use std::error::Error;

use smolstep::app::{self, Client, ClientOptions, Options, Server};
use smolstep::host::{HeapPool, Sizes};
use smolstep::phy::Cable;
use smolstep::stack::{Config, Io, Listener, NullConsole, Seed, Stack, Step};
use smoltcp::phy::Medium;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr, IpEndpoint};

const SERVER: IpCidr = IpCidr::new(IpAddress::v4(10, 0, 0, 1), 24);
const CLIENT: IpCidr = IpCidr::new(IpAddress::v4(10, 0, 0, 2), 24);
const SIZES: Sizes = Sizes { connections: 1, receive: 1024, send: 1024, ports: 0, datagrams: 0, payload: 0 };

fn main() -> Result<(), Box<dyn Error>> {
    let mut cable = Cable::<8, 1500>::with_medium(Medium::Ip);
    let (left, right) = cable.ends();
    let (mut server_io, mut client_io) = (Io::new(left, NullConsole), Io::new(right, NullConsole));
    let (mut server_memory, mut client_memory) = (HeapPool::new(SIZES), HeapPool::new(SIZES));
    let mut now = Instant::from_secs(1);
    let config = Config::new(HardwareAddress::Ip, Seed([1; 32]), &[SERVER]);
    let mut server = Stack::<Server, ()>::new(config, &mut server_io.device, server_memory.memory(), now)?;
    let config = Config::new(HardwareAddress::Ip, Seed([2; 32]), &[CLIENT]);
    let mut client = Stack::<Client, ()>::new(config, &mut client_io.device, client_memory.memory(), now)?;
    let thanks = app::find("thanks").ok_or("no such program")?;
    server.listen(Listener::new(8080, thanks.server(&Options::default()).ok_or("no server")?))?;
    let session = thanks.client(&ClientOptions::sending(&[b"Li"])).ok_or("no client")?;
    client.connect(now, IpEndpoint::new(SERVER.address(), 8080), session, Duration::from_secs(5), &mut client_io)?;
    loop {
        let steps = [("client", client.step(now, &mut client_io)), ("server", server.step(now, &mut server_io))];
        for (host, step) in steps.iter().filter(|(_, step)| !matches!(step, Step::Idle(_))) {
            println!("{now} {host} {step}");
        }
        // Neither stack has work, so the virtual clock jumps to the earlier deadline. Without one, the run is over.
        if let [(_, Step::Idle(a)), (_, Step::Idle(b))] = steps {
            match [a, b].into_iter().flatten().min() {
                Some(deadline) => now = deadline,
                None => return Ok(()),
            }
        }
    }
}
