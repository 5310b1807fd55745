//! The entry point for libFuzzer. SMOLSTEP_FUZZ is the name of the target, and SMOLSTEP_CORPUS is the folder for valid
//! inputs.

use std::sync::LazyLock;

use super::{TARGETS, Target};

static CHOSEN: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("SMOLSTEP_FUZZ").unwrap_or_default();
    TARGETS.into_iter().find(|target| target.name == name).unwrap_or_else(|| {
        eprintln!("no target {name:?}; there are: {}", TARGETS.map(|target| target.name).join(" "));
        std::process::exit(2)
    })
});

libfuzzer_sys::fuzz_target!(
    init: {
        let target = *CHOSEN;
        if let Some(folder) = std::env::var_os("SMOLSTEP_CORPUS") {
            for (number, input) in (target.honest)().into_iter().enumerate() {
                let file = std::path::Path::new(&folder).join(format!("honest-{number}"));
                std::fs::write(&file, input).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            }
        }
    },
    |input: &[u8]| (CHOSEN.run)(input)
);
