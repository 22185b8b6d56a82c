//! Requirements of the standards, from the pages in `docs/spec`.

/// One requirement of a standard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Requirement {
    /// The standard and its section, or the statement that the requirement is a policy of tapstack.
    pub(crate) standard: String,
    /// The text of the requirement.
    pub(crate) text: String,
}

/// The pages with requirements that a frame can violate.
const PAGES: [&str; 7] = [
    include_str!("../../../docs/spec/ethernet.md"),
    include_str!("../../../docs/spec/rfc826.md"),
    include_str!("../../../docs/spec/rfc791.md"),
    include_str!("../../../docs/spec/rfc792.md"),
    include_str!("../../../docs/spec/rfc1122-internet.md"),
    include_str!("../../../docs/spec/rfc9293.md"),
    include_str!("../../../docs/spec/security.md"),
];

/// Returns the requirement with this id.
pub(crate) fn requirement(id: &str) -> Option<Requirement> {
    PAGES.iter().find_map(|page| on_page(page, id))
}

/// Returns the requirement `id` from a page of `docs/spec`. `docs/spec/README.md` defines the format.
fn on_page(page: &str, id: &str) -> Option<Requirement> {
    let item = page.split_once(&format!("\n- **{id}** "))?.1;
    let item = item.split_once("\n\n").map_or(item, |(item, _)| item);
    let item = item.split_once("\n- ").map_or(item, |(item, _)| item);
    let words: Vec<_> = item.split_whitespace().collect();
    let text = words.join(" ");
    let (_level, text) = text.split_once(' ')?;
    let (section, words) = text.split_once(": ")?;
    // A section without a standard belongs to the standard in the heading of the page.
    let is_bare = section.starts_with(|first: char| first.is_ascii_digit() || first == '"');
    let heading = page.strip_prefix("# ")?.split_once(':')?.0;
    let standard = if is_bare { format!("{heading} {section}") } else { section.to_owned() };
    Some(Requirement { standard, text: words.to_owned() })
}
