//! What README.md tells its reader to type, and what it says comes back.

const README: &str = include_str!("../../README.md");

/// The section below this heading, without the next one.
#[track_caller]
pub fn section(heading: &str) -> &'static str {
    let (_, rest) = README.split_once(&format!("\n## {heading}\n")).expect("a heading of README.md");
    rest.split("\n## ").next().unwrap_or_default()
}

/// A command after `$` in a section, whole, and the lines that follow it in its block.
#[track_caller]
pub fn example(section: &'static str, begins: &str) -> (&'static str, Vec<&'static str>) {
    let mut lines = section.lines().skip_while(|line| !line.starts_with(&format!("$ {begins}")));
    let command = lines.next().and_then(|line| line.strip_prefix("$ ")).unwrap_or_else(|| panic!("no $ {begins}"));
    (command, lines.take_while(|line| !line.starts_with("$ ") && *line != "```").collect())
}

/// The indented lines of a section, as one script.
pub fn indented(section: &str) -> String {
    section.lines().filter_map(|line| line.strip_prefix("    ")).map(|line| format!("{line}\n")).collect()
}

/// `code`, which the section has between backquotes.
#[track_caller]
pub fn inline<'c>(section: &str, code: &'c str) -> &'c str {
    assert!(section.replace('\n', " ").contains(&format!("`{code}`")), "README.md does not say `{code}`");
    code
}
