//! Identifiers of nodes.

/// Identifier of a node of a segment. An identifier is valid only for its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) usize);
