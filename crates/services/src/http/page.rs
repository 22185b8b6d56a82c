//! Generated pages.

use std::fmt::{self, Write};
use std::sync::Arc;

use super::content::{ContentError, DirectoryEntry, Listing, Resource};
use super::path::{RequestPath, encode};

/// A page in memory. Several responses share its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    bytes: Arc<[u8]>,
    media_type: &'static str,
}

/// Text in which the characters with a meaning in HTML are replaced.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl Page {
    /// Creates a page of plain text.
    pub(crate) fn text(text: &str) -> Page {
        Page { bytes: text.as_bytes().into(), media_type: "text/plain; charset=utf-8" }
    }

    /// Creates a page of HTML with a heading.
    pub(crate) fn html(heading: &str, body: &str) -> Page {
        let heading = Escaped(heading);
        let page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{heading}</title></head>\n\
             <body>\n<h1>{heading}</h1>\n{body}</body>\n</html>\n"
        );
        Page { bytes: page.into_bytes().into(), media_type: "text/html; charset=utf-8" }
    }

    /// Creates the page with the entries of a directory.
    pub(crate) fn listing(path: &RequestPath, listing: &Listing) -> Page {
        let mut body = String::from("<ul>\n");
        if !path.segments().is_empty() {
            body.push_str("<li><a href=\"../\">../</a></li>\n");
        }
        for DirectoryEntry { name, is_directory } in &listing.entries {
            // A name with a colon could be read as a scheme.
            let mut target = String::from("./");
            encode(name, &mut target);
            let slash = if *is_directory { "/" } else { "" };
            let name = String::from_utf8_lossy(name);
            // Writing to a String does not fail.
            let _ = writeln!(body, "<li><a href=\"{target}{slash}\">{}{slash}</a></li>", Escaped(&name));
        }
        body.push_str("</ul>\n");
        if listing.has_more {
            body.push_str("<p>The directory has more entries.</p>\n");
        }
        let names: Vec<_> = path.segments().iter().map(|name| String::from_utf8_lossy(name)).collect();
        Page::html(&format!("Index of /{}", names.join("/")), &body)
    }
}

impl Resource for Page {
    fn length(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }

    fn media_type(&self) -> &'static str {
        self.media_type
    }

    fn tag(&self) -> Option<&str> {
        None
    }

    fn read(&mut self, position: u64, buffer: &mut [u8]) -> Result<usize, ContentError> {
        let position = usize::try_from(position).unwrap_or(usize::MAX);
        let rest = self.bytes.get(position..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), rest.get(..length)) {
            to.copy_from_slice(from);
        }
        Ok(length)
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                character => f.write_char(character)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(page: &mut Page) -> String {
        let mut bytes = vec![0; usize::try_from(page.length()).unwrap()];
        assert_eq!(page.read(0, &mut bytes), Ok(bytes.len()));
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn listing_escapes_names_in_text_and_targets() {
        let entry = |name: &[u8], is_directory| DirectoryEntry { name: name.to_vec(), is_directory };
        let entries = vec![
            entry(b"a b", false),
            entry(b"<script>&\"", true),
            entry(b"javascript:x", false),
            entry(b"\xff", false),
        ];
        let path = RequestPath::parse("/x%3Cy/z/").unwrap();
        let page = text(&mut Page::listing(&path, &Listing { entries, has_more: true }));
        for line in [
            "<h1>Index of /x&lt;y/z</h1>",
            "<li><a href=\"../\">../</a></li>",
            "<li><a href=\"./a%20b\">a b</a></li>",
            "<li><a href=\"./%3Cscript%3E%26%22/\">&lt;script&gt;&amp;&quot;/</a></li>",
            "<li><a href=\"./javascript%3Ax\">javascript:x</a></li>",
            "<li><a href=\"./%FF\">\u{fffd}</a></li>",
            "<p>The directory has more entries.</p>",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is missing in\n{page}");
        }
        let root = text(&mut Page::listing(&RequestPath::default(), &Listing::default()));
        assert!(root.contains("<h1>Index of /</h1>") && !root.contains("../"), "{root}");
        assert!(!root.contains("more entries"), "{root}");
    }

    #[test]
    fn page_is_read_in_parts() {
        let mut page = Page::text("0123456789");
        let mut buffer = [0; 4];
        for (position, length, read) in
            [(0, 4, &b"0123"[..]), (8, 2, b"89"), (10, 0, b""), (11, 0, b""), (u64::MAX, 0, b"")]
        {
            assert_eq!(page.read(position, &mut buffer), Ok(length), "at {position}");
            assert_eq!(&buffer[..length], read, "at {position}");
        }
        assert_eq!((page.length(), page.tag()), (10, None));
    }
}
