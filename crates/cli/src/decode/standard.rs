//! What the standards ask, out of the pages in `docs/spec`.

/// One requirement of a standard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Requirement {
    /// The standard and its section, or for a policy of ours what it answers.
    pub(super) standard: String,
    /// What is asked, in our own words.
    pub(super) sentence: String,
}

/// The pages that faults of a frame are on.
const PAGES: [&str; 6] = [
    include_str!("../../../../docs/spec/ethernet.md"),
    include_str!("../../../../docs/spec/rfc826.md"),
    include_str!("../../../../docs/spec/rfc791.md"),
    include_str!("../../../../docs/spec/rfc792.md"),
    include_str!("../../../../docs/spec/rfc1122-internet.md"),
    include_str!("../../../../docs/spec/security.md"),
];

/// The requirement with this id.
pub(super) fn requirement(id: &str) -> Option<Requirement> {
    PAGES.iter().find_map(|page| on_page(page, id))
}

/// The form of an item is told in `docs/spec/README.md`.
fn on_page(page: &str, id: &str) -> Option<Requirement> {
    let item = page.split_once(&format!("\n- **{id}** "))?.1;
    let item = item.split_once("\n\n").map_or(item, |(item, _)| item);
    let item = item.split_once("\n- ").map_or(item, |(item, _)| item);
    let words: Vec<_> = item.split_whitespace().collect();
    let text = words.join(" ");
    let (_level, text) = text.split_once(' ')?;
    let (section, sentence) = text.split_once(": ")?;
    // A bare section is one of the standard that names the page.
    let is_bare = section.starts_with(|first: char| first.is_ascii_digit() || first == '"');
    let heading = page.strip_prefix("# ")?.split_once(':')?.0;
    let standard = if is_bare { format!("{heading} {section}") } else { section.to_owned() };
    Some(Requirement { standard, sentence: sentence.to_owned() })
}
