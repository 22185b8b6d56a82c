//! Capture files: pcap and pcapng, read and written.

pub(crate) mod arguments;
mod read;
mod recorder;
mod start;

pub(crate) use read::{ReadError, Reader, Record};
pub(crate) use recorder::Recorder;

#[cfg(test)]
mod tests;
