//! Explains why a sender reduces its congestion window, and displays the window's size before and after.

use core::fmt::{self, Display};

use super::{Explanation, because};
use crate::lab::lang::Lang;
use crate::lab::show::text::Grouped;
use crate::lab::{Reduction, Sign};

/// Explains a received segment that makes its receiver reduce the congestion window.
pub(super) fn arrived(sign: Sign) -> Explanation {
    match sign {
        Sign::Duplicates(3) => because(
            "The third duplicate ACK: three later segments have arrived, so the segment with this number counts as lost, although \
             its timer has not expired. This ACK makes the sender reduce cwnd, its congestion window, to ssthresh. (The RFC then \
             adds the three segments to cwnd. This stack does not count them as in flight instead.)",
            "第三个重复确认：后面的三个报文段都已到达，所以认为这个序号处的报文段已丢失，尽管计时器还没有超\
             时。这个 ACK 使发送方把拥塞窗口 cwnd 降为 ssthresh。（RFC 随后给 cwnd 加上这三个报文段；本协议栈则\
             不把它们算作在途数据。）",
            "RFC 5681 section 3.2",
        ),
        Sign::Sack => because(
            "The SACK blocks of this ACK say that three segments behind a gap have arrived, or more if late segments were taken for \
             lost before, so the segment in the gap counts as lost. This ACK makes the sender reduce cwnd, its congestion window, to ssthresh. Without SACK, the third duplicate ACK \
             would do so (RFC 5681 section 3.2).",
            "这个 ACK 中的选择确认表明：缺口之后的三个报文段（如果曾把迟到的报文段误认为丢失，则要更多）都已到达，所以认为缺口处的报文段已丢失。这个 ACK \
             使发送方把拥塞窗口 cwnd 降为 ssthresh。不使用 SACK 时，第三个重复确认起同样的作用（RFC 5681 §3.2）。",
            "RFC 6675 section 5",
        ),
        Sign::Retransmission => because(
            "A segment that was sent again is lost, too: data that left later has arrived. This is a second sign of congestion, so the \
             sender reduces cwnd, its congestion window, to ssthresh once more.",
            "重传的报文段也丢失了：在它之后发出的数据已经到达。这是又一个拥塞的迹象，所以发送方再次把拥塞窗口 \
             cwnd 降为 ssthresh。",
            "RFC 5681 section 4.3",
        ),
        // `Duplicates` with a number other than three. The lab passes no other sign: the rest belong to sent segments
        // or to an idle time.
        _ => because(
            "Enough duplicate ACKs have arrived: three at first, and more if late segments were taken for lost before. This ACK makes \
             the sender reduce cwnd, its congestion window, to ssthresh.",
            "重复确认已经足够多：起初是三个，如果曾把迟到的报文段误认为丢失，则要更多。这个 ACK 使发送方把拥\
             塞窗口 cwnd 降为 ssthresh。",
            "RFC 5681 section 3.2",
        ),
    }
}

/// Displays the size of cwnd before and after a reduction, and why the new size was chosen.
pub(super) struct Numbers(pub(super) Reduction, pub(super) Lang);

impl Display for Numbers {
    /// Writes the two windows, and then the rule by which the sender chose the smaller one. After a timeout, also
    /// writes ssthresh, because slow start ends there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Numbers(Reduction { from, to, ssthresh, sign, is_cubic }, lang) = *self;
        let (from, to) = (Grouped(from), Grouped(to));
        match lang {
            Lang::En => write!(f, "cwnd falls from {from} to {to} bytes")?,
            Lang::Zh => write!(f, "cwnd 从 {from} 字节降为 {to} 字节")?,
        }
        match (sign, ssthresh) {
            (Sign::LostSyn, _) => f.write_str(lang.pick(
                ", which is one segment: after a lost SYN, a connection begins with the smallest window (RFC 5681 section 3.1).",
                "，即一个报文段：SYN 丢失之后，连接从最小的窗口开始（RFC 5681 §3.1）。",
            )),
            (Sign::Timeout, Some(threshold)) => {
                let threshold = Grouped(threshold);
                match lang {
                    Lang::En => write!(
                        f,
                        ", which is one segment. Slow start begins again, up to ssthresh: {threshold} bytes (RFC 5681 section 3.1)."
                    ),
                    Lang::Zh => write!(
                        f,
                        "，即一个报文段。慢启动重新开始，直到门限 ssthresh，即 {threshold} 字节（RFC 5681 §3.1）。"
                    ),
                }
            }
            (Sign::Timeout, None) => f.write_str(lang.pick(
                ", which is one segment: slow start begins again (RFC 5681 section 3.1).",
                "，即一个报文段：慢启动重新开始（RFC 5681 §3.1）。",
            )),
            (Sign::Idle, _) => f.write_str(lang.pick(
                ", the initial window: nothing was sent for a retransmission timeout, so the larger window may be out of date (RFC \
                 5681 section 4.1).",
                "，即初始窗口：在一个超时重传时间内没有发送数据，原来较大的窗口可能已不合时宜（RFC 5681 §4.1）。",
            )),
            (Sign::Duplicates(_) | Sign::Retransmission | Sign::Sack, _) if is_cubic => f.write_str(lang.pick(
                ": CUBIC keeps 0.7 of the part that was in use, and at least two segments (RFC 9438 section 4.6). Reno would keep half.",
                "：CUBIC 保留实际用到的部分的 0.7 倍，但不少于两个报文段（RFC 9438 §4.6）；Reno 则减半。",
            )),
            (Sign::Duplicates(_) | Sign::Retransmission | Sign::Sack, _) => f.write_str(lang.pick(
                ": Reno keeps half of the part that was in use, and at least two segments (RFC 5681 section 3.1).",
                "：Reno 保留实际用到的部分的一半，但不少于两个报文段（RFC 5681 §3.1）。",
            )),
        }
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::string::ToString;

    use super::*;
    use crate::lab::lang::tests::check_chinese;
    use crate::lab::show::explain::tests::{check, numbers};

    const SIGNS: [Sign; 7] = [
        Sign::Duplicates(3),
        Sign::Duplicates(6),
        Sign::Idle,
        Sign::LostSyn,
        Sign::Retransmission,
        Sign::Sack,
        Sign::Timeout,
    ];

    #[test]
    fn each_reduction_is_told_in_both_languages() {
        let mut texts = std::collections::BTreeSet::new();
        for sign in SIGNS {
            check(arrived(sign));
            for (is_cubic, ssthresh) in [(false, Some(7_300)), (true, Some(10_220)), (true, None)] {
                let reduction = Reduction { from: 14_600, to: 1_460, ssthresh, sign, is_cubic };
                let [english, chinese] = Lang::ALL.map(|lang| Numbers(reduction, lang).to_string());
                assert!(
                    english.starts_with("cwnd falls from 14,600 to 1,460 bytes") && english.ends_with('.'),
                    "{english}"
                );
                assert!(
                    chinese.starts_with("cwnd 从 14,600 字节降为 1,460 字节") && chinese.ends_with('。'),
                    "{chinese}"
                );
                check_chinese(&english, &chinese);
                assert_eq!(numbers(&english, "RFC "), numbers(&chinese, "RFC "), "{chinese}");
                assert_eq!(numbers(&english, " section "), numbers(&chinese, " §"), "{chinese}");
                texts.insert(english);
            }
        }
        // Two texts for a loss (Reno and CUBIC), one for a lost SYN, one for an idle time, and three for a timeout
        // (each ssthresh, and none).
        assert_eq!(texts.len(), 2 + 1 + 1 + 3);
    }
}
