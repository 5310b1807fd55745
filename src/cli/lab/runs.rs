//! The runs that a user tries at the prompt. `branch` keeps a run and continues with a copy. `compare` shows two runs.

use smoltcp::time::Instant;

use crate::cli::error::Failure;
use crate::lab::lang::{Lang, columns};
use crate::lab::run::{ByHand, Run};
use crate::lab::show::{Ladder, What};
use crate::lab::tokens::clip;
use crate::lab::{Setup, Snapshot};

/// The runs, named a, b, c and so on. There is always at least one run.
pub struct Runs {
    kept: Vec<Kept>,
    /// The index in `kept` of the present run, which the user steps through.
    present: usize,
}

/// A run: the manual changes and the step at which the user left it.
#[derive(Clone)]
struct Kept {
    by_hand: Vec<ByHand>,
    step: u32,
}

/// The largest number of runs: one for each letter.
const MAX_RUNS: usize = 26;

/// The largest number of lines that `compare` takes from a run.
const MAX_COMPARED: usize = 20_000;

impl Runs {
    /// Returns one run, without manual changes.
    pub fn new() -> Self {
        Runs { kept: vec![Kept { by_hand: Vec::new(), step: 0 }], present: 0 }
    }

    /// Returns the manual changes in the present run.
    pub fn by_hand(&self) -> &[ByHand] {
        &self.kept[self.present].by_hand
    }

    /// Returns the step of the present run.
    pub fn step(&self) -> u32 {
        self.kept[self.present].step
    }

    /// Sets the step of the present run.
    pub fn set_step(&mut self, step: u32) {
        self.kept[self.present].step = step;
    }

    /// Adds a manual change to the present run.
    pub fn add(&mut self, by_hand: ByHand) {
        self.kept[self.present].by_hand.push(by_hand);
    }

    /// Undoes the manual changes at `step` or later, because the user goes back to this step.
    pub fn go_back(&mut self, step: u32) {
        self.kept[self.present].by_hand.retain(|by_hand| by_hand.after < step);
    }

    /// Returns the start of the prompt, which names the present run if there are several.
    pub fn prompt(&self) -> String {
        if self.kept.len() > 1 { format!("run {}, ", name(self.present)) } else { String::new() }
    }

    /// Keeps the present run, and continues with a copy.
    ///
    /// # Errors
    /// The error is one line: there are too many runs.
    pub fn branch(&mut self, lang: Lang) -> Result<(), String> {
        if self.kept.len() >= MAX_RUNS {
            return Err(match lang {
                Lang::En => format!("there can be {MAX_RUNS} runs: switch to one of them, as in branch a"),
                Lang::Zh => format!("最多有 {MAX_RUNS} 次运行：切换到其中一次，如 branch a"),
            });
        }
        self.kept.push(self.kept[self.present].clone());
        self.present = self.kept.len() - 1;
        Ok(())
    }

    /// Switches to the run with this name.
    ///
    /// # Errors
    /// The error is one line: there is no such run.
    pub fn switch(&mut self, name: &str, lang: Lang) -> Result<(), String> {
        self.present = self.find(name, lang)?;
        Ok(())
    }

    /// Returns a line for each run: its name, its step and its manual changes. A star marks the present run.
    pub fn list(&self, lang: Lang) -> Vec<String> {
        let line = |(index, run): (usize, &Kept)| {
            let mark = if index == self.present { "*" } else { " " };
            let by_hand: String =
                run.by_hand.iter().map(|by_hand| format!("{}{}", lang.pick(", ", "，"), by_hand.text(lang))).collect();
            match lang {
                Lang::En => format!("{mark} run {}: step {}{by_hand}", name(index), run.step),
                Lang::Zh => format!("{mark} 运行 {}：第 {} 步{by_hand}", name(index), run.step),
            }
        };
        self.kept.iter().enumerate().map(line).collect()
    }

    /// Returns the ladders of two runs, from the line at which they begin to differ. The first ladder is that of the
    /// run called `name`, or without a name, of the newest other run. The second ladder is that of the present run. If
    /// the runs do not differ, returns one line that says so.
    ///
    /// # Errors
    /// Fails if there is no such run, or if the set-up is invalid.
    pub fn compare(&self, setup: &Setup<'_>, name: Option<&str>, ladder: Ladder) -> Result<Vec<String>, Failure> {
        let lang = ladder.lang;
        let other = match name {
            Some(name) => self.find(name, lang).map_err(Failure::usage)?,
            None => (0..self.kept.len()).rfind(|index| *index != self.present).ok_or_else(|| {
                Failure::usage(lang.pick(
                    "there is only this run: branch keeps it and starts another one",
                    "只有这一次运行：branch 把它保留下来，并开始另一次",
                ))
            })?,
        };
        if other == self.present {
            return Err(Failure::usage(lang.pick(
                "this is the present run: name another one, as branches lists them",
                "这就是当前的运行：请指定另一次，branches 列出各次运行",
            )));
        }
        let indices = [other, self.present];
        // Repeat both runs.
        let [mut left, mut right] = [Vec::new(), Vec::new()];
        for (index, rows) in indices.into_iter().zip([&mut left, &mut right]) {
            *rows = self.rows(setup, index, ladder)?;
        }
        let same = left.iter().zip(&right).take_while(|(left, right)| left == right).count();
        let names = indices.map(|index| format!("{} {}", lang.pick("run", "运行"), self::name(index)));
        if same == left.len() && same == right.len() {
            let [other_name, present_name] = names;
            return Ok(vec![match lang {
                Lang::En => format!("{other_name} and {present_name} are the same so far"),
                Lang::Zh => format!("{other_name} 和{present_name} 到目前为止相同"),
            }]);
        }
        Ok(side_by_side(ladder, &names, [&left[same..], &right[same..]]))
    }

    /// Repeats run `index` up to its present step. Returns the first [`MAX_COMPARED`] entries for which the ladder has
    /// a line.
    fn rows(&self, setup: &Setup<'_>, index: usize, ladder: Ladder) -> Result<Vec<Snapshot>, Failure> {
        let Kept { by_hand, step } = self.kept[index].clone();
        let mut rows = Vec::new();
        if step > 0 {
            Run { by_hand, ..Run::new(setup) }
                .record(Some(step), &mut |snapshot, _| {
                    let is_shown = !matches!(snapshot.entry.what, What::Clock) && ladder.row(snapshot).is_some();
                    if is_shown && rows.len() < MAX_COMPARED {
                        rows.push(*snapshot);
                    }
                })
                .map_err(Failure::usage)?;
        }
        Ok(rows)
    }

    /// Returns the index of the run called `wanted`.
    fn find(&self, wanted: &str, lang: Lang) -> Result<usize, String> {
        (0..self.kept.len()).find(|&index| name(index).to_string().eq_ignore_ascii_case(wanted)).ok_or_else(|| {
            let last = name(self.kept.len() - 1);
            if lang == Lang::Zh {
                return format!("没有运行 '{}'：有 a 到 {last}", clip(wanted));
            }
            let runs = if last == 'a' { "there is only run a".to_owned() } else { format!("the runs are a to {last}") };
            format!("there is no run '{}': {runs}", clip(wanted))
        })
    }
}

/// Returns the letter that names the run with index `index`.
fn name(index: usize) -> char {
    char::from(b'a' + (index % MAX_RUNS) as u8)
}

/// The text between two ladders.
const GAP: &str = " | ";

/// Returns two ladders side by side, with lines of the same time and step in one row. If the terminal is too narrow,
/// returns one ladder below the other.
fn side_by_side(ladder: Ladder, [left_name, right_name]: &[String; 2], [left, right]: [&[Snapshot]; 2]) -> Vec<String> {
    let half = ladder.width.saturating_sub(GAP.len()) / 2;
    if half < Ladder::NARROWEST {
        let with_heading = |name: &String, rows: &[Snapshot]| -> Vec<String> {
            let heading = [name.clone(), ladder.header().to_string()];
            heading.into_iter().chain(rows.iter().map(|row| line(ladder, row))).collect()
        };
        return [with_heading(left_name, left), with_heading(right_name, right)].concat();
    }
    let ladder = Ladder { width: half, ..ladder };
    // In a wider terminal, a ladder still has at most `WIDEST` columns.
    let half = half.min(Ladder::WIDEST);
    // Pads `text` to half of the width. `plain` is `text` without colours, which take no columns.
    let padded = |text: &str, plain: &str| format!("{text}{:pad$}", "", pad = half.saturating_sub(columns(plain)));
    let header = Ladder { color: false, ..ladder }.header().to_string();
    let mut lines = vec![
        format!("{}{GAP}{right_name}", padded(left_name, left_name)),
        format!("{}{GAP}{header}", padded(&header, &header)),
    ];
    for [left, right] in aligned(left, right, |row| (row.entry.at, row.entry.step)) {
        let right = right.map_or(String::new(), |row| line(ladder, row));
        let plain = left.map_or(String::new(), |row| line(Ladder { color: false, ..ladder }, row));
        let left = left.map_or(String::new(), |row| line(ladder, row));
        lines.push(format!("{}{GAP}{right}", padded(&left, &plain)).trim_end().to_owned());
    }
    lines
}

/// Returns the ladder's row for an entry as text.
fn line(ladder: Ladder, row: &Snapshot) -> String {
    ladder.row(row).map_or(String::new(), |row| row.to_string())
}

/// Pairs the rows that have the same time and step. A row without such a partner is paired with `None`. Both lists are
/// in the order of time.
fn aligned<'r, T>(left: &'r [T], right: &'r [T], key: impl Fn(&T) -> (Instant, u32)) -> Vec<[Option<&'r T>; 2]> {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    let mut pairs = Vec::new();
    loop {
        let order = match (left.peek(), right.peek()) {
            (Some(l), Some(r)) => key(l).cmp(&key(r)),
            (Some(_), None) => core::cmp::Ordering::Less,
            (None, Some(_)) => core::cmp::Ordering::Greater,
            (None, None) => return pairs,
        };
        pairs.push([if order.is_le() { left.next() } else { None }, if order.is_ge() { right.next() } else { None }]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::run::Change;

    /// Each row is a time and a step. A row that only one run has is paired with nothing.
    #[test]
    fn rows_of_the_same_step_are_in_one_line() {
        let at = Instant::from_millis;
        let left = [(at(1), 1), (at(2), 2), (at(2), 2), (at(9), 3)];
        let right = [(at(1), 1), (at(2), 2), (at(5), 3), (at(9), 4)];
        let indices: Vec<_> =
            aligned(&left, &right, |row| *row).into_iter().map(|pair| pair.map(|row| row.map(|row| row.1))).collect();
        let (one, two, three, four) = (Some(1), Some(2), Some(3), Some(4));
        assert_eq!(indices, [[one, one], [two, two], [two, None], [None, three], [three, None], [None, four]]);
    }

    /// In a wide terminal, a frame that only one run loses is in the same row of both ladders.
    #[test]
    fn two_ladders_stand_side_by_side() {
        let setup = Setup::program(&crate::app::find("greeting").unwrap(), &[b"Li"], false).unwrap();
        let mut runs = Runs::new();
        runs.set_step(11);
        runs.branch(Lang::En).unwrap();
        // After step 9, drop frame 4, the SYN,ACK.
        runs.add(ByHand { after: 9, what: Change::Frame(4, crate::lab::Verdict::Drop) });
        let ladder = Ladder { width: 180, ascii: true, color: false, lang: Lang::En };
        let lines = runs.compare(&setup, None, ladder).map_err(|failure| failure.to_string()).unwrap();
        assert!(lines[0].starts_with("run a ") && lines[0].ends_with("| run b"), "{lines:#?}");
        assert!(lines[2].matches("#4 SYN,ACK").count() == 2 && lines[2].contains(" x---"), "{lines:#?}");
        assert!(lines[3].contains("arrives") && lines[3].ends_with('|'), "{lines:#?}");
        assert!(lines.last().unwrap().contains("RTO 1s"), "{lines:#?}");
        let gaps: Vec<_> = lines.iter().map(|line| line.chars().position(|c| c == '|')).collect();
        assert!(gaps.iter().all(|gap| *gap == gaps[0]), "{lines:#?}");
    }

    /// `branch` copies the run with its dropped frame. Going back in the copy undoes the drop in the copy only.
    #[test]
    fn a_run_is_kept_and_another_one_is_tried() {
        let mut runs = Runs::new();
        let drop = ByHand { after: 9, what: Change::Frame(4, crate::lab::Verdict::Drop) };
        runs.add(drop.clone());
        runs.set_step(12);
        runs.branch(Lang::En).unwrap();
        runs.go_back(9);
        runs.set_step(9);
        assert_eq!((runs.by_hand(), runs.prompt().as_str()), (&[][..], "run b, "));
        assert_eq!(runs.list(Lang::En), ["  run a: step 12, frame 4 dropped after step 9", "* run b: step 9"]);
        assert_eq!(runs.list(Lang::Zh), ["  运行 a：第 12 步，第 9 步后帧 4 丢弃", "* 运行 b：第 9 步"]);
        runs.switch("A", Lang::En).unwrap();
        assert_eq!((runs.by_hand(), runs.step()), (&[drop][..], 12));
        assert_eq!(runs.switch("c", Lang::En), Err("there is no run 'c': the runs are a to b".into()));
        (2..MAX_RUNS).for_each(|_| runs.branch(Lang::En).unwrap());
        assert!(runs.branch(Lang::En).unwrap_err().contains("switch to one of them"));
    }
}
