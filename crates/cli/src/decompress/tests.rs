use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    decompressed(bytes)?.read_to_end(&mut content)?;
    Ok(content)
}

/// Content longer than a zstd block.
fn content() -> Vec<u8> {
    (0..200_000_u32).flat_map(|number| (number % 251).to_le_bytes()).collect()
}

#[test]
fn consecutive_gzip_members_and_zstd_frames_are_one_content() {
    let content = content();
    let twice = content.repeat(2);
    assert!(read(&[gzip(&content), gzip(&content)].concat()).unwrap() == twice, "gzip content differs");
    assert!(read(&[zstd(&content), zstd(&content)].concat()).unwrap() == twice, "zstd content differs");
    let skippable = [0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let frames = [&skippable[..], &zstd(&content), &skippable, &zstd(&content), &skippable].concat();
    assert!(read(&frames).unwrap() == twice, "content of frames with skippable frames differs");
    let cut = read(&frames[..frames.len() - 1]).unwrap_err();
    assert_eq!(cut.kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn damaged_content_is_an_error() {
    let content = content();
    for (compressed, message) in
        [(gzip(&content), "corrupt"), (zstd(&content), "zstd checksum does not match")]
    {
        let mut damaged = compressed.clone();
        // The last bytes are a checksum.
        let at = damaged.len() - if message == "corrupt" { 8 } else { 1 };
        damaged[at] ^= 1;
        let error = read(&damaged).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
        let error = read(&compressed[..compressed.len() - 1]).expect_err("truncated content was read");
        assert_eq!(error.to_string(), "unexpected end of file", "{message}");
    }
    assert!(read(&ZSTD).is_err(), "a frame without a header was read");
    assert!(read(&GZIP).is_err(), "a member without a header was read");
}

#[test]
fn large_zstd_window_is_rejected() {
    // A frame with this window descriptor, and a last block without data.
    let content = |window: u8| read(&[&ZSTD[..], &[0, window, 1, 0, 0]].concat());
    // 128 MiB, then 144 MiB, then the largest window, 3.75 TiB.
    assert_eq!(content(0x88).unwrap(), b"");
    for window in [0x89, 0xff] {
        let error = content(window).unwrap_err().to_string();
        assert!(error.starts_with("invalid zstd data: ") && error.contains("indow"), "{window}: {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn content_is_equal_compressed_and_uncompressed(content in prop::collection::vec(any::<u8>(), 0..3_000)) {
        let is_compressed = content.starts_with(&GZIP) || content.starts_with(&ZSTD);
        prop_assume!(!is_compressed && content.get(1..4) != Some(&SKIPPABLE));
        prop_assert_eq!(read(&content).unwrap(), &content[..]);
        prop_assert_eq!(read(&gzip(&content)).unwrap(), &content[..]);
        prop_assert_eq!(read(&zstd(&content)).unwrap(), &content[..]);
    }

    #[test]
    fn damaged_input_ends_with_content_or_error(
        content in prop::collection::vec(any::<u8>(), 0..300), is_gzip: bool, at: prop::sample::Index, byte: u8,
    ) {
        let mut compressed = if is_gzip { gzip(&content) } else { zstd(&content) };
        let at = at.index(compressed.len());
        compressed[at] = byte;
        // The limit is far above the content, because damage may change a length.
        let mut read = Vec::new();
        if let Ok(reader) = decompressed(&compressed[..]) {
            let _ = reader.take(1 << 20).read_to_end(&mut read);
        }
    }
}
