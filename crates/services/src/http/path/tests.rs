use proptest::prelude::*;

use super::*;

/// Returns the names of a target, and whether it is the target of a directory.
fn parsed(target: &str) -> Option<(Vec<String>, bool)> {
    let path = RequestPath::parse(target)?;
    let names = path.segments().iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    Some((names, path.is_directory()))
}

// proves: http-target
#[test]
fn target_is_decoded_and_its_query_ignored() {
    for (target, names, is_directory) in [
        ("/", &[][..], true),
        ("/?x=/y", &[], true),
        ("/a", &["a"], false),
        ("/a/", &["a"], true),
        ("/a/.", &["a"], true),
        ("//a//./b", &["a", "b"], false),
        ("/a%20b/%C3%a9.html?q", &["a b", "é.html"], false),
        ("/...", &["..."], false),
        ("http://10.0.0.2/a", &["a"], false),
        ("HTTP://10.0.0.2:80/a/?b", &["a"], true),
        ("http://10.0.0.2", &[], true),
        ("http://10.0.0.2?x", &[], true),
        ("http://10.0.0.2?x/y", &[], true),
    ] {
        let names = names.iter().map(ToString::to_string).collect();
        assert_eq!(parsed(target), Some((names, is_directory)), "{target}");
    }
}

// proves: http-no-escape
#[test]
fn target_that_leaves_root_is_rejected() {
    for target in [
        "",
        "a",
        "*",
        "10.0.0.2:80",
        "https://10.0.0.2/",
        "/..",
        "/../etc/passwd",
        "/a/../../b",
        "/a/../b",
        "/%2e%2E/b",
        "/.%2e",
        "/a%2fb",
        "/a%00",
        "/a#b",
        "/%",
        "/%4",
        "/%4g",
        "/%+4",
        "/é%zz",
    ] {
        assert_eq!(parsed(target), None, "{target}");
    }
}

#[test]
fn directory_target_names_no_other_server() {
    for (target, directory) in
        [("/a", "/a/"), ("//evil.example", "/evil.example/"), ("/a%20b/%ff", "/a%20b/%FF/"), ("/", "/")]
    {
        let path = RequestPath::parse(target).unwrap();
        assert_eq!(path.directory_target(), directory, "{target}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    // proves: http-no-escape
    #[test]
    fn no_path_has_a_name_that_leaves_its_root(target in "/([a./%25]|%2[eEfF]|%00|\\PC){0,24}") {
        if let Some(path) = RequestPath::parse(&target) {
            for name in path.segments() {
                prop_assert!(!matches!(name.as_slice(), b"" | b"." | b".."), "{target}: {name:?}");
                prop_assert!(!name.contains(&b'/') && !name.contains(&0), "{target}: {name:?}");
            }
        }
    }

    #[test]
    fn encoded_names_decode_to_themselves(names in prop::collection::vec(prop::collection::vec(1_u8.., 1..6), 0..4)) {
        let is_name = |name: &Vec<u8>| !matches!(name.as_slice(), b"." | b"..") && !name.contains(&b'/');
        let segments: Vec<_> = names.into_iter().filter(is_name).collect();
        let path = RequestPath { segments, is_directory: true };
        prop_assert_eq!(RequestPath::parse(&path.directory_target()), Some(path));
    }
}
