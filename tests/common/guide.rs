//! The table of memory needs in docs/porting.md.

use super::document;

/// Compares a column of the table with `lines`, each a row's name and a number.
///
/// The first column is 0. Numbers may differ by 10%, because compilers lay data out differently.
#[track_caller]
pub fn compare(column: usize, lines: &str) {
    let guide = document::text("docs/porting.md");
    for line in lines.lines() {
        let (what, bytes) = line.rsplit_once(' ').unwrap();
        let row = guide.lines().find_map(|row| row.strip_prefix(&format!("| {} | ", what.trim())));
        let written = row.and_then(|row| row.split(" |").nth(column)).unwrap_or_else(|| panic!("no row for {what}"));
        let (written, bytes) = (written.trim().parse::<f64>().unwrap(), bytes.parse::<f64>().unwrap());
        assert!((written - bytes).abs() <= bytes / 10.0, "{what}: {bytes}, but docs/porting.md says {written}");
    }
}
