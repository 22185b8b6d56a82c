//! Values in lists, stored in one table.

use std::fmt;

use crate::list::index;
use crate::{Links, List, Place};

/// Values in lists, stored in one table. Each value is in one list.
///
/// An empty list takes no memory of the table. The table grows to the largest number of values, and the place that
/// became free last is used first. Every operation takes constant time.
///
/// A list must be passed only to the slab of its values.
///
/// ```
/// use base::{List, Slab};
///
/// let mut slab = Slab::new(3);
/// let (mut first, mut second) = (List::EMPTY, List::EMPTY);
/// slab.push(&mut first, "a")?;
/// slab.push(&mut second, "b")?;
/// slab.push(&mut first, "c")?;
/// assert_eq!(slab.push(&mut first, "d"), Err("d"), "the slab is full");
/// assert_eq!((slab.pop(&mut first), slab.pop(&mut first), slab.pop(&mut first)), (Some("a"), Some("c"), None));
/// # Ok::<(), &str>(())
/// ```
pub struct Slab<T> {
    nodes: Vec<Node<T>>,
    /// The place that became free last. The links of a free place lead to the place that became free before.
    free: Option<Place>,
    /// Number of values.
    len: usize,
    limit: usize,
}

/// A place, with or without a value.
struct Node<T> {
    value: Option<T>,
    links: Links,
}

impl<T> Slab<T> {
    /// Creates a slab for up to `limit` values.
    pub fn new(limit: usize) -> Slab<T> {
        Slab { nodes: Vec::new(), free: None, len: 0, limit }
    }

    /// Returns the number of values.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether the slab has no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a value.
    #[inline]
    pub fn get(&self, place: Place) -> Option<&T> {
        self.nodes.get(index(place))?.value.as_ref()
    }

    /// Returns a value for modification.
    #[inline]
    pub fn get_mut(&mut self, place: Place) -> Option<&mut T> {
        self.nodes.get_mut(index(place))?.value.as_mut()
    }

    /// Returns the place of the value behind the value at a place.
    #[inline]
    pub fn next(&self, place: Place) -> Option<Place> {
        self.node(place)?.links.next()
    }

    /// Returns the place of the value in front of the value at a place.
    #[inline]
    pub fn previous(&self, place: Place) -> Option<Place> {
        self.node(place)?.links.previous()
    }

    #[inline]
    fn node(&self, place: Place) -> Option<&Node<T>> {
        self.nodes.get(index(place)).filter(|node| node.value.is_some())
    }

    /// Appends a value to a list. Returns the place of the value, or the value if the slab is full.
    #[inline]
    pub fn push(&mut self, list: &mut List, value: T) -> Result<Place, T> {
        let place = self.store(value)?;
        list.append(&mut self.nodes, Node::links, place);
        Ok(place)
    }

    /// Inserts a value behind the value at a place of a list. Returns the place of the value, or the value if the slab is
    /// full or `before` has no value.
    pub fn insert_after(&mut self, list: &mut List, before: Place, value: T) -> Result<Place, T> {
        if self.get(before).is_none() {
            return Err(value);
        }
        let place = self.store(value)?;
        list.insert_after(&mut self.nodes, Node::links, before, place);
        Ok(place)
    }

    /// Stores a value in a place that is in no list.
    #[inline]
    fn store(&mut self, value: T) -> Result<Place, T> {
        if let Some(place) = self.free
            && let Some(node) = self.nodes.get_mut(index(place))
        {
            self.free = node.links.next();
            node.value = Some(value);
            self.len += 1;
            return Ok(place);
        }
        match Place::try_from(self.nodes.len()) {
            Ok(place) if self.nodes.len() < self.limit && place < Place::MAX => {
                self.nodes.push(Node { value: Some(value), links: Links::NONE });
                self.len += 1;
                Ok(place)
            }
            _ => Err(value),
        }
    }

    /// Removes and returns the first value of a list.
    #[inline]
    pub fn pop(&mut self, list: &mut List) -> Option<T> {
        let place = list.first()?;
        let value = self.nodes.get_mut(index(place))?.value.take()?;
        list.unlink_first(&mut self.nodes, Node::links);
        self.set_free(place);
        Some(value)
    }

    /// Removes and returns the value at a place of a list.
    #[inline]
    pub fn remove(&mut self, list: &mut List, place: Place) -> Option<T> {
        let value = self.nodes.get_mut(index(place))?.value.take()?;
        list.unlink(&mut self.nodes, Node::links, place);
        self.set_free(place);
        Some(value)
    }

    /// Makes a place without a value, which is in no list, the next place to use.
    #[inline]
    fn set_free(&mut self, place: Place) {
        if let Some(node) = self.nodes.get_mut(index(place)) {
            node.links = Links::before(self.free);
            self.free = Some(place);
            self.len -= 1;
        }
    }

    /// Moves a value from a list to the end of another list.
    pub fn move_to(&mut self, from: &mut List, to: &mut List, place: Place) {
        if self.get(place).is_some() {
            from.unlink(&mut self.nodes, Node::links, place);
            to.append(&mut self.nodes, Node::links, place);
        }
    }

    /// Appends all values of another list, in their order. The other list becomes empty.
    pub fn append(&mut self, list: &mut List, other: &mut List) {
        list.append_list(&mut self.nodes, Node::links, *other);
        *other = List::EMPTY;
    }

    /// Moves a value of a list behind the other values of the list.
    pub fn move_to_end(&mut self, list: &mut List, place: Place) {
        if self.get(place).is_some() && !list.is_last(place) {
            list.unlink(&mut self.nodes, Node::links, place);
            list.append(&mut self.nodes, Node::links, place);
        }
    }
}

impl<T> Node<T> {
    fn links(&mut self) -> &mut Links {
        &mut self.links
    }
}

impl<T> fmt::Debug for Slab<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slab({} values)", self.len())
    }
}

#[cfg(test)]
mod tests;
