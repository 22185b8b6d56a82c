//! A header in the bit diagram of the RFCs, 32 bits a row.

use std::fmt::{Result, Write};

use super::{Header, text};
use crate::decode::layout::{Field, Form};

/// Bits in a row.
const ROW: usize = 32;

/// As much of a field as stands in one row.
struct Cell {
    bits: usize,
    text: String,
}

/// Draws the fields that are here whole, each with its value.
pub(super) fn draw(page: &mut String, header: &Header<'_>) -> Result {
    page.push_str("   0                   1                   2                   3\n");
    page.push_str("   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1\n");
    let rows = rows(header);
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

fn rows(header: &Header<'_>) -> Vec<Vec<Cell>> {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let mut at = 0;
    for (field, value) in header.values() {
        let end = at + field.bits;
        let is_whole = at / ROW == (end - 1) / ROW;
        while at < end {
            let next = ((at / ROW + 1) * ROW).min(end);
            let value = if is_whole { text(field, value) } else { part(field, header.octets, at, next - at) };
            if at % ROW == 0 {
                rows.push(Vec::new());
            }
            if let Some(row) = rows.last_mut() {
                row.push(Cell { bits: next - at, text: fit(field, &value, (next - at) * 2 - 1) });
            }
            at = next;
        }
    }
    rows
}

/// The longest of a cell's texts that fits: with the name, with the label, the value alone.
fn fit(field: &Field, value: &str, width: usize) -> String {
    let texts = [
        format!("{} = {value}", field.name),
        format!("{} = {value}", field.label),
        format!("{}={value}", field.label),
    ];
    texts.into_iter().find(|text| text.len() <= width).unwrap_or_else(|| value.to_owned())
}

/// The value of a part of a field, of whole octets.
fn part(field: &Field, octets: &[u8], at: usize, count: usize) -> String {
    let (start, end) = (at / 8, (at + count) / 8);
    let octets = octets.get(start..end).unwrap_or_default();
    let (each, between): (fn(&u8) -> String, _) = match field.form {
        Form::ProtocolAddress => (u8::to_string, "."),
        Form::HardwareAddress => (|octet| format!("{octet:02x}"), ":"),
        Form::Number | Form::Hex | Form::Flag => (|octet| format!("{octet:02x}"), " "),
    };
    octets.iter().map(each).collect::<Vec<_>>().join(between)
}
