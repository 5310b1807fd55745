//! The lab's scenarios. Each shows one behaviour of TCP or UDP, and states what is expected.
//!
//! Each scenario is a file: docs/lab-file.md describes the format. The self-test has no heap, so the programs of its three
//! scenarios are also in steps.rs.

mod steps;

pub(super) use steps::{CLIENT_FIRST, HANDSHAKE, LOST, MESSAGE, Scripts};

use smoltcp::time::Duration;

#[cfg(feature = "std")]
use super::Setup;
#[cfg(feature = "alloc")]
use super::expect::Expectations;
#[cfg(feature = "alloc")]
use super::file::Experiment;

/// The longest latency at which every scenario meets its expectations.
///
/// A round trip of a second takes as long as the timer of a SYN, so the stack would assume a loss.
#[doc(hidden)]
pub const LONGEST_LATENCY: Duration = Duration::from_millis(300);

/// A run that shows one behaviour of TCP or UDP.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// The scenario's name on the command line.
    pub slug: &'static str,
    /// The behaviour that the scenario shows, in one line.
    pub summary: &'static str,
    /// The summary in Chinese.
    pub summary_zh: &'static str,
    /// The file: docs/lab-file.md describes the format.
    pub text: &'static str,
    /// The set-up of the run.
    #[cfg(feature = "std")]
    pub setup: fn() -> Setup<'static>,
}

#[cfg(feature = "alloc")]
impl Scenario {
    /// Returns the experiment in the scenario's file.
    #[doc(hidden)]
    pub fn experiment(&self) -> Experiment {
        // If the file were invalid, the empty experiment would meet no expectation, and the tests of the scenarios
        // would fail.
        Experiment::parse(self.text, None).unwrap_or_default()
    }

    /// Returns the scenario's expectations, for a wire with this latency.
    pub fn expectations(&self, latency: Duration) -> Expectations {
        self.experiment().expectations(latency)
    }
}

macro_rules! scenario {
    ($slug:literal, $chinese:literal) => {{
        const TEXT: &str = include_str!(concat!($slug, ".lab"));
        Scenario {
            slug: $slug,
            summary: title(TEXT),
            summary_zh: $chinese,
            text: TEXT,
            // The set-up borrows the steps of the experiment, so both are kept.
            #[cfg(feature = "std")]
            setup: || {
                static EXPERIMENT: std::sync::LazyLock<Experiment> =
                    std::sync::LazyLock::new(|| Experiment::parse(TEXT, None).unwrap_or_default());
                static PARTS: std::sync::LazyLock<super::file::Parts<'static>> =
                    std::sync::LazyLock::new(|| EXPERIMENT.parts());
                PARTS.setup().unwrap_or_default()
            },
        }
    }};
}

/// Returns the title in the first line of a scenario's file.
const fn title(text: &'static str) -> &'static str {
    const START: usize = "title \"".len();
    let (_, rest) = text.split_at(START);
    let mut end = 0;
    while rest.as_bytes()[end] != b'"' {
        end += 1;
    }
    rest.split_at(end).0
}

/// Returns the scenario with this name.
pub fn find(slug: &str) -> Option<Scenario> {
    SCENARIOS.into_iter().find(|scenario| scenario.slug == slug)
}

/// All scenarios.
pub const SCENARIOS: [Scenario; 45] = [
    scenario!("handshake", "三次握手建立连接"),
    scenario!("half-close", "一端发送 FIN 之后继续接收：半关闭"),
    scenario!("client-closes-first", "客户先关闭连接，最后进入 TIME-WAIT"),
    scenario!("server-closes-first", "服务器应答后先关闭连接，最后进入 TIME-WAIT"),
    scenario!("simultaneous-open", "双方同时发送 SYN，只建立一个连接：同时打开"),
    scenario!("simultaneous-close", "双方同时发送 FIN，都经过 CLOSING：同时关闭"),
    scenario!("time-wait", "最后一个 ACK 丢失，由 TIME-WAIT 状态的一端重新发送"),
    scenario!("refused", "没有程序监听，所以用 RST 回答 SYN"),
    scenario!("abort", "一端用 RST 异常终止连接"),
    scenario!("lost-syn", "SYN 丢失，一秒后重传"),
    scenario!("lost-synack", "SYN,ACK 丢失：双方都重传"),
    scenario!("half-way-reset", "SYN,ACK 到达之前，客户重启了"),
    scenario!("half-open-reboot", "半打开连接：客户重启后再次连接，收到挑战 ACK"),
    scenario!("backlog-full", "连接队列已满，第三个客户只好重试"),
    scenario!("lost-data", "同一个报文段丢失三次：超时重传时间从 0.2 s 加倍为 0.4 s 和 0.8 s"),
    scenario!("fast-retransmit", "重复的确认引起快重传"),
    scenario!("recovery-and-timeout", "快恢复与超时对比：窗口减半，或降为一个报文段"),
    scenario!("lost-fin", "FIN 丢失，像数据一样重传"),
    scenario!("fin-with-ack", "FIN 与对方 FIN 的确认放在同一个报文段中：四次挥手变成三次"),
    scenario!("three-and-four-way-close", "三次挥手与四次挥手并排对比"),
    scenario!("reordered", "后发送的报文段先到达：失序"),
    scenario!("duplicated", "报文段到达两次，只算一次"),
    scenario!("corrupted", "校验和检查出一个比特的差错"),
    scenario!("zero-window", "接收窗口为零，零窗口探测等待它打开"),
    scenario!("small-window", "MTU 为 576 字节，窗口只有两个报文段"),
    scenario!("silly-window", "糊涂窗口：发送方等到能发送整个报文段时才发送"),
    scenario!("window-scaling", "窗口扩大因子：在途数据超过 65,535 字节"),
    scenario!("wraparound", "序号超过 4,294,967,295 之后又从 0 开始"),
    scenario!("nagle-delayed-ack", "Nagle 算法与延迟确认相互等待"),
    scenario!("no-nagle", "同上，但不用 Nagle 算法：报文段不必等待"),
    scenario!("slow-start", "慢启动：拥塞窗口每经过一个往返时间就加倍"),
    scenario!("congestion-avoidance", "拥塞避免：丢失之后，窗口每经过一个往返时间只增大一个报文段"),
    scenario!("shared-bottleneck", "两个连接共用一条慢速链路：队列溢出，两者都降低速率"),
    scenario!("bandwidth-delay", "窗口小于链路容量（时延带宽积）：发送方只好等待确认"),
    scenario!("path-mtu", "路由器的 MTU 较小：ICMP 告知发送方，发送方改发较短的报文段"),
    scenario!("black-hole", "路径 MTU 黑洞：路由器丢弃长分组而不作声，由发送方自己发现"),
    scenario!("keep-alive", "保活探测维持空闲的连接，并发现对方已经失效"),
    scenario!("syn-flood", "SYN 洪泛：最早的未完成握手让出位置，正常的客户仍能连接"),
    scenario!("blind-rst", "看不到分组的攻击者无法使连接复位：只有序号完全正确才有效"),
    scenario!("head-of-line", "队头阻塞：一个报文段丢失时，TCP 暂不交付其后的数据，UDP 则不然"),
    scenario!("udp-exchange", "UDP 数据报双向传送"),
    scenario!("udp-closed-port", "没有程序使用这个端口，用 ICMP 报告差错"),
    scenario!("udp-lost", "数据报丢失，没有谁会重传它"),
    scenario!("thanks-tcp", "用 TCP 传送两个消息，每个消息一个连接"),
    scenario!("thanks-udp", "同上，但用 UDP：数据报长度为 2、11、5 和 11 字节"),
];
