//! The operator at the console. Decides to whom each typed line is sent.

use core::cell::{Cell, RefCell};

use super::partners::Partners;
use super::{PROMPT, is_goodbye};
use crate::app::Keyboard;
use crate::app::input::{Advance, Input};
use crate::app::text::{print_line, write_display};
use crate::stack::{Console, Context};

/// The note to the operator that lines typed before a conversation are not sent.
const BEFORE: &[u8] = b"(what was typed before is not sent)\n";

/// The person at the console. All conversations of a server share one operator.
///
/// Over TCP the operator has one conversation at a time, or takes part in a room. Over UDP the operator talks with
/// every partner.
///
/// A typed line is sent to the current TCP conversation or room. If there is none, the line is sent to the UDP partner
/// who wrote most recently. `@N TEXT` is sent to UDP partner N. A line is at most 1,024 bytes long. A longer line is
/// split.
#[derive(Debug)]
pub struct Operator {
    input: RefCell<Input<'static>>,
    /// Whether `input` has a complete line that is not sent yet.
    line: Cell<bool>,
    /// Whether the console's input has ended.
    ended: Cell<bool>,
    /// Whether a TCP conversation or a room is active.
    talking: Cell<bool>,
    /// Whether the operator has only one conversation.
    once: bool,
    /// If `once` is true: whether the only conversation has ended.
    over: Cell<bool>,
    keyboard: Option<&'static Keyboard>,
    pub(super) partners: RefCell<Partners>,
}

/// Which part of the server requests a typed line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// The server on UDP.
    Datagrams,
    /// A conversation over TCP, or a room.
    Talk,
}

/// The state of the operator's input: a line, no line yet, or the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// The input has ended.
    End,
    /// A line that ends the conversation.
    Goodbye,
    /// A line: see [`Operator::read`].
    Line,
    /// No line has been typed yet, or the line is for the other part of the server.
    NotYet,
}

impl Default for Operator {
    fn default() -> Self {
        Self::new(false)
    }
}

impl Operator {
    /// Creates an operator who has typed nothing. If `once`, there is only one conversation, and later TCP connections
    /// are reset.
    pub fn new(once: bool) -> Self {
        Operator {
            // Without texts, the messages are the lines from the console.
            input: RefCell::new(Input::with_prompt(&[], PROMPT)),
            line: Cell::new(false),
            ended: Cell::new(false),
            talking: Cell::new(false),
            once,
            over: Cell::new(false),
            keyboard: None,
            partners: RefCell::new(Partners::default()),
        }
    }

    /// Connects the operator to `keyboard`, which belongs to the stack's console. An operator with a keyboard discards
    /// lines that a person types before a conversation.
    pub fn with_keyboard(self, keyboard: &'static Keyboard) -> Self {
        Operator { keyboard: Some(keyboard), ..self }
    }

    /// Returns whether the only conversation has ended. Always false if `once` was false.
    pub fn is_over(&self) -> bool {
        self.over.get()
    }

    /// Returns whether the operator can still type.
    pub(super) fn can_type(&self) -> bool {
        !self.ended.get()
    }

    /// Begins a conversation. Discards lines typed earlier, because those lines were not meant for this conversation.
    pub(super) fn begin(&self, console: &mut dyn Console) {
        self.talking.set(true);
        self.forget(console, BEFORE);
    }

    /// Called when the first partner on UDP writes. Discards earlier lines as [`begin`](Self::begin) does, unless a TCP
    /// conversation is active.
    pub(super) fn begin_on_udp(&self, console: &mut dyn Console) {
        if !self.talking.get() {
            self.forget(console, BEFORE);
        }
    }

    /// Called while there is no partner on UDP. Discards typed lines, unless a TCP conversation is active.
    pub(super) fn nobody(&self, console: &mut dyn Console) {
        if !self.talking.get() {
            self.forget(console, b"(nobody is here: what was typed is not sent)\n");
        }
    }

    /// Discards all typed input, and prints `why` if there was any. Does nothing if the operator has no keyboard, or if
    /// the input does not come from a person.
    fn forget(&self, console: &mut dyn Console, why: &[u8]) {
        let Some(forgotten) = self.keyboard.and_then(|keyboard| keyboard.start_over(console)) else { return };
        // No caller has borrowed the input, so the borrow never fails.
        let Ok(mut input) = self.input.try_borrow_mut() else { return };
        *input = Input::with_prompt(&[], PROMPT);
        // The discarded `input` can have held a complete line, too.
        let had_line = self.line.replace(false);
        if had_line || forgotten {
            console.print(why);
        }
    }

    /// Ends the TCP conversation, or the operator's part in the room.
    pub(super) fn leave(&self, console: &mut dyn Console) {
        self.talking.set(false);
        self.over.set(self.once);
        self.readdress(console);
    }

    /// Ends a conversation over UDP. `had_lines` says whether typed lines were sent to that partner by default. Does
    /// nothing while a TCP conversation is active.
    pub(super) fn leave_udp(&self, console: &mut dyn Console, had_lines: bool) {
        if self.talking.get() {
            return;
        }
        // With `once`, the only conversation has now ended.
        self.over.set(self.once);
        if had_lines {
            self.readdress(console);
        }
    }

    /// Prints which UDP partner receives the next line, if there is a partner. Discards a line typed for the partner
    /// who left.
    fn readdress(&self, console: &mut dyn Console) {
        let next = self.partners.try_borrow().ok().and_then(|partners| partners.last());
        let Some((number, address)) = next.filter(|_| !self.over.get()) else { return };
        self.forget(console, BEFORE);
        print_line(console, |write| write_display(write, format_args!("(the next line goes to @{number} {address})")));
    }

    /// Looks for a typed line for `asker`. The line stays until [`take`](Self::take) removes it.
    pub(super) fn typed(&self, asker: Asker, cx: &mut Context<'_>) -> Typed {
        // No caller has borrowed the input, so the borrow never fails.
        let Ok(mut input) = self.input.try_borrow_mut() else { return Typed::NotYet };
        // If the line of an earlier call has not been taken, this call returns the same line.
        let new = !self.line.get();
        if new {
            match input.advance(cx.console) {
                Advance::Text => self.line.set(true),
                Advance::NotYet => return Typed::NotYet,
                Advance::End => {
                    self.ended.set(true);
                    return Typed::End;
                }
            }
        }
        // The line is for the other program: a conversation over TCP, or the partners on UDP.
        if self.addressee(input.text()) != asker {
            if new {
                // Wake the other program, which might have looked for a line before this line was complete.
                cx.wake_programs();
            }
            return Typed::NotYet;
        }
        if is_goodbye(input.text()) { Typed::Goodbye } else { Typed::Line }
    }

    /// Calls `show` with the line, and with whether the line was cut. The rest of a cut line follows as another line.
    /// Returns the result of `show`, or `None` if the input is already borrowed.
    pub(super) fn read<R>(&self, show: impl FnOnce(&[u8], bool) -> R) -> Option<R> {
        let input = self.input.try_borrow().ok()?;
        Some(show(input.text(), input.is_cut()))
    }

    /// Removes the line that [`typed`](Self::typed) found.
    pub(super) fn take(&self) {
        self.line.set(false);
    }

    /// Returns which part of the server sends the line `text`.
    fn addressee(&self, text: &[u8]) -> Asker {
        let on_udp = self.partners.try_borrow().is_ok_and(|partners| !partners.is_empty());
        // During a TCP conversation, only a line with `@` is for a UDP partner.
        if self.talking.get() && !(on_udp && text.starts_with(b"@")) { Asker::Talk } else { Asker::Datagrams }
    }
}
