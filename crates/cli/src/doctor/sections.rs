//! The files in which `NetworkManager` and `systemd-networkd` are told what to do.

/// A section: its name, and what it sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) settings: Vec<(String, String)>,
}

impl Section {
    /// Whether it sets this to one of these values.
    pub(super) fn sets(&self, key: &str, values: &[&str]) -> bool {
        self.settings.iter().any(|(name, value)| name == key && values.contains(&value.as_str()))
    }
}

/// The sections of a file.
pub(super) fn sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            sections.push(Section { name: name.to_owned(), settings: Vec::new() });
        } else if let (Some((key, value)), Some(section)) = (line.split_once('='), sections.last_mut()) {
            section.settings.push((key.trim().to_owned(), value.trim().to_owned()));
        }
    }
    sections
}

/// Whether a pattern with `*` and `?` is met.
pub(super) fn matches_glob(text: &str, pattern: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('*') => {
            let mut tails = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            tails.any(|at| text.get(at..).is_some_and(|tail| matches_glob(tail, rest.as_str())))
        }
        Some(wanted) => {
            let mut others = text.chars();
            others.next().is_some_and(|first| wanted == '?' || wanted == first)
                && matches_glob(others.as_str(), rest.as_str())
        }
    }
}
