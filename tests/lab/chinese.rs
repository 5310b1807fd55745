//! `smolstep lab` in Chinese: `--lang zh`, or a Chinese locale.

use std::collections::BTreeSet;
use std::fs;

use smolstep::cli::replay::replay;
use smolstep::lab::lang::{Lang, columns};
use smolstep::lab::scenarios::SCENARIOS;
use smolstep::lab::show::Ladder;

use crate::common::netns::output;
use crate::common::peer::{Peer, smolstep};
use crate::terminal::folder;
use crate::texts_in;

/// Runs `smolstep lab` with these locale variables, and returns what it prints.
fn lab(args: &[&str], locale: &[(&str, &str)]) -> String {
    let mut command = smolstep();
    command.arg("lab").args(args).env_remove("LC_ALL").env_remove("LC_MESSAGES").env_remove("LANG");
    // Makes the lines so wide that no term is broken over two lines.
    command.env("COLUMNS", "200");
    let run = output(command.envs(locale.iter().copied())).expect("smolstep runs");
    assert!(run.status.success(), "{args:?}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

fn has_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

#[test]
fn the_option_or_else_the_locale_chooses_the_language() {
    const CHINESE: &[(&str, &str)] = &[("LANG", "zh_CN.UTF-8")];
    for (args, locale, chinese) in [
        (&["--list"][..], &[][..], false),
        (&["--list"], CHINESE, true),
        (&["--list"], &[("LC_ALL", "C"), ("LANG", "zh_CN.UTF-8")], false),
        (&["--list", "--lang", "en"], CHINESE, false),
        (&["--list", "--lang", "zh"], &[], true),
        (&["--terms", "--lang", "zh"], &[], true),
        (&["--explain", "--lang", "zh"], &[], true),
        // No Chinese text is ASCII.
        (&["--explain", "--ascii"], CHINESE, false),
        // Files for machines are the same in each language.
        (&["--json", "-"], CHINESE, false),
    ] {
        assert_eq!(has_chinese(&lab(args, locale)), chinese, "{args:?} {locale:?}");
    }
    let run = output(smolstep().args(["lab", "--ascii", "--lang", "zh"])).unwrap();
    let err = String::from_utf8_lossy(&run.stderr);
    assert_eq!((run.status.code(), err.contains("中文不是 ASCII")), (Some(2), true), "{err}");
    assert_eq!(output(smolstep().args(["lab", "--lang", "fr"])).unwrap().status.code(), Some(2));
}

#[test]
fn explanations_and_the_glossary_use_the_terms_of_textbooks() {
    let shown = lab(&["--terms", "--lang", "zh"], &[]);
    for term in [
        "三次握手",
        "拥塞窗口",
        "慢启动",
        "超时重传",
        "快重传",
        "滑动窗口",
        "半关闭",
        "通告窗口",
        "糊涂窗口综合征",
        "（RFC 9293 §3.5.1）",
    ] {
        assert!(shown.contains(term), "{term}: {shown}");
    }
    assert!(lab(&["corrupted", "--explain", "--lang", "zh"], &[]).contains("校验和错误"));
    assert!(lab(&["client-closes-first", "--explain", "--lang", "zh"], &[]).contains("四次挥手"));
}

/// The words that are the same in the English and in the Chinese ladder. So are names in capital letters: states, flags
/// and options.
const NOT_TRANSLATED: [&str; 13] = ["a", "ack", "l", "len", "ms", "s", "sack", "seq", "us", "w", "win", "x", "Delay"];

#[test]
fn each_word_of_the_ladder_is_translated_and_each_line_is_as_wide_as_in_english() {
    let mut words = BTreeSet::new();
    for scenario in SCENARIOS {
        for width in [80, 120] {
            let [english, chinese] = Lang::ALL.map(|lang| Ladder { width, ascii: false, color: false, lang });
            let _ = replay(&(scenario.setup)(), |snapshot, _| {
                let Some((english, chinese)) = english.row(snapshot).zip(chinese.row(snapshot)) else { return };
                let (english, chinese) = (english.to_string(), chinese.to_string());
                assert_eq!(columns(&english), columns(&chinese), "{english}\n{chinese}");
                // In a narrow ladder, the end of a long label is cut off.
                let chinese = if width > 100 { chinese } else { String::new() };
                let named = chinese.split(|c: char| !c.is_ascii_alphabetic()).map(String::from);
                words.extend(named.filter(|word| word.chars().any(|c| c.is_ascii_lowercase())));
            });
        }
    }
    words.retain(|word| !NOT_TRANSLATED.contains(&word.as_str()));
    assert!(words.is_empty(), "{words:?}");
}

#[test]
fn the_coverage_and_the_state_diagram_are_in_chinese() {
    let table = lab(&["--coverage", "--lang", "zh"], &[]);
    assert!(table.contains("收到 SYN，发送 SYN,ACK") && table.contains("从不发生："), "{table}");
    assert!(!table.contains("never") && !table.contains("received"), "{table}");
    let picture = lab(&["simultaneous-close", "--states", "-", "--lang", "zh"], &[]);
    assert!(picture.contains(">客户</text>") && !picture.contains("client,"), "{picture}");
    let picture = lab(&["simultaneous-close", "--svg", "-", "--lang", "zh"], &[]);
    for word in ["重传", "丢失", "服务器", "连接已建立"] {
        assert!(picture.contains(word), "{word}");
    }
    for word in ["sent", "lost", "again", "client", "server", "seconds", "connected", "runs"] {
        assert!(!picture.contains(&format!(">{word}")) && !picture.contains(&format!("{word}<")), "{word}");
    }
}

#[test]
fn the_prompt_answers_in_chinese() {
    let commands = "?\n9\nd\nd 99\ns\nbranch\nbranches\nb\ncompare\nbranch x\nq now\nuntl\n1000\nq\n";
    let run = Peer::start(smolstep().args(["lab", "--step", "--lang", "zh"])).finish_with(commands.as_bytes());
    let shown = run.out();
    for part in [
        "退回一步",
        "帧 4：丢弃",
        "帧 99 不在途中",
        "客户  SYN-SENT",
        "超时重传还有",
        "* 运行 b：第 9 步，第 9 步后帧 4 丢弃",
        "没有运行 'x'：有 a 到 b",
        "的参数个数不对",
        "是不是 'until'？",
        "运行结束",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    for word in ["frame ", " is ", " the ", "client", "server", "in flight", "run b:"] {
        let help = ["u client=est", "inject client"];
        let lines = shown.lines().filter(|line| !help.iter().any(|help| line.contains(help)));
        assert!(lines.clone().all(|line| !line.contains(word)), "{word}: {shown}");
    }
}

#[test]
fn the_graphs_are_in_chinese() {
    for (kind, title) in [
        ("cwnd", "拥塞窗口"),
        ("rtt", "往返时间与超时重传时间"),
        ("throughput", "吞吐量"),
        ("time-sequence", "序号随时间的变化"),
    ] {
        let graph = lab(&["slow-start", "--graph", &format!("{kind}=-"), "--lang", "zh"], &[]);
        assert!(graph.contains(title) && graph.contains("客户 到 服务器"), "{graph}");
        let texts = graph.split("</text>").filter_map(|part| part.rsplit('>').next());
        let known = ["cwnd", "ssthresh", "SRTT", "RTO", "SACK", "bit/s", "ms", "us", "s"];
        for text in texts {
            let words = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
            let words: Vec<&str> = words.filter(|word| !known.iter().any(|known| known.contains(word))).collect();
            assert!(words.iter().all(|word| word.ends_with("bit")), "{text}: {words:?}");
        }
    }
}

/// Returns three English words in a row that `text` contains, if any. Words in quotation marks are ignored, because they
/// are in the language of the files.
fn english(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let outside: String = line.split('\'').step_by(2).collect::<Vec<_>>().join(" '' ");
        let words: Vec<&str> = outside.split_whitespace().collect();
        let is_word = |word: &&str| {
            let word = word.trim_end_matches(['.', ':', ';']);
            word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase())
        };
        words.windows(3).find(|words| words.iter().all(is_word)).map(|words| words.join(" "))
    })
}

/// Checks the output of `smolstep lab --lang zh` for a command that may fail.
#[track_caller]
fn check(args: &[&str], input: &str) -> String {
    let mut command = smolstep();
    command.arg("lab").args(args).args(["--lang", "zh"]).env("COLUMNS", "200");
    let run = Peer::start(&mut command).finish_with(input.as_bytes());
    let shown = run.out() + &run.err();
    assert_eq!(english(&shown), None, "{args:?}: {shown}");
    shown
}

#[test]
fn no_english_sentence_is_left() {
    let folder = folder("chinese");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    for scenario in SCENARIOS {
        check(&[scenario.slug, "--explain"], "");
    }
    check(&["--list"], "");
    check(&["--coverage"], "");
    // Errors in files: each of these lines alone is a file.
    let [lab, pkt, expect] = ["x.lab", "x.pkt", "expect.txt"].map(path);
    for line in BAD_LINES {
        fs::write(&lab, format!("{}\n", line.replace('|', "\n"))).unwrap();
        let shown = check(&[&lab], "");
        assert!(has_chinese(&shown) && shown.contains("；见 docs/lab-file.md"), "{line}: {shown}");
    }
    for line in BAD_SCRIPTS {
        fs::write(&pkt, format!("{line}\n")).unwrap();
        assert!(has_chinese(&check(&[&pkt], "")), "{line}");
    }
    for line in
        ["", "client", "client sends", "client sends syn 0", "client ends well", "host sends", "client CLOSED -> x"]
    {
        fs::write(&expect, line).unwrap();
        assert!(check(&["--expect", &expect], "").contains("；见 docs/lab-file.md"), "{line}");
    }
    fs::write(&expect, "client sends syn 1\nclient RST\nnever server SYN\n").unwrap();
    let shown = check(&["--expect", &expect], "");
    assert!(shown.contains("第 1 行成立") && shown.contains("第 2 行不成立：'client RST'：没有发生"), "{shown}");
    // Exercises, answers and marks.
    for (name, _) in texts_in("docs/exercises") {
        let exercise = format!("docs/exercises/{name}");
        let answers = "seed 7\n1: no such word\n2: 12345\n";
        fs::write(path("ann.txt"), answers).unwrap();
        assert!(check(&["mark", &exercise, &path("ann.txt")], "").contains("得分"), "{name}");
        check(&["exercise", &exercise], &"?\nno such word\n\n".repeat(9));
    }
    for answers in ["", "seed x", "seed 7\n99: 1", "seed 7\n1: 1\n1: 2", "seed 7\nword"] {
        fs::write(path("ann.txt"), answers).unwrap();
        assert!(has_chinese(&check(&["mark", "docs/exercises/01-handshake.lab", &path("ann.txt")], "")), "{answers}");
    }
    // The command line.
    let long = path("none/x.svg");
    for args in [
        &["mark"][..],
        &["mark", "docs/exercises/01-handshake.lab"],
        &["mark", "handshake", "x"],
        &["exercise"],
        &["exercise", "none.lab"],
        &["nothing"],
        &["handshak"],
        &["handshake", "text"],
        &["handshake", "--latency", "2s"],
        &["handshake", "--limit", "1ms"],
        &["handshake", "--fault", "drop client udp 9"],
        &["handshake", "--until", "step=4000"],
        &["--fault", "drop client any"],
        &["greeting", "--udp", "--loss", "100%"],
        &["--loss", "100%"],
        &["--queue", "3"],
        &["--black-hole"],
        &["--window-scale", "14"],
        &["--list", "--terms"],
        &["--list", "--explain"],
        &["--svg", "x.png"],
        &["--svg", &long],
        &["--from", "2s", "--to", "1s"],
        &["--pcap", "-", "--step"],
        &["x.pkt", "--seed", "1"],
        &["http"],
    ] {
        let shown = check(args, "");
        assert!(has_chinese(shown.lines().last().unwrap_or_default()), "{args:?}: {shown}");
    }
    // The prompt.
    let commands = "goto x\nstep x\nuntil\nuntil x\nuntil time=x\nuntil step=x\nuntil client=x\ndelay 1 x\ninject\n\
                    inject client x\ninject client < R 1:1\ninject client < R 1:1(0) win x\nsave /none/x\ncompare\n\
                    compare z\ndrop 1 2 3\ncorrupt\n1\ncorrupt 1\nquit\n";
    check(&["--step"], commands);
}

/// Files of which each has an error. `|` stands for the end of a line.
const BAD_LINES: [&str; 33] = [
    "word",
    "title",
    "title word",
    "title \"a\"|title \"b\"",
    "title \"a",
    "title \"\\x\"",
    "seed x",
    "vary 1",
    "vary n from 9 to 1",
    "zh \"a\"",
    "title \"a\"|zh \"b\" \"c\"",
    "network latency x",
    "network word",
    "network rate x",
    "network loss x",
    "network queue 3",
    "network black-hole",
    "hosts congestion x",
    "hosts nagle x",
    "hosts ack-delay 1ms",
    "hosts window-scale 99",
    "host client x",
    "fault drop client",
    "fault delay x client syn",
    "fault word",
    "server runs nothing",
    "client word",
    "read 2",
    "server listens 7000|read x",
    "at 1s word",
    "at 1s inject client x",
    "expect",
    "question \"a\"",
];

/// Scripts of which each has an error.
const BAD_SCRIPTS: [&str; 20] = [
    "x",
    "0 socket",
    "0 socket(",
    "0 socket(..., SOCK_DGRAM, 0) = 3",
    "0 socket(..., SOCK_STREAM, 0) = x",
    "0 socket(..., SOCK_STREAM, 0) = 3\n0 socket(..., SOCK_STREAM, 0) = 3",
    "0 listen(9, 1) = 0",
    "0 word() = 0",
    "0 < S",
    "0 < S 0:0(1) win 9",
    "0 < S 0:0(0)",
    "0 < S 0:0(0) win 99999",
    "0 < S 0:0(0) win 9 <mss x>",
    "0 < S 0:0(0) win 9 <word>",
    "0 < icmp",
    "+x < S",
    "0 `sleep 1`",
    "/* x",
    "--word=1\n0 socket(..., SOCK_STREAM, 0) = 3",
    "0 socket(..., SOCK_STREAM, 0) = 3\n0 bind(3, ..., ...) = 0\n0 listen(3, 1) = 0\n0.1 > S 0:0(0)",
];
