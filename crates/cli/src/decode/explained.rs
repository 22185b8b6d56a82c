//! Prints a frame with its headers as diagrams, its fields and its faults.

use std::fmt::{Result, Write};

use capture::CapturedFrame;
use dissect::{Dissection, SummaryStyle, TcpConversations};

use crate::color::{DIMMED, EMPHASIS, ERROR, INCOMING, Styler, WARNING};

/// Writes the summary of a frame and its comments, then the explanation of its layers and faults.
pub(super) fn write(
    page: &mut String,
    frame: &CapturedFrame<'_>,
    dissection: &Dissection<'_>,
    conversations: &mut TcpConversations,
) -> Result {
    write!(page, "frame {}: ", frame.number)?;
    let style = SummaryStyle { link_header: true, verbose: false };
    dissection.write_summary(page, style, conversations)?;
    page.push('\n');
    for comment in &frame.comments {
        writeln!(page, "comment: {}", comment.escape_debug())?;
    }
    dissection.explain(page)
}

/// Colors an explanation: summary, headings, field names, faults and the lines of the diagrams.
pub(super) fn color(page: &str, styler: Styler) -> String {
    page.split_inclusive('\n').map(|line| color_line(line, styler)).collect()
}

/// Columns of a field's name, with the blank after it.
const NAME: std::ops::Range<usize> = 2..27;

fn color_line(line: &str, styler: Styler) -> String {
    let text = line.trim_end_matches('\n');
    let is_field = text.get(NAME).is_some_and(|name| !name.trim().contains(' '));
    let colored = if let Some(fault) = text.strip_prefix("invalid:") {
        styler.apply(ERROR, "invalid:") + fault
    } else if let Some(fault) = text.strip_prefix("warning:") {
        styler.apply(WARNING, "warning:") + fault
    } else if text.starts_with("  +") || text.starts_with("   ") {
        styler.apply(DIMMED, text)
    } else if text.starts_with("  |") || text.is_empty() {
        text.to_owned()
    } else if !text.starts_with(' ') {
        styler.apply(EMPHASIS, text)
    } else if is_field {
        format!("  {}", styler.apply_to_first_word(INCOMING, text.trim_start()))
    } else {
        text.to_owned()
    };
    colored + "\n"
}
