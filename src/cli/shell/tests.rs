//! Tests of the commands at the prompt.

use super::*;
use crate::lab::Kind;
use crate::lab::lang::columns;
use crate::lab::run::Protocol;

#[test]
fn both_prompts_understand_the_same_commands() {
    let state = |end, state| Command::Until(Goal::State(end, state));
    for shell in [Shell::lab(Lang::En), Shell::live()] {
        for (line, command) in [
            ("", Command::Next(1)),
            (" \r\n", Command::Next(1)),
            ("12", Command::Next(12)),
            ("step", Command::Next(1)),
            ("step 12", Command::Next(12)),
            ("?", Command::Help),
            ("h", Command::Help),
            ("help", Command::Help),
            ("q", Command::Quit),
            ("quit", Command::Quit),
            ("exit", Command::Quit),
            ("s", Command::Sockets),
            ("Sockets", Command::Sockets),
            ("u established", state(None, State::Established)),
            ("u est", state(None, State::Established)),
            ("until FIN-WAIT-2", state(None, State::FinWait2)),
            ("u tcp", Command::Until(Goal::Frame(Protocol::Tcp))),
            ("u TCP", Command::Until(Goal::Frame(Protocol::Tcp))),
            ("until syn", Command::Until(Goal::Frame(Protocol::Kind(Kind::Syn)))),
            ("until packet", Command::Until(Goal::Frame(Protocol::Kind(Kind::Any)))),
            ("u icmp", Command::Until(Goal::Frame(Protocol::Icmp))),
            ("u arp", Command::Until(Goal::Frame(Protocol::Arp))),
        ] {
            assert_eq!(shell.parse(line), Ok(command), "{line}");
        }
    }
}

#[test]
fn the_lab_has_more_commands() {
    let short = Verdict::Delay(Duration::from_millis(5));
    for (line, command) in [
        ("b", Command::Back),
        ("back", Command::Back),
        ("g 3", Command::Go(3)),
        ("goto 3", Command::Go(3)),
        ("d", Command::Alter(Verdict::Drop, None)),
        ("d 4", Command::Alter(Verdict::Drop, Some(4))),
        ("drop 4", Command::Alter(Verdict::Drop, Some(4))),
        ("delay", Command::Alter(Verdict::Delay(DELAY), None)),
        ("delay 4", Command::Alter(Verdict::Delay(DELAY), Some(4))),
        ("delay 5ms", Command::Alter(short, None)),
        ("delay 4 5ms", Command::Alter(short, Some(4))),
        ("duplicate 4", Command::Alter(Verdict::Duplicate, Some(4))),
        ("corrupt", Command::Alter(Verdict::Corrupt, None)),
        ("f", Command::Frame),
        ("frames", Command::Frame),
        ("p a.pcapng", Command::Save(Some("a.pcapng".into()))),
        ("save", Command::Save(None)),
        ("branch", Command::Branch(None)),
        ("branch a", Command::Branch(Some("a".into()))),
        ("branches", Command::Branches),
        ("compare", Command::Compare(None)),
        ("compare a", Command::Compare(Some("a".into()))),
        ("u server=close-w", Command::Until(Goal::State(Some(1), State::CloseWait))),
        ("until client=est", Command::Until(Goal::State(Some(0), State::Established))),
        ("until loss", Command::Until(Goal::Loss)),
        ("until time=2s", Command::Until(Goal::Time(Duration::from_secs(2)))),
        ("until step=40", Command::Until(Goal::Step(40))),
    ] {
        assert_eq!(Shell::lab(Lang::En).parse(line), Ok(command), "{line}");
        let shared = ["until step", "until time", "until loss", "u server", "until client"];
        let what = Shell::live().parse(line).unwrap_err();
        assert!(shared.iter().any(|start| line.starts_with(start)) || what.contains("is for smolstep lab"), "{line}");
    }
}

#[test]
fn a_segment_is_written_as_in_packetdrill() {
    let reset = segment::parse("R 1:1(0)").unwrap();
    for (line, to) in [("inject client < R 1:1(0)", 0), ("i server <R 1:1(0)", 1), ("inject  Client > R 1:1(0)", 1)] {
        assert_eq!(Shell::lab(Lang::En).parse(line), Ok(Command::Inject(to, reset.clone())), "{line}");
    }
    for (line, what) in [
        ("inject", "type inject client < SEGMENT or inject server < SEGMENT, as in"),
        ("inject client", "type inject client < SEGMENT"),
        ("inject R 1:1(0)", "type inject client < SEGMENT"),
        ("inject client <", "column 1 of the segment: a word is missing"),
        ("inject client < R 1:2(0)", "column 5 of the segment: '2' should be the sum of"),
    ] {
        let error = Shell::lab(Lang::En).parse(line).unwrap_err();
        assert!(error.contains(what) && error.lines().count() == 1, "{line}: {error}");
    }
    assert!(Shell::live().parse("inject client < R 1:1(0)").unwrap_err().contains("is for smolstep lab"));
}

#[test]
fn an_error_is_one_line_that_lists_the_valid_commands() {
    let usage = "type Enter, a number, step, until, ";
    for (line, what) in [
        ("x", "'x' is not understood: type Enter, a number, step, until, sockets, quit or help"),
        ("untl syn", "'untl syn' is not understood: did you mean 'until'? type Enter, a number, "),
        ("q now", "'q now' has too many words or too few: type quit alone"),
        ("1 2 3", "'1 2 3' is not understood: type Enter,"),
        ("step 1 2", "type step or step N, as in step 12"),
        ("b", "'b' is for smolstep lab: type Enter,"),
        ("goto 3", "'goto 3' is for smolstep lab: type Enter,"),
        ("u", "until needs a state, as in until ESTABLISHED, or a frame: tcp, syn,"),
        ("u NOWHERE", "unknown state 'NOWHERE': there are CLOSED, LISTEN, "),
        ("u NOWHERE", "; frames are tcp, syn, synack, ack, data, fin, rst, udp, icmp, arp or packet"),
        ("99999999999", "'99999999999' should be a number up to 4294967295"),
        ("\u{1b}[2J", "'\\u{1b}[2J' is not understood"),
        (&"x".repeat(300_000), "xxx...' is not understood"),
        (&format!("u {}", "x".repeat(300_000)), "unknown state 'xxx"),
        (&"9".repeat(300_000), "999...' should be a number up to"),
    ] {
        let error = Shell::live().parse(line).unwrap_err();
        assert!(error.contains(what) && !error.contains(char::is_control), "{line}: {error}");
        assert!(error.len() < 400, "{error}");
    }
    for (line, what) in [
        ("x", usage),
        ("x", "goto, drop, delay,"),
        ("brnch", "did you mean 'branch'?"),
        ("u clos", "unknown state 'clos'"),
        ("u lost", "other events are client=STATE, server=STATE, loss, state, time=2s and step=40"),
        ("until time=2", "'2': it must be a time with a unit"),
        ("delay 4 soon", "'soon': it must be a time with a unit"),
        ("delay s", "'s': it must be a time with a unit"),
        ("drop syn", "'syn' should be a number"),
        ("goto", "type goto STEP, as in goto 12"),
    ] {
        let error = Shell::lab(Lang::En).parse(line).unwrap_err();
        assert!(error.contains(what) && error.lines().count() == 1, "{line}: {error}");
    }
    assert!(Shell::live().parse("u server=closed").is_err(), "the other end is not ours");
}

#[test]
fn the_help_has_every_command() {
    for word in WORDS.iter().filter(|word| !["help", "?", "exit"].contains(&word.name)) {
        for lang in Lang::ALL {
            assert!(Shell::lab(lang).help().contains(word.name), "{}", word.name);
        }
        assert_eq!(Shell::live().help().contains(word.name), !word.is_for_lab, "{}", word.name);
        assert!(Shell::lab(Lang::En).names().contains(word.name), "{}", word.name);
    }
    let shells = [Shell::lab(Lang::En), Shell::lab(Lang::Zh), Shell::live()];
    assert!(shells.iter().all(|shell| shell.help().lines().all(|line| columns(line) <= 100)));
}

#[test]
fn an_error_in_chinese_has_no_english_words() {
    for (line, what) in [
        ("untl syn", "不认识 'untl syn'：是不是 'until'？? 列出全部命令"),
        ("q now", "'q now' 的参数个数不对"),
        ("u", "until 要有一个状态"),
        ("u NOWHERE", "没有状态 'NOWHERE'：有 CLOSED、LISTEN、"),
        ("u client=x", "没有状态 'x'"),
        ("goto x", "'x' 应为不超过 4294967295 的整数"),
        ("delay 4 soon", "'soon' 应为带单位的时间"),
        ("inject x", "inject 的用法如"),
    ] {
        let error = Shell::lab(Lang::Zh).parse(line).unwrap_err();
        assert!(error.contains(what) && error.lines().count() == 1, "{line}: {error}");
        assert!(![" is ", " the ", "type ", "should"].iter().any(|word| error.contains(word)), "{line}: {error}");
    }
}
