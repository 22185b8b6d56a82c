//! The report: a table, or JSON Lines.

use std::fmt::Write;
use std::process::ExitCode;

use serde::Serialize;

use super::compare::{ComparedValue, Difference};
use super::lines::{LINE_RULES, LineComparison};
use super::pdml::PdmlPacket;
use super::process::ProgramEnd;
use super::rules::{RULES, explain};
use testbed::suite::json_lines;

/// Maximum number of unexplained differences per capture in the table.
const SHOWN_DIFFERENCES: usize = 20;

/// The results of all captures.
#[derive(Debug)]
pub(crate) struct CorpusReport {
    version: String,
    files: Vec<CaptureResult>,
    /// Reason why no lines were compared, or `None` if lines were compared.
    pub(crate) lines_not_compared: Option<String>,
}

/// The result of one capture.
#[derive(Debug, Default)]
struct CaptureResult {
    name: String,
    frames: u64,
    values: u64,
    equal: u64,
    /// Number of differences that each rule explains, in the order of the table.
    explained: Vec<u64>,
    unexplained: Vec<Difference>,
    lines: LineComparison,
    /// Number of packets that are not Ethernet. `decode` omits and counts these packets.
    foreign: u64,
    /// Reason why the capture was skipped, or `None` if the capture was compared.
    skipped: Option<String>,
}

/// A line of JSON output.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum ReportLine<'a> {
    Difference {
        file: &'a str,
        #[serde(flatten)]
        difference: &'a Difference,
    },
    File {
        file: &'a str,
        frames: u64,
        values: u64,
        equal: u64,
        explained: u64,
        unexplained: usize,
        lines: u64,
        lines_equal: u64,
        lines_rejected: Option<&'a str>,
        skipped: Option<&'a str>,
    },
    Rule {
        rule: &'a str,
        reason: &'a str,
        explained: u64,
    },
    Summary {
        tshark: &'a str,
        files: usize,
        frames: u64,
        values: u64,
        equal: u64,
        explained: u64,
        unexplained: usize,
    },
}

impl CorpusReport {
    pub(crate) fn new(version: String) -> CorpusReport {
        CorpusReport { version, files: Vec::new(), lines_not_compared: None }
    }

    /// Starts the result of a capture.
    pub(crate) fn begin(&mut self, name: String) {
        self.files.push(CaptureResult { name, explained: vec![0; RULES.len()], ..CaptureResult::default() });
    }

    pub(crate) fn frame(&mut self) {
        self.with(|file| file.frames += 1);
    }

    /// Adds a compared value.
    pub(crate) fn take(&mut self, compared: &ComparedValue<'_>) {
        self.with(|file| {
            file.values += 1;
            if compared.tapstack == compared.reference {
                file.equal += 1;
                return;
            }
            match explain(compared).and_then(|rule| file.explained.get_mut(rule)) {
                Some(count) => *count += 1,
                None => file.unexplained.push(Difference::of(compared)),
            }
        });
    }

    /// Adds a packet that is not Ethernet.
    pub(crate) fn foreign(&mut self) {
        self.with(|file| file.foreign += 1);
    }

    /// Adds the packets of tshark that follow the last frame of tapstack.
    pub(crate) fn left(&mut self, packets: &[PdmlPacket]) {
        for packet in packets {
            if packet.is_ethernet() {
                self.uneven(false);
                return;
            }
            self.foreign();
        }
    }

    /// Adds a frame that only one program has.
    pub(crate) fn uneven(&mut self, is_tapstack: bool) {
        let text = Some("another frame".to_owned());
        let (tapstack, reference) = if is_tapstack { (text, None) } else { (None, text) };
        self.with(|file| {
            let field = "capture".to_owned();
            file.unexplained.push(Difference { frame: file.frames + 1, field, tapstack, reference });
        });
    }

    /// Adds the exit codes and errors of both programs.
    pub(crate) fn end(&mut self, tapstack: &ProgramEnd, reference: &ProgramEnd) {
        self.with(|file| {
            let message = tapstack.errors.trim();
            if file.frames == 0 && message.contains("unsupported link type") {
                file.unexplained.clear();
                file.skipped = Some(message.to_owned());
                return;
            }
            // `decode` exits with 1 if a frame is invalid, and with 2 if the capture is invalid or packets are omitted.
            let is_damaged = reference.code != Some(0);
            let has_omitted =
                message.contains(&format!("{} packet", file.foreign)) && message.contains("omitted");
            let agrees = match (tapstack.code, is_damaged) {
                (Some(0 | 1), false) => file.foreign == 0,
                (Some(2), false) => file.foreign > 0 && has_omitted,
                (Some(2), true) => true,
                _ => false,
            };
            if !agrees {
                let field = "capture".to_owned();
                let (tapstack, reference) =
                    (Some(message.to_owned()), Some(reference.errors.trim().to_owned()));
                file.unexplained.push(Difference { frame: file.frames, field, tapstack, reference });
            }
        });
    }

    /// Adds the result for the lines of a capture.
    pub(crate) fn add_lines(&mut self, name: &str, lines: LineComparison) {
        if let Some(file) = self.files.iter_mut().find(|file| file.name == name) {
            file.unexplained.extend(lines.unexplained.iter().cloned());
            file.lines = lines;
        }
    }

    /// Returns whether this capture was compared.
    pub(crate) fn has_compared(&self, name: &str) -> bool {
        self.files.iter().any(|file| file.name == name && file.skipped.is_none())
    }

    /// Returns the exit code: 0 if every difference is explained, else 1.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(u8::from(self.unexplained() > 0))
    }

    fn with(&mut self, change: impl FnOnce(&mut CaptureResult)) {
        if let Some(file) = self.files.last_mut() {
            change(file);
        }
    }

    fn sum(&self, of: impl Fn(&CaptureResult) -> u64) -> u64 {
        self.files.iter().map(of).sum()
    }

    pub(crate) fn unexplained(&self) -> usize {
        self.files.iter().map(|file| file.unexplained.len()).sum()
    }

    /// Returns the name and reason of every rule, with the number of differences that the rule explains. The rules for
    /// lines are last.
    fn rules(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        let fields = RULES.iter().enumerate().map(|(place, rule)| {
            let count = |file: &CaptureResult| file.explained.get(place).copied().unwrap_or_default();
            (rule.name, rule.reason, self.sum(count))
        });
        let lines = LINE_RULES.iter().enumerate().map(|(place, rule)| {
            let count = |file: &CaptureResult| file.lines.explained.get(place).copied().unwrap_or_default();
            (rule.name, rule.reason, self.sum(count))
        });
        fields.chain(lines)
    }

    /// Formats JSON Lines: unexplained differences, captures, rules, and a summary.
    pub(crate) fn json(&self) -> String {
        let mut lines = Vec::new();
        for file in &self.files {
            let differences = file.unexplained.iter();
            lines.extend(
                differences.map(|difference| ReportLine::Difference { file: &file.name, difference }),
            );
            lines.push(ReportLine::File {
                file: &file.name,
                frames: file.frames,
                values: file.values,
                equal: file.equal,
                explained: file.explained.iter().sum(),
                unexplained: file.unexplained.len(),
                lines: file.lines.lines,
                lines_equal: file.lines.equal,
                lines_rejected: file.lines.refused.as_deref(),
                skipped: file.skipped.as_deref(),
            });
        }
        lines.extend(self.rules().map(|(rule, reason, explained)| ReportLine::Rule {
            rule,
            reason,
            explained,
        }));
        lines.push(ReportLine::Summary {
            tshark: &self.version,
            files: self.files.len(),
            frames: self.sum(|file| file.frames),
            values: self.sum(|file| file.values),
            equal: self.sum(|file| file.equal),
            explained: self.sum(|file| file.explained.iter().sum()),
            unexplained: self.unexplained(),
        });
        json_lines(lines)
    }

    /// Formats text: a table of captures, a table of rules, unexplained differences, and a summary.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("{}\n\n", self.version);
        // Errors are ignored, because writing to a String cannot fail.
        let _ = self.write_files(&mut text);
        let _ = self.write_rules(&mut text);
        let _ = self.write_differences(&mut text);
        text
    }

    fn write_files(&self, text: &mut String) -> std::fmt::Result {
        writeln!(
            text,
            "{:>8} {:>9} {:>9} {:>9} {:>11} {:>7} {:>7}  capture",
            "frames", "values", "equal", "explained", "unexplained", "lines", "equal"
        )?;
        for file in &self.files {
            let explained: u64 = file.explained.iter().sum();
            let CaptureResult { name, frames, values, equal, unexplained, lines, skipped, .. } = file;
            let why = skipped.as_ref().map_or(String::new(), |why| format!(" (skipped: {why})"));
            writeln!(
                text,
                "{frames:>8} {values:>9} {equal:>9} {explained:>9} {:>11} {:>7} {:>7}  {name}{why}",
                unexplained.len(),
                lines.lines,
                lines.equal
            )?;
        }
        Ok(())
    }

    fn write_rules(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\nexplained  rule")?;
        for (name, _, count) in self.rules() {
            let idle = if count == 0 { ": no difference" } else { "" };
            writeln!(text, "{count:>9}  {name}{idle}")?;
        }
        if let Some(why) = &self.lines_not_compared {
            writeln!(text, "\nlines not compared: {why}")?;
        }
        let refused = |file: &&CaptureResult| file.lines.refused.is_some();
        let captures = self.files.iter().filter(refused).count();
        if captures > 0 {
            writeln!(text, "\nlines not compared in {captures} captures, which tcpdump rejected:")?;
        }
        for file in self.files.iter().filter(refused) {
            writeln!(text, "  {}: {}", file.name, file.lines.refused.as_deref().unwrap_or_default())?;
        }
        Ok(())
    }

    fn write_differences(&self, text: &mut String) -> std::fmt::Result {
        text.push('\n');
        for file in &self.files {
            for Difference { frame, field, tapstack, reference } in
                file.unexplained.iter().take(SHOWN_DIFFERENCES)
            {
                let [tapstack, reference] =
                    [tapstack, reference].map(|value| value.as_deref().unwrap_or("nothing"));
                writeln!(
                    text,
                    "{} frame {frame} {field}: tapstack {tapstack}, reference {reference}",
                    file.name
                )?;
            }
            let more = file.unexplained.len().saturating_sub(SHOWN_DIFFERENCES);
            if more > 0 {
                writeln!(text, "{}: {more} more (see --json)", file.name)?;
            }
        }
        writeln!(
            text,
            "{} captures, {} frames, {} values: {} equal, {} explained, {} not",
            self.files.len(),
            self.sum(|file| file.frames),
            self.sum(|file| file.values),
            self.sum(|file| file.equal),
            self.sum(|file| file.explained.iter().sum()),
            self.unexplained()
        )
    }
}

#[cfg(test)]
mod tests;
