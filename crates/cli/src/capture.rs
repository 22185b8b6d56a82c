//! Captures of Ethernet frames, read and written.

pub(crate) mod arguments;
mod read;
mod recorder;

pub(crate) use read::{ReadError, Reader, Record};
pub(crate) use recorder::Recorder;

#[cfg(test)]
mod tests;
