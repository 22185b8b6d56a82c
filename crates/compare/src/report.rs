//! What the tools said: a line for each row and tool, a matrix; or JSON, one object a line.

use std::net::Ipv4Addr;
use std::process::ExitCode;

use serde::Serialize;

use super::rows::{ComparisonRow, ROWS, ToolExit, describe};
use super::run::{RowResult, RunResult};
use super::tool::{Tool, ToolKind};
use conform::case::Verdict;
use conform::frames::mac;
use conform::report::{VerdictCounts, aligned};
use testbed::suite::json_lines;

/// One tool, and what it said to every row; or why it was not asked.
pub(crate) struct ToolColumn {
    pub(crate) kind: ToolKind,
    pub(crate) asked: Result<(Tool, Vec<RowResult>), String>,
}

/// All of them.
pub(crate) struct CompareReport(pub(crate) Vec<ToolColumn>);

/// One row put to one tool.
struct ReportCell<'a> {
    row: &'static ComparisonRow,
    kind: ToolKind,
    version: Option<&'a str>,
    asked: Option<&'a RowResult>,
    verdict: Verdict,
}

/// One line of JSON.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum ReportLine<'a> {
    ComparisonRow {
        name: &'static str,
        tool: &'static str,
        version: Option<&'a str>,
        command: Option<&'a str>,
        exit_code: Option<i32>,
        stations: Vec<JsonStation>,
        verdict: &'static str,
        reason: Option<&'a str>,
    },
    Summary(VerdictCounts),
}

#[derive(Debug, Serialize)]
struct JsonStation {
    protocol_address: Ipv4Addr,
    hardware_address: Option<String>,
}

impl CompareReport {
    /// 0 if nothing failed, 1 if something did.
    pub(crate) fn exit_code(&self) -> ExitCode {
        VerdictCounts::of(self.cells().iter().map(|cell| &cell.verdict)).exit_code()
    }

    /// One object for each row and tool, and a summary.
    pub(crate) fn json(&self) -> String {
        let cells = self.cells();
        let rows = cells.iter().map(ReportCell::line);
        let summary = ReportLine::Summary(VerdictCounts::of(cells.iter().map(|cell| &cell.verdict)));
        json_lines(rows.chain([summary]))
    }

    /// A line for each row and tool, then the matrix, then a sum.
    pub(crate) fn text(&self) -> String {
        let cells = self.cells();
        let lines: Vec<_> = cells.iter().map(ReportCell::words).collect();
        let sum = VerdictCounts::of(cells.iter().map(|cell| &cell.verdict));
        format!("{}\n{}\n{sum}\n", aligned(&lines), aligned(&self.matrix(&cells)))
    }

    /// A head and the rows: exit code, and who was named. What failed has an exclamation mark, what
    /// differs an asterisk.
    fn matrix(&self, cells: &[ReportCell<'_>]) -> Vec<Vec<String>> {
        let head = ["", "documented"].into_iter().chain(self.0.iter().map(|column| column.kind.name()));
        let mut lines = vec![head.map(str::to_owned).collect::<Vec<_>>()];
        for row in &ROWS {
            let of_row = cells.iter().filter(|cell| cell.row == row).map(ReportCell::says);
            lines.push([row.name.to_owned(), row.correct.to_string()].into_iter().chain(of_row).collect());
        }
        lines
    }

    /// Row by row, and in each tool by tool.
    fn cells(&self) -> Vec<ReportCell<'_>> {
        let of_row = |(number, row): (usize, &'static ComparisonRow)| {
            self.0.iter().map(move |column| column.cell(number, row))
        };
        ROWS.iter().enumerate().flat_map(of_row).collect()
    }
}

impl ToolColumn {
    fn cell(&self, number: usize, row: &'static ComparisonRow) -> ReportCell<'_> {
        let (version, asked) = match &self.asked {
            Ok((tool, asked)) => (tool.version.as_deref(), asked.get(number)),
            Err(_) => (None, None),
        };
        let verdict = match (&self.asked, asked) {
            (_, Some(asked)) => self.kind.verdict(row, version, &asked.result),
            (Err(reason), _) => Verdict::Skipped(reason.clone()),
            (Ok(_), None) => Verdict::Failed("it was not asked".to_owned()),
        };
        ReportCell { row, kind: self.kind, version, asked, verdict }
    }
}

impl ReportCell<'_> {
    fn line(&self) -> ReportLine<'_> {
        let (exit_code, stations) = match self.asked.map(|asked| &asked.result) {
            Some(RunResult::Answered(end, stations, _)) => (Some(*end), stations.iter().collect()),
            _ => (None, Vec::new()),
        };
        let station = |&(protocol_address, hardware): &(Ipv4Addr, Option<_>)| JsonStation {
            protocol_address,
            hardware_address: hardware.map(mac),
        };
        ReportLine::ComparisonRow {
            name: self.row.name,
            tool: self.kind.name(),
            version: self.version,
            command: self.command(),
            exit_code: exit_code
                .and_then(|end| if let ToolExit::Code(code) = end { Some(code) } else { None }),
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
        let Some(RunResult::Answered(end, seen, _)) = self.asked.map(|asked| &asked.result) else {
            return "-".to_owned();
        };
        let mark = match self.verdict {
            Verdict::Failed(_) => " !",
            Verdict::Differs(_) => " *",
            Verdict::Passed | Verdict::Skipped(_) => "",
        };
        format!("{}{mark}", describe(*end, seen))
    }
}
