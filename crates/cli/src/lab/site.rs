//! The page that the host of the lab serves.

use services::Site;
use services::http::{Content, ContentError, Found, RequestPath, Resource};

/// The text of the page.
const TEXT: &[u8] = b"Hello from tapstack, over TCP in user space.\n";

/// Returns the site with the page.
pub(super) fn site() -> Site {
    Site::Content(Box::new(LabContent))
}

/// A site with one page.
#[derive(Debug)]
struct LabContent;

/// The page.
#[derive(Debug)]
struct LabPage;

impl Content for LabContent {
    fn open(&mut self, path: &RequestPath) -> Result<Found, ContentError> {
        if path.segments().is_empty() {
            Ok(Found::Resource(Box::new(LabPage)))
        } else {
            Err(ContentError::NotFound)
        }
    }
}

impl Resource for LabPage {
    fn length(&self) -> u64 {
        u64::try_from(TEXT.len()).unwrap_or_default()
    }

    fn media_type(&self) -> &'static str {
        "text/plain; charset=utf-8"
    }

    fn tag(&self) -> Option<&str> {
        None
    }

    fn read(&mut self, position: u64, buffer: &mut [u8]) -> Result<usize, ContentError> {
        let rest =
            usize::try_from(position).ok().and_then(|position| TEXT.get(position..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }
}
