//! `smolstep lab` in Chinese: `--lang zh`, or a Chinese locale.

use std::collections::BTreeSet;

use smolstep::cli::replay::replay;
use smolstep::lab::lang::{Lang, columns};
use smolstep::lab::scenarios::SCENARIOS;
use smolstep::lab::show::Ladder;

use crate::common::netns::output;
use crate::common::peer::{Peer, smolstep};

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
    assert_eq!((run.status.code(), err.contains("Chinese is not ASCII")), (Some(2), true), "{err}");
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
