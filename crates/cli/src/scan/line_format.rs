//! Lines of `--format` and `--csv`.

use std::str::FromStr;

use super::fields::ReplyField;
use crate::error_message::ErrorMessage;

/// The format of a line: text with fields such as `${ip}` and `${mac;-17}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LineFormat(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Field {
        field: ReplyField,
        /// Minimum number of characters.
        width: usize,
        /// Whether the value precedes the padding.
        is_left_aligned: bool,
    },
}

/// Maximum width of a field.
const MAX_WIDTH: usize = 1_000;

impl LineFormat {
    /// Returns the line with these values of the fields.
    pub(super) fn line(&self, value: impl Fn(ReplyField) -> String) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Field { field, width, is_left_aligned: true } => format!("{:<width$}", value(*field)),
            Part::Field { field, width, is_left_aligned: false } => format!("{:>width$}", value(*field)),
        };
        self.0.iter().map(part).collect()
    }
}

impl FromStr for LineFormat {
    type Err = ErrorMessage;

    fn from_str(text: &str) -> Result<LineFormat, ErrorMessage> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            parts.push(Part::Text(unescaped(before)?));
            let (field, after) = after.split_once('}').ok_or_else(|| {
                ErrorMessage::new("`}` is missing after `${`").hint("write a field as ${ip} or ${ip;-15}")
            })?;
            parts.push(parse_field(field)?);
            rest = after;
        }
        parts.push(Part::Text(unescaped(rest)?));
        parts.retain(|part| *part != Part::Text(String::new()));
        Ok(LineFormat(parts))
    }
}

/// Parses `ip` or `ip;-15`.
fn parse_field(text: &str) -> Result<Part, ErrorMessage> {
    let (name, width) = text.split_once(';').unwrap_or((text, "0"));
    let field = ReplyField::named(name).ok_or_else(|| {
        let names = ReplyField::ALL.map(ReplyField::name).join(", ");
        ErrorMessage::new(format!("unknown field `{name}`")).hint(format!("possible fields: {names}"))
    })?;
    let (is_left_aligned, digits) = width.strip_prefix('-').map_or((false, width), |digits| (true, digits));
    let width = digits.parse().ok().filter(|width| *width <= MAX_WIDTH);
    let width = width.ok_or_else(|| {
        ErrorMessage::new(format!("invalid width `{digits}` (expected up to {MAX_WIDTH})"))
            .hint("write e.g. ${ip;15}, or ${ip;-15} to align on the left")
    })?;
    Ok(Part::Field { field, width, is_left_aligned })
}

/// Replaces the escape sequences of a text.
fn unescaped(text: &str) -> Result<String, ErrorMessage> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let replaced = match c {
            '\\' => match chars.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('\\') => '\\',
                other => {
                    let sequence = other.map(String::from).unwrap_or_default();
                    return Err(ErrorMessage::new(format!("unknown escape sequence `\\{sequence}`"))
                        .hint("use \\t for a tab, \\n for a line feed and \\\\ for a backslash"));
                }
            },
            other => other,
        };
        out.push(replaced);
    }
    Ok(out)
}

/// Returns the values as a line of a CSV file (RFC 4180), without the line break.
pub(super) fn csv_line(values: impl IntoIterator<Item = String>) -> String {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    // A write to memory never fails.
    let written = writer.write_record(values.into_iter().collect::<Vec<_>>());
    let bytes = written.ok().and_then(|()| writer.into_inner().ok()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(format: &str) -> Result<String, ErrorMessage> {
        format.parse::<LineFormat>().map(|format| {
            format.line(|field| match field {
                ReplyField::Ip => "10.0.0.1".to_owned(),
                ReplyField::Vendor => String::new(),
                other => other.name().to_owned(),
            })
        })
    }

    #[test]
    fn format_replaces_fields_and_escape_sequences() {
        for (format, expected) in [
            ("", ""),
            ("${ip}", "10.0.0.1"),
            ("${IP}\\t${Mac}", "10.0.0.1\tmac"),
            ("[${ip;10}|${ip;-10}|${ip;3}|${vendor;2}]", "[  10.0.0.1|10.0.0.1  |10.0.0.1|  ]"),
            ("a\\\\b\\n$ {x} ${rtt_ms}ms", "a\\b\n$ {x} rtt_msms"),
        ] {
            assert_eq!(line(format).as_deref(), Ok(expected), "{format}");
        }
        for field in ReplyField::ALL {
            assert!(line(&format!("${{{}}}", field.name())).is_ok(), "{field:?}");
        }
    }

    #[test]
    fn invalid_format_is_rejected_with_reason() {
        for (format, why) in [
            ("${ip", "`}` is missing after `${`"),
            ("${address}", "unknown field `address`"),
            ("${}", "unknown field ``"),
            ("${ip;x}", "invalid width `x` (expected up to 1000)"),
            ("${ip;-1001}", "invalid width `1001` (expected up to 1000)"),
            ("${ip;--1}", "invalid width `-1` (expected up to 1000)"),
            ("\\x", "unknown escape sequence `\\x`"),
            ("${ip}\\", "unknown escape sequence `\\`"),
        ] {
            assert_eq!(line(format).unwrap_err().text(), why, "{format}");
        }
        let hint = line("${a}").unwrap_err().to_string();
        assert!(hint.ends_with(
            "hint: possible fields: ip, mac, vendor, name, rtt_ms, time, reply_number, other_mac"
        ));
    }

    #[test]
    fn csv_values_are_quoted_when_needed() {
        let line = csv_line(["a", "b c", "d, e", "f\"g", "", "h\ni"].map(str::to_owned));
        assert_eq!(line, "a,b c,\"d, e\",\"f\"\"g\",,\"h\ni\"");
    }
}
