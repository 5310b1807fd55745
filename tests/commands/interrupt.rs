//! On Ctrl-C, smolstep closes its connections with FIN, then exits.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

use crate::common::events;
use crate::common::link::{KERNEL, SERVER, connect, expect, expect_last, noise, on_tap_and_tun, send};
use crate::common::peer::python;

#[test]
fn clients_of_a_server_see_the_end_of_stream() {
    on_tap_and_tun("clients_of_a_server_see_the_end_of_stream", |link| {
        let server = link.serve_with_events(&["all"], 30);
        let mut clients: Vec<TcpStream> = Vec::new();
        for address in SERVER {
            for _ in 0..5 {
                let mut greeting = connect(address, 9999);
                expect(&mut greeting, "Welcome!");
                clients.push(greeting);
                let mut echo = connect(address, 7);
                send(&mut echo, "hi");
                expect(&mut echo, "hi");
                clients.push(echo);
            }
        }
        server.interrupt();
        for client in &mut clients {
            expect_last(client, "");
        }
        drop(clients);
        let server = server.finish();
        assert_eq!(server.code(), Some(0), "{server:?}");
        assert_eq!(events::of(&server.out(), "accepted", &[]).len(), 20);
    });
}

#[test]
fn earlier_data_arrives_before_the_end_of_stream() {
    on_tap_and_tun("earlier_data_arrives_before_the_end_of_stream", |link| {
        for address in SERVER {
            let server = link.serve(&["echo"], 4);
            let mut client = connect(address, 7);
            let mut writer = client.try_clone().unwrap();
            let bytes = noise(1 << 20, 15);
            let sent = bytes.clone();
            // The data exceeds the capacity of all buffers. The writer stops when the client's side is closed.
            let writing = thread::spawn(move || while writer.write_all(&sent).is_ok() {});
            let mut back = vec![0; 1 << 20];
            client.read_exact(&mut back).unwrap();
            server.interrupt();
            // All received bytes are in order, and the stream ends with FIN instead of RST.
            client.read_to_end(&mut back).unwrap();
            let right = back.chunks(bytes.len()).all(|piece| *piece == bytes[..piece.len()]);
            assert!(right, "not all of the {} bytes that came back are right", back.len());
            client.shutdown(Shutdown::Write).unwrap();
            writing.join().unwrap();
            assert_eq!(server.finish().code(), Some(0));
        }
    });
}

#[test]
fn a_server_without_clients_exits() {
    on_tap_and_tun("a_server_without_clients_exits", |link| {
        let server = link.serve(&["all"], 30);
        server.stop();
    });
}

#[test]
fn a_client_that_is_interrupted_fails() {
    on_tap_and_tun("a_client_that_is_interrupted_fails", |link| {
        for address in KERNEL {
            let server = python::server("echo_and_end", address.parse().unwrap(), 7);
            let mut client = link.start_call(&["echo", address]);
            client.type_in(b"hi\n");
            client.wait_for("echo", |out| out == "hi\n");
            client.interrupt();
            // The test waits before it calls `finish`, because `finish` closes the client's standard input. At the end
            // of its input, the client exits successfully.
            server.wait_for("end of stream", |out| out.ends_with("end\n"));
            let client = client.finish();
            assert_eq!((client.code(), client.err().matches('\n').count()), (Some(1), 1), "{client:?}");
            assert!(client.err().contains("interrupted"), "{client:?}");
        }
    });
}
