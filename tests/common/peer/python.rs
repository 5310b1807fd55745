//! Peers in Python, on the kernel's sockets.

use std::net::IpAddr;
use std::process::Command;

use super::Peer;

/// Runs a script with arguments (`sys.argv[1:]`).
pub fn run(script: &str, arguments: &[&str]) -> Peer {
    Peer::start(Command::new("python3").args(["-c", script]).args(arguments))
}

/// Starts one of the servers below on an address and port, and waits until it is ready.
pub fn server(script: &str, address: IpAddr, port: u16) -> Peer {
    let script = format!("{SERVER}\n{script}");
    let peer = run(&script, &[&address.to_string(), &port.to_string()]);
    peer.wait_for("ready", |out| out.starts_with("ready"));
    peer
}

/// Welcomes, greets each message, and closes at `exit` or at the end.
pub const GREETING: &str = "
def serve(connection):
    connection.sendall(b'Welcome!')
    while True:
        data = connection.recv(1024)
        if not data or data == b'exit':
            break
        connection.sendall(b'Hello,' + data + b'!')
tcp(serve)
";

/// Greets each datagram.
pub const GREETING_UDP: &str = "udp(lambda data: b'hello ' + data + b'!')";

/// Prints one message, answers ACK, and closes.
pub const ACK: &str = "
def serve(connection):
    print(connection.recv(1024).decode(), flush=True)
    connection.sendall(b'ACK')
tcp(serve)
";

/// Thanks for one message, and closes.
pub const THANKS: &str = "
def serve(connection):
    connection.recv(1024)
    connection.sendall(b'thank you !')
tcp(serve)
";

/// Thanks for each datagram.
pub const THANKS_UDP: &str = "udp(lambda data: b'thank you !')";

/// Sends one message back in upper case, and closes.
pub const UPPER: &str = "
def serve(connection):
    connection.sendall(connection.recv(1024).decode().upper().encode())
tcp(serve)
";

/// Sends back what comes until the client has closed its side.
pub const ECHO: &str = "
def serve(connection):
    while data := connection.recv(65536):
        connection.sendall(data)
tcp(serve)
";

/// Sends each datagram back.
pub const ECHO_UDP: &str = "udp(lambda data: data)";

/// Prints each datagram and answers none.
pub const INBOX: &str = "udp(lambda data: print(data.decode(), flush=True))";

/// What every server begins with: each connection has a thread, a `None` is no answer.
const SERVER: &str = "
import socket, sys, threading

address, port = sys.argv[1], int(sys.argv[2])
family = socket.AF_INET6 if ':' in address else socket.AF_INET

def tcp(serve):
    listener = socket.create_server((address, port), family=family, backlog=128)
    print('ready', flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=run, args=(serve, connection), daemon=True).start()

def run(serve, connection):
    with connection:
        serve(connection)

def udp(answer):
    bound = socket.socket(family, socket.SOCK_DGRAM)
    bound.bind((address, port))
    print('ready', flush=True)
    while True:
        data, sender = bound.recvfrom(65535)
        reply = answer(data)
        if reply is not None:
            bound.sendto(reply, sender)
";
