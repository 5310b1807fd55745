//! Macros for several programs on one stack. The macros implement the session traits for an enum of programs.

/// Declares an enum of TCP programs that is itself a [`Session`](crate::stack::Session). Each call goes to the program
/// in the variant.
///
/// The enum can have a lifetime parameter. The enum must implement `Clone` if the stack listens.
///
/// ```
/// use smolstep::app::{chargen, greeting};
///
/// smolstep::sessions! {
///     #[derive(Clone)]
///     enum Programs<'a> {
///         Chargen(chargen::Server),
///         Greeting(greeting::Server<'a>),
///     }
/// }
/// ```
#[macro_export]
macro_rules! sessions {
    ($(#[$attribute:meta])* $vis:vis enum $name:ident $(<$lifetime:lifetime>)? {
        $($(#[$on_variant:meta])* $variant:ident($program:ty)),+ $(,)?
    }) => {
        $(#[$attribute])*
        $vis enum $name $(<$lifetime>)? {
            $($(#[$on_variant])* $variant($program),)+
        }

        #[deny(clippy::missing_trait_methods)]
        impl $(<$lifetime>)? $crate::stack::Session for $name $(<$lifetime>)? {
            fn poll(
                &mut self,
                socket: &mut $crate::smoltcp::socket::tcp::Socket<'_>,
                cx: &mut $crate::stack::Context<'_>,
            ) -> $crate::stack::Next {
                // Passes the call on to the program in this variant.
                match self {
                    $(Self::$variant(program) => $crate::stack::Session::poll(program, socket, cx),)+
                }
            }

            fn shut_down(
                &mut self,
                socket: &mut $crate::smoltcp::socket::tcp::Socket<'_>,
                cx: &mut $crate::stack::Context<'_>,
            ) {
                // Passes the call on to the program in this variant.
                match self {
                    $(Self::$variant(program) => $crate::stack::Session::shut_down(program, socket, cx),)+
                }
            }

            fn ended(&mut self, end: $crate::stack::End, cx: &mut $crate::stack::Context<'_>) {
                match self {
                    $(Self::$variant(program) => $crate::stack::Session::ended(program, end, cx),)+
                }
            }
        }
    };
}

/// Declares an enum of UDP programs that is itself a [`UdpSession`](crate::stack::UdpSession). Each call goes to the
/// program in the variant.
///
/// The enum has the same form as in [`sessions!`](crate::sessions). For a [`Responder`](crate::stack::Responder) `R`,
/// use [`Respond`](crate::stack::Respond)`<R>`.
#[macro_export]
macro_rules! udp_sessions {
    ($(#[$attribute:meta])* $vis:vis enum $name:ident $(<$lifetime:lifetime>)? {
        $($(#[$on_variant:meta])* $variant:ident($program:ty)),+ $(,)?
    }) => {
        $(#[$attribute])*
        $vis enum $name $(<$lifetime>)? {
            $($(#[$on_variant])* $variant($program),)+
        }

        #[deny(clippy::missing_trait_methods)]
        impl $(<$lifetime>)? $crate::stack::UdpSession for $name $(<$lifetime>)? {
            const PORTS: usize = 0 $(+ <$program as $crate::stack::UdpSession>::PORTS)+;

            fn poll(
                &mut self,
                socket: &mut $crate::smoltcp::socket::udp::Socket<'_>,
                cx: &mut $crate::stack::Context<'_>,
            ) -> $crate::stack::Next {
                // Passes the call on to the program in this variant.
                match self {
                    $(Self::$variant(program) => $crate::stack::UdpSession::poll(program, socket, cx),)+
                }
            }

            fn waits_for_room(&self) -> bool {
                match self {
                    $(Self::$variant(program) => $crate::stack::UdpSession::waits_for_room(program),)+
                }
            }

            fn waits_for_neighbour(&self) -> bool {
                match self {
                    $(Self::$variant(program) => $crate::stack::UdpSession::waits_for_neighbour(program),)+
                }
            }

            fn unreachable(&mut self) {
                match self {
                    $(Self::$variant(program) => $crate::stack::UdpSession::unreachable(program),)+
                }
            }

            fn undelivered(
                &mut self,
                remote: $crate::smoltcp::wire::IpEndpoint,
                error: &$crate::stack::IcmpError,
            ) -> bool {
                // Passes the call on to the program in this variant.
                match self {
                    $(Self::$variant(program) => $crate::stack::UdpSession::undelivered(program, remote, error),)+
                }
            }
        }
    };
}
