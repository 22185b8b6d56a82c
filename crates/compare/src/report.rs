//! The report: one line per row and tool and a table, or JSON Lines.

use std::net::Ipv4Addr;
use std::process::ExitCode;

use serde::Serialize;

use super::rows::{ComparisonRow, Question, ROWS, ToolExit, describe};
use super::run::{RowResult, RunResult};
use super::tool::{Tool, ToolKind};
use conform::case::Verdict;
use conform::frames::mac;
use conform::report::{VerdictCounts, aligned};
use testbed::suite::json_lines;

/// A tool and its results for all rows, or the reason why the tool was not run.
pub(crate) struct ToolColumn {
    pub(crate) kind: ToolKind,
    pub(crate) results: Result<(Tool, Vec<RowResult>), String>,
}

/// The results of all tools.
pub(crate) struct CompareReport(pub(crate) Vec<ToolColumn>);

/// The result of one row for one tool.
struct ReportCell<'a> {
    row: &'static ComparisonRow,
    kind: ToolKind,
    version: Option<&'a str>,
    result: Option<&'a RowResult>,
    verdict: Verdict,
}

/// One line of the JSON output.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum ReportLine<'a> {
    Row {
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
    ip: Ipv4Addr,
    mac: Option<String>,
}

/// A table of the report: rows, and the tools that run at least one of these rows.
pub(crate) struct ReportTable {
    pub(crate) rows: Vec<&'static ComparisonRow>,
    pub(crate) kinds: Vec<ToolKind>,
}

impl ReportTable {
    /// Returns the table of the situations, and the table of the conflicts.
    pub(crate) fn all() -> [ReportTable; 2] {
        [false, true].map(|has_conflicts| {
            let is_in = |row: &&ComparisonRow| (row.question == Question::Conflict) == has_conflicts;
            let rows: Vec<_> = ROWS.iter().filter(is_in).collect();
            let is_run = |kind: &ToolKind| rows.iter().any(|row| kind.skip_reason(row).is_none());
            ReportTable { kinds: ToolKind::ALL.into_iter().filter(is_run).collect(), rows }
        })
    }

    /// Returns the header of the table.
    pub(crate) fn header(&self) -> Vec<&'static str> {
        ["row", "documented"].into_iter().chain(self.kinds.iter().map(|kind| kind.name())).collect()
    }

    /// Returns the table with its header. A cell contains the exit code and the named hosts. An exclamation mark marks
    /// a failure, and an asterisk a difference.
    fn lines(&self, cells: &[ReportCell<'_>]) -> Vec<Vec<String>> {
        let mut lines = vec![self.header().into_iter().map(str::to_owned).collect::<Vec<_>>()];
        for row in &self.rows {
            let is_shown = |cell: &&ReportCell<'_>| cell.row == *row && self.kinds.contains(&cell.kind);
            let of_row = cells.iter().filter(is_shown).map(ReportCell::answer);
            lines.push([row.name.to_owned(), row.correct.to_string()].into_iter().chain(of_row).collect());
        }
        lines
    }
}

impl CompareReport {
    /// Returns 0 if no row failed, else 1.
    pub(crate) fn exit_code(&self) -> ExitCode {
        VerdictCounts::of(self.cells().iter().map(|cell| &cell.verdict)).exit_code()
    }

    /// Returns the JSON output: one object per row and tool, and a summary.
    pub(crate) fn json(&self) -> String {
        let cells = self.cells();
        let rows = cells.iter().map(ReportCell::line);
        let summary = ReportLine::Summary(VerdictCounts::of(cells.iter().map(|cell| &cell.verdict)));
        json_lines(rows.chain([summary]))
    }

    /// Returns the text output: one line per row and tool, the tables, and the number of verdicts.
    pub(crate) fn text(&self) -> String {
        let cells = self.cells();
        let lines: Vec<_> = cells.iter().map(ReportCell::cells).collect();
        let counts = VerdictCounts::of(cells.iter().map(|cell| &cell.verdict));
        let tables = ReportTable::all().map(|table| aligned(&table.lines(&cells)));
        format!("{}\n{}\n{counts}\n", aligned(&lines), tables.join("\n"))
    }

    /// Returns all cells, ordered by row, then by tool.
    fn cells(&self) -> Vec<ReportCell<'_>> {
        let of_row = |(number, row): (usize, &'static ComparisonRow)| {
            self.0.iter().map(move |column| column.cell(number, row))
        };
        ROWS.iter().enumerate().flat_map(of_row).collect()
    }
}

impl ToolColumn {
    fn cell(&self, number: usize, row: &'static ComparisonRow) -> ReportCell<'_> {
        let (version, result) = match &self.results {
            Ok((tool, results)) => (tool.version.as_deref(), results.get(number)),
            Err(_) => (None, None),
        };
        let verdict = match (&self.results, result) {
            (_, Some(result)) => self.kind.verdict(row, version, &result.result),
            (Err(reason), _) => Verdict::Skipped(reason.clone()),
            (Ok(_), None) => Verdict::Failed("the row was not run".to_owned()),
        };
        ReportCell { row, kind: self.kind, version, result, verdict }
    }
}

impl ReportCell<'_> {
    fn line(&self) -> ReportLine<'_> {
        let (exit_code, stations) = match self.result.map(|result| &result.result) {
            Some(RunResult::Answered(exit, stations, _)) => (Some(*exit), stations.iter().collect()),
            _ => (None, Vec::new()),
        };
        let station = |&(ip, address): &(Ipv4Addr, Option<_>)| JsonStation { ip, mac: address.map(mac) };
        ReportLine::Row {
            name: self.row.name,
            tool: self.kind.name(),
            version: self.version,
            command: self.command(),
            exit_code: exit_code
                .and_then(|exit| if let ToolExit::Code(code) = exit { Some(code) } else { None }),
            stations: stations.into_iter().map(station).collect(),
            verdict: self.verdict.name(),
            reason: self.verdict.reason(),
        }
    }

    fn command(&self) -> Option<&str> {
        self.result.and_then(|result| result.command.as_deref())
    }

    fn cells(&self) -> Vec<String> {
        let tool = self
            .version
            .map_or(self.kind.name().to_owned(), |version| format!("{} {version}", self.kind.name()));
        let command = self.command().map_or(String::new(), |command| format!("`{command}`"));
        let reason = self.verdict.reason().unwrap_or_default().to_owned();
        vec![self.verdict.name().to_owned(), self.row.name.to_owned(), tool, self.answer(), command, reason]
    }

    fn answer(&self) -> String {
        let Some(RunResult::Answered(exit, named, _)) = self.result.map(|result| &result.result) else {
            return "-".to_owned();
        };
        let mark = match self.verdict {
            Verdict::Failed(_) => " !",
            Verdict::Differs(_) => " *",
            Verdict::Passed | Verdict::Skipped(_) => "",
        };
        format!("{}{mark}", describe(*exit, named))
    }
}
