//! Prints a frame in one line, in the format of tcpdump.

use std::fmt::{Result, Write};

use capture::CapturedFrame;
use dissect::{Dissection, SummaryStyle};

use super::arguments::DecodeArguments;
use crate::utc::date;

/// Bytes per line of a dump.
const ROW: usize = 16;

/// Writes the line of a frame, and its bytes if the arguments request them.
pub(super) fn write(
    line: &mut String,
    arguments: &DecodeArguments,
    frame: &CapturedFrame<'_>,
    dissection: &Dissection<'_>,
) -> Result {
    if let Some(time) = frame.time.filter(|_| arguments.no_time != 1) {
        if arguments.no_time == DecodeArguments::DATE {
            let (year, month, day) = date(time / 1_000_000_000 / 86_400);
            write!(line, "{year:04}-{month:02}-{day:02} ")?;
        }
        write_time(line, time);
    }
    let style = SummaryStyle { link_header: arguments.link_header, verbose: arguments.verbose > 0 };
    dissection.write_summary(line, style)?;
    for comment in frame.comments.iter().filter(|_| arguments.verbose > 0) {
        write!(line, " [comment: {}]", comment.escape_debug())?;
    }
    line.push('\n');
    match arguments.bytes {
        0 => Ok(()),
        1 => write_bytes(line, dissection.payload()),
        _ => write_bytes(line, frame.bytes),
    }
}

/// Writes the time of day in UTC.
fn write_time(line: &mut String, time: u64) {
    let micros = time / 1_000 % 86_400_000_000;
    // The base of each digit, from the right; 0 is a separator. Writing digit by digit is fastest.
    let bases = [10, 10, 10, 10, 10, 10, 0, 10, 6, 0, 10, 6, 0, 10, 10];
    let mut separators = [b'.', b':', b':'].into_iter();
    let mut rest = micros;
    let mut digits = [b' '; 16];
    for (digit, base) in digits.iter_mut().rev().skip(1).zip(bases) {
        *digit = if base == 0 {
            separators.next().unwrap_or(b':')
        } else {
            let value = u8::try_from(rest % base).unwrap_or_default();
            rest /= base;
            b'0' + value
        };
    }
    line.push_str(std::str::from_utf8(&digits).unwrap_or_default());
}

fn write_bytes(line: &mut String, bytes: &[u8]) -> Result {
    for (row, chunk) in bytes.chunks(ROW).enumerate() {
        write!(line, "\t{:#06x}: ", row * ROW)?;
        for pair in chunk.chunks(2) {
            line.push(' ');
            for byte in pair {
                write!(line, "{byte:02x}")?;
            }
        }
        line.push('\n');
    }
    Ok(())
}
