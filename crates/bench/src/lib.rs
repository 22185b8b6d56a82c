//! What several benchmarks use.
#![forbid(unsafe_code)]
#![allow(clippy::missing_errors_doc, reason = "the errors are messages for the user of a benchmark")]

mod grid;
pub mod namespace;

pub use self::grid::Grid;
