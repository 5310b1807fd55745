//! What each board finds out about itself, in QEMU: the lab in its memory, its driver and controller, and how it ends when a
//! program cannot go on.

use smolstep::lab::selftest::CHECKS;

use crate::common::firmware::{boards, boot, build, script};
use crate::common::guide::compare;
use crate::common::peer::Peer;
use crate::common::require::skip;

#[test]
fn the_lab_runs_on_a_board_as_it_does_here() {
    for image in images() {
        let finished = image.start("lab").finish();
        assert_eq!(finished.code(), Some(0), "{}: {}", image.name, finished.out());
        let here: Vec<_> = CHECKS.iter().map(|c| format!("{}: passed, {}", c.name, c.run().unwrap())).collect();
        assert_eq!(finished.out().lines().collect::<Vec<_>>(), here, "{}", image.name);
    }
}

#[test]
fn each_driver_and_controller_conform() {
    for image in images() {
        let finished = image.start("conformance").finish();
        assert_eq!(finished.code(), Some(0), "{}: {}{}", image.name, finished.out(), finished.err());
        assert!(finished.out().starts_with("conformance: passed, MTU 1514;"), "{}: {}", image.name, finished.out());
    }
}

#[test]
fn a_driver_on_a_cut_cable_does_not_conform() {
    for image in images() {
        // A cable into the void.
        let finished = image.start_with(&["conformance", "--netdev", "hubport,id=n0,hubid=0"]).finish();
        assert_eq!(finished.code(), Some(1), "{}: {}", image.name, finished.out());
        let said = "conformance: failed, sending one frame: 1 frames lost, 0 counted\n";
        assert_eq!(finished.out(), said, "{}", image.name);
    }
}

#[test]
fn a_board_divides_right() {
    for image in images() {
        let finished = image.start("division").finish();
        assert_eq!(finished.code(), Some(0), "{}: {}{}", image.name, finished.out(), finished.err());
    }
}

#[test]
fn the_porting_guide_says_what_memory_a_board_needs() {
    for image in images() {
        let finished = image.start("memory").finish();
        assert_eq!(finished.code(), Some(0), "{}: {}", image.name, finished.out());
        compare(1, &finished.out());
    }
}

#[test]
fn an_overflow_of_the_stack_is_told_and_the_board_starts_again() {
    for image in images() {
        // It does the same after each start.
        image.start("overflow").wait_for("two reports of an overflow", |out| {
            out.lines().filter(|line| line.starts_with("[ERROR] stack overflow: more than its size")).count() >= 2
        });
    }
}

#[test]
fn a_panic_is_told_with_its_place_and_the_board_starts_again() {
    for image in images() {
        let board = image.start("panic");
        let told = |out: &str| out.lines().filter(|line| line.starts_with("[ERROR] panic")).count();
        board.wait_for("two reports of a panic", |out| told(out) >= 2);
        let out = board.out();
        let line = out.lines().next().unwrap_or_default();
        // With Debian's toolchain just its address.
        let place = match line.strip_prefix("[ERROR] panic at ") {
            Some(address) => script(&["where", &image.name, address], &[]).unwrap(),
            None => line.to_owned(),
        };
        assert!(place.contains("src/board/selftest.rs:"), "{}: {line}: {place}", image.name);
    }
}

#[test]
fn a_word_that_is_no_test_is_refused() {
    for image in images() {
        let finished = image.start("conformity").finish();
        assert_eq!(finished.code(), Some(1), "{}: {}", image.name, finished.out());
        assert!(finished.out().contains("no test 'conformity'"), "{}: {}", image.name, finished.out());
    }
}

/// A board's self-test, built.
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

/// The self-test of every board, or none where there is no QEMU or no toolchain.
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
