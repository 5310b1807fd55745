//! `smolstep lab` in Chinese: `--lang zh`, or a Chinese locale.

use crate::common::netns::output;
use crate::common::peer::smolstep;

/// Runs `smolstep lab` with these locale variables, and returns what it prints.
fn lab(args: &[&str], locale: &[(&str, &str)]) -> String {
    let mut command = smolstep();
    command.arg("lab").args(args).env_remove("LC_ALL").env_remove("LC_MESSAGES").env_remove("LANG");
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
