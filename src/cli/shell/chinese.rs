//! The help of the prompt of `lab --step` in Chinese.

/// The list of commands.
pub(super) const HELP: &str = "\
Enter, step N      走一步或 N 步；只输入 N 也一样
u, until STATE     运行到一端进入该状态，如 u ESTABLISHED、u est 或 u client=est
u, until FRAME     运行到下一个 tcp、syn、synack、ack、data、fin、rst、udp、arp、icmp 或 packet
u, until loss      运行到下一个丢失的帧；此外还有 state、time=2s 和 step=40
b, back            退回一步
g, goto K          转到第 K 步
d, drop N          丢弃帧 N；没有 N 时，丢弃在途的最后发送的帧
duplicate N        使帧 N 到达两次；corrupt N 使它损坏
delay N TIME       推迟帧 N，如 delay 4 300ms
i, inject          在网线上放一个报文段：inject client < R 1:1(0) 到达客户
s, sockets         显示两端保存的数值
f, frames          逐个字段显示在途的帧
branch             保留这次运行，用一个副本继续；branch a 切换到运行 a
branches           列出各次运行
compare a          显示运行 a 与这次运行，从不同之处开始
p, save FILE       保存抓包文件
q, quit            结束";

/// The kinds of frames that the command `until` accepts.
pub(super) const FRAMES_ZH: &str = "tcp、syn、synack、ack、data、fin、rst、udp、icmp、arp 或 packet（任何 IP 分组）";
