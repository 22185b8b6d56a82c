use clap::Parser;

use super::sentence;
use crate::arguments::Arguments;

/// What is said of a command line that is no good.
fn said(words: &[&str]) -> String {
    let words = ["tapstack"].iter().chain(words);
    sentence(&Arguments::try_parse_from(words).expect_err("a command line that is no good").to_string())
}

#[test]
fn whoever_mistypes_is_told_in_one_sentence_how_to_go_on() {
    let rows: [(&[&str], &str); 8] = [
        (
            &["decode"],
            "the following required arguments were not provided: <FILE>; see `tapstack decode --help`",
        ),
        (
            &["scan", "-I", "eth0", "-l", "-f", "a", "10.0.0.1"],
            "the argument '--localnet' cannot be used with: --file <FILE>, [RANGE]...; see `tapstack scan --help`",
        ),
        (&["tap", "delete", "a", "-z"], "unexpected argument '-z' found; see `tapstack tap delete --help`"),
        (&["decode", "--jsn", "a"], "unexpected argument '--jsn' found; a similar argument exists: '--json'"),
        (&["arpin"], "unrecognized subcommand 'arpin'; a similar subcommand exists: 'arping'"),
        (
            &["--color", "blue"],
            "invalid value 'blue' for '--color <WHEN>' [possible values: auto, always, never]",
        ),
        (
            &["arping", "-I", "eth0", "localhost"],
            "invalid value 'localhost' for '<TARGET>': an IPv4 address is wanted, such as 10.0.0.1",
        ),
        (
            &["scan", "-I", "eth0", "--rate", "0", "10.0.0.1"],
            "invalid value '0' for '--rate <PPS>': requests a second are wanted, from 1 to 10000000",
        ),
    ];
    for (words, expected) in rows {
        assert_eq!(said(words), expected, "{words:?}");
    }
}

#[test]
fn an_address_of_a_tap_is_none_of_an_interface() {
    for command in ["arping", "scan", "watch"] {
        for option in ["--address", "--kernel"] {
            let mut words = vec![command, "-I", "eth0", option, "10.0.0.3/24"];
            words.extend((command != "watch").then_some("10.0.0.2"));
            let said = said(&words);
            assert!(said.contains("cannot be used with"), "{words:?}: {said}");
        }
    }
    for option in ["--address", "--kernel"] {
        assert!(said(&["watch", "a.pcap", option, "10.0.0.3/24"]).contains("cannot be used with"));
    }
}
