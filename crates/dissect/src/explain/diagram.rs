//! Bit diagram of a layer in the style of RFCs, 32 bits per row.

use std::fmt::{Result, Write};

use super::{Layer, hex, value_text};
use crate::layout::{Field, FieldFormat};

/// Number of bits per row.
const ROW: usize = 32;

/// The part of a field that one row shows.
struct DiagramCell {
    bits: usize,
    text: String,
}

/// Draws the complete fields, each with its value.
pub(super) fn draw(page: &mut String, layer: &Layer<'_>) -> Result {
    page.push_str("   0                   1                   2                   3\n");
    page.push_str("   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1\n");
    let rows = rows(layer);
    let mut above = 0;
    for row in &rows {
        let width: usize = row.iter().map(|cell| cell.bits).sum();
        border(page, above.max(width));
        page.push_str("  |");
        for cell in row {
            write!(page, "{:^width$}|", cell.text, width = cell.bits * 2 - 1)?;
        }
        page.push('\n');
        above = width;
    }
    border(page, above);
    Ok(())
}

fn border(page: &mut String, bits: usize) {
    page.push_str("  +");
    for _ in 0..bits {
        page.push_str("-+");
    }
    page.push('\n');
}

fn rows(layer: &Layer<'_>) -> Vec<Vec<DiagramCell>> {
    let mut rows: Vec<Vec<DiagramCell>> = Vec::new();
    let mut at = 0;
    for (field, value) in layer.fields() {
        let end = at + field.bits;
        let is_whole = at / ROW == (end - 1) / ROW;
        while at < end {
            let next = ((at / ROW + 1) * ROW).min(end);
            let value =
                if is_whole { value_text(field, value) } else { part(field, layer.bytes, at, next - at) };
            if at % ROW == 0 {
                rows.push(Vec::new());
            }
            if let Some(row) = rows.last_mut() {
                row.push(DiagramCell { bits: next - at, text: fit(field, &value, (next - at) * 2 - 1) });
            }
            at = next;
        }
    }
    rows
}

/// Returns the longest text that fits into a cell: name and value, label and value, or only the value.
fn fit(field: &Field, value: &str, width: usize) -> String {
    let texts = [
        format!("{} = {value}", field.name),
        format!("{} = {value}", field.label),
        format!("{}={value}", field.label),
    ];
    texts.into_iter().find(|text| text.len() <= width).unwrap_or_else(|| value.to_owned())
}

/// Formats the part of a field in one row. The part consists of whole bytes.
fn part(field: &Field, bytes: &[u8], at: usize, count: usize) -> String {
    let (start, end) = (at / 8, (at + count) / 8);
    let bytes = bytes.get(start..end).unwrap_or_default();
    if field.format == FieldFormat::Ip6 {
        let groups: Vec<_> = bytes.chunks(2).map(|group| hex(group, "")).collect();
        return groups.join(":");
    }
    let (format_byte, separator): (fn(&u8) -> String, _) = match field.format {
        FieldFormat::Ip => (u8::to_string, "."),
        FieldFormat::Mac => (|byte| format!("{byte:02x}"), ":"),
        _ => (|byte| format!("{byte:02x}"), " "),
    };
    bytes.iter().map(format_byte).collect::<Vec<_>>().join(separator)
}
