use super::*;

/// Checks a text against a list of names.
fn name_faults(list: &str, text: &str) -> Vec<String> {
    WordList::parse(list).expect("list should parse").faults("a.rs", &identifiers(text))
}

/// Checks a text against the list of words in the tree.
fn word_faults(path: &str, text: &str) -> Vec<String> {
    let list = WordList::parse(WORDS).expect("words.txt should parse");
    list.faults(path, &prose(path, text).expect("fences should be closed"))
}

#[test]
fn planted_old_name_is_reported_with_line_and_new_name() {
    assert_eq!(
        name_faults(
            "# Types.\nAntique  # Modern\n\nantique_call\n",
            "fn a() {}\nlet x: Antique<u8> = antique_call(Antiques);\n"
        ),
        ["a.rs:2: `Antique`: write `Modern`", "a.rs:2: `antique_call`"]
    );
}

#[test]
fn name_as_part_of_identifier_is_accepted() {
    let list = "Antique # Modern";
    assert!(name_faults(list, "Antiques, parcel, `NewAntique`, Antique_1, aAntique").is_empty());
    assert_eq!(name_faults(list, "(`Antique`)").len(), 1);
}

// words: off
#[test]
fn planted_word_is_reported_in_prose_strings_and_identifiers() {
    for text in [
        "/// Whoever asks.",
        "print(\"whoever\")",
        "fn whoever_asks() {}",
        "struct WhoeverAsks;",
        "const WHOEVER: u8 = 1;",
    ] {
        assert!(!word_faults("a.rs", text).is_empty(), "{text}");
    }
    assert_eq!(
        word_faults("a.rs", "\n/// Sends as\n    /// many.").len(),
        1,
        "phrase over two lines not found"
    );
    assert_eq!(word_faults("a.rs", "so; many").len(), 0, "phrase found across punctuation");
}

#[test]
fn quotation_of_standard_is_accepted() {
    for text in [
        "// RFC 826 \"Packet Reception\": \"the octets of whoever\"",
        "// RFC 9293 3.10.7.4: \"nobody\n// and somebody\" is accepted",
        "let bytes = ip.octets();",
        "// words: off (another program)\nwhoever\n// words: on",
    ] {
        assert_eq!(word_faults("a.rs", text), [""; 0], "{text}");
    }
    let unquoted = "row(\"RFC 826\", 1);\n// whoever\nrow(\"RFC 791\", 2);";
    assert_eq!(word_faults("a.rs", unquoted).len(), 1, "a string that ends with the number of an RFC");
    assert_eq!(word_faults("a.md", "> whoever"), [""; 0]);
    assert_eq!(word_faults("a.rs", "// \"whoever\" is not quoted from a standard").len(), 1);
    assert_eq!(word_faults("a.rs", "// RFC 1: \"nobody\" and somebody").len(), 1);
}
// words: on

#[test]
fn fence_without_end_is_rejected() {
    let text = format!("a\n<!-- {} -->\nb", FENCE[0]);
    assert_eq!(prose("a.md", &text), Err("a.md:2: `words: off` without `words: on`".to_owned()));
}

#[test]
fn list_with_duplicate_is_rejected() {
    for text in ["a b # d\na b # c", "a\na"] {
        assert!(WordList::parse(text).is_err(), "{text}");
    }
}

#[test]
fn lists_in_tree_are_valid() {
    for text in [NAMES, WORDS] {
        assert!(WordList::parse(text).is_ok_and(|list| list.count > 0));
    }
}
