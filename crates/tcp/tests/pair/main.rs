//! Two connections over links that lose, duplicate, reorder and corrupt segments.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod ends;
mod link;
mod pitfalls;
mod recovery;
mod sides;
mod streams;
mod superframe;
mod trace;
