//! Combines resolvers and other UDP programs on one stack.

use smoltcp::socket::udp::Socket;
use smoltcp::wire::IpEndpoint;

use super::resolver::Resolver;
use crate::stack::{Context, IcmpError, Next, UdpSession};

/// A UDP program or a [`Resolver`], for a stack that has both.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a stack has a port or two of these, and no heap to put one on")]
pub enum WithResolver<U> {
    /// The program.
    Program(U),
    /// A lookup of a name.
    Resolver(Resolver),
}

#[deny(clippy::missing_trait_methods)]
impl<U: UdpSession> UdpSession for WithResolver<U> {
    const PORTS: usize = U::PORTS + Resolver::PORTS;

    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        match self {
            WithResolver::Program(program) => program.poll(socket, cx),
            WithResolver::Resolver(resolver) => resolver.poll(socket, cx),
        }
    }

    fn waits_for_neighbour(&self) -> bool {
        match self {
            WithResolver::Program(program) => program.waits_for_neighbour(),
            WithResolver::Resolver(resolver) => resolver.waits_for_neighbour(),
        }
    }

    fn unreachable(&mut self) {
        match self {
            WithResolver::Program(program) => program.unreachable(),
            WithResolver::Resolver(resolver) => resolver.unreachable(),
        }
    }

    fn undelivered(&mut self, remote: IpEndpoint, error: &IcmpError) -> bool {
        match self {
            WithResolver::Program(program) => program.undelivered(remote, error),
            WithResolver::Resolver(resolver) => resolver.undelivered(remote, error),
        }
    }

    fn waits_for_room(&self) -> bool {
        match self {
            WithResolver::Program(program) => program.waits_for_room(),
            WithResolver::Resolver(resolver) => resolver.waits_for_room(),
        }
    }
}
