//! What the comparison came to: a table for people, or JSON, one object a line.

use std::fmt::Write;
use std::process::ExitCode;

use serde::Serialize;

use super::compare::{ComparedValue, Difference};
use super::lines::{LINE_RULES, LineComparison};
use super::pdml::PdmlPacket;
use super::process::ProgramEnd;
use super::rules::{RULES, explain};
use testbed::suite::json_lines;

/// How many differences that nothing explains are told of each capture in the table.
const SHOWN_DIFFERENCES: usize = 20;

/// All of it.
#[derive(Debug)]
pub(crate) struct CorpusReport {
    version: String,
    files: Vec<CaptureResult>,
    /// Why no words were compared, if none were.
    pub(crate) lines_not_compared: Option<String>,
}

/// What one capture came to.
#[derive(Debug, Default)]
struct CaptureResult {
    name: String,
    frames: u64,
    values: u64,
    equal: u64,
    /// How many differences each rule explains, in the order of the table.
    explained: Vec<u64>,
    unexplained: Vec<Difference>,
    words: LineComparison,
    /// Packets that are not Ethernet, which `decode` leaves out and counts.
    foreign: u64,
    /// Why it was left out.
    skipped: Option<String>,
}

/// One line of JSON.
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
        words_refused: Option<&'a str>,
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

    /// What follows is of this capture.
    pub(crate) fn begin(&mut self, name: String) {
        self.files.push(CaptureResult { name, explained: vec![0; RULES.len()], ..CaptureResult::default() });
    }

    pub(crate) fn frame(&mut self) {
        self.with(|file| file.frames += 1);
    }

    /// Takes in a value.
    pub(crate) fn take(&mut self, compared: &ComparedValue<'_>) {
        self.with(|file| {
            file.values += 1;
            if compared.ours == compared.theirs {
                file.equal += 1;
                return;
            }
            match explain(compared).and_then(|rule| file.explained.get_mut(rule)) {
                Some(count) => *count += 1,
                None => file.unexplained.push(Difference::of(compared)),
            }
        });
    }

    /// Takes in a packet that is not Ethernet.
    pub(crate) fn foreign(&mut self) {
        self.with(|file| file.foreign += 1);
    }

    /// Takes in the packets that tshark has behind our last one.
    pub(crate) fn left(&mut self, packets: &[PdmlPacket]) {
        for packet in packets {
            if packet.is_ethernet() {
                self.uneven(false);
                return;
            }
            self.foreign();
        }
    }

    /// Takes in that only one of the two has a further frame.
    pub(crate) fn uneven(&mut self, is_ours: bool) {
        let text = Some("a further frame".to_owned());
        let (ours, theirs) = if is_ours { (text, None) } else { (None, text) };
        self.with(|file| {
            let field = "capture".to_owned();
            file.unexplained.push(Difference { frame: file.frames + 1, field, ours, theirs });
        });
    }

    /// Takes in how the two ended.
    pub(crate) fn end(&mut self, ours: &ProgramEnd, theirs: &ProgramEnd) {
        self.with(|file| {
            let message = ours.errors.trim();
            if file.frames == 0 && message.contains("unsupported link type") {
                file.unexplained.clear();
                file.skipped = Some(message.to_owned());
                return;
            }
            // Ours says 0, 1 if a frame is bad, 2 if the capture is; anything else is no answer.
            let is_damaged = theirs.code != Some(0);
            let has_omitted =
                message.contains(&format!("{} packet", file.foreign)) && message.contains("omitted");
            let agrees = match (ours.code, is_damaged) {
                (Some(0 | 1), false) => file.foreign == 0,
                (Some(2), false) => file.foreign > 0 && has_omitted,
                (Some(2), true) => true,
                _ => false,
            };
            if !agrees {
                let field = "capture".to_owned();
                let (ours, theirs) = (Some(message.to_owned()), Some(theirs.errors.trim().to_owned()));
                file.unexplained.push(Difference { frame: file.frames, field, ours, theirs });
            }
        });
    }

    /// Takes in what became of the words of a capture.
    pub(crate) fn words(&mut self, name: &str, words: LineComparison) {
        if let Some(file) = self.files.iter_mut().find(|file| file.name == name) {
            file.unexplained.extend(words.unexplained.iter().cloned());
            file.words = words;
        }
    }

    /// Whether this capture was compared.
    pub(crate) fn has_compared(&self, name: &str) -> bool {
        self.files.iter().any(|file| file.name == name && file.skipped.is_none())
    }

    /// 0 if every difference is explained, 1 if one is not.
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

    /// Every rule, and how much it explains; those about words last.
    fn rules(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        let fields = RULES.iter().enumerate().map(|(place, rule)| {
            let count = |file: &CaptureResult| file.explained.get(place).copied().unwrap_or_default();
            (rule.name, rule.reason, self.sum(count))
        });
        let words = LINE_RULES.iter().enumerate().map(|(place, rule)| {
            let count = |file: &CaptureResult| file.words.explained.get(place).copied().unwrap_or_default();
            (rule.name, rule.reason, self.sum(count))
        });
        fields.chain(words)
    }

    /// Objects for what nothing explains, for each capture and each rule, and a summary.
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
                lines: file.words.lines,
                lines_equal: file.words.equal,
                words_refused: file.words.refused.as_deref(),
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

    /// A row for each capture and each rule, what nothing explains, and a sum.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("{}\n\n", self.version);
        // Writing to a String does not fail.
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
            let CaptureResult { name, frames, values, equal, unexplained, words, skipped, .. } = file;
            let why = skipped.as_ref().map_or(String::new(), |why| format!(" (left out: {why})"));
            writeln!(
                text,
                "{frames:>8} {values:>9} {equal:>9} {explained:>9} {:>11} {:>7} {:>7}  {name}{why}",
                unexplained.len(),
                words.lines,
                words.equal
            )?;
        }
        Ok(())
    }

    fn write_rules(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\nexplained  rule")?;
        for (name, _, count) in self.rules() {
            let idle = if count == 0 { ": nothing here needs it" } else { "" };
            writeln!(text, "{count:>9}  {name}{idle}")?;
        }
        if let Some(why) = &self.lines_not_compared {
            writeln!(text, "\nno words were compared: {why}")?;
        }
        let refused = |file: &&CaptureResult| file.words.refused.is_some();
        let captures = self.files.iter().filter(refused).count();
        if captures > 0 {
            writeln!(text, "\nno words were compared of {captures} captures that tcpdump refused:")?;
        }
        for file in self.files.iter().filter(refused) {
            writeln!(text, "  {}: {}", file.name, file.words.refused.as_deref().unwrap_or_default())?;
        }
        Ok(())
    }

    fn write_differences(&self, text: &mut String) -> std::fmt::Result {
        text.push('\n');
        for file in &self.files {
            for Difference { frame, field, ours, theirs } in file.unexplained.iter().take(SHOWN_DIFFERENCES) {
                let [ours, theirs] = [ours, theirs].map(|value| value.as_deref().unwrap_or("nothing"));
                writeln!(text, "{} frame {frame} {field}: ours {ours}, theirs {theirs}", file.name)?;
            }
            let more = file.unexplained.len().saturating_sub(SHOWN_DIFFERENCES);
            if more > 0 {
                writeln!(text, "{}: and {more} more (--json tells all)", file.name)?;
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
