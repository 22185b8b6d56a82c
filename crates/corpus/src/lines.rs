//! The words about ARP frames, beside tcpdump's.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;

use super::compare::Difference;
use super::process::RunningProgram;

/// What became of the lines of one capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LineComparison {
    pub(crate) lines: u64,
    pub(crate) equal: u64,
    /// How many differences each rule explains, in the order of the table.
    pub(crate) explained: Vec<u64>,
    pub(crate) unexplained: Vec<Difference>,
    /// Error of tcpdump, if it read no frame of the capture: no words were compared.
    pub(crate) refused: Option<String>,
}

/// A kind of difference between lines that is as it should be.
#[derive(Debug)]
pub(crate) struct LineRule {
    pub(crate) name: &'static str,
    pub(crate) reason: &'static str,
    explains: fn(&str, &str) -> bool,
}

/// The first that explains a difference counts.
pub(crate) const LINE_RULES: &[LineRule] = &[
    LineRule {
        name: "words: not for Ethernet and IPv4",
        reason: "Of an ARP packet that is too short, or has another hardware type, protocol type or length \
                 (RFC 826), `decode` says in brackets which it is; tcpdump guesses at it, or marks it as cut.",
        explains: |ours, theirs| {
            let (head, text) = behind_header(ours);
            let reasons = [
                "[shorter than an ARP packet]",
                "[hardware type is",
                "[protocol type is",
                "[hardware length is",
                "[protocol length is",
            ];
            reasons.iter().any(|reason| text.contains(reason)) && theirs.starts_with(head)
        },
    },
    LineRule {
        name: "words: unknown operations",
        reason: "Behind an operation that it does not know tcpdump prints the octets; `decode` prints sender and \
                 target, whose meaning RFC 826 does not leave to the operation.",
        explains: |ours, theirs| {
            let (head, text) = behind_header(theirs);
            let operation = text.strip_prefix(ETHERNET_IPV4).unwrap_or_default();
            let is_unknown = operation.starts_with("Unknown (") && operation.ends_with(") ");
            (is_unknown || operation == "NACK Reply ") && ours.starts_with(&format!("{head}{ETHERNET_IPV4}"))
        },
    },
    LineRule {
        name: "words: frames that are not read",
        reason: "A frame whose length field promises more than was on the wire (IEEE 802.3 3.2.6), with a reserved VLAN or \
                 with more than two tags is dropped: `decode` says so and shows its link header, tcpdump reads on.",
        explains: |ours, _| {
            let reasons = ["[length field beyond the frame]", "[reserved VLAN", "[more than two VLAN tags]"];
            reasons.iter().any(|reason| ours.contains(reason))
        },
    },
    LineRule {
        name: "words: cut short",
        reason: "Of a packet that the capture cut, `decode` says the length on the wire and how much was captured; tcpdump \
                 marks it as cut.",
        explains: |ours, theirs| {
            let (head, text) = behind_header(ours);
            let is_cut = text.starts_with("length ") && text.contains(" [truncated: ");
            is_cut && theirs.starts_with(head)
        },
    },
    LineRule {
        name: "words: brackets",
        reason: "`decode` says in brackets what is wrong with a frame and how much of it was captured, tcpdump does not.",
        explains: |ours, theirs| {
            ours.strip_prefix(theirs).is_some_and(|more| more.starts_with(" [") && more.ends_with(']'))
        },
    },
];

/// What stands before the operation of a packet for Ethernet and IPv4.
const ETHERNET_IPV4: &str = "Ethernet (len 6), IPv4 (len 4), ";
/// Marks of a line about ARP or RARP.
const ARP: [&str; 2] = ["ethertype ARP (0x0806)", "ethertype Reverse ARP (0x8035)"];

/// A line's link header, and what comes after it.
fn behind_header(line: &str) -> (&str, &str) {
    let Some((_, rest)) = ARP.iter().find_map(|mark| line.split_once(mark)) else { return (line, "") };
    let is_length = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    let numbered = rest.strip_prefix(", length ").and_then(|rest| rest.split_once(": "));
    let text = match numbered.filter(|(length, _)| is_length(length)) {
        Some((_, text)) => text,
        // Behind a tag stands no length.
        None => rest.strip_prefix(", ").unwrap_or_default(),
    };
    line.split_at_checked(line.len() - text.len()).unwrap_or((line, ""))
}

/// Compares the lines about the ARP frames of one capture.
pub(crate) fn of_file(program: &Path, file: &Path) -> Result<LineComparison, String> {
    let mut ours = RunningProgram::start(Command::new(program).args(["decode", "-t", "-e", "-v"]).arg(file))?;
    let mut theirs =
        RunningProgram::start(Command::new("tcpdump").args(["-#", "-t", "-e", "-v", "-n", "-r"]).arg(file))?;
    let (mut our_lines, mut their_lines) = (DecodeLines(ours.output()?), TcpdumpLines::new(theirs.output()?));
    let mut words = LineComparison { explained: vec![0; LINE_RULES.len()], ..LineComparison::default() };
    let (mut number, mut uneven) = (0, None);
    loop {
        number += 1;
        match (our_lines.next()?, their_lines.next()?) {
            (Some(line), Some(other)) => words.take(number, &line, &other),
            (None, None) => break,
            more => {
                uneven = Some(more);
                break;
            }
        }
    }
    drop((our_lines, their_lines));
    ours.end()?;
    let end = theirs.end()?;
    let is_refused = end.code != Some(0) && number == 1;
    match uneven {
        // It reads no pcapng whose interfaces differ.
        Some((Some(_), None)) if is_refused => {
            words.refused = Some(end.errors.trim().lines().last().unwrap_or("no message").to_owned());
        }
        Some((ours, theirs)) => words.differ(number, ours, theirs),
        None => {}
    }
    Ok(words)
}

impl LineComparison {
    /// Takes in the lines of both about one frame.
    fn take(&mut self, frame: u64, ours: &str, theirs: &str) {
        if ![ours, theirs].iter().any(|line| ARP.iter().any(|mark| line.contains(mark))) {
            return;
        }
        self.lines += 1;
        if ours == theirs {
            self.equal += 1;
            return;
        }
        let rule = LINE_RULES.iter().position(|rule| (rule.explains)(ours, theirs));
        match rule.and_then(|rule| self.explained.get_mut(rule)) {
            Some(count) => *count += 1,
            None => self.differ(frame, Some(ours.to_owned()), Some(theirs.to_owned())),
        }
    }

    /// Takes in a difference that nothing explains.
    fn differ(&mut self, frame: u64, ours: Option<String>, theirs: Option<String>) {
        self.unexplained.push(Difference { frame, field: "words".to_owned(), ours, theirs });
    }
}

/// Our first line about each frame: the others are indented.
struct DecodeLines<R>(BufReader<R>);

impl<R: std::io::Read> DecodeLines<R> {
    fn next(&mut self) -> Result<Option<String>, String> {
        loop {
            match line(&mut self.0)? {
                Some(text) if text.starts_with([' ', '\t']) => {}
                other => return Ok(other),
            }
        }
    }
}

/// tcpdump's first line about each frame: it begins with the frame's number.
struct TcpdumpLines<R> {
    from: BufReader<R>,
    number: u64,
}

impl<R: std::io::Read> TcpdumpLines<R> {
    fn new(from: BufReader<R>) -> TcpdumpLines<R> {
        TcpdumpLines { from, number: 0 }
    }

    fn next(&mut self) -> Result<Option<String>, String> {
        let expected = self.number + 1;
        while let Some(text) = line(&mut self.from)? {
            let found =
                text.trim_start().split_once("  ").filter(|(number, _)| *number == expected.to_string());
            if let Some((_, rest)) = found {
                self.number = expected;
                return Ok(Some(rest.to_owned()));
            }
        }
        Ok(None)
    }
}

/// A line without its end.
fn line(from: &mut impl BufRead) -> Result<Option<String>, String> {
    let mut bytes = Vec::new();
    let length = from.read_until(b'\n', &mut bytes).map_err(|error| format!("cannot read lines: {error}"))?;
    Ok((length > 0).then(|| String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned()))
}

#[cfg(test)]
mod tests;
