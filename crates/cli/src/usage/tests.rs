use std::ffi::OsString;

use clap::Parser;

use super::message;
use crate::arguments::Arguments;

/// What is said of a command line that is no good.
fn said(words: &[&str]) -> String {
    let words: Vec<_> = ["tapstack"].iter().chain(words).map(OsString::from).collect();
    message(&Arguments::try_parse_from(&words).expect_err("a command line that is no good"), &words)
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
            "invalid value 'localhost' for '<TARGET>': expected an IPv4 address, e.g. 10.0.0.1",
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
fn message_names_the_cause_when_a_value_is_invalid() {
    let host = ["host", "--tap", "tap0", "--address"];
    let hosts = ["host", "--tap", "tap0", "--hosts"];
    let arping = ["arping", "-I", "eth0"];
    let rows: [(&[&str], &[&str], &str); 25] = [
        (
            &hosts,
            &["10.0.4.0-10.0.7.231"],
            ": a range FIRST-LAST is not supported here; expected CIDR, e.g. 10.1.0.0/16",
        ),
        (&hosts, &["0.0.0.0/0"], ": too many hosts: 2^32, and at most 2^24 are possible, a /8"),
        (&hosts, &["10.1.0.0/24@4095"], ": the VLAN must be from 1 to 4094"),
        (
            &hosts,
            &["010.1.0.0/24"],
            ": 010 has a leading zero, which other programs read as octal; write it without",
        ),
        (&host, &["10.0.0.2/33"], ": the prefix length must be from 0 to 32"),
        (&host, &["fe80::2/64"], ": IPv6 is not supported; expected an IPv4 address, e.g. 10.0.0.1"),
        (
            &host,
            &["10.0.0.2/24", "--mtu", "0"],
            "invalid value '0' for '--mtu <OCTETS>': it must be from 68 to 65521",
        ),
        (&host, &["10.0.0.2/24", "--arp-timeout", "-5"], "invalid value '-5': a number must not be negative"),
        (&host, &["10.0.0.2/24", "--arp-timeout", "0"], ": it must be at least 1"),
        (&host, &["10.0.0.2/24", "--arp-timeout", "1x"], ": it must be a whole number"),
        (&host, &["10.0.0.2/24", "--busy-poll", "1000001"], ": it must be at most 1000000"),
        (
            &host,
            &["10.0.0.2/24", "--mac", "ff:ff:ff:ff:ff:ff"],
            ": it is the broadcast MAC address; use that of one station, e.g. 02:00:00:00:00:02",
        ),
        (
            &host,
            &["10.0.0.2/24", "--static", "10.0.0.9=x"],
            ": expected six bytes in hexadecimal, e.g. 02:00:00:00:00:02, 0200.0000.0002 or 020000000002",
        ),
        (&arping, &["-c", "0", "10.0.0.1"], ": it must be at least 1"),
        (&arping, &["-c", "99999999999999999999", "10.0.0.1"], ": the number is too large"),
        (&arping, &["-c", "-1", "10.0.0.1"], "invalid value '-1': a number must not be negative"),
        (&arping, &["-w", "-0.5", "10.0.0.1"], "invalid value '-0.5': a number must not be negative"),
        (&arping, &["-qw", "-2.5", "10.0.0.1"], "invalid value '-2.5': a number must not be negative"),
        (&arping, &["--count", "-7", "10.0.0.1"], "invalid value '-7': a number must not be negative"),
        (&arping, &["-1", "10.0.0.1"], "unexpected argument '-1' found; see `tapstack arping --help`"),
        (&arping, &["-q", "-1", "10.0.0.1"], "unexpected argument '-1' found; see `tapstack arping --help`"),
        (&["watch"], &["-3"], "unexpected argument '-3' found; see `tapstack watch --help`"),
        (&arping, &["fe80::1"], ": IPv6 is not supported; expected an IPv4 address, e.g. 10.0.0.1"),
        (
            &["scan", "-I", "eth0"],
            &["--rate", "-1", "10.0.0.1"],
            "invalid value '-1': a number must not be negative",
        ),
        (
            &["lab"],
            &["bash", "-c", "exit 7"],
            "unexpected argument 'bash' found; put `--` before the command, as in `tapstack lab -- bash`",
        ),
    ];
    for (command, words, expected) in rows {
        let said = said(&[command, words].concat());
        assert!(said.ends_with(expected), "{words:?}: {said}");
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
