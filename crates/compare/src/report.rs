//! What the tools said: a line for each row and tool, a matrix; or JSON, one object a line.

use std::net::Ipv4Addr;
use std::process::ExitCode;

use serde::Serialize;

use super::kinds::{Kind, Tool};
use super::rows::{End, ROWS, Row, told};
use super::run::{Answer, Asked};
use conform::case::Verdict;
use conform::frames::mac;
use conform::report::{Sum, aligned};
use testbed::suite::json_lines;

/// One tool, and what it said to every row; or why it was not asked.
pub(crate) struct Column {
    pub(crate) kind: Kind,
    pub(crate) asked: Result<(Tool, Vec<Asked>), String>,
}

/// All of them.
pub(crate) struct Report(pub(crate) Vec<Column>);

/// One row put to one tool.
struct Cell<'a> {
    row: &'static Row,
    kind: Kind,
    version: Option<&'a str>,
    asked: Option<&'a Asked>,
    verdict: Verdict,
}

/// One line of JSON.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    Row {
        name: &'static str,
        tool: &'static str,
        version: Option<&'a str>,
        command: Option<&'a str>,
        exit_code: Option<i32>,
        stations: Vec<Station>,
        verdict: &'static str,
        reason: Option<&'a str>,
    },
    Summary(Sum),
}

#[derive(Debug, Serialize)]
struct Station {
    protocol_address: Ipv4Addr,
    hardware_address: Option<String>,
}

impl Report {
    /// 0 if nothing failed, 1 if something did.
    pub(crate) fn exit_code(&self) -> ExitCode {
        Sum::of(self.cells().iter().map(|cell| &cell.verdict)).exit_code()
    }

    /// One object for each row and tool, and a summary.
    pub(crate) fn json(&self) -> String {
        let cells = self.cells();
        let rows = cells.iter().map(Cell::line);
        let summary = Line::Summary(Sum::of(cells.iter().map(|cell| &cell.verdict)));
        json_lines(rows.chain([summary]))
    }

    /// A line for each row and tool, then the matrix, then a sum.
    pub(crate) fn text(&self) -> String {
        let cells = self.cells();
        let lines: Vec<_> = cells.iter().map(Cell::words).collect();
        let sum = Sum::of(cells.iter().map(|cell| &cell.verdict));
        format!("{}\n{}\n{sum}\n", aligned(&lines), aligned(&self.matrix(&cells)))
    }

    /// A head and the rows: exit code, and who was named. What failed has an exclamation mark, what
    /// differs an asterisk.
    fn matrix(&self, cells: &[Cell<'_>]) -> Vec<Vec<String>> {
        let head = ["", "documented"].into_iter().chain(self.0.iter().map(|column| column.kind.name()));
        let mut lines = vec![head.map(str::to_owned).collect::<Vec<_>>()];
        for row in &ROWS {
            let of_row = cells.iter().filter(|cell| cell.row == row).map(Cell::says);
            lines.push([row.name.to_owned(), row.truth.to_string()].into_iter().chain(of_row).collect());
        }
        lines
    }

    /// Row by row, and in each tool by tool.
    fn cells(&self) -> Vec<Cell<'_>> {
        let of_row =
            |(number, row): (usize, &'static Row)| self.0.iter().map(move |column| column.cell(number, row));
        ROWS.iter().enumerate().flat_map(of_row).collect()
    }
}

impl Column {
    fn cell(&self, number: usize, row: &'static Row) -> Cell<'_> {
        let (version, asked) = match &self.asked {
            Ok((tool, asked)) => (tool.version.as_deref(), asked.get(number)),
            Err(_) => (None, None),
        };
        let verdict = match (&self.asked, asked) {
            (_, Some(asked)) => self.kind.judge(row, version, &asked.answer),
            (Err(reason), _) => Verdict::Skipped(reason.clone()),
            (Ok(_), None) => Verdict::Failed("it was not asked".to_owned()),
        };
        Cell { row, kind: self.kind, version, asked, verdict }
    }
}

impl Cell<'_> {
    fn line(&self) -> Line<'_> {
        let (exit_code, stations) = match self.asked.map(|asked| &asked.answer) {
            Some(Answer::Seen(end, stations, _)) => (Some(*end), stations.iter().collect()),
            _ => (None, Vec::new()),
        };
        let station = |&(protocol_address, hardware): &(Ipv4Addr, Option<_>)| Station {
            protocol_address,
            hardware_address: hardware.map(mac),
        };
        Line::Row {
            name: self.row.name,
            tool: self.kind.name(),
            version: self.version,
            command: self.command(),
            exit_code: exit_code.and_then(|end| if let End::Code(code) = end { Some(code) } else { None }),
            stations: stations.into_iter().map(station).collect(),
            verdict: self.verdict.name(),
            reason: self.verdict.reason(),
        }
    }

    fn command(&self) -> Option<&str> {
        self.asked.and_then(|asked| asked.command.as_deref())
    }

    fn words(&self) -> Vec<String> {
        let tool = self
            .version
            .map_or(self.kind.name().to_owned(), |version| format!("{} {version}", self.kind.name()));
        let what = self.command().map_or(String::new(), |command| format!("`{command}`"));
        let reason = self.verdict.reason().unwrap_or_default().to_owned();
        vec![self.verdict.name().to_owned(), self.row.name.to_owned(), tool, self.says(), what, reason]
    }

    fn says(&self) -> String {
        let Some(Answer::Seen(end, seen, _)) = self.asked.map(|asked| &asked.answer) else {
            return "-".to_owned();
        };
        let mark = match self.verdict {
            Verdict::Failed(_) => " !",
            Verdict::Differs(_) => " *",
            Verdict::Passed | Verdict::Skipped(_) => "",
        };
        format!("{}{mark}", told(*end, seen))
    }
}
