//! One line of a file of vendors, whoever wrote it.

use super::Prefix;

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum VendorLine {
    Entry(Prefix, Box<str>),
    /// Nothing: it is empty, a comment, a heading, or one more of what an earlier line began.
    Other,
    /// Nothing that could be understood.
    Invalid,
}

/// Bits of a hardware address.
const BITS: u32 = 48;

/// The first bits of a hardware address, so many.
pub(super) fn mask(length: u32) -> u64 {
    let all = (1_u64 << BITS) - 1;
    all & !(all.checked_shr(length).unwrap_or(0))
}

/// Reads a line:
///
/// - arp-scan and nmap: `00005E<tab>IANA`, with `:` or `-` between octets as one likes;
/// - Wireshark: `00:1B:C5:00:00:00/36<tab>Short<tab>The name`;
/// - IEEE's text: `00-00-5E   (hex)<tab><tab>IANA`, of whose other lines the next repeats it and the rest are addresses;
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

/// IEEE's.
const REGISTRIES: [&str; 5] = ["MA-L", "MA-M", "MA-S", "IAB", "CID"];

fn parse_columns(line: &str) -> Option<(Prefix, String)> {
    let (octets, rest) = line.split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let rest = rest.strip_prefix("(hex)").unwrap_or(rest);
    let mut columns = rest.split('\t').map(str::trim).filter(|column| !column.is_empty());
    let short = columns.next()?;
    let long = columns.next().filter(|column| !column.starts_with('#'));
    Some((prefix(octets)?, long.unwrap_or(short).to_owned()))
}

fn parse_csv(rest: &str) -> Option<(Prefix, String)> {
    let (octets, rest) = rest.split_once(',')?;
    let name = match rest.strip_prefix('"') {
        Some(quoted) => unquoted(quoted),
        None => rest.split(',').next()?.to_owned(),
    };
    Some((prefix(octets)?, name))
}

/// The field up to its closing quotation mark; one that belongs to it is doubled.
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

/// A prefix: hexadecimal digits, and perhaps how many bits of them count.
fn prefix(text: &str) -> Option<Prefix> {
    let (octets, length) = match text.split_once('/') {
        None => (text, None),
        Some((octets, length)) => (octets, Some(length.parse().ok()?)),
    };
    let digits = octets.chars().filter(|octet| !matches!(octet, ':' | '-' | '.'));
    let (mut bits, mut count) = (0_u64, 0_u32);
    for digit in digits {
        bits = bits << 4 | u64::from(digit.to_digit(16)?);
        count += 4;
        if count > BITS {
            return None;
        }
    }
    let length = length.unwrap_or(count);
    let is_one = length >= 8 && length <= count;
    is_one.then(|| (bits << (BITS - count) & mask(length), length))
}

/// A name without what a terminal would take for an order.
fn printable(name: &str) -> String {
    name.trim().chars().filter(|char| !char.is_control()).collect()
}
