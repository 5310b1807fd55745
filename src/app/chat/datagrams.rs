//! chat over UDP: the operator at the console answers each sender.

use core::net::SocketAddr;

use smoltcp::socket::udp::Socket;

use super::is_goodbye;
use super::operator::{Asker, Operator, Typed};
use super::partners::PARTNERS;
use crate::app::message::compose_into;
use crate::app::text::{print_line, split_line_end, write_display, write_escaped};
use crate::stack::{Console, Context, Next, UdpSession};

/// The server on one UDP port: prints received datagrams, and sends the operator's lines.
///
/// Each datagram is printed with the sender's number and address. A typed line is sent with LF if the partner's most
/// recent datagram had a line ending. The line `q`, which ends a conversation, is always sent without LF.
///
/// The server remembers 16 partners. A new partner replaces the partner that has been silent longest. Partner numbers
/// are not reused.
#[derive(Clone, Debug)]
pub struct Server<'a> {
    operator: &'a Operator,
    /// Whether a datagram was lost because no host answered ARP or NDP. The next poll reports the loss.
    lost: bool,
}

impl<'a> Server<'a> {
    /// Creates a server for this operator.
    pub fn new(operator: &'a Operator) -> Self {
        Server { operator, lost: false }
    }

    /// Reads and prints one datagram, and records the sender as a partner if the sender may be answered. `q` ends the
    /// conversation with the sender. Returns false if no datagram was waiting.
    fn process(&self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> bool {
        let Ok((data, from)) = socket.recv() else { return false };
        let (text, line_end) = split_line_end(data);
        // No caller has borrowed the partners, so the borrow never fails.
        let Ok(mut partners) = self.operator.partners.try_borrow_mut() else { return true };
        let address = SocketAddr::from(from.endpoint);
        // A sender that must not be answered gets no number. For example, its address can be a broadcast address.
        if !cx.may_answer(&from) {
            print_line(cx.console, |write| {
                write_display(write, format_args!("@- {address} "));
                write_escaped(write, text);
            });
            return true;
        }
        // The first partner must not receive lines that were typed before it wrote.
        if partners.is_empty() {
            self.operator.begin_on_udp(cx.console);
        }
        let (previous, numbered_before) = (partners.last(), partners.numbered);
        let (number, gone) = partners.record_datagram(cx.answer_to(from), !line_end.is_empty());
        // The new partner has taken the place of another partner.
        if let Some(gone) = gone {
            let address = SocketAddr::from(gone.meta.endpoint);
            print_line(cx.console, |write| {
                write_display(
                    write,
                    format_args!("@{} {address} is forgotten: {PARTNERS} others wrote since", gone.number),
                );
            });
        }
        if is_goodbye(text) {
            partners.forget(number);
            drop(partners);
            say_ended(cx.console, number, address);
            // A number above `numbered_before` is new: this partner's first datagram is `q`, so there is no
            // conversation to end.
            if number <= numbered_before {
                // The operator's lines without `@` went to this partner if it was the last one to write before `q`.
                self.operator.leave_udp(cx.console, previous.is_some_and(|(last, _)| last == number));
            }
        } else {
            print_line(cx.console, |write| {
                write_display(write, format_args!("@{number} {address} "));
                write_escaped(write, text);
            });
        }
        true
    }

    /// Sends one typed line to a partner, or prints why the line is not sent. Returns false if no line for a UDP
    /// partner was typed.
    fn speak(&self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> bool {
        if let Typed::End | Typed::NotYet = self.operator.typed(Asker::Datagrams, cx) {
            return false;
        }
        // No caller has borrowed the partners, so the borrow never fails.
        let Ok(mut partners) = self.operator.partners.try_borrow_mut() else { return false };
        let capacity = socket.payload_send_capacity().min(cx.scratch.len());
        let buffer = cx.scratch.get_mut(..capacity).unwrap_or_default();
        // `None` means that the input is in use. `Some(Ok(Some(partner)))` means that `q` was sent to `partner`.
        let outcome: Option<Result<_, Refused>> = self.operator.read(|line, _| {
            let (number, text) = addressed(line).map_err(|()| Refused::BadNumber)?;
            let partner = partners.find(number).ok_or(Refused::NoPartner)?;
            let len = compose_into(buffer, |write| {
                write(text);
                write(if partner.in_lines && !is_goodbye(text) { b"\n" } else { b"" });
            });
            let message = buffer.get(..len.ok_or(Refused::TooLong)?).unwrap_or_default();
            socket.send_slice(message, partner.meta).map_err(|_| Refused::Unaddressable)?;
            Ok(is_goodbye(text).then_some(partner))
        });
        // Remove the line even if it was refused: the operator must type it again.
        self.operator.take();
        match outcome {
            Some(Ok(Some(partner))) => {
                // The partner who wrote last receives the operator's lines without `@`.
                let was_last = partners.last().is_some_and(|(last, _)| last == partner.number);
                partners.forget(partner.number);
                drop(partners);
                say_ended(cx.console, partner.number, partner.meta.endpoint.into());
                self.operator.leave_udp(cx.console, was_last);
            }
            Some(Err(refused)) => print_line(cx.console, |write| write(refused.why())),
            Some(Ok(None)) | None => {}
        }
        true
    }
}

impl UdpSession for Server<'_> {
    /// Prints one received datagram or sends one typed line, then asks to be polled again at once. Waits if it can do
    /// neither.
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        // `take` clears the flag, so that each loss is reported once.
        if core::mem::take(&mut self.lost) {
            print_line(cx.console, |write| {
                write(b"the last datagram is lost: no host on the link answers for its address")
            });
        }
        // A datagram was printed, and others can be waiting.
        if self.process(socket, cx) {
            return Next::WakeAt(cx.now);
        }
        // Without a partner, `nobody` discards the lines that a person types. Input from a pipe is kept for the first
        // partner who writes.
        if self.operator.partners.try_borrow().is_ok_and(|partners| partners.is_empty()) {
            self.operator.nobody(cx.console);
            return Next::Wait;
        }
        // `speak` queues one datagram, and only if no other is queued. If ARP or NDP failed for the first datagram, a
        // second datagram would also be dropped.
        if socket.send_queue() > 0 || !self.speak(socket, cx) {
            return Next::Wait;
        }
        Next::WakeAt(cx.now)
    }

    fn unreachable(&mut self) {
        self.lost = true;
    }
}

/// Why a typed line is not sent.
enum Refused {
    BadNumber,
    NoPartner,
    TooLong,
    Unaddressable,
}

impl Refused {
    /// Returns the note that tells the operator why the line is not sent.
    fn why(self) -> &'static [u8] {
        match self {
            Refused::BadNumber => {
                b"not sent: after @, write a partner's number, then a space and the text, as in @2 hello"
            }
            Refused::NoPartner => b"not sent: no partner has this number",
            Refused::TooLong => b"not sent: the line is too long for one datagram",
            Refused::Unaddressable => b"not sent: nothing can be sent to this partner",
        }
    }
}

/// Splits a line into the partner's number, if the line begins with `@N`, and the text. Fails if a line with `@` has no
/// valid number, or no space after the number.
fn addressed(line: &[u8]) -> Result<(Option<u32>, &[u8]), ()> {
    let Some(rest) = line.strip_prefix(b"@") else { return Ok((None, line)) };
    let digits = rest.iter().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
    let (number, text) = rest.split_at_checked(digits).ok_or(())?;
    let number = core::str::from_utf8(number).ok().and_then(|n| n.parse().ok()).ok_or(())?;
    Ok((Some(number), text.strip_prefix(b" ").ok_or(())?))
}

/// Prints that the conversation with partner `number` has ended.
fn say_ended(console: &mut dyn Console, number: u32, address: SocketAddr) {
    print_line(console, |write| write_display(write, format_args!("the talk with @{number} {address} has ended")));
}
