//! A frame as tcpdump prints it.

use std::fmt::{Result, Write};

use super::arguments::DecodeArguments;
use crate::capture::Record;
use crate::describe::fault::Fault;
use crate::describe::{self, Frame, Style};
use crate::watch::words::date;

/// Octets in a line of them.
const ROW: usize = 16;

/// Writes the line about a frame, and its octets if they are wanted.
pub(super) fn write(
    line: &mut String,
    arguments: &DecodeArguments,
    record: &Record<'_>,
    faults: &[Fault],
) -> Result {
    if let Some(time) = record.time.filter(|_| arguments.no_time != 1) {
        if arguments.no_time == DecodeArguments::DATE {
            let (year, month, day) = date(time / 1_000_000_000 / 86_400);
            write!(line, "{year:04}-{month:02}-{day:02} ")?;
        }
        write_time(line, time);
    }
    let style = Style { link_header: arguments.link_header, verbose: arguments.verbose > 0 };
    describe::write(line, style, record.octets, record.length, faults)?;
    for comment in record.comments.iter().filter(|_| arguments.verbose > 0) {
        write!(line, " [comment: {}]", comment.escape_debug())?;
    }
    line.push('\n');
    match arguments.octets {
        0 => Ok(()),
        1 => write_octets(line, behind_the_header(record)),
        _ => write_octets(line, record.octets),
    }
}

/// The time of the day in UTC.
fn write_time(line: &mut String, time: u64) {
    let micros = time / 1_000 % 86_400_000_000;
    // Each with how many make the next, from the right: digit by digit is the fastest.
    let places = [10, 10, 10, 10, 10, 10, 0, 10, 6, 0, 10, 6, 0, 10, 10];
    let mut text = [b'.', b':', b':'].into_iter();
    let mut rest = micros;
    let mut digits = [b' '; 16];
    for (digit, base) in digits.iter_mut().rev().skip(1).zip(places) {
        *digit = if base == 0 {
            text.next().unwrap_or(b':')
        } else {
            let value = u8::try_from(rest % base).unwrap_or_default();
            rest /= base;
            b'0' + value
        };
    }
    line.push_str(std::str::from_utf8(&digits).unwrap_or_default());
}

/// What the link header precedes; of a frame that is not read, all.
fn behind_the_header<'a>(record: &Record<'a>) -> &'a [u8] {
    let offset = Frame::parse(record.octets, record.length).map_or(0, |frame| frame.offset);
    record.octets.get(offset..).unwrap_or(record.octets)
}

fn write_octets(line: &mut String, octets: &[u8]) -> Result {
    for (row, chunk) in octets.chunks(ROW).enumerate() {
        write!(line, "\t{:#06x}: ", row * ROW)?;
        for pair in chunk.chunks(2) {
            line.push(' ');
            for octet in pair {
                write!(line, "{octet:02x}")?;
            }
        }
        line.push('\n');
    }
    Ok(())
}
