//! Report of the cases: a table, or JSON Lines.

use std::process::ExitCode;

use serde::Serialize;

use super::case::Verdict;
use testbed::suite::json_lines;

/// Verdict of one case for one host.
#[derive(Clone, Debug)]
pub(crate) struct CaseRecord {
    pub(crate) name: String,
    pub(crate) rule: &'static str,
    pub(crate) verdict: Verdict,
}

/// Records of one host. The host has one column in the table.
#[derive(Clone, Debug)]
pub(crate) struct HostColumn {
    pub(crate) target: &'static str,
    pub(crate) policy: &'static str,
    pub(crate) records: Vec<CaseRecord>,
}

/// Records of all hosts, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConformReport(Vec<HostColumn>);

/// Line of JSON output.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum ReportLine<'a> {
    Case {
        name: &'a str,
        rule: &'a str,
        target: &'a str,
        policy: &'a str,
        verdict: &'a str,
        reason: Option<&'a str>,
    },
    Summary(VerdictCounts),
}

/// Number of verdicts of each kind.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct VerdictCounts {
    passed: usize,
    failed: usize,
    skipped: usize,
    differs: usize,
}

impl ConformReport {
    /// Adds records to the column of their host.
    pub(crate) fn add(&mut self, target: &'static str, policy: &'static str, records: Vec<CaseRecord>) {
        let is_same_host = |column: &&mut HostColumn| (column.target, column.policy) == (target, policy);
        match self.0.iter_mut().find(is_same_host) {
            Some(column) => column.records.extend(records),
            None => self.0.push(HostColumn { target, policy, records }),
        }
    }

    /// Returns 0 if no case failed, else 1.
    pub(crate) fn exit_code(&self) -> ExitCode {
        self.sum().exit_code()
    }

    /// Returns JSON Lines: one object per case and host, then a summary.
    pub(crate) fn json(&self) -> String {
        let mut lines = Vec::new();
        for HostColumn { target, policy, records } in &self.0 {
            for CaseRecord { name, rule, verdict } in records {
                let (verdict, reason) = (verdict.name(), verdict.reason());
                lines.push(ReportLine::Case { name, rule, target, policy, verdict, reason });
            }
        }
        lines.push(ReportLine::Summary(self.sum()));
        json_lines(lines)
    }

    /// Returns the text output: one row per case with a verdict for each host, then the reasons, then the counts.
    pub(crate) fn table(&self) -> String {
        let mut rows = vec![self.head()];
        let mut reasons = String::new();
        for (name, rule) in self.cases() {
            let mut row = vec![name.to_owned(), rule.to_owned()];
            for column in &self.0 {
                let verdict = column.records.iter().find(|record| record.name == name);
                row.push(verdict.map_or("-", |record| record.verdict.name()).to_owned());
            }
            rows.push(row);
            reasons.push_str(&self.reasons(name));
        }
        let blank = if reasons.is_empty() { "" } else { "\n" };
        format!("{}{blank}{reasons}\n{}\n", aligned(&rows), self.sum())
    }

    fn head(&self) -> Vec<String> {
        let hosts = self.0.iter().map(|column| column.policy);
        ["case", "rule"].into_iter().chain(hosts).map(str::to_owned).collect()
    }

    /// Returns each case once, in the order of its first record.
    fn cases(&self) -> Vec<(&str, &'static str)> {
        let mut cases: Vec<(&str, &str)> = Vec::new();
        for record in self.0.iter().flat_map(|column| &column.records) {
            if cases.iter().all(|(name, _)| *name != record.name) {
                cases.push((&record.name, record.rule));
            }
        }
        cases
    }

    /// Returns a line for each reason of a case, with the hosts to which the reason applies.
    fn reasons(&self, name: &str) -> String {
        let mut reasons: Vec<(&Verdict, Vec<&str>)> = Vec::new();
        for column in &self.0 {
            for record in column.records.iter().filter(|record| record.name == name) {
                match reasons.iter_mut().find(|(verdict, _)| **verdict == record.verdict) {
                    Some((_, hosts)) => hosts.push(column.policy),
                    None => reasons.push((&record.verdict, vec![column.policy])),
                }
            }
        }
        let line = |(verdict, hosts): (&Verdict, Vec<&str>)| {
            let reason = verdict.reason()?;
            Some(format!("{}: {name} ({}): {reason}\n", verdict.name(), hosts.join(", ")))
        };
        reasons.into_iter().filter_map(line).collect()
    }

    fn sum(&self) -> VerdictCounts {
        VerdictCounts::of(self.0.iter().flat_map(|column| &column.records).map(|record| &record.verdict))
    }
}

impl VerdictCounts {
    /// Counts verdicts.
    pub fn of<'a>(verdicts: impl Iterator<Item = &'a Verdict>) -> VerdictCounts {
        let mut sum = VerdictCounts::default();
        for verdict in verdicts {
            *match verdict {
                Verdict::Passed => &mut sum.passed,
                Verdict::Failed(_) => &mut sum.failed,
                Verdict::Skipped(_) => &mut sum.skipped,
                Verdict::Differs(_) => &mut sum.differs,
            } += 1;
        }
        sum
    }

    /// Returns 0 if no case failed, else 1.
    pub fn exit_code(self) -> ExitCode {
        ExitCode::from(u8::from(self.failed > 0))
    }
}

impl std::fmt::Display for VerdictCounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let VerdictCounts { passed, failed, skipped, differs } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")?;
        if *differs > 0 { write!(f, ", {differs} differ as recorded") } else { Ok(()) }
    }
}

impl Verdict {
    /// Returns the printed name of the verdict.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
            Self::Differs(_) => "differs",
        }
    }

    /// Returns the reason of the verdict, or `None` for a passed case.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Passed => None,
            Self::Failed(reason) | Self::Skipped(reason) | Self::Differs(reason) => Some(reason),
        }
    }
}

/// Formats rows with aligned columns.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests;
