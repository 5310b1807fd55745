//! A QEMU plugin (API version 1) that counts a board's instructions, loads and stores.
//!
//! Accesses to peripherals are also counted. A sleeping board executes no instructions.
//!
//! `qemu-system-arm -plugin FILE.so,counts=COUNTS` keeps two 64-bit counters at the start of the mapped file COUNTS, so
//! they can be read while the board runs. `rustc --crate-type cdylib` builds this file without cargo.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

// The functions of QEMU's API that this plugin uses (QEMU's documentation, "TCG plugins"). libc defines mmap.
unsafe extern "C" {
    fn qemu_plugin_register_vcpu_tb_trans_cb(id: u64, translated: extern "C" fn(u64, *mut c_void));
    fn qemu_plugin_tb_n_insns(block: *const c_void) -> usize;
    fn qemu_plugin_tb_get_insn(block: *const c_void, at: usize) -> *mut c_void;
    fn qemu_plugin_register_vcpu_insn_exec_inline(insn: *mut c_void, op: c_int, counter: *mut c_void, add: u64);
    fn qemu_plugin_register_vcpu_mem_inline(insn: *mut c_void, rw: c_int, op: c_int, counter: *mut c_void, add: u64);
    fn mmap(at: *mut c_void, len: usize, protection: c_int, flags: c_int, file: c_int, offset: i64) -> *mut c_void;
}

/// The version of the API.
#[unsafe(no_mangle)]
pub static qemu_plugin_version: c_int = 1;

/// The operation of an inline counter: add.
const ADD: c_int = 0;
/// The kind of memory access to count: loads and stores.
const READ_WRITE: c_int = 3;

/// The mapped counters: instructions, then memory accesses.
static COUNTERS: AtomicPtr<u64> = AtomicPtr::new(ptr::null_mut());

/// QEMU calls this function when it starts. If the result is not 0, QEMU exits.
///
/// # Safety
/// `argv` must point to `argc` strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qemu_plugin_install(
    id: u64,
    _info: *const c_void,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    let argument = if argc == 1 {
        // SAFETY: QEMU passes `argc` strings, each terminated by a zero byte.
        unsafe { CStr::from_ptr(*argv) }.to_str().ok().and_then(|argument| argument.strip_prefix("counts="))
    } else {
        None
    };
    let Some(path) = argument else {
        eprintln!("the counting plugin takes one argument: counts=FILE");
        return 1;
    };
    match map(path) {
        Ok(counters) => COUNTERS.store(counters, Ordering::Relaxed),
        Err(error) => {
            eprintln!("{path}: {error}");
            return 1;
        }
    }
    // SAFETY: `id` is the identifier of this plugin, and the callback exists as long as QEMU runs.
    unsafe { qemu_plugin_register_vcpu_tb_trans_cb(id, translated) };
    0
}

/// Creates the file, maps it, and returns a pointer to its two counters, which are 0.
fn map(path: &str) -> std::io::Result<*mut u64> {
    const LEN: usize = 16;
    let file = File::options().read(true).write(true).create(true).truncate(true).open(path)?;
    file.set_len(LEN as u64)?;
    // SAFETY: the kernel chooses the address of the new mapping, so it overlaps no other memory. It is PROT_READ |
    // PROT_WRITE and MAP_SHARED, and is never unmapped.
    let at = unsafe { mmap(ptr::null_mut(), LEN, 3, 1, file.as_raw_fd(), 0) };
    if at as isize == -1 { Err(std::io::Error::last_os_error()) } else { Ok(at.cast()) }
}

/// QEMU calls this function when it has translated a block. From then on, each instruction of the block is counted.
extern "C" fn translated(_id: u64, block: *mut c_void) {
    let instructions = COUNTERS.load(Ordering::Relaxed);
    // SAFETY: `block` is valid for this call, and all indices are below its number of instructions. The counters stay
    // mapped. Only one virtual processor changes the counters.
    unsafe {
        let accesses = instructions.add(1);
        for at in 0..qemu_plugin_tb_n_insns(block) {
            let insn = qemu_plugin_tb_get_insn(block, at);
            qemu_plugin_register_vcpu_insn_exec_inline(insn, ADD, instructions.cast(), 1);
            qemu_plugin_register_vcpu_mem_inline(insn, READ_WRITE, ADD, accesses.cast(), 1);
        }
    }
}
