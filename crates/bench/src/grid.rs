//! Tables in plain text and Markdown.

use std::fmt::Write;

/// A table with its title, its description, its header and its rows.
#[derive(Clone, Debug)]
pub struct Grid {
    /// Title.
    pub title: String,
    /// Description.
    pub note: &'static str,
    /// Names of the columns.
    pub head: Vec<&'static str>,
    /// Rows, each with a cell for each column.
    pub rows: Vec<Vec<String>>,
}

impl Grid {
    /// Formats the table as plain text with aligned columns.
    #[must_use]
    pub fn plain(&self) -> String {
        let width = |column: usize, head: &str| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(String::len).chain([head.len()]).max().unwrap_or(0)
        };
        let widths: Vec<_> = self.head.iter().enumerate().map(|(column, head)| width(column, head)).collect();
        let line = |cells: &[&str]| {
            let padded = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
                if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            });
            padded.collect::<Vec<_>>().join("  ")
        };
        let mut text = format!("{}\n{}\n", self.title, line(&self.head));
        for row in &self.rows {
            let cells: Vec<_> = row.iter().map(String::as_str).collect();
            let _ = writeln!(text, "{}", line(&cells));
        }
        text
    }

    /// Formats the table as a section in Markdown. Each sentence of the description is a line.
    #[must_use]
    pub fn markdown(&self) -> String {
        let rule = vec!["---"; self.head.len()].join(" | ");
        let note = self.note.replace(". ", ".\n");
        let mut text = format!("## {}\n\n{note}\n\n| {} |\n| {rule} |\n", self.title, self.head.join(" | "));
        for row in &self.rows {
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
        text
    }
}
