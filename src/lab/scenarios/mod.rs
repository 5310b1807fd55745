//! The lab's scenarios: each shows one behaviour of TCP or UDP, and has expectations.

mod close;
mod loss;
mod open;
mod window;

pub(super) use close::CLIENT_FIRST;
pub(super) use loss::{LOST, MESSAGE};
pub(super) use open::HANDSHAKE;

use smoltcp::time::Duration;

use super::{ScriptStep, Setup};
use crate::app;

/// The longest latency at which every scenario meets its expectations.
///
/// A round trip of a second takes as long as the timer of a SYN, so the stack would assume a loss.
#[doc(hidden)]
pub const LONGEST_LATENCY: Duration = Duration::from_millis(300);

/// The scripts of the client and of the server.
pub(super) type Scripts = [&'static [ScriptStep<'static>]; 2];

fn scripts([client, server]: Scripts) -> Setup<'static> {
    Setup::scripts(client, server)
}

/// A run that shows one behaviour of TCP or UDP.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// The scenario's name on the command line.
    pub slug: &'static str,
    /// The behaviour that it shows, in one line.
    pub summary: &'static str,
    /// The same line in Chinese.
    pub summary_zh: &'static str,
    /// The set-up of the run.
    pub setup: fn() -> Setup<'static>,
    /// The expectations, in the format of an expectation file.
    pub expect: &'static str,
}

macro_rules! scenario {
    ($slug:literal, $summary:literal, $summary_zh:literal, $setup:path) => {
        Scenario {
            slug: $slug,
            summary: $summary,
            summary_zh: $summary_zh,
            setup: $setup,
            expect: include_str!(concat!("expect/", $slug, ".txt")),
        }
    };
}

/// Returns the scenario with this name.
pub fn find(slug: &str) -> Option<Scenario> {
    SCENARIOS.into_iter().find(|scenario| scenario.slug == slug)
}

/// All scenarios.
pub const SCENARIOS: [Scenario; 31] = [
    scenario!("handshake", "three segments open a connection", "三次握手建立连接", open::handshake),
    scenario!(
        "half-close",
        "one side sends FIN and continues to read",
        "一端发送 FIN 之后继续接收：半关闭",
        close::half_close
    ),
    scenario!(
        "client-closes-first",
        "the side that closes first ends in TIME-WAIT",
        "客户先关闭连接，最后进入 TIME-WAIT",
        close::client_first
    ),
    scenario!(
        "server-closes-first",
        "the server answers, closes first and ends in TIME-WAIT",
        "服务器应答后先关闭连接，最后进入 TIME-WAIT",
        close::server_first
    ),
    scenario!(
        "simultaneous-open",
        "both sides send SYN, which opens one connection",
        "双方同时发送 SYN，只建立一个连接：同时打开",
        open::simultaneous
    ),
    scenario!(
        "simultaneous-close",
        "both sides send FIN and pass through CLOSING",
        "双方同时发送 FIN，都经过 CLOSING：同时关闭",
        close::simultaneous
    ),
    scenario!(
        "time-wait",
        "the last ACK is lost, and TIME-WAIT sends it again",
        "最后一个 ACK 丢失，由 TIME-WAIT 状态的一端重新发送",
        close::time_wait
    ),
    scenario!(
        "refused",
        "no program listens, so the SYN is answered with RST",
        "没有程序监听，所以用 RST 回答 SYN",
        open::refused
    ),
    scenario!("abort", "one side aborts the connection with RST", "一端用 RST 异常终止连接", close::abort),
    scenario!("lost-syn", "a lost SYN is sent again after a second", "SYN 丢失，一秒后重传", open::lost_syn),
    scenario!("lost-synack", "SYN,ACK is lost: both sides try again", "SYN,ACK 丢失：双方都重传", open::lost_synack),
    scenario!(
        "half-way-reset",
        "the caller restarts before SYN,ACK arrives",
        "SYN,ACK 到达之前，客户重启了",
        open::half_way_reset
    ),
    scenario!(
        "half-open-reboot",
        "a half-open connection: the caller restarts, calls again, and is challenged",
        "半打开连接：客户重启后再次连接，收到挑战 ACK",
        open::half_open_reboot
    ),
    scenario!(
        "backlog-full",
        "the third caller finds no room and tries again",
        "连接队列已满，第三个客户只好重试",
        open::backlog_full
    ),
    scenario!(
        "lost-data",
        "a segment is lost three times: the timer doubles from 0.2 s to 0.4 s and 0.8 s",
        "同一个报文段丢失三次：超时重传时间从 0.2 s 加倍为 0.4 s 和 0.8 s",
        loss::data
    ),
    scenario!(
        "fast-retransmit",
        "acknowledgements that repeat a number cause a fast retransmission",
        "重复的确认引起快重传",
        loss::fast
    ),
    scenario!("lost-fin", "a lost FIN is retransmitted like data", "FIN 丢失，像数据一样重传", loss::fin),
    scenario!(
        "fin-with-ack",
        "FIN and the ACK of the peer's FIN travel in one segment",
        "FIN 与对方 FIN 的确认放在同一个报文段中：四次挥手变成三次",
        close::fin_with_ack
    ),
    scenario!("reordered", "a segment overtakes another", "后发送的报文段先到达：失序", loss::reordered),
    scenario!("duplicated", "a segment arrives twice and counts once", "报文段到达两次，只算一次", loss::duplicated),
    scenario!("corrupted", "the checksum detects an inverted bit", "校验和检查出一个比特的差错", loss::corrupted),
    scenario!(
        "zero-window",
        "the receiver's window is closed, and probes wait for it to open",
        "接收窗口为零，零窗口探测等待它打开",
        window::zero
    ),
    scenario!(
        "small-window",
        "an MTU of 576 bytes and a window of two segments",
        "MTU 为 576 字节，窗口只有两个报文段",
        window::small
    ),
    scenario!(
        "nagle-delayed-ack",
        "Nagle's algorithm waits for a delayed ACK",
        "Nagle 算法与延迟确认相互等待",
        window::nagle
    ),
    scenario!(
        "no-nagle",
        "the same without Nagle's algorithm: no segment waits",
        "同上，但不用 Nagle 算法：报文段不必等待",
        window::no_nagle
    ),
    scenario!(
        "keep-alive",
        "probes keep an idle connection open, and detect a dead peer",
        "保活探测维持空闲的连接，并发现对方已经失效",
        window::keep_alive
    ),
    scenario!("udp-exchange", "datagrams in both directions", "UDP 数据报双向传送", udp_exchange),
    scenario!(
        "udp-closed-port",
        "no program has the port, so ICMP reports it",
        "没有程序使用这个端口，用 ICMP 报告差错",
        udp_closed_port
    ),
    scenario!("udp-lost", "a datagram is lost, and nobody sends it again", "数据报丢失，没有谁会重传它", udp_lost),
    scenario!(
        "thanks-tcp",
        "two messages over TCP, each on its own connection",
        "用 TCP 传送两个消息，每个消息一个连接",
        thanks_tcp
    ),
    scenario!(
        "thanks-udp",
        "the same over UDP: datagrams of 2, 11, 5 and 11 bytes",
        "同上，但用 UDP：数据报长度为 2、11、5 和 11 字节",
        thanks_udp
    ),
];

const LI_CHENG: &[&[u8]] = &[b"Li", b"Cheng"];

fn thanks_tcp() -> Setup<'static> {
    program("thanks", false)
}

fn thanks_udp() -> Setup<'static> {
    program("thanks", true)
}

fn udp_exchange() -> Setup<'static> {
    program("greeting", true)
}

fn udp_lost() -> Setup<'static> {
    program("greeting", true).with_faults(&["drop server udp 2"])
}

fn udp_closed_port() -> Setup<'static> {
    let mut setup = program("echo", true);
    setup.udp.retain(|(host, ..)| *host == 0);
    setup
}

fn program(name: &str, udp: bool) -> Setup<'static> {
    let setup = app::find(name).and_then(|app| Setup::program(&app, LI_CHENG, udp).ok());
    // An empty run meets no expectation, and the tests run every scenario, so they would notice it.
    setup.unwrap_or_default()
}
