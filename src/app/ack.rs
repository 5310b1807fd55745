//! ack: prints the first message, acknowledges it, closes.

use super::single;

/// The server of one connection.
pub fn server() -> single::Server {
    single::Server::new(b"ACK")
}

/// The client of one connection.
pub fn client() -> single::Client {
    single::Client::new()
}
