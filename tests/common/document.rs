//! The code blocks of README.md, README.zh.md, CONTRIBUTING.md and docs/, and their notes for the tests.
//!
//! A note is an HTML comment before a block, so a rendered page does not show it:
//!
//! ```text
//! <!-- test
//! build: a line of shell that runs first, outside the sandbox, in the package's folder, without a time limit
//! before: a line of shell that runs before the block; repeatable
//! run: the command whose output the block shows, if the block has no line that begins with $
//! needs: requirements on the machine; a block with `ci`, `qemu` or `chromium` runs only if SMOLSTEP_REQUIRE lists it
//! until shown: end the command once it has printed the whole block
//! output only: standard error is ignored
//! figures: numbers can differ from the numbers on the page
//! picture: the block is a drawing or a formula, not the output of a command
//! -->
//! ```

use std::fs;
use std::path::Path;

/// A fenced code block.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// `FILE:LINE` of the fence.
    pub place: String,
    /// The word after the fence: `rust`, `toml`, or nothing.
    pub language: String,
    pub text: String,
    /// A line of shell that builds the programs of the block.
    pub build: Option<String>,
    /// Lines of shell that run before the block.
    pub before: Vec<String>,
    pub run: Option<String>,
    pub needs: Vec<String>,
    pub until_shown: bool,
    pub output_only: bool,
    pub figures: bool,
    pub picture: bool,
}

/// A command of a block and the lines that it prints.
#[derive(Clone, Debug)]
pub struct Example {
    pub command: String,
    pub shown: Vec<String>,
}

impl Block {
    /// Returns whether the block shows the output of a command.
    pub fn shows_output(&self) -> bool {
        matches!(self.language.as_str(), "" | "text" | "console") && !self.picture
    }

    /// Returns the commands of the block, in order.
    pub fn examples(&self) -> Vec<Example> {
        let mut examples: Vec<Example> = Vec::new();
        if let Some(command) = &self.run {
            examples.push(Example { command: command.clone(), shown: Vec::new() });
        }
        for line in self.text.lines() {
            match (line.strip_prefix("$ "), examples.last_mut()) {
                (Some(command), _) => examples.push(Example { command: command.into(), shown: Vec::new() }),
                (None, Some(last)) if last.command.ends_with('\\') => {
                    last.command.pop();
                    last.command.push_str(line.trim_start());
                }
                (None, Some(last)) => last.shown.push(line.into()),
                (None, None) => {}
            }
        }
        examples
    }
}

/// Returns the paths of all documentation pages, relative to the package's folder.
pub fn pages() -> Vec<String> {
    let mut pages = vec!["README.md".to_owned(), "README.zh.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    let docs = fs::read_dir(root().join("docs")).unwrap();
    let names = docs.map(|entry| format!("docs/{}", entry.unwrap().file_name().into_string().unwrap()));
    pages.extend(names.filter(|name| name.ends_with(".md")));
    pages.sort();
    pages
}

/// Returns the text of a page.
pub fn text(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap_or_else(|e| panic!("{page}: {e}"))
}

/// Returns the fenced blocks of a page, in order.
pub fn blocks(page: &str) -> Vec<Block> {
    let text = text(page);
    let mut lines = text.lines().enumerate();
    let (mut blocks, mut next) = (Vec::new(), Block::default());
    while let Some((number, line)) = lines.next() {
        if line == "<!-- test" {
            for (_, line) in lines.by_ref().take_while(|(_, line)| *line != "-->") {
                note(&mut next, line);
            }
        } else if let Some(language) = line.strip_prefix("```") {
            next.place = format!("{page}:{}", number + 1);
            next.language = language.into();
            next.text =
                lines.by_ref().map(|(_, line)| line).take_while(|l| *l != "```").flat_map(|l| [l, "\n"]).collect();
            blocks.push(std::mem::take(&mut next));
        }
    }
    blocks
}

/// Stores one line of a block's note in the block.
fn note(block: &mut Block, line: &str) {
    match line.split_once(": ").unwrap_or((line, "")) {
        ("build", shell) => block.build = Some(shell.into()),
        ("before", shell) => block.before.push(shell.into()),
        ("run", command) => block.run = Some(command.into()),
        ("needs", what) => block.needs.extend(what.split(' ').map(String::from)),
        ("until shown", _) => block.until_shown = true,
        ("output only", _) => block.output_only = true,
        ("figures", _) => block.figures = true,
        ("picture", _) => block.picture = true,
        _ => panic!("not a note: {line}"),
    }
}

/// Returns the package's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Compares a column of the memory table in docs/porting.md with `lines`. Each line consists of the name of a row and a
/// number of bytes.
///
/// The first column of numbers is column 0. Numbers can differ from the table by up to 10%, because compilers lay out
/// data differently.
#[track_caller]
pub fn compare_memory_table(column: usize, lines: &str) {
    let guide = text("docs/porting.md");
    for line in lines.lines() {
        let (what, bytes) = line.rsplit_once(' ').unwrap();
        let row = guide.lines().find_map(|row| row.strip_prefix(&format!("| {} | ", what.trim())));
        let written = row.and_then(|row| row.split(" |").nth(column)).unwrap_or_else(|| panic!("no row for {what}"));
        let (written, bytes) = (written.trim().parse::<f64>().unwrap(), bytes.parse::<f64>().unwrap());
        assert!((written - bytes).abs() <= bytes / 10.0, "{what}: {bytes}, but docs/porting.md says {written}");
    }
}
