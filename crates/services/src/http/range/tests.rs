use super::*;

// proves: http-range-ignored
#[test]
fn field_with_other_units_or_several_ranges_is_ignored() {
    for field in [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5",
        "bytes=5-4",
        "bytes=a-4",
        "bytes=1-b",
        "bytes=+1-4",
        "bytes=--4",
        "bytes=0-1,3-4",
        "lines=0-1",
    ] {
        assert_eq!(RequestedRange::parse(field), None, "{field}");
    }
}

#[test]
fn range_is_limited_to_content() {
    let huge = "bytes=3-99999999999999999999999";
    for (field, length, bytes) in [
        ("bytes=0-0", 10, Some((0, 1))),
        ("bytes=2-4", 10, Some((2, 5))),
        ("Bytes = 2 - 4 ", 10, Some((2, 5))),
        ("bytes=4-4", 10, Some((4, 5))),
        ("bytes=9-9", 10, Some((9, 10))),
        ("bytes=9-10", 10, Some((9, 10))),
        ("bytes=10-10", 10, None),
        ("bytes=3-", 10, Some((3, 10))),
        ("bytes=10-", 10, None),
        ("bytes=0-", 0, None),
        (huge, 10, Some((3, 10))),
        (huge, u64::MAX, Some((3, u64::MAX))),
        ("bytes=99999999999999999999999-", 10, None),
        ("bytes=-3", 10, Some((7, 10))),
        ("bytes=-10", 10, Some((0, 10))),
        ("bytes=-11", 10, Some((0, 10))),
        ("bytes=-0", 10, None),
        ("bytes=-5", 0, None),
    ] {
        let range = RequestedRange::parse(field).expect("the field should be valid").within(length);
        assert_eq!(range.map(|range| (range.start, range.end)), bytes, "{field} of {length}");
        let number = bytes.map(|(start, end)| end - start);
        assert_eq!(range.map(ByteRange::length), number, "{field} of {length}");
    }
}
