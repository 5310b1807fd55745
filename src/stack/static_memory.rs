//! A stack's memory as a static variable.

use static_cell::ConstStaticCell;

use super::{Memory, Pool};

/// A [`Pool`] in a static variable, declared by [`stack_memory!`](crate::stack_memory). The const parameters are the
/// same as for [`Pool`].
pub struct StaticMemory<
    S: 'static,
    U: 'static,
    const N: usize,
    const RX: usize,
    const TX: usize,
    const P: usize,
    const Q: usize,
    const B: usize,
>(ConstStaticCell<Pool<'static, S, U, N, RX, TX, P, Q, B>>);

impl<S, U, const N: usize, const RX: usize, const TX: usize, const P: usize, const Q: usize, const B: usize>
    StaticMemory<S, U, N, RX, TX, P, Q, B>
{
    /// Creates memory whose bytes are all 0, for a static variable.
    #[allow(clippy::new_without_default, reason = "a default value would be built on the call stack")]
    pub const fn new() -> Self {
        StaticMemory(ConstStaticCell::new(Pool::new()))
    }

    /// Lends the memory to a stack. Only one call is possible, because two stacks must not share the memory.
    ///
    /// # Panics
    /// Panics if the memory was taken before.
    pub fn take(&'static self) -> Memory<'static, S, U> {
        self.0.take().memory()
    }
}

/// Declares the memory of a stack as a static variable. The memory needs no flash and is never on the call stack.
///
/// - `tcp`: the type of the TCP programs, and the largest number of connections;
/// - `receive` and `send`: the sizes of each connection's buffers, in bytes;
/// - `udp`: the type of the UDP programs. [`UdpSession::PORTS`](crate::stack::UdpSession::PORTS) is the number of
///   ports;
/// - `datagrams` and `payload`: the number of datagrams and of payload bytes that each port can queue in each
///   direction.
///
/// Omit `udp`, `datagrams` and `payload` if the stack has no UDP programs.
///
/// ```
/// #![forbid(unsafe_code)]
///
/// use smolstep::app::{chargen, echo};
/// use smolstep::stack::{Memory, Respond};
/// use smolstep::stack_memory;
///
/// stack_memory!(static MEMORY:
///     tcp: [chargen::Server; 4], receive: 1460, send: 1460,
///     udp: Respond<echo::Datagrams>, datagrams: 2, payload: 1472);
///
/// let memory: Memory<'static, chargen::Server, Respond<echo::Datagrams>> = MEMORY.take();
/// assert_eq!((memory.slots.len(), memory.receive.len(), memory.ports.len()), (4, 4 * 1460, 1));
/// ```
#[macro_export]
macro_rules! stack_memory {
    ($(#[$meta:meta])* $vis:vis static $name:ident:
        tcp: [$tcp:ty; $connections:expr], receive: $receive:expr, send: $send:expr $(,)?) => {
        $crate::stack_memory!($(#[$meta])* $vis static $name:
            tcp: [$tcp; $connections], receive: $receive, send: $send, udp: (), datagrams: 0, payload: 0);
    };
    ($(#[$meta:meta])* $vis:vis static $name:ident:
        tcp: [$tcp:ty; $connections:expr], receive: $receive:expr, send: $send:expr,
        udp: $udp:ty, datagrams: $datagrams:expr, payload: $payload:expr $(,)?) => {
        $(#[$meta])*
        $vis static $name: $crate::stack::StaticMemory<
            $tcp,
            $udp,
            { $connections },
            { $receive },
            { $send },
            { <$udp as $crate::stack::UdpSession>::PORTS },
            { $datagrams },
            { $payload },
        > = $crate::stack::StaticMemory::new();
    };
}
