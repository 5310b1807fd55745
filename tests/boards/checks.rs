//! The self-tests of each board in QEMU.
//!
//! The self-tests check the lab in memory, the driver and its controller, faults and panics.

use std::path::Path;
use std::process::Command;

use smolstep::lab::selftest::CHECKS;

use crate::common::document::compare_memory_table;
use crate::common::firmware::{boards, boot, build, script};
use crate::common::peer::Peer;
use crate::common::skip;

#[test]
fn the_lab_runs_the_same_on_a_board_and_on_the_host() {
    for image in images() {
        let finished = image.start("lab").finish();
        assert_eq!(finished.code(), Some(0), "{}: {}", image.name, finished.out());
        let here: Vec<_> = CHECKS.iter().map(|c| format!("{}: passed, {}", c.name, c.run().unwrap())).collect();
        assert_eq!(finished.out().lines().collect::<Vec<_>>(), here, "{}", image.name);
    }
}

#[test]
fn each_driver_and_controller_conforms() {
    for image in images() {
        let finished = image.start("conformance").finish();
        assert_eq!(finished.code(), Some(0), "{}: {}{}", image.name, finished.out(), finished.err());
        assert!(finished.out().starts_with("conformance: passed, MTU 1514;"), "{}: {}", image.name, finished.out());
    }
}

#[test]
fn a_driver_on_a_cut_cable_does_not_conform() {
    for image in images() {
        // An empty hub loses every frame.
        let finished = image.start_with(&["conformance", "--netdev", "hubport,id=n0,hubid=0"]).finish();
        assert_eq!(finished.code(), Some(1), "{}: {}", image.name, finished.out());
        let said = "conformance: failed, sending one frame: 1 frames lost, 0 counted\n";
        assert_eq!(finished.out(), said, "{}", image.name);
    }
}

#[test]
fn division_and_copies_are_correct_on_a_board() {
    for image in images() {
        for word in ["division", "copies"] {
            let finished = image.start(word).finish();
            assert_eq!(finished.code(), Some(0), "{} {word}: {}{}", image.name, finished.out(), finished.err());
        }
    }
}

#[test]
fn the_porting_guide_states_the_memory_needs_of_a_board() {
    for image in images() {
        let finished = image.start("memory").finish();
        assert_eq!(finished.code(), Some(0), "{}: {}", image.name, finished.out());
        compare_memory_table(1, &finished.out());
    }
}

#[test]
fn a_stack_overflow_is_reported_and_the_board_restarts() {
    for image in images() {
        // The image overflows its stack after each start.
        image.start("overflow").wait_for("two reports of an overflow", |out| {
            out.lines().filter(|line| line.starts_with("[ERROR] stack overflow: more than its size")).count() >= 2
        });
    }
}

#[test]
fn a_panic_is_reported_with_its_location_and_the_board_restarts() {
    for image in images() {
        let board = image.start("panic");
        let told = |out: &str| out.lines().filter(|line| line.starts_with("[ERROR] panic")).count();
        board.wait_for("two reports of a panic", |out| told(out) >= 2);
        let out = board.out();
        let line = out.lines().next().unwrap_or_default();
        // Debian's toolchain builds the image without panic messages, so a panic prints only an address.
        let place = match line.strip_prefix("[ERROR] panic at ") {
            Some(address) => script(&["where", &image.name, address], &[]).unwrap(),
            None => line.to_owned(),
        };
        assert!(place.contains("src/board/selftest.rs:"), "{}: {line}: {place}", image.name);
    }
}

#[test]
fn an_unknown_self_test_is_refused() {
    for image in images() {
        let finished = image.start("conformity").finish();
        assert_eq!(finished.code(), Some(1), "{}: {}", image.name, finished.out());
        assert!(finished.out().contains("no test 'conformity'"), "{}: {}", image.name, finished.out());
    }
}

/// Checks that a static of `stack_memory!` takes no flash and is never on the call stack.
///
/// The memory must be in `.bss`, and no function must have a large stack frame.
#[test]
fn a_static_memory_uses_no_flash_and_no_call_stack() {
    if Command::new("llvm-objdump").arg("--version").output().is_err() {
        return skip("llvm", "no llvm-objdump; on Debian: apt-get install llvm");
    }
    // The memory map of the other board leaves no room for statics.
    let board = "mps2-an385";
    let elf = match build(board, &[]) {
        Ok(elf) => elf,
        Err(why) => return skip("qemu", &why),
    };
    let headers = objdump(&elf, &["--section-headers"]);
    let size = |section: &str| {
        let line = headers.lines().find(|line| line.split_whitespace().nth(1) == Some(section)).unwrap();
        usize::from_str_radix(line.split_whitespace().nth(2).unwrap(), 16).unwrap()
    };
    assert!(size(".bss") > 30_000, "{board}: the memory is no static");
    assert!(size(".data") < 512, "{board}: .data has {} bytes", size(".data"));
    let assembly = objdump(&elf, &["--disassemble", "--no-show-raw-insn"]);
    let (function, frame) = largest_frame(&assembly);
    assert!(frame > 500 && frame <= 6 * 1024, "{board}: {function} takes {frame} bytes of the call stack");
}

/// Returns the output of llvm-objdump for an ELF file.
fn objdump(elf: &Path, arguments: &[&str]) -> String {
    let output = Command::new("llvm-objdump").args(arguments).arg(elf).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Returns the function with the largest stack frame and the frame's size.
///
/// The size is the sum of all subtractions from `sp`.
fn largest_frame(assembly: &str) -> (&str, usize) {
    let (mut function, mut frame, mut largest) = ("", 0, ("", 0));
    for line in assembly.lines() {
        if let Some(name) = line.strip_suffix(">:") {
            (function, frame) = (name, 0);
        }
        let Some(("sub" | "sub.w" | "subw", operands)) =
            line.split_once('\t').and_then(|(_, rest)| rest.split_once('\t'))
        else {
            continue;
        };
        if let Some(count) = operands.strip_prefix("sp, ").map(|rest| rest.trim_start_matches("sp, ")) {
            let digits = count.strip_prefix('#').unwrap_or_else(|| panic!("{function}: {line}"));
            let digits = digits.split(char::is_whitespace).next().unwrap_or_default();
            frame += match digits.strip_prefix("0x") {
                Some(digits) => usize::from_str_radix(digits, 16).unwrap(),
                None => digits.parse().unwrap(),
            };
        }
        if frame > largest.1 {
            largest = (function, frame);
        }
    }
    largest
}

/// The self-test image of a board, which has been built.
struct Image {
    name: String,
    elf: std::path::PathBuf,
}

impl Image {
    fn start(&self, word: &str) -> Peer {
        self.start_with(&[word])
    }

    fn start_with(&self, arguments: &[&str]) -> Peer {
        boot(&self.elf, arguments)
    }
}

/// Builds the self-test of every board. Returns no images if QEMU or a toolchain is missing.
fn images() -> Vec<Image> {
    let image = |board: String| {
        let name = format!("{board}-selftest");
        build(&name, &[]).map(|elf| Image { name, elf })
    };
    boards().into_iter().map(image).collect::<Result<_, _>>().unwrap_or_else(|why| {
        skip("qemu", &why);
        Vec::new()
    })
}
