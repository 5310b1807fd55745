//! Messages about packetdrill scripts, and about segments that are written as in packetdrill.

use super::Message;

/// The messages, and their parts.
pub(super) const SCRIPTS: &[Message] = &[
    (
        "{1} is a packetdrill script, which takes only --limit, --explain, --frames, --clock, --ascii, --lang and files to write",
        "{1} 是 packetdrill 脚本，只接受 --limit、--explain、--frames、--clock、--ascii、--lang 和要写的文件",
    ),
    (
        "{1} is a packetdrill script: of the graphs, it has only time-sequence and throughput",
        "{1} 是 packetdrill 脚本：曲线图只有 time-sequence 和 throughput",
    ),
    // Lines and calls.
    (
        "<, > or a call: socket, bind, listen, accept, connect, read, recv, recvfrom, write, send, sendto, close, shutdown, \
      setsockopt, getsockopt or fcntl",
        "<、> 或一个调用：socket、bind、listen、accept、connect、read、recv、recvfrom、write、send、sendto、close、shutdown、\
      setsockopt、getsockopt 或 fcntl",
    ),
    ("= and the result of the call", "= 和调用的结果"),
    ("the arguments of the call", "调用的参数"),
    ("a number of bytes from 0 to 1048576", "字节数，0 到 1048576"),
    (
        "left out: a script has one connection, by one listen or one connect",
        "去掉：一个脚本只有一个连接，由一次 listen 或一次 connect 建立",
    ),
    ("later than the start of the call", "晚于调用的开始"),
    ("the number of a socket that is not open yet", "尚未打开的套接字的编号"),
    ("a backlog from 0 to 65535", "backlog，0 到 65535"),
    ("SHUT_RD, SHUT_WR or SHUT_RDWR", "SHUT_RD、SHUT_WR 或 SHUT_RDWR"),
    ("the number of a socket that is open", "已打开的套接字的编号"),
    ("a size in brackets from 256 to 1048576, as in [4096]", "方括号中的大小，256 到 1048576，如 [4096]"),
    ("two numbers, as in {onoff=1, linger=0}", "两个数，如 {onoff=1, linger=0}"),
    ("... or AF_INET: the lab runs TCP over IPv4", "... 或 AF_INET：实验运行的是 IPv4 上的 TCP"),
    ("... or SOCK_STREAM: the lab runs TCP over IPv4", "... 或 SOCK_STREAM：实验运行的是 IPv4 上的 TCP"),
    ("..., IPPROTO_TCP, 0 or 6: the lab runs TCP over IPv4", "...、IPPROTO_TCP、0 或 6：实验运行的是 IPv4 上的 TCP"),
    ("the rest of the arguments, and )", "其余的参数和 )"),
    ("a comma and the next argument", "逗号和下一个参数"),
    ("the start of a text with a quotation mark at its end", "结尾有引号的文本的开头"),
    ("1: the result of a call that fails is -1", "1：失败的调用的结果是 -1"),
    (
        "the result of the call: a number up to 1048576, or -1 and an error",
        "调用的结果：不超过 1048576 的数，或 -1 和错误名",
    ),
    (
        "an option that the lab knows: --tolerance_usecs=NUMBER or --ip_version=ipv4",
        "实验认识的选项：--tolerance_usecs=NUMBER 或 --ip_version=ipv4",
    ),
    (
        "left out: the lab runs no shell commands (instead of sleep, a line can have a later time)",
        "去掉：实验不运行 shell 命令（要等待，就给一行更晚的时刻）",
    ),
    ("left out: the lab runs no Python code", "去掉：实验不运行 Python 代码"),
    (
        "the flags of a TCP segment: the lab reads no ICMP, UDP or ECN here",
        "TCP 报文段的标志：这里不读 ICMP、UDP 和 ECN",
    ),
    ("the start of a script of at most 1 MiB", "不超过 1 MiB 的脚本的开头"),
    ("left out: a script has at most 10000 lines", "去掉：脚本最多 10000 行"),
    (
        "a line, such as: 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3",
        "一行，如：0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3",
    ),
    ("ipv4: the lab's scripts use IPv4", "ipv4：实验的脚本使用 IPv4"),
    ("a number of microseconds up to 1000000", "微秒数，不超过 1000000"),
    ("a segment with win and a number, as the peer sends it", "带有 win 和数的报文段，因为它由对方发送"),
    ("a segment with options, as the peer sends it", "写明选项的报文段，因为它由对方发送"),
    ("closed by */", "以 */ 结束的注释"),
    // Segments.
    ("the end of the segment", "报文段的结尾"),
    (
        "the flags: S, F, R, P, U, E, W and . for ACK, or - for none",
        "标志：S、F、R、P、U、E、W，ACK 用 .，没有标志用 -",
    ),
    ("the first number, the last number and the length, as in 1:1001(1000)", "首序号、末序号和长度，如 1:1001(1000)"),
    ("an option: mss, wscale, sackOK, sack, TS, nop or eol", "选项：mss、wscale、sackOK、sack、TS、nop 或 eol"),
    ("TS val NUMBER ecr NUMBER", "TS val NUMBER ecr NUMBER（NUMBER 是数）"),
    ("a length from 0 to 65535", "长度，0 到 65535"),
    ("the sum of the first number and the length", "首序号与长度之和"),
    ("left out, as the flags do not contain .", "去掉，因为标志中没有 ."),
    ("a window from 0 to 65535", "窗口，0 到 65535"),
    ("left out: the options would take more than 40 bytes", "去掉：选项会超过 40 字节"),
    ("a comma and the next option, or >", "逗号和下一个选项，或 >"),
    ("a size from 0 to 65535", "大小，0 到 65535"),
    ("a block, as in 1001:2001", "一个块，如 1001:2001"),
    ("left out: a segment has room for four blocks", "去掉：一个报文段最多容纳四个块"),
    ("a shift from 0 to 255", "移位数，0 到 255"),
    // Times.
    (
        "a time in seconds up to 86400: 0.1, +0.1, 0.1~0.3, +0.1~+0.3 or *",
        "时刻，单位是秒，不超过 86400：0.1、+0.1、0.1~0.3、+0.1~+0.3 或 *",
    ),
    ("+ and a time, as in +0.1~+0.3", "+ 和时间，如 +0.1~+0.3"),
    ("later than the start of the range", "晚于范围的开始"),
    // The run.
    ("the stack cannot be set up: {1}", "无法建立协议栈：{1}"),
    ("this line's time is {1}, but it is {2} already", "这一行的时刻是 {1}，但现在已经是 {2}"),
    ("the script takes more than {1} or {2} steps", "脚本超过了 {1} 或 {2} 步"),
    ("the stack has sent {1} segments that no line expects", "协议栈发送了 {1} 个没有任何一行期望的报文段"),
    ("the wire has no room for the segment", "网线上容不下这个报文段"),
    ("expected {1}, but it has not returned at {2}", "期望 {1*}，但到 {2} 还没有返回"),
    ("expected {1}, but the result is {2}", "期望 {1*}，但结果是 {2}"),
    ("expected {1}, but it returned at {2}", "期望 {1*}，但它在 {2} 返回"),
    ("expected {1}, but nothing was sent until {2}", "期望 {1*}，但到 {2} 什么也没有发送"),
    ("expected {1}, but only a part was sent until {2}", "期望 {1*}，但到 {2} 只发送了一部分"),
    ("expected {1}, but '{2}' was sent at {3}: {4}", "期望 {1*}，但在 {3} 发送了 '{2}'：{4*}"),
    ("expected {1}, but it was sent at {2}", "期望 {1*}，但它在 {2} 发送"),
    ("'> {1}' from {2} to {3}", "'> {1}'（从 {2} 到 {3}）"),
    ("'> {1}' at {2}", "'> {1}'（在 {2}）"),
    ("{1} = {2} at {3}", "{1} = {2}（在 {3}）"),
    ("the flags differ", "标志不同"),
    ("the first number differs", "首序号不同"),
    ("the length differs", "长度不同"),
    ("the acknowledgement number differs", "确认号不同"),
    ("the window differs", "窗口不同"),
    ("the options differ", "选项不同"),
];
