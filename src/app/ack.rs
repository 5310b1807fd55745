//! ack: prints the first message, acknowledges it, closes.

pub use super::single::{Client, Server};

/// The server of one connection.
pub fn server() -> Server {
    Server::new(b"ACK")
}
