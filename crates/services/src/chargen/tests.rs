use super::*;

/// Returns this many characters from this position on.
fn pattern(position: usize, length: usize) -> Vec<u8> {
    let mut characters = vec![0; length];
    write_pattern(position, &mut characters);
    characters
}

#[test]
fn first_line_has_72_characters_from_the_space_on() {
    let line = pattern(0, 74);
    let expected: Vec<u8> = (b' '..b' ' + 72).chain(*b"\r\n").collect();
    assert_eq!(line, expected);
}

// proves: rfc864-pattern
#[test]
fn each_line_starts_one_character_later_and_wraps_after_the_tilde() {
    let stream = pattern(0, 3 * PERIOD);
    let lines: Vec<&[u8]> = stream.split_inclusive(|byte| *byte == b'\n').collect();
    assert_eq!(lines.len(), 3 * 95);
    for (number, line) in lines.iter().enumerate() {
        let [characters @ .., b'\r', b'\n'] = line else { panic!("line {number} has no end: {line:?}") };
        let expected: Vec<u8> =
            (0..72).map(|column| b' ' + u8::try_from((number + column) % 95).unwrap()).collect();
        assert_eq!(*characters, expected, "line {number}");
    }
}

#[test]
fn pattern_continues_at_each_position() {
    let stream = pattern(0, 2 * PERIOD);
    for position in 0..PERIOD {
        assert_eq!(pattern(position, 10), stream[position..position + 10], "position {position}");
    }
}
