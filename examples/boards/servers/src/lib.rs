//! Greeting and echo over TCP and UDP, with an address from DHCP. Each board's program only sets up its hardware.
#![no_std]

#[cfg(feature = "embassy")]
mod serve;

use smolstep::app::{Options, echo, greeting};
use smolstep::phy::EthernetAddress;
use smolstep::smoltcp::phy::Device;
use smolstep::smoltcp::socket::udp::UdpMetadata;
use smolstep::smoltcp::time::Instant;
use smolstep::stack::{Answer, Config, Context, ListenError, Listener, Respond, Responder, Seed, SetupError, Stack};

#[cfg(feature = "embassy")]
pub use serve::{now, serve};

smolstep::sessions! {
    /// The server of one TCP connection.
    #[derive(Clone)]
    pub enum Tcp {
        /// Sends everything back.
        Echo(echo::Server),
        /// Greets.
        Greeting(greeting::Server<'static>),
    }
}

/// The server of one UDP port.
#[derive(Clone)]
pub enum Udp {
    /// Sends each datagram back.
    Echo(echo::Datagrams),
    /// Greets.
    Greeting(greeting::Datagrams<'static>),
}

impl Responder for Udp {
    const PORTS: usize = 2;

    fn datagram(&mut self, from: UdpMetadata, data: &[u8], reply: &mut [u8], cx: &mut Context<'_>) -> Answer {
        match self {
            Udp::Echo(server) => server.datagram(from, data, reply, cx),
            Udp::Greeting(server) => server.datagram(from, data, reply, cx),
        }
    }
}

// Four connections, with buffers for two segments in each direction. Each UDP port can store one datagram of the
// largest size in each direction.
smolstep::stack_memory!(static MEMORY:
    tcp: [Tcp; 4], receive: 2920, send: 2920,
    udp: Respond<Udp>, datagrams: 2, payload: 1472);

/// The stack of a board.
pub type Servers = Stack<'static, Tcp, Respond<Udp>>;

/// Creates the board's stack, which asks a DHCP server for an address. Call this once.
///
/// # Errors
/// Returns a [`SetupError`] if the stack rejects the hardware address or the device.
pub fn servers(
    device: &mut impl Device,
    hardware: EthernetAddress,
    seed: [u8; 32],
    now: Instant,
) -> Result<Servers, SetupError> {
    let mut config = Config::new(hardware.into(), Seed(seed), &[]);
    config.dhcp = true;
    let mut stack = Stack::new(config, device, MEMORY.take(), now)?;
    let options = Options::default();
    check(stack.listen(Listener::new(9999, Tcp::Greeting(greeting::Server::new(&options)))));
    check(stack.listen(Listener::new(7, Tcp::Echo(echo::Server))));
    check(stack.bind(9999, Respond::new(Udp::Greeting(greeting::Datagrams::new(&options)))));
    check(stack.bind(7, Respond::new(Udp::Echo(echo::Datagrams))));
    Ok(stack)
}

/// Returns a seed from a weak random source, such as the ring oscillator of an RP2040.
///
/// `random` returns 8 bits of the source. Neighbouring bits depend on each other, so each bit of the seed is mixed from
/// 64 bits of the source.
pub fn seed(mut random: impl FnMut() -> u8) -> [u8; 32] {
    core::array::from_fn(|_| (0..64).fold(0, |mixed: u8, _| mixed.rotate_left(1) ^ random()))
}

/// Logs an error of `listen` or `bind`. The board still serves its other ports.
fn check<T>(served: Result<T, ListenError>) {
    if let Err(error) = served {
        log::error!("{error}");
    }
}
