//! The self-test of the boards, run on this machine.

use smolstep::lab::selftest::CHECKS;

#[test]
fn all_checks_pass() {
    let mut digests = Vec::new();
    for check in CHECKS {
        let passed = check.run().unwrap_or_else(|failure| panic!("{}: {failure}", check.name));
        println!("{}: {passed}", check.name);
        assert_eq!(check.run(), Ok(passed), "{}: the same every time", check.name);
        digests.push(passed.digest);
    }
    digests.dedup();
    assert_eq!(digests.len(), CHECKS.len(), "each run has frames of its own");
}
