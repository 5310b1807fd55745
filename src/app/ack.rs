//! ack: prints the first message, acknowledges it and closes.

pub use super::single::{Client, Server};

/// Creates the server of one connection.
pub fn server() -> Server {
    Server::new(b"ACK")
}
