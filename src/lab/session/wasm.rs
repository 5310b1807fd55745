//! The exports of the WebAssembly module. Each instance of the module has one session.
//!
//! The page allocates memory for a command, and [`smolstep_call`] frees it. The answer stays in memory until the next
//! call.
#![allow(unsafe_code)]

use alloc::boxed::Box;
use alloc::string::String;
use core::cell::RefCell;

use super::LabSession;

std::thread_local! {
    static SESSION: RefCell<LabSession> = RefCell::default();
    static ANSWER: RefCell<String> = RefCell::default();
}

/// Allocates `len` bytes for a command, and returns their address.
// SAFETY: no other item of the module has this name.
#[unsafe(no_mangle)]
pub extern "C" fn smolstep_allocate(len: usize) -> *mut u8 {
    let command: Box<[u8]> = alloc::vec![0; len].into();
    Box::leak(command).as_mut_ptr()
}

/// Carries out the command in the memory that [`smolstep_allocate`] returned, and frees this memory. Returns the length
/// of the answer, in bytes. [`smolstep_answer`] returns the address of the answer.
///
/// # Safety
/// `command` must be an address that `smolstep_allocate(len)` has returned, and it must not be used again.
// SAFETY: no other item of the module has this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smolstep_call(command: *mut u8, len: usize) -> usize {
    // SAFETY: the caller guarantees that this is the only use of a boxed slice of this length.
    let command = unsafe { Box::from_raw(core::ptr::slice_from_raw_parts_mut(command, len)) };
    let command = String::from_utf8_lossy(&command);
    let answer = SESSION.with_borrow_mut(|session| session.command(&command));
    ANSWER.with_borrow_mut(|stored| {
        *stored = answer;
        stored.len()
    })
}

/// Returns the address of the answer to the latest command. The answer stays there until the next call.
// SAFETY: no other item of the module has this name.
#[unsafe(no_mangle)]
pub extern "C" fn smolstep_answer() -> *const u8 {
    ANSWER.with_borrow(|answer| answer.as_ptr())
}
