//! Prints a frame in one line, in the format of tcpdump.

use std::fmt::{Result, Write};

use capture::CapturedFrame;
use dissect::{Dissection, SummaryStyle, TcpConversations};
use tap::Instant;

use super::arguments::DecodeArguments;
use crate::local_time::{LocalDateTime, push_time_of_day};

/// Bytes per line of a dump.
const ROW: usize = 16;

/// Writes the line of a frame, and its bytes if the arguments request them.
pub(super) fn write(
    line: &mut String,
    arguments: &DecodeArguments,
    frame: &CapturedFrame<'_>,
    dissection: &Dissection<'_>,
    conversations: &mut TcpConversations,
) -> Result {
    if let Some(time) = frame.time.filter(|_| arguments.no_time != 1) {
        let time = Instant::from_nanos(time);
        if arguments.no_time == DecodeArguments::DATE {
            write!(line, "{}", LocalDateTime(time))?;
        } else {
            push_time_of_day(line, time);
        }
        line.push(' ');
    }
    let style = SummaryStyle { link_header: arguments.link_header, verbose: arguments.verbose > 0 };
    dissection.write_summary(line, style, conversations)?;
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
