//! The processors that the code in `src/board` supports. Part of `build.rs`.

/// The beginnings of the names of the supported targets.
const FAMILIES: [&str; 4] = ["thumbv7m-", "thumbv7em-", "thumbv8m.main-", "riscv32"];

/// Checks that a target has the instructions that `src/board` uses.
///
/// The check is not a `compile_error!` in `src/board`, because a stable compiler has no cfg for the version of an Arm
/// architecture. Also, the build reports no other error after this one.
///
/// # Errors
/// Returns one line that says what to do.
pub fn check(target: &str) -> Result<(), String> {
    if FAMILIES.iter().any(|family| target.starts_with(family)) {
        return Ok(());
    }
    Err(format!(
        "the feature board is for ARMv7-M, ARMv8-M Mainline and RV32, so not for {target}: use the crate without this \
         feature, with a loop of your own as in docs/porting.md"
    ))
}
