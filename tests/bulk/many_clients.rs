//! Many simultaneous clients, which must all be served correctly.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::sync::{Arc, Barrier};
use std::thread;

use crate::common::events;
use crate::common::link::{
    KERNEL, PATIENCE, SERVER, ask, at, connect, expect, expect_last, expect_nothing, noise, on_tap, on_tap_and_tun,
    send, udp,
};

#[test]
fn fifty_clients_get_their_own_replies() {
    on_tap_and_tun("fifty_clients_get_their_own_replies", |link| {
        let server = link.serve_with_events(&["greeting", "echo"], 8);
        let all_connected = Arc::new(Barrier::new(50));
        let clients: Vec<_> = (0..50)
            .map(|client| {
                let all_connected = all_connected.clone();
                thread::spawn(move || {
                    let address = SERVER[client % 2];
                    let mut greeting = connect(address, 9999);
                    let mut echo = connect(address, 7);
                    expect(&mut greeting, "Welcome!");
                    all_connected.wait();
                    for message in 0..20 {
                        send(&mut greeting, format!("client {client} message {message}\n"));
                        let bytes = noise(client * 100 + message, client as u64);
                        send(&mut echo, &bytes);
                        expect(&mut greeting, format!("Hello,client {client} message {message}!\n"));
                        expect(&mut echo, &bytes);
                    }
                    send(&mut greeting, "exit");
                    expect_last(&mut greeting, "");
                })
            })
            .collect();
        for client in clients {
            client.join().unwrap();
        }
        events::wait_for(&server, "ended", &[], 100);
        assert_eq!(events::count(&server, "accepted", &[]), 100);
    });
}

#[test]
fn fifty_udp_clients_get_their_own_replies() {
    on_tap_and_tun("fifty_udp_clients_get_their_own_replies", |link| {
        let _server = link.serve(&["greeting"], 4);
        let clients: Vec<_> = (0..50)
            .map(|client| {
                thread::spawn(move || {
                    let socket = udp(at(KERNEL[client % 2], 0), at(SERVER[client % 2], 9999));
                    for message in 0..20 {
                        ask(&socket, format!("{client} {message}"), format!("hello {client} {message}!"));
                    }
                })
            })
            .collect();
        for client in clients {
            client.join().unwrap();
        }
    });
}

#[test]
fn a_delayed_reply_does_not_delay_other_clients() {
    on_tap("a_delayed_reply_does_not_delay_other_clients", |link| {
        let server = link.serve(&["greeting", "echo", "--delay", "1day"], 8);
        let mut waiting: Vec<TcpStream> = (0..20).map(|_| connect(SERVER[0], 9999)).collect();
        for client in &mut waiting {
            expect(client, "Welcome!");
            send(client, "Li");
        }
        // The replies to these 20 clients are delayed by a day. Other clients are served meanwhile.
        for _ in 0..20 {
            expect(&mut connect(SERVER[0], 9999), "Welcome!");
        }
        let mut echo = connect(SERVER[0], 7);
        send(&mut echo, "hi");
        expect(&mut echo, "hi");
        ask(&udp(at(KERNEL[0], 0), at(SERVER[0], 9999)), "Li", "hello Li!");
        for client in &waiting {
            expect_nothing(client);
        }
        // The delay does not prevent the server from exiting.
        server.interrupt();
        for client in &mut waiting {
            expect_last(client, "");
        }
        assert_eq!(server.finish().code(), Some(0));
    });
}

#[test]
fn the_delays_of_several_clients_overlap() {
    on_tap("the_delays_of_several_clients_overlap", |link| {
        let server = link.serve_with_events(&["greeting", "--delay", "3s"], 4);
        let mut clients: Vec<TcpStream> = (0..20).map(|_| connect(SERVER[0], 9999)).collect();
        for client in &mut clients {
            expect(client, "Welcome!");
        }
        for client in &mut clients {
            send(client, "first");
        }
        for client in &mut clients {
            expect(client, "Hello,first!");
            send(client, "second");
        }
        for client in &mut clients {
            expect(client, "Hello,second!");
        }
        // The server read every client's first message, of 5 bytes, before any second message. This shows that the
        // delays of the clients overlapped.
        let read = events::of(&server.stop().out(), "read", &[]);
        let lengths: Vec<u64> = read.iter().filter_map(|event| event["len"].as_u64()).collect();
        assert_eq!(lengths, [[5; 20], [6; 20]].concat());
    });
}

#[test]
fn a_saturated_connection_does_not_starve_other_clients() {
    on_tap_and_tun("a_saturated_connection_does_not_starve_other_clients", |link| {
        let _server = link.serve(&["chargen", "greeting"], 6);
        let mut streams: Vec<TcpStream> = SERVER.iter().map(|address| connect(address, 19)).collect();
        let readers: Vec<_> = streams
            .iter_mut()
            .map(|stream| {
                let mut stream = stream.try_clone().unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                thread::spawn(move || {
                    let mut buffer = vec![0; 65_536];
                    loop {
                        match stream.read(&mut buffer) {
                            Ok(1..) => {}
                            Err(e) if e.kind() == ErrorKind::Interrupted => {}
                            _ => break,
                        }
                    }
                })
            })
            .collect();
        // The two streams never pause, but other clients are still served.
        for round in 0..50 {
            let mut greeting = connect(SERVER[round % 2], 9999);
            expect(&mut greeting, "Welcome!");
            send(&mut greeting, "Li");
            expect(&mut greeting, "Hello,Li!");
            ask(&udp(at(KERNEL[round % 2], 0), at(SERVER[round % 2], 9999)), "Li", "hello Li!");
        }
        for stream in streams {
            stream.shutdown(std::net::Shutdown::Both).unwrap();
        }
        for reader in readers {
            reader.join().unwrap();
        }
    });
}
