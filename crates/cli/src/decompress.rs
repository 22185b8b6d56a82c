//! Decompression of captures that are compressed with gzip or zstd.

use std::error::Error;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// First bytes of a gzip member (RFC 1952 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// First bytes of a zstd frame (RFC 8878 3.1.1).
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The last three bytes of a magic number of a skippable zstd frame; the first byte is 0x50 to 0x5f (RFC 8878 3.1.2).
const SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];

/// Returns a reader of the decompressed bytes, or of the same bytes if they are not compressed with gzip or zstd.
///
/// Memory is limited: zstd frames with a window of more than 128 MiB are rejected.
pub(crate) fn decompressed<'r>(mut from: impl Read + Send + 'r) -> io::Result<Box<dyn Read + Send + 'r>> {
    let mut start = Vec::with_capacity(ZSTD.len());
    let limit = u64::try_from(ZSTD.len()).unwrap_or_default();
    from.by_ref().take(limit).read_to_end(&mut start)?;
    let is_zstd = start == ZSTD || matches!(start[..], [0x50..=0x5f, ref rest @ ..] if rest == SKIPPABLE);
    let is_gzip = start.starts_with(&GZIP);
    let from = io::Cursor::new(start).chain(from);
    Ok(if is_gzip {
        Box::new(MultiGzDecoder::new(BufReader::new(from)))
    } else if is_zstd {
        Box::new(ZstdReader { from: BufReader::new(from), frame: FrameDecoder::new() })
    } else {
        Box::new(from)
    })
}

/// Reader of the contents of consecutive zstd frames.
///
/// If a frame is damaged or truncated, up to its window size of decompressed bytes before the damage are lost.
struct ZstdReader<R> {
    from: BufReader<R>,
    frame: FrameDecoder,
}

impl<R: Read> ZstdReader<R> {
    /// Starts the next frame. Returns false at the end of the input.
    fn start_frame(&mut self) -> io::Result<bool> {
        while !self.from.fill_buf()?.is_empty() {
            match self.frame.reset(&mut self.from) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    if io::copy(&mut self.from.by_ref().take(length), &mut io::sink())? < length {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(zstd_error(&error)),
            }
        }
        Ok(false)
    }

    /// Returns an error if the frame has a checksum that does not match its content.
    fn check(&self) -> io::Result<()> {
        match self.frame.get_checksum_from_data() {
            Some(checksum) if Some(checksum) != self.frame.get_calculated_checksum() => {
                Err(io::Error::new(ErrorKind::InvalidData, "zstd checksum does not match"))
            }
            _ => Ok(()),
        }
    }
}

impl<R: Read> Read for ZstdReader<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.frame.read(to)?;
            if count > 0 || to.is_empty() {
                return Ok(count);
            }
            if self.frame.is_finished() {
                self.check()?;
                if !self.start_frame()? {
                    return Ok(0);
                }
            } else {
                let blocks = BlockDecodingStrategy::UptoBlocks(1);
                self.frame.decode_blocks(&mut self.from, blocks).map_err(|error| zstd_error(&error))?;
            }
        }
    }
}

fn zstd_error(error: &FrameDecoderError) -> io::Error {
    let causes = std::iter::successors(error.source(), |error: &&(dyn Error + 'static)| (*error).source());
    let mut errors = causes.filter_map(|error| error.downcast_ref::<io::Error>());
    if errors.any(|error| error.kind() == ErrorKind::UnexpectedEof) {
        return ErrorKind::UnexpectedEof.into();
    }
    io::Error::new(ErrorKind::InvalidData, format!("invalid zstd data: {error}"))
}

#[cfg(test)]
mod tests;
