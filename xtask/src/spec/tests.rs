use super::*;
use crate::source::comments;

const PAGE: &str = "# RFC 1: a subject\n\nStatus: finished.\nProse: with a colon.\n\n- **greet** M 2.1: any host is\n  greeted.\n- **sing** m 2.2: one may sing. Refused: no host listens.\n";
const CODE: &str = "// spec: greet\nfn greet() {}\n";
const TEST: &str = "// proves: greet\n#[test]\nfn every_guest_is_greeted() {}\n";

fn source(path: &str, text: &str) -> Source {
    Source { path: path.into(), text: text.to_owned() }
}

/// Returns the errors of a page, of code and of a test.
fn faults(page: &str, code: &str, test: &str) -> Vec<String> {
    let pages = [source("docs/spec/rfc1.md", page)];
    let sources = [source("crates/a/src/lib.rs", code), source("crates/a/tests/a.rs", test)];
    read(&pages, &sources).1.iter().map(ToString::to_string).collect()
}

/// Checks that there is exactly one error, and that it starts with `start`.
fn assert_red(faults: &[String], start: &str) {
    assert!(faults.len() == 1 && faults[0].starts_with(start), "{faults:?}");
}

#[test]
fn requirement_with_code_and_test_is_green() {
    assert_eq!(faults(PAGE, CODE, TEST), [""; 0]);
}

#[test]
fn requirement_without_code_or_test_is_red() {
    assert_red(&faults(PAGE, "", TEST), "docs/spec/rfc1.md:6: `greet` has no code");
    assert_red(&faults(PAGE, CODE, ""), "docs/spec/rfc1.md:6: `greet` has no test");
}

#[test]
fn citation_of_unknown_requirement_is_red() {
    let code = format!("{CODE}// spec: bow\n");
    assert_red(&faults(PAGE, &code, TEST), "crates/a/src/lib.rs:3: no page has a requirement `bow`");
    let test = TEST.replace("greet", "greet, bow");
    assert_red(&faults(PAGE, CODE, &test), "crates/a/tests/a.rs:1: no page has a requirement `bow`");
}

#[test]
fn cited_refused_requirement_is_red() {
    let red = "crates/a/src/lib.rs:3: `sing` is cited, but refused at docs/spec/rfc1.md:8";
    assert_red(&faults(PAGE, &format!("{CODE}// spec: sing\n"), TEST), red);
}

#[test]
fn duplicate_id_is_red() {
    let page = format!("{PAGE}- **greet** S 3: greet again.\n");
    assert_red(
        &faults(&page, CODE, TEST),
        "docs/spec/rfc1.md:9: `greet` is already defined at docs/spec/rfc1.md:6",
    );
}

#[test]
fn malformed_item_is_red() {
    for item in [
        "- greet M 2.1: all",
        "- **Bow** M 2.1: all",
        "- **9** M 2.1: all",
        "- **** M 2.1: all",
        "- **bow** X 2.1: all",
        "- **bow** M",
        "- **bow** M 2.1 all",
        "- **bow** M 2.1: ",
        "- **bow** M : all",
        "- **bow** m Refused: no",
        "- **bow** m 2.1: all. Refused: ",
        "- **bow** m 2.1:  Refused: no",
        "- **bow** m 2.1: all. Open: ",
        "* **bow** M 2.1: all",
        "**bow** M 2.1: all",
        "  - **bow** M 2.1: all",
        "further, without an indent",
    ] {
        assert_red(&faults(&format!("{PAGE}{item}\n"), CODE, TEST), "docs/spec/rfc1.md:9: ");
    }
}

#[test]
fn page_without_name_of_standard_is_red() {
    assert_red(&faults(&PAGE.replace("RFC 1", ""), CODE, TEST), "docs/spec/rfc1.md:1: no heading");
    let page = PAGE.replace("# RFC 1", "RFC 1");
    assert!(faults(&page, CODE, TEST)[0].starts_with("docs/spec/rfc1.md:1: no heading"));
}

#[test]
fn malformed_citation_is_red() {
    let plain = "citation is not in a plain";
    for (comment, what) in [
        ("// spec: greet everyone", "`greet everyone` is not an id"),
        ("// spec:", "`` is not an id"),
        ("// spec: greet,", "`` is not an id"),
        ("/// spec: greet", plain),
        ("//! spec: greet", plain),
    ] {
        let faults = faults(PAGE, &format!("{CODE}{comment}\n"), TEST);
        assert_red(&faults, &format!("crates/a/src/lib.rs:3: {what}"));
    }
}

#[test]
fn proof_in_code_and_claim_in_test_are_red() {
    assert_red(&faults(PAGE, &format!("{CODE}{TEST}"), TEST), "crates/a/src/lib.rs:3: `proves:` outside");
    assert_red(&faults(PAGE, CODE, &format!("{TEST}{CODE}")), "crates/a/tests/a.rs:4: `spec:` outside");
}

#[test]
fn citation_is_accepted_by_path() {
    let homes = [
        ("crates/a/src/a.rs", true, false),
        ("crates/a/src/tests.rs", false, true),
        ("crates/a/src/a/tests/more.rs", false, true),
        ("crates/a/tests/wire/main.rs", false, true),
        ("crates/conform/src/lib.rs", false, true),
        ("crates/conform/src/arp.rs", false, true),
        ("xtask/src/spec.rs", true, false),
        ("crates/a/benches/a.rs", false, false),
        ("crates/fuzz/fuzz_targets/a.rs", false, false),
    ];
    let declaring = [
        source("crates/a/src/lib.rs", "mod a;\nmod tests;\n"),
        source("crates/a/src/a.rs", "#[cfg(test)]\nmod tests;\n"),
        source("crates/a/src/a/tests.rs", "mod more;\n"),
        source("xtask/src/main.rs", "mod spec;\n"),
        source("crates/conform/src/lib.rs", "mod arp;\n"),
    ];
    for (path, does, proves) in homes {
        let green = |text| accepted(&declaring, path, text);
        assert_eq!((green(CODE), green(TEST)), (does, proves), "{path}");
    }
}

/// Returns whether the only citation in a file is accepted.
fn accepted(declaring: &[Source], path: &str, text: &str) -> bool {
    let (mut citations, mut faults) = (Vec::new(), Vec::new());
    citations::read(&source(path, text), &Modules::new(declaring), &mut citations, &mut faults);
    (citations.len(), faults.len()) == (1, 0)
}

#[test]
fn citation_is_red_in_file_that_is_not_compiled() {
    let declaring = [
        source(
            "crates/a/src/lib.rs",
            "pub(crate) mod a;\n#[cfg(test)]\n#[allow(x)]\nmod b;\n// mod c;\npub mod d;\n",
        ),
        source("crates/a/src/d/mod.rs", "mod e;\n"),
        source("crates/a/src/x.rs", "mod y;\n"),
    ];
    for (path, compiled) in [
        ("a", true),
        ("b", false),
        ("c", false),
        ("d/mod", true),
        ("d/e", true),
        ("x", false),
        ("x/y", false),
    ] {
        assert_eq!(accepted(&declaring, &format!("crates/a/src/{path}.rs"), CODE), compiled, "{path}");
    }
    assert!(accepted(&declaring, "crates/a/tests/a.rs", TEST));
    assert!(!accepted(&declaring, "crates/a/tests/helpers/a.rs", TEST));
    assert!(!accepted(&declaring, "crates/a/src/tests.rs", TEST));
}

#[test]
fn proof_is_red_unless_directly_above_test() {
    let cases = [
        ("// proves: greet\n// proves more\n/// Doc.\n#[cfg(x)]\n#[test]\nfn a() {}\n", true),
        ("proptest! {\n    // proves: greet\n    #[test]\n    fn a(x in 0..1) {}\n}\n", true),
        ("// proves: greet\nCase {\n", true),
        (
            "const CASES: [Case; 1] = [Case::new(\"a\", a)];\n// proves: greet\nfn a(wire: &mut Wire) -> CaseResult {\n",
            true,
        ),
        ("const CASES: &[Case] = &[(\"a\", a)];\n// proves: greet\nfn a() -> TestResult {\n", true),
        ("Case::new(\"a\", || a());\n// proves: greet\nfn a() -> CaseResult {\n", false),
        ("// a, \"a,\"\n// proves: greet\nfn a() -> CaseResult {\n", false),
        ("list.map(a);\n// proves: greet\nfn a() -> u8 {\n", false),
        ("// proves: greet\n\n#[test]\nfn a() {}\n", false),
        ("#[test]\n// proves: greet\nfn a() {}\n", false),
        ("// proves: greet\nfn a() {}\n", false),
        ("// proves: greet\n#[test]\nmod a {}\n", false),
        ("fn a() {} // proves: greet\n#[test]\nfn b() {}\n", false),
        ("// proves: greet\n", false),
    ];
    for (text, attached) in cases {
        assert_eq!(accepted(&[], "crates/a/tests/a.rs", text), attached, "{text}");
    }
}

#[test]
fn open_requirement_is_red_on_finished_page() {
    let page = PAGE.replace("Refused: no host", "Open: no host");
    assert_red(&faults(&page, CODE, TEST), "docs/spec/rfc1.md:8: `sing` is open, but the page is finished");
    let page = page.replace("finished", "in progress");
    assert_eq!(faults(&page, CODE, TEST), [""; 0]);
    let code = format!("{CODE}// spec: sing\n");
    let red = "crates/a/src/lib.rs:3: `sing` is cited, but open at docs/spec/rfc1.md:8";
    assert_red(&faults(&page, &code, TEST), red);
}

#[test]
fn page_without_status_is_red() {
    for status in ["", "Status: finished", "Status: done.", "Words first.\nStatus: finished."] {
        let page = PAGE.replace("Status: finished.", status);
        assert!(faults(&page, CODE, TEST)[0].starts_with("docs/spec/rfc1.md:1: no status"), "{status}");
    }
}

#[test]
fn comments_are_distinguished_from_strings() {
    let text = r###"
let a = "// no \" // no"; // one
let b = r#"// no " // no"#; // two
let c = ('"', '\'', b'\\'); // three
let d: &'static str = br"\"; // four
/* // no " */ let r#e = r##"
// no "# // no"##; // five
for"// \" // no" // six"###;
    let found = comments(text);
    let expected =
        [(2, "// one"), (3, "// two"), (4, "// three"), (5, "// four"), (7, "// five"), (8, "// six")];
    assert_eq!(found, expected);
}

#[test]
fn unterminated_source_is_read_to_its_end() {
    for text in ["\"// no", "r#\"// no\"", "/* // no", "'\\", "'", "r#", "é'é"] {
        assert_eq!(comments(text), [], "{text}");
    }
}

#[test]
fn table_counts_by_standard_and_level_and_names_open_requirements() {
    let other = "# Local: b\n\nStatus: in progress.\n\n- **b** P local: b.\n- **c** M local: c\n  and d. Open: later.\n";
    let pages = [source("docs/spec/rfc1.md", PAGE), source("docs/spec/b.md", other)];
    let sources = [source("crates/a/src/lib.rs", CODE), source("crates/a/tests/a.rs", TEST)];
    let table = read(&pages, &sources).0.table();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[1], ["Local", "0", "0", "0", "1", "0", "1"]);
    assert_eq!(rows[2], ["RFC", "1", "1", "0", "0", "0", "1", "0"]);
    assert_eq!(rows[3], ["all", "1", "0", "0", "1", "1", "1"]);
    let last: Vec<&str> = table.lines().skip(4).collect();
    assert_eq!(
        last,
        [
            "open: c, docs/spec/b.md:6: local: c and d. Open: later.",
            "spec: 4 requirements, 1 citations in code, 1 in tests"
        ]
    );
}
