//! The tables in a document.

use std::fs;
use std::path::Path;

const START: &str = "<!-- bench sim: start -->\n";
const END: &str = "<!-- bench sim: end -->\n";

/// Replaces the text between the marks of a Markdown file. The headings of the tables become headings of a subsection.
pub(crate) fn replace(path: &Path, tables: &str) -> Result<(), String> {
    let name = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("cannot read {name}: {error}"))?;
    let replaced = replaced(&text, tables).ok_or_else(|| {
        format!(
            "cannot write {name}: a mark is missing\nhint: add the lines `{}` and `{}`",
            START.trim(),
            END.trim()
        )
    })?;
    fs::write(path, replaced).map_err(|error| format!("cannot write {name}: {error}"))
}

fn replaced(text: &str, tables: &str) -> Option<String> {
    let (before, rest) = text.split_once(START)?;
    let (_, after) = rest.split_once(END)?;
    let tables = tables.replace("\n## ", "\n### ");
    Some(format!("{before}{START}{tables}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_between_marks_is_replaced() {
        let text = format!("before\n{START}old\n{END}after\n");
        let expected = format!("before\n{START}\n### Table\n\n{END}after\n");
        assert_eq!(replaced(&text, "\n## Table\n"), Some(expected));
        assert_eq!(replaced("no marks", "table"), None);
    }
}
