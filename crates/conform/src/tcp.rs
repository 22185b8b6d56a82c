//! Cases about TCP. The host has the services echo, discard and daytime.

pub(crate) mod attacks;
pub(crate) mod closing;
pub(crate) mod data;
pub(crate) mod opening;
mod peer;
mod segment;
