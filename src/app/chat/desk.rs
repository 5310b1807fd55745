//! Where the person at the console sits: whom a typed line goes to.

use core::cell::{Cell, RefCell};

use super::partners::Partners;
use super::{PROMPT, is_goodbye};
use crate::app::Keyboard;
use crate::app::input::{Advance, Input};
use crate::app::text::{print_line, write_display};
use crate::stack::{Console, Context};

/// What the person is told whose typing was not meant for whom a talk begins with.
const BEFORE: &[u8] = b"(what was typed before is not sent)\n";

/// The person at the console, whom all talks of a server share: one on TCP at a time or a room, and partners on UDP.
///
/// A typed line goes to the talk that is on, else to the partner on UDP who wrote last; `@N TEXT` goes to partner N. A line has
/// at most 1,024 bytes; a longer one comes in several.
#[derive(Debug)]
pub struct Desk {
    input: RefCell<Input<'static>>,
    /// There is a line that nobody has taken.
    line: Cell<bool>,
    ended: Cell<bool>,
    talking: Cell<bool>,
    once: bool,
    over: Cell<bool>,
    keyboard: Option<&'static Keyboard>,
    pub(super) partners: RefCell<Partners>,
}

/// Who asks for a typed line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The server on UDP.
    Datagrams,
    /// A talk or a room.
    Talk,
}

/// What was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// Nothing more will be.
    End,
    /// A line that asks for the end of the talk.
    Goodbye,
    /// A line: see [`Desk::read`].
    Line,
    /// Nothing at the moment, or a line for somebody else.
    NotYet,
}

impl Default for Desk {
    fn default() -> Self {
        Self::new(false)
    }
}

impl Desk {
    /// A desk where nothing was typed. With `once` it has one talk: later TCP clients are reset.
    pub fn new(once: bool) -> Self {
        Desk {
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

    /// The same where a person types at `keyboard`, that of the stack's console: what was typed before a talk is not sent.
    pub fn with_keyboard(self, keyboard: &'static Keyboard) -> Self {
        Desk { keyboard: Some(keyboard), ..self }
    }

    /// Whether the one talk has been.
    pub fn is_over(&self) -> bool {
        self.over.get()
    }

    /// Whether somebody can still type.
    pub(super) fn can_type(&self) -> bool {
        !self.ended.get()
    }

    /// A talk begins. What was typed before was not meant for it.
    pub(super) fn begin(&self, console: &mut dyn Console) {
        self.talking.set(true);
        self.forget(console, BEFORE);
    }

    /// Somebody writes on UDP, and nobody did before: the same, unless a talk is on.
    pub(super) fn begin_on_udp(&self, console: &mut dyn Console) {
        if !self.talking.get() {
            self.forget(console, BEFORE);
        }
    }

    /// Nobody is there on UDP: what a person types is for nobody, unless a talk is on.
    pub(super) fn nobody(&self, console: &mut dyn Console) {
        if !self.talking.get() {
            self.forget(console, b"(nobody is here: what was typed is not sent)\n");
        }
    }

    fn forget(&self, console: &mut dyn Console, why: &[u8]) {
        let Some(forgotten) = self.keyboard.and_then(|keyboard| keyboard.start_over(console)) else { return };
        let Ok(mut input) = self.input.try_borrow_mut() else { return };
        *input = Input::with_prompt(&[], PROMPT);
        if self.line.replace(false) || forgotten {
            console.print(why);
        }
    }

    /// The talk is over.
    pub(super) fn leave(&self, console: &mut dyn Console) {
        self.talking.set(false);
        self.over.set(self.once);
        self.readdress(console);
    }

    /// One on UDP is over; `had_lines` if what was typed went there. A talk that is on stays, and has all lines.
    pub(super) fn leave_udp(&self, console: &mut dyn Console, had_lines: bool) {
        if self.talking.get() {
            return;
        }
        self.over.set(self.once);
        if had_lines {
            self.readdress(console);
        }
    }

    /// Says whom lines go to now, if to anybody. One that was begun for who is gone is not for them.
    fn readdress(&self, console: &mut dyn Console) {
        let next = self.partners.try_borrow().ok().and_then(|partners| partners.last());
        let Some((number, address)) = next.filter(|_| !self.over.get()) else { return };
        self.forget(console, BEFORE);
        print_line(console, |write| write_display(write, format_args!("(the next line goes to @{number} {address})")));
    }

    /// Looks for a line that is for `source`. It stays until it is taken.
    pub(super) fn typed(&self, source: Source, cx: &mut Context<'_>) -> Typed {
        let Ok(mut input) = self.input.try_borrow_mut() else { return Typed::NotYet };
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
        if self.addressee(input.text()) != source {
            if new {
                // Whoever it is for may have looked before it was there.
                cx.wake_programs();
            }
            return Typed::NotYet;
        }
        if is_goodbye(input.text()) { Typed::Goodbye } else { Typed::Line }
    }

    /// Shows the line, and whether its rest comes as another line.
    pub(super) fn read<R>(&self, show: impl FnOnce(&[u8], bool) -> R) -> Option<R> {
        let input = self.input.try_borrow().ok()?;
        Some(show(input.text(), input.is_cut()))
    }

    /// The line is dealt with.
    pub(super) fn take(&self) {
        self.line.set(false);
    }

    fn addressee(&self, text: &[u8]) -> Source {
        let on_udp = self.partners.try_borrow().is_ok_and(|partners| !partners.is_empty());
        if self.talking.get() && !(on_udp && text.starts_with(b"@")) { Source::Talk } else { Source::Datagrams }
    }
}
