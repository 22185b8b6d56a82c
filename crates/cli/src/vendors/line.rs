//! Parser of vendor file lines in all known formats.

use super::Prefix;

/// A parsed line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum VendorLine {
    Entry(Prefix, Box<str>),
    /// An empty line, a comment, a heading or the continuation of an entry.
    Other,
    /// A line that cannot be parsed.
    Invalid,
}

/// Number of bits in a MAC address.
const BITS: u32 = 48;

/// Returns the mask of the first `length` bits of a MAC address.
pub(super) fn mask(length: u32) -> u64 {
    let all = (1_u64 << BITS) - 1;
    all & !(all.checked_shr(length).unwrap_or(0))
}

/// Parses a line:
///
/// - arp-scan and nmap: `00005E<tab>IANA`, optionally with `:` or `-` between bytes;
/// - Wireshark: `00:1B:C5:00:00:00/36<tab>Short<tab>The name`;
/// - IEEE's text: `00-00-5E   (hex)<tab><tab>IANA`, followed by lines that repeat it and give the postal address;
/// - IEEE's CSV: `MA-L,00005E,"ICANN, IANA Department",...`.
pub(super) fn read(line: &str) -> VendorLine {
    let line = line.trim_start_matches('\u{feff}').trim_end();
    if line.is_empty() || line.starts_with(['#', ' ', '\t']) {
        return VendorLine::Other;
    }
    let read = match line.split_once(',') {
        Some(("Registry", _)) => return VendorLine::Other,
        Some((registry, rest)) if REGISTRIES.contains(&registry) => parse_csv(rest),
        _ if line.ends_with("Organization") || line.contains("(base 16)") => return VendorLine::Other,
        _ => parse_columns(line),
    };
    let entry = read.map(|(prefix, name)| (prefix, printable(&name)));
    entry
        .filter(|(_, name)| !name.is_empty())
        .map_or(VendorLine::Invalid, |(prefix, name)| VendorLine::Entry(prefix, name.into()))
}

/// The registries of IEEE's CSV.
const REGISTRIES: [&str; 5] = ["MA-L", "MA-M", "MA-S", "IAB", "CID"];

fn parse_columns(line: &str) -> Option<(Prefix, String)> {
    let (prefix_text, rest) = line.split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let rest = rest.strip_prefix("(hex)").unwrap_or(rest);
    let mut columns = rest.split('\t').map(str::trim).filter(|column| !column.is_empty());
    let short = columns.next()?;
    let long = columns.next().filter(|column| !column.starts_with('#'));
    Some((parse_prefix(prefix_text)?, long.unwrap_or(short).to_owned()))
}

fn parse_csv(rest: &str) -> Option<(Prefix, String)> {
    let (prefix_text, rest) = rest.split_once(',')?;
    let name = match rest.strip_prefix('"') {
        Some(quoted) => unquoted(quoted),
        None => rest.split(',').next()?.to_owned(),
    };
    Some((parse_prefix(prefix_text)?, name))
}

/// Returns the field up to its closing quotation mark. A doubled quotation mark is part of the field.
fn unquoted(text: &str) -> String {
    let mut name = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char == '"' && chars.next() != Some('"') {
            break;
        }
        name.push(char);
    }
    name
}

/// Parses a prefix: hexadecimal digits, optionally followed by `/` and the number of bits.
fn parse_prefix(text: &str) -> Option<Prefix> {
    let (digits, length) = match text.split_once('/') {
        None => (text, None),
        Some((digits, length)) => (digits, Some(length.parse().ok()?)),
    };
    let digits = digits.chars().filter(|char| !matches!(char, ':' | '-' | '.'));
    let (mut bits, mut count) = (0_u64, 0_u32);
    for digit in digits {
        bits = bits << 4 | u64::from(digit.to_digit(16)?);
        count += 4;
        if count > BITS {
            return None;
        }
    }
    let length = length.unwrap_or(count);
    let is_valid = length >= 8 && length <= count;
    is_valid.then(|| (bits << (BITS - count) & mask(length), length))
}

/// Returns a name without control characters.
fn printable(name: &str) -> String {
    name.trim().chars().filter(|char| !char.is_control()).collect()
}
