//! Compares the lines of `tapstack decode` for ARP frames with the lines of tcpdump.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;

use super::compare::Difference;
use super::process::RunningProgram;

/// Result for the lines of one capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LineComparison {
    pub(crate) lines: u64,
    pub(crate) equal: u64,
    /// Number of differences that each rule explains, in the order of the table.
    pub(crate) explained: Vec<u64>,
    pub(crate) unexplained: Vec<Difference>,
    /// Error of tcpdump, if tcpdump read no frame of the capture. In this case no lines were compared.
    pub(crate) refused: Option<String>,
}

/// An expected kind of difference between lines.
#[derive(Debug)]
pub(crate) struct LineRule {
    pub(crate) name: &'static str,
    pub(crate) reason: &'static str,
    explains: fn(&str, &str) -> bool,
}

/// The rules. If several rules explain a difference, the first of these rules is counted.
pub(crate) const LINE_RULES: &[LineRule] = &[
    LineRule {
        name: "lines: not Ethernet and IPv4",
        reason: "The ARP packet is too short, or has another hardware type, protocol type or length (RFC 826). \
                 `decode` reports the error in brackets; tcpdump parses the packet anyway, or marks it as truncated.",
        explains: |tapstack, reference| {
            let (head, text) = behind_header(tapstack);
            let reasons = [
                "[shorter than an ARP packet]",
                "[hardware type is",
                "[protocol type is",
                "[hardware address length is",
                "[protocol address length is",
            ];
            reasons.iter().any(|reason| text.contains(reason)) && reference.starts_with(head)
        },
    },
    LineRule {
        name: "lines: unknown operations",
        reason: "For an unknown operation, tcpdump prints the bytes; `decode` prints sender and target, which RFC 826 \
                 defines for all operations.",
        explains: |tapstack, reference| {
            let (head, text) = behind_header(reference);
            let operation = text.strip_prefix(ETHERNET_IPV4).unwrap_or_default();
            let is_unknown = operation.starts_with("Unknown (") && operation.ends_with(") ");
            (is_unknown || operation == "NACK Reply ")
                && tapstack.starts_with(&format!("{head}{ETHERNET_IPV4}"))
        },
    },
    LineRule {
        name: "lines: dropped frames",
        reason: "The length field of the frame exceeds the frame (IEEE 802.3 3.2.6), or the frame has the reserved \
                 VLAN or more than two tags. `decode` reports the error and prints the link header; tcpdump \
                 continues.",
        explains: |tapstack, _| {
            let reasons = ["[length field beyond the frame]", "[reserved VLAN", "[more than two VLAN tags]"];
            reasons.iter().any(|reason| tapstack.contains(reason))
        },
    },
    LineRule {
        name: "lines: truncated",
        reason: "The capture has truncated the packet: `decode` prints the length on the wire and the captured \
                 length; tcpdump marks the packet as truncated.",
        explains: |tapstack, reference| {
            let (head, text) = behind_header(tapstack);
            let is_cut = text.starts_with("length ") && text.contains(" [truncated: ");
            is_cut && reference.starts_with(head)
        },
    },
    LineRule {
        name: "lines: brackets",
        reason: "`decode` prints the errors of a frame and its captured length in brackets; tcpdump does not print \
                 them.",
        explains: |tapstack, reference| {
            tapstack.strip_prefix(reference).is_some_and(|more| more.starts_with(" [") && more.ends_with(']'))
        },
    },
];

/// Text before the operation of an ARP packet for Ethernet and IPv4.
const ETHERNET_IPV4: &str = "Ethernet (len 6), IPv4 (len 4), ";
/// Texts that identify a line for an ARP or RARP frame.
const ARP: [&str; 2] = ["ethertype ARP (0x0806)", "ethertype Reverse ARP (0x8035)"];

/// Splits a line after its link header.
fn behind_header(line: &str) -> (&str, &str) {
    let Some((_, rest)) = ARP.iter().find_map(|mark| line.split_once(mark)) else { return (line, "") };
    let is_length = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    let numbered = rest.strip_prefix(", length ").and_then(|rest| rest.split_once(": "));
    let text = match numbered.filter(|(length, _)| is_length(length)) {
        Some((_, text)) => text,
        // After a VLAN tag, no length follows.
        None => rest.strip_prefix(", ").unwrap_or_default(),
    };
    line.split_at_checked(line.len() - text.len()).unwrap_or((line, ""))
}

/// Compares the lines for the ARP frames of one capture.
pub(crate) fn of_file(program: &Path, file: &Path) -> Result<LineComparison, String> {
    let mut tapstack =
        RunningProgram::start(Command::new(program).args(["decode", "-t", "-e", "-v"]).arg(file))?;
    let mut reference =
        RunningProgram::start(Command::new("tcpdump").args(["-#", "-t", "-e", "-v", "-n", "-r"]).arg(file))?;
    let (mut our_lines, mut their_lines) =
        (DecodeLines(tapstack.output()?), TcpdumpLines::new(reference.output()?));
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
    tapstack.end()?;
    let end = reference.end()?;
    let is_refused = end.code != Some(0) && number == 1;
    match uneven {
        // tcpdump rejects a pcapng file with different interfaces.
        Some((Some(_), None)) if is_refused => {
            words.refused = Some(end.errors.trim().lines().last().unwrap_or("no message").to_owned());
        }
        Some((tapstack, reference)) => words.differ(number, tapstack, reference),
        None => {}
    }
    Ok(words)
}

impl LineComparison {
    /// Compares the lines of both programs for one frame.
    fn take(&mut self, frame: u64, tapstack: &str, reference: &str) {
        if ![tapstack, reference].iter().any(|line| ARP.iter().any(|mark| line.contains(mark))) {
            return;
        }
        self.lines += 1;
        if tapstack == reference {
            self.equal += 1;
            return;
        }
        let rule = LINE_RULES.iter().position(|rule| (rule.explains)(tapstack, reference));
        match rule.and_then(|rule| self.explained.get_mut(rule)) {
            Some(count) => *count += 1,
            None => self.differ(frame, Some(tapstack.to_owned()), Some(reference.to_owned())),
        }
    }

    /// Adds a difference that no rule explains.
    fn differ(&mut self, frame: u64, tapstack: Option<String>, reference: Option<String>) {
        self.unexplained.push(Difference { frame, field: "line".to_owned(), tapstack, reference });
    }
}

/// Reader of tapstack's first line for each frame. The other lines of a frame are indented.
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

/// Reader of tcpdump's first line for each frame. This line starts with the frame number.
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

/// Returns the next line without its line break.
fn line(from: &mut impl BufRead) -> Result<Option<String>, String> {
    let mut bytes = Vec::new();
    let length = from.read_until(b'\n', &mut bytes).map_err(|error| format!("cannot read lines: {error}"))?;
    Ok((length > 0).then(|| String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned()))
}

#[cfg(test)]
mod tests;
