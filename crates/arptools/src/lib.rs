//! The machines behind `arping`, `scan` and `watch`.
//!
//! An [`inquiry::Inquiry`] sends requests for one address; a [`sweep::Sweep`] sends requests for many. A
//! [`census::Census`] sends nothing: it records which station claims which address, and reports changes and conflicts.
//!
//! None of them performs I/O or reads a clock: times and packets go in, packets and events come out.
#![forbid(unsafe_code)]

pub mod census;
pub mod inquiry;
pub mod sweep;
