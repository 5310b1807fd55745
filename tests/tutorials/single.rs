//! Tests the programs ack, thanks and upper, which answer one message with one reply.

use crate::common::link::{KERNEL, SERVER, on_tap_and_tun};
use crate::pair::{Pair, messages};

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: host.example\r\n\r\n";

#[test]
fn ack_over_tcp() {
    on_tap_and_tun("single::ack_over_tcp", |link| {
        // The tutorial also sends its HTTP request to the ACK server.
        let pair =
            Pair { port: 9998, server: ("ack_server", &[]), client: ("http_one_read", &[]), input: "", lines: 6 };
        for family in [0, 1] {
            let python = pair.in_python(family);
            assert_eq!(python.client, "ACK\n");

            let server = link.serve(&["ack"], 2);
            assert_eq!(pair.call(SERVER[family]), python.client);
            let request = format!(" {}\n", REQUEST.strip_suffix("\r\n").unwrap());
            server.wait_for("the request", |out| out.ends_with(&request));
            server.stop();

            assert_eq!(pair.with_our_client(link, family, &["ack", KERNEL[family], REQUEST]), python);
        }
    });
}

#[test]
fn thanks_over_tcp() {
    on_tap_and_tun("single::thanks_over_tcp", |link| {
        let pair = Pair {
            port: 8080,
            server: ("thanks_server", &[]),
            client: ("thanks_client", &[]),
            input: "123\n",
            lines: 3,
        };
        for family in [0, 1] {
            let python = pair.in_python(family);
            assert_eq!(python.client, "请输入client要发送的数据:client接收到的数据为: thank you !\n");

            let server = link.serve(&["thanks"], 4);
            assert_eq!(pair.call(SERVER[family]), python.client);
            assert_eq!(messages(&server, 1), ["123"]);
            server.stop();

            for arguments in [&["thanks", KERNEL[family], "123"][..], &["thanks", KERNEL[family]]] {
                let ours = pair.with_our_client(link, family, arguments);
                assert_eq!((ours.server, ours.client.as_str()), (python.server.clone(), "thank you !\n"));
            }
        }
    });
}

#[test]
fn thanks_over_udp() {
    on_tap_and_tun("single::thanks_over_udp", |link| {
        let pair = Pair {
            port: 8081,
            server: ("thanks_udp_server", &[]),
            client: ("thanks_udp_client", &[]),
            input: "123\nYP\nnihao\n",
            lines: 3,
        };
        for family in [0, 1] {
            let python = pair.in_python(family);
            let reply = ">> 客户端recvfrom  b'thank you !' ('ADDRESS', 8081)\n";
            assert_eq!(python.client, reply.repeat(3) + ">> ");

            let server = link.serve(&["thanks"], 4);
            assert_eq!(pair.call(SERVER[family]), python.client);
            assert_eq!(messages(&server, 3), ["123", "YP", "nihao"]);
            server.stop();

            let texts = ["thanks", KERNEL[family], "--udp", "123", "YP", "nihao"];
            for arguments in [&texts[..], &texts[..3]] {
                let ours = pair.with_our_client(link, family, arguments);
                assert_eq!((ours.server, ours.client), (python.server.clone(), "thank you !\n".repeat(3)));
            }
        }
    });
}

#[test]
fn upper_over_tcp() {
    on_tap_and_tun("single::upper_over_tcp", |link| {
        // The tutorial's server reads up to 2,048 bytes in one call. The client reads only 1,024 bytes of the reply.
        let longest = "abcdefgh".repeat(256);
        for sentence in ["123", "hello world", &longest] {
            let input = format!("{sentence}\n");
            let pair = Pair {
                port: 14000,
                server: ("upper_server", &[]),
                client: ("upper_client", &[]),
                input: &input,
                lines: 2,
            };
            let upper = sentence.to_uppercase();
            for family in [0, 1] {
                let python = pair.in_python(family);
                let reply = upper.get(..1024).unwrap_or(&upper);
                assert_eq!(python.client, format!("Input lowercase sentence:From Server: b'{reply}'\n"));

                let server = link.serve(&["upper"], 2);
                assert_eq!(pair.call(SERVER[family]), python.client);
                assert_eq!(messages(&server, 1), [sentence]);
                server.stop();

                for arguments in [&["upper", KERNEL[family], sentence][..], &["upper", KERNEL[family]]] {
                    // `call` accepts typed lines of at most 1,024 bytes.
                    if arguments.len() == 2 && sentence.len() > 1024 {
                        continue;
                    }
                    let ours = pair.with_our_client(link, family, arguments);
                    assert_eq!((ours.server, ours.client), (python.server.clone(), format!("{upper}\n")));
                }
            }
        }
    });
}
