use super::*;

#[test]
fn planted_old_name_is_red_with_its_place_and_its_new_name() {
    let list = WordList::parse("# Types.\nAntique  # Modern\n\nantique_call\n").expect("a list");
    let text = "fn a() {}\nlet x: Antique<u8> = antique_call(Antiques);\n";
    assert_eq!(
        list.faults("crates/a/src/lib.rs", text),
        [
            "crates/a/src/lib.rs:2: `Antique` is now `Modern`",
            "crates/a/src/lib.rs:2: `antique_call` is an old name"
        ]
    );
}

#[test]
fn text_without_whole_old_name_is_green() {
    let list = WordList::parse("Antique # Modern").expect("a list");
    assert!(list.faults("a.md", "Antiques, parcel, `NewAntique`, Antique_1, aAntique").is_empty());
    assert_eq!(list.faults("a.md", "(`Antique`)").len(), 1);
}

#[test]
fn list_with_phrase_or_duplicate_is_rejected() {
    for (text, error) in
        [("a\nb c # d", "line 2: `b c` is not one word"), ("a # b\na # c", "line 2: `a` is listed twice")]
    {
        assert_eq!(WordList::parse(text).map(|_| ()), Err(error.to_owned()));
    }
}

#[test]
fn list_in_tree_is_valid() {
    assert!(WordList::parse(LIST).is_ok_and(|list| !list.0.is_empty()));
}
