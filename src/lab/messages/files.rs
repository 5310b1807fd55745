//! Messages about experiments, exercises, answers and expectations, and about the words of their lines.

use super::Message;

/// The messages, and their parts.
pub(super) const FILES: &[Message] = &[
    // The file as a whole.
    ("the file is longer than 1 MiB ({1} bytes)", "文件超过 1 MiB（{1} 字节）"),
    ("the file has more than {1} lines", "文件超过 {1} 行"),
    ("a control character: write \\n, \\r or \\t in a text", "控制字符：在文本中请写 \\n、\\r 或 \\t"),
    (
        "nothing happens in this file: add a program that calls or sends, such as 'client calls 7000'",
        "这个文件中什么也不发生：请加上一个呼叫或发送的程序，如 'client calls 7000'",
    ),
    (
        "title, text, zh, seed, vary, limit, network, hosts, host, clients, flood, client, server, fault, at, expect or question; \
      or a step of the program above: read, send, wait, close, half-close or abort",
        "title、text、zh、seed、vary、limit、network、hosts、host、clients、flood、client、server、fault、at、expect 或 question，\
      或上面程序的一步：read、send、wait、close、half-close 或 abort",
    ),
    ("the file has a title already", "文件已有标题"),
    (
        "the seed must come before the first 'vary', which depends on it",
        "seed 必须在第一个 'vary' 之前，因为 vary 取决于它",
    ),
    ("this name is in use already", "这个名字已经使用"),
    ("a file varies at most {1} numbers", "一个文件最多有 {1} 个变化的数"),
    ("a name of letters and digits", "由字母和数字组成的名字"),
    (
        "'zh' needs a text to translate: put it below a title, text, question, answer or hint",
        "'zh' 需要被翻译的文本：请放在 title、text、question、answer 或 hint 的下一行",
    ),
    ("the line above has fewer texts: {1}", "上一行的文本较少：{1} 个"),
    // Limits of a run.
    (
        "a run takes at most 8 calls and events, and this file has {1}: remove some",
        "一次运行的呼叫和事件合计最多 8 个，而这个文件有 {1} 个：请去掉一些",
    ),
    ("a run takes at most {1} calls and events", "一次运行最多 {1} 个呼叫和事件"),
    (
        "a run takes at most 8 calls and events, including those of the exercise",
        "一次运行最多 8 个呼叫和事件，包括练习自身的",
    ),
    ("a run takes at most {1} calls and events in all: remove one", "一次运行的呼叫和事件合计最多 {1} 个：请去掉一个"),
    ("a run takes at most {1} faults: remove one", "一次运行最多 {1} 个故障：请去掉一个"),
    (
        "a run takes at most {1} faults, including the faults of the exercise",
        "一次运行最多 {1} 个故障，练习的故障也算在内",
    ),
    ("a run takes at most {1} faults", "一次运行最多 {1} 个故障"),
    ("a file has at most {1} expectations: remove one", "一个文件最多 {1} 个期望：请去掉一个"),
    ("a file has at most {1} questions: remove one", "一个文件最多 {1} 道题：请去掉一道"),
    // The network and the hosts.
    (
        "queue needs rate: frames wait only before a line with a limited rate",
        "queue 需要 rate：只有线路的速率有限，帧才排队",
    ),
    (
        "black-hole needs router-mtu: the size of the packets that get through",
        "black-hole 需要 router-mtu：能通过的分组的大小",
    ),
    (
        "latency TIME, jitter TIME, rate RATE, queue FRAMES, loss PERCENT, mtu BYTES, router-mtu BYTES or black-hole",
        "latency TIME、jitter TIME、rate RATE、queue FRAMES、loss PERCENT、mtu BYTES、router-mtu BYTES 或 black-hole",
    ),
    ("a share from 0% to 100%, as in 10%", "比例，0% 到 100%，如 10%"),
    ("a rate, as in 56kbit, 1Mbit or 1Gbit", "速率，如 56kbit、1Mbit 或 1Gbit"),
    (
        "congestion none, reno or cubic; nagle on or off; ack-delay TIME; keep-alive TIME; idle-timeout TIME; window-scale N; \
      buffer, receive or send BYTES; or isn N",
        "congestion none、reno 或 cubic；nagle on 或 off；ack-delay TIME；keep-alive TIME；idle-timeout TIME；window-scale N；\
      buffer、receive 或 send BYTES；或 isn N",
    ),
    ("none, reno or cubic", "none、reno 或 cubic"),
    ("a time of at least 4ms", "至少 4ms 的时间"),
    ("a time longer than zero", "大于零的时间"),
    ("on or off", "on 或 off"),
    ("buffer BYTES, receive BYTES, send BYTES or isn N", "buffer BYTES、receive BYTES、send BYTES 或 isn N"),
    // Programs.
    (
        "'{1}' is a step of a program: put it below a line such as 'server listens 7000'",
        "'{1}' 是程序的一步：请放在 'server listens 7000' 这样的行下面",
    ),
    (
        "a program with a name has no steps: use 'listens' or 'calls' instead of 'runs'",
        "有名字的程序没有步骤：请用 'listens' 或 'calls' 代替 'runs'",
    ),
    ("a program takes at most {1} steps", "一个程序最多 {1} 步"),
    ("the program has ended: 'close' or 'abort' is the last step", "程序已经结束：'close' 或 'abort' 是最后一步"),
    ("a step takes at most {1} bytes (16 MiB): write several steps", "一步最多 {1} 字节（16 MiB）：请写成几步"),
    ("to end, or a number of bytes from 1 to 16777216", "to end，或字节数，1 到 16777216"),
    (
        "a text in quotation marks, or a number of bytes from 1 to 16777216, as in 5000 bytes",
        "引号中的文本，或字节数，1 到 16777216，如 5000 bytes",
    ),
    ("a wait ends at a whole millisecond, within 49 days", "等待在整毫秒时结束，不超过 49 天"),
    ("listens, calls, runs or sends", "listens、calls、runs 或 sends"),
    (
        "the server does not send by itself: use 'server listens' or 'server runs'",
        "服务器不主动发送：请用 'server listens' 或 'server runs'",
    ),
    (
        "only the server listens: use 'client calls' or 'client runs'",
        "只有服务器监听：请用 'client calls' 或 'client runs'",
    ),
    (
        "which program sends? Put a line such as 'server runs greeting' above",
        "是哪个程序发送？请在上面写 'server runs greeting' 这样的行",
    ),
    (
        "a program, as in greeting; 'smolstep apps' lists the programs",
        "程序，如 greeting；'smolstep apps' 列出全部程序",
    ),
    ("tcp or udp", "tcp 或 udp"),
    ("{1} has no TCP side: leave out 'over tcp'", "{1} 没有 TCP 端：请去掉 'over tcp'"),
    ("serves COUNT or backlog COUNT", "serves COUNT 或 backlog COUNT"),
    ("at TIME or from PORT", "at TIME 或 from PORT"),
    ("a client sends at most {1} texts", "一个客户最多发送 {1} 个文本"),
    ("a port from 1 to 65535, as in 7000", "端口，1 到 65535，如 7000"),
    // Faults, events and segments.
    ("drop, delay TIME, duplicate, reorder or corrupt", "drop、delay TIME、duplicate、reorder 或 corrupt"),
    ("client or server", "client 或 server"),
    ("cut, reboot or inject", "cut、reboot 或 inject"),
    ("syn, synack, ack, data, fin, rst, udp or any", "syn、synack、ack、data、fin、rst、udp 或 any"),
    ("a fault, as in 'drop server synack 1'", "故障，如 'drop server synack 1'"),
    ("a segment, as in R 101:101(0) or . 1:1(0) ack 1 win 500", "报文段，如 R 101:101(0) 或 . 1:1(0) ack 1 win 500"),
    ("at most one of S, F, R and P, and . for ACK", "S、F、R 和 P 中最多一个，ACK 用 ."),
    ("a segment without data, as in 1:1(0)", "没有数据的报文段，如 1:1(0)"),
    ("a forged segment has no options: leave < and > out", "伪造的报文段没有选项：请去掉 < 和 >"),
    // Expectations.
    (
        "an expectation, as in 'server retransmits synack 1 within 3s'",
        "期望，如 'server retransmits synack 1 within 3s'",
    ),
    (
        "{1} expects nothing: write a line such as 'server retransmits synack 1 within 3s'",
        "{1} 中没有期望：请写 'server retransmits synack 1 within 3s' 这样的行",
    ),
    ("client, server or wire", "client、server 或 wire"),
    ("client, server, wire or never", "client、server、wire 或 never"),
    (
        "a TCP state: CLOSED, LISTEN, SYN-SENT, SYN-RECEIVED, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, CLOSING, LAST-ACK \
      or TIME-WAIT",
        "TCP 状态：CLOSED、LISTEN、SYN-SENT、SYN-RECEIVED、ESTABLISHED、FIN-WAIT-1、FIN-WAIT-2、CLOSE-WAIT、CLOSING、LAST-ACK \
      或 TIME-WAIT",
    ),
    (
        "a TCP state, sends, retransmits, gets, receives, ends, drops, or what is sent: syn, synack, ack, data, fin, rst, udp, icmp \
      or any",
        "TCP 状态、sends、retransmits、gets、receives、ends、drops，或发送的种类：syn、synack、ack、data、fin、rst、udp、icmp 或 any",
    ),
    (
        "syn, synack, ack, data, fin, rst, udp, icmp, any, after-timeout, challenge-ack, delayed-ack, duplicate-ack, \
      fast-retransmission, keep-alive, keep-alive-ack, path-mtu, repeated-ack, repeated-syn, spurious-retransmission, \
      tail-probe, window-opened, window-update, zero-window-probe or zero-window-probe-ack",
        "syn、synack、ack、data、fin、rst、udp、icmp、any、after-timeout、challenge-ack、delayed-ack、duplicate-ack、\
      fast-retransmission、keep-alive、keep-alive-ack、path-mtu、repeated-ack、repeated-syn、spurious-retransmission、\
      tail-probe、window-opened、window-update、zero-window-probe 或 zero-window-probe-ack",
    ),
    ("syn, synack, ack, data, fin, rst, udp, icmp or any", "syn、synack、ack、data、fin、rst、udp、icmp 或 any"),
    ("backlog-full, slots-full and so on", "backlog-full、slots-full 等"),
    ("out-of-order, partial-ack or repeated", "out-of-order、partial-ack 或 repeated"),
    (
        "closed, aborted, refused, reset, timed-out, undelivered, unreachable, recycled or address-gone",
        "closed、aborted、refused、reset、timed-out、undelivered、unreachable、recycled 或 address-gone",
    ),
    ("a number from 1, or within and a time", "从 1 起的数，或 within 和时间"),
    ("left out: a file has at most 100 expectations", "去掉：一个文件最多 100 个期望"),
    ("-> and a state", "-> 和一个状态"),
    // Questions.
    (
        "the question has no answer: add a line such as 'answer field ack of frame 9'",
        "这道题没有答案：请加上 'answer field ack of frame 9' 这样的行",
    ),
    ("'{1}' belongs to a question: put it below the question's line", "'{1}' 属于题目：请放在题目的行下面"),
    ("the question has an answer already", "这道题已有答案"),
    ("a number of points from 1 to 1000", "分数，1 到 1000"),
    ("answer, hint or points", "answer、hint 或 points"),
    ("field, number, count, state, choice, order or make", "field、number、count、state、choice、order 或 make"),
    ("seq, ack, len, win, flags or time", "seq、ack、len、win、flags 或 time"),
    (
        "after a frame, as in 'after frame 9'; at a time, as in 'at 2s'; or 'at end'",
        "在一帧之后，如 'after frame 9'；在一个时刻，如 'at 2s'；或 'at end'",
    ),
    ("right or wrong, and a text", "right 或 wrong，和一个文本"),
    ("only one option can be right", "只能有一个选项正确"),
    ("no option is right: write 'right' before one of the texts", "没有正确的选项：请在一个文本前写 'right'"),
    ("a question has at most {1} options", "一道题最多 {1} 个选项"),
    ("this text is in the question twice", "这个文本在题目中出现了两次"),
    (
        "frame and a number, or a sender, a kind and a number, as in 'client data 2'",
        "frame 和数，或发送方、种类和数，如 'client data 2'",
    ),
    (
        "the expectation is met without further faults, so the question asks nothing",
        "不加故障期望就已成立，所以这道题没有要做的事",
    ),
    ("with seed {1}, the run has no such frame or field", "种子为 {1} 时，运行中没有这样的帧或字段"),
    // Answers.
    (
        "the seed of the exercise, as in 'seed 7', before the first answer",
        "练习的种子，如 'seed 7'，写在第一个答案之前",
    ),
    ("a question's number and a colon, as in '3: 1461'", "题号和冒号，如 '3: 1461'"),
    ("there is no question {1}: the file has {2}", "没有第 {1} 题：文件有 {2} 道题"),
    ("there is no question {1}", "没有第 {1} 题"),
    ("question {1} is answered twice, here with '{2}'", "第 {1} 题回答了两次，这里是 '{2}'"),
    ("the file has no line 'seed S'", "文件没有 'seed S' 这一行"),
    ("a TCP state, as in SYN-SENT", "TCP 状态，如 SYN-SENT"),
    ("one letter, as in a", "一个字母，如 a"),
    ("the letters in the right order, as in b a c", "按正确顺序排列的字母，如 b a c"),
    ("the answer is missing: {1}", "没有答案：{1*}"),
    ("a whole number", "整数"),
    // Words of all files.
    ("a text in quotation marks, as in \"Hello,Li!\"", "引号中的文本，如 \"Hello,Li!\""),
    ("a text with no other escapes than \\n, \\r, \\t, \\\" and \\\\", "转义只有 \\n、\\r、\\t、\\\" 和 \\\\ 的文本"),
    ("a text of one byte or more", "至少一个字节的文本"),
    ("a time with a unit (us, ms, s, min or h), as in 20ms", "带单位（us、ms、s、min 或 h）的时间，如 20ms"),
    ("a time, as in {1}", "时间，如 {1*}"),
    ("2s, 300ms, 1.5rtt or 3rtt+200ms", "2s、300ms、1.5rtt 或 3rtt+200ms"),
    ("3s, 300ms, 2rtt or 1rtt+200ms", "3s、300ms、2rtt 或 1rtt+200ms"),
    ("a number, as in {1}", "数，如 {1}"),
    ("a number from the first one to {1}", "从第一个数到 {1} 的数"),
    ("a number from {1} to {2}", "数，{1} 到 {2}"),
    ("a number from {1}", "从 {1} 起的数"),
    ("a number up to {1}", "不超过 {1} 的数"),
    ("the end of the line", "行尾"),
    ("the end", "结尾"),
    ("a word is missing at the end: {1}", "结尾缺少一个词：{1*}"),
    ("'{1}' should be {2}", "'{1}' 应为：{2*}"),
];
