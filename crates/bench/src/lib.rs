//! What several benchmarks use.
#![forbid(unsafe_code)]

mod grid;

pub use self::grid::Grid;
