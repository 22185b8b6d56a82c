//! Chunks of received data.

use base::list::index;
use base::{Links, List, Place};
use tap::Frame;

/// Chunks of received data, in lists. A chunk is a frame with nothing but data.
#[derive(Debug)]
pub(super) struct Chunks {
    nodes: Vec<Node>,
    free: List,
}

/// A place for a chunk.
#[derive(Debug)]
struct Node {
    frame: Option<Frame>,
    links: Links,
}

impl Chunks {
    pub(super) const EMPTY: Chunks = Chunks { nodes: Vec::new(), free: List::EMPTY };

    /// Appends a chunk to a list.
    pub(super) fn push(&mut self, list: &mut List, frame: Frame) {
        let place = if let Some(place) = self.free.first() {
            self.free.unlink(&mut self.nodes, links, place);
            place
        } else {
            self.nodes.push(Node { frame: None, links: Links::NONE });
            // The window keeps the number of chunks below the number of places.
            Place::try_from(self.nodes.len() - 1).unwrap_or(Place::MAX)
        };
        if let Some(node) = self.nodes.get_mut(index(place)) {
            node.frame = Some(frame);
        }
        list.append(&mut self.nodes, links, place);
    }

    /// Removes and returns the first chunk of a list.
    pub(super) fn pop(&mut self, list: &mut List) -> Option<Frame> {
        let place = list.first()?;
        list.unlink(&mut self.nodes, links, place);
        let frame = self.nodes.get_mut(index(place))?.frame.take();
        self.free.append(&mut self.nodes, links, place);
        frame
    }

    /// Moves all chunks of `other` to the end of a list.
    pub(super) fn append(&mut self, list: &mut List, other: List) {
        list.append_list(&mut self.nodes, links, other);
    }

    /// Returns the first chunk of a list.
    pub(super) fn first(&self, list: List) -> Option<&Frame> {
        self.nodes.get(index(list.first()?))?.frame.as_ref()
    }

    /// Returns the first chunk of a list, to change it.
    pub(super) fn first_mut(&mut self, list: List) -> Option<&mut Frame> {
        self.nodes.get_mut(index(list.first()?))?.frame.as_mut()
    }

    /// Returns the last chunk of a list, to change it.
    pub(super) fn last_mut(&mut self, list: List) -> Option<&mut Frame> {
        self.nodes.get_mut(index(list.last()?))?.frame.as_mut()
    }
}

fn links(node: &mut Node) -> &mut Links {
    &mut node.links
}
