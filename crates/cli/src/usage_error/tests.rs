use std::ffi::OsString;

use clap::Parser;

use super::message;
use crate::arguments::CommandLine;

/// Returns the message about an invalid command line, with its hints.
fn message_of(words: &[&str]) -> String {
    let words: Vec<_> = ["tapstack"].iter().chain(words).map(OsString::from).collect();
    message(&CommandLine::try_parse_from(&words).expect_err("an invalid command line"), &words).to_string()
}

#[test]
fn usage_error_names_fix_or_help_when_argument_is_invalid() {
    let rows: [(&[&str], &str); 17] = [
        (
            &["host", "--tap", "tap0", "--address", "10.0.0.2/24", "--route", "x"],
            "invalid '--route': expected 3 values without quotes: IP/PREFIX via IP\nhint: see `tapstack host --help`",
        ),
        (&["decode"], "missing argument: <FILE>\nhint: see `tapstack decode --help`"),
        (
            &["scan", "-I", "eth0"],
            "missing option or argument: <RANGE>, --file <FILE> or --localnet\nhint: see `tapstack scan --help`",
        ),
        (
            &["watch"],
            "missing option or argument: --interface <NAME>, --tap <NAME> or <FILE>\nhint: see `tapstack watch --help`",
        ),
        (&["arping"], "missing argument: <TARGET>\nhint: see `tapstack arping --help`"),
        (
            &["scan", "-I", "eth0", "-l", "-f", "a", "10.0.0.1"],
            "'--localnet' cannot be used with '--file <FILE>' or '[RANGE]...'\nhint: see `tapstack scan --help`",
        ),
        (&["tap", "delete", "a", "-z"], "unknown option '-z'\nhint: see `tapstack tap delete --help`"),
        (&["decode", "--jsn", "a"], "unknown option '--jsn'\nhint: did you mean '--json'?"),
        (&["arpign"], "unknown command 'arpign'\nhint: did you mean 'arping' or 'ping'?"),
        (
            &["arping", "-I"],
            "a value is required for '--interface <NAME>'\nhint: see `tapstack arping --help`",
        ),
        (&["decode", ""], "a value is required for '[FILE]'\nhint: see `tapstack decode --help`"),
        (&["decode", "--json=1", "a"], "'--json' takes no value\nhint: see `tapstack decode --help`"),
        (&["arpin"], "unknown command 'arpin'\nhint: did you mean 'arping'?"),
        (
            &["--color", "blue"],
            "invalid value 'blue' for '--color <WHEN>'\nhint: possible values: auto, always, never",
        ),
        (&["--color", "alway"], "invalid value 'alway' for '--color <WHEN>'\nhint: did you mean 'always'?"),
        (
            &["arping", "-I", "eth0", "10.0.0"],
            "invalid value '10.0.0' for '<TARGET>': expected an IPv4 address\nhint: use e.g. 10.0.0.1",
        ),
        (
            &["scan", "-I", "eth0", "--rate", "0", "10.0.0.1"],
            "invalid value '0' for '--rate <RATE>': expected 1 to 10,000,000 requests per second",
        ),
    ];
    for (words, expected) in rows {
        assert_eq!(message_of(words), expected, "{words:?}");
    }
}

#[test]
fn usage_error_names_cause_when_value_is_invalid() {
    let host = ["host", "--tap", "tap0", "--address"];
    let hosts = ["host", "--tap", "tap0", "--hosts"];
    let arping = ["arping", "-I", "eth0"];
    let rows: [(&[&str], &[&str], &str); 29] = [
        (
            &hosts,
            &["10.0.7.231-10.0.4.0"],
            ": 10.0.4.0 is lower than 10.0.7.231\nhint: use the range 10.0.4.0-10.0.7.231",
        ),
        (&hosts, &["0.0.0.0/0"], ": range of 4294967296 hosts (maximum 16777216)\nhint: use e.g. 10.0.0.0/8"),
        (&hosts, &["10.1.0.0/24@4095"], ": expected a VLAN ID from 1 to 4094"),
        (&host, &["10.0.0.2/24", "--vlan", "0"], "invalid value '0' for '--vlan <VLAN>': expected 1 to 4094"),
        (
            &["arping", "10.0.0.1", "-I"],
            &["tap/0"],
            "'tap/0' for '--interface <NAME>': it contains a slash\nhint: list the interfaces: `ip -brief link`",
        ),
        (
            &["tap", "create"],
            &["a-very-long-name"],
            "'a-very-long-name' for '<NAME>': 16 bytes, more than 15\nhint: use a name such as tap0",
        ),
        (
            &hosts,
            &["127.0.0.0/24"],
            ": 127.0.0.0 is a loopback address\nhint: use a range of host addresses, e.g. 10.1.0.0/16",
        ),
        (
            &hosts,
            &["010.1.0.0/24"],
            ": 010 has a leading zero, which other programs read as octal\nhint: write the number without the leading zero",
        ),
        (&host, &["10.0.0.2/33"], ": expected a prefix length from 0 to 32"),
        (&host, &["fe80::2/64"], ": IPv6 is not supported\nhint: use an IPv4 address, e.g. 10.0.0.1"),
        (
            &host,
            &["10.0.0.2/24", "--mtu", "0"],
            "invalid value '0' for '--mtu <BYTES>': expected a whole number from 68 to 65521",
        ),
        (&host, &["10.0.0.2/24", "--arp-timeout", "-5"], ": expected a whole number of at least 1"),
        (&host, &["10.0.0.2/24", "--arp-timeout", "0"], ": expected a whole number of at least 1"),
        (&host, &["10.0.0.2/24", "--arp-timeout", "1x"], ": expected a whole number of at least 1"),
        (&host, &["10.0.0.2/24", "--busy-poll", "1000001"], ": expected a whole number from 0 to 1000000"),
        (
            &host,
            &["10.0.0.2/24", "--mac", "ff:ff:ff:ff:ff:ff"],
            ": ff:ff:ff:ff:ff:ff is the broadcast MAC address\nhint: use a unicast MAC address, e.g. 02:00:00:00:00:02",
        ),
        (
            &host,
            &["10.0.0.2/24", "--static", "10.0.0.9=x"],
            ": expected a MAC address, six bytes in hexadecimal\nhint: use e.g. 02:00:00:00:00:02, 0200.0000.0002 or 020000000002",
        ),
        (&arping, &["-c", "0", "10.0.0.1"], ": expected a whole number of at least 1"),
        (&arping, &["-c", "99999999999999999999", "10.0.0.1"], ": expected a whole number of at least 1"),
        (&arping, &["-c", "-1", "10.0.0.1"], ": expected a whole number of at least 1"),
        (&arping, &["-w", "-0.5", "10.0.0.1"], ": expected a time in seconds from 0.001 to 86400"),
        (&arping, &["-qw", "-2.5", "10.0.0.1"], ": expected a time in seconds from 0.001 to 86400"),
        (&arping, &["--count", "-7", "10.0.0.1"], ": expected a whole number of at least 1"),
        (&arping, &["-1", "10.0.0.1"], "unknown option '-1'\nhint: see `tapstack arping --help`"),
        (&arping, &["-q", "-1", "10.0.0.1"], "unknown option '-1'\nhint: see `tapstack arping --help`"),
        (&["watch"], &["-3"], "unknown option '-3'\nhint: see `tapstack watch --help`"),
        (&arping, &["fe80::1"], ": IPv6 is not supported\nhint: use an IPv4 address, e.g. 10.0.0.1"),
        (
            &["scan", "-I", "eth0"],
            &["--rate", "-1", "10.0.0.1"],
            "invalid value '-1' for '--rate <RATE>': expected 1 to 10,000,000 requests per second",
        ),
        (
            &["lab"],
            &["bash", "-c", "exit 7"],
            "unexpected argument 'bash'\nhint: put `--` before the command: `tapstack lab -- bash`",
        ),
    ];
    for (command, words, expected) in rows {
        let message = message_of(&[command, words].concat());
        assert!(message.ends_with(expected), "{words:?}: {message}");
    }
}

#[test]
fn usage_error_of_file_filter_or_command_names_cause() {
    let arping = ["arping", "-I", "eth0"];
    let watch = ["watch", "-I", "eth0"];
    let filter = ["decode", "a", "--filter"];
    let rows: [(&[&str], &[&str], &str); 9] = [
        (&arping, &["--pcap", "a", "--pcap-size", "0"], ": expected a whole number from 1 to 1000000"),
        (&arping, &["--pcap", "a", "--pcap-files", "-1"], ": expected a whole number from 2 to 500"),
        (&["nc", "--tap", "a", "-p"], &["65536"], ": expected a whole number from 1 to 65535"),
        (&watch, &["--exec", " "], ": the command is empty\nhint: use e.g. 'logger \"$TAPSTACK_EVENT\"'"),
        (
            &watch,
            &["--ignore", "10.0.0.07"],
            ": 07 has a leading zero, which other programs read as octal\nhint: write the number without the leading zero",
        ),
        (
            &filter,
            &["host 10.0.0.01"],
            ": invalid IP address `10.0.0.01`\nhint: use an address without leading zeros, e.g. 10.0.0.1; names are not supported",
        ),
        (
            &filter,
            &["port http"],
            ": invalid port `http`\nhint: use a number from 0 to 65535; names are not supported",
        ),
        (
            &filter,
            &["net 10.0.0.1/24"],
            ": network `10.0.0.1/24` has address bits behind its length\nhint: use the network 10.0.0.0/24",
        ),
        (
            &filter,
            &["arp and"],
            ": the filter ends after `and`\nhint: show the syntax of filters: `tapstack decode --help`",
        ),
    ];
    for (command, words, expected) in rows {
        let message = message_of(&[command, words].concat());
        assert!(message.ends_with(expected), "{words:?}: {message}");
    }
}

#[test]
fn tap_addresses_are_rejected_with_interface_or_file() {
    for command in ["arping", "scan", "watch"] {
        for option in ["--address", "--kernel"] {
            let mut words = vec![command, "-I", "eth0", option, "10.0.0.3/24"];
            words.extend((command != "watch").then_some("10.0.0.2"));
            let message = message_of(&words);
            assert!(message.contains("cannot be used with"), "{words:?}: {message}");
        }
    }
    for option in ["--address", "--kernel"] {
        assert!(message_of(&["watch", "a.pcap", option, "10.0.0.3/24"]).contains("cannot be used with"));
    }
}

#[test]
fn option_of_tap_is_rejected_with_fix_when_interface_is_given() {
    let host = ["host", "-I", "eth0", "--address", "10.0.0.2/24"];
    for (option, value) in [("--io", "ring"), ("--mtu", "9000"), ("--kernel", "10.0.0.1/24")] {
        let message = message_of(&[&host[..], &[option, value]].concat());
        let end = format!(": {option} needs a TAP\nhint: omit {option}, or use --tap instead of --interface");
        assert!(message.ends_with(&end), "{option}: {message}");
    }
    let message = message_of(&["arping", "-I", "eth0", "--address", "10.0.0.3/24", "10.0.0.2"]);
    assert!(message.contains(": --address needs a TAP\nhint: omit --address,"), "{message}");
    let message = message_of(&[&host[..], &["--tap", "tap0"]].concat());
    assert!(message.ends_with("\nhint: see `tapstack host --help`"), "{message}");
}

#[test]
fn numbers_are_accepted_within_bounds() {
    let host = "host --tap t --address 10.0.0.2/24 --mtu 68 --busy-poll 0 --ttl 255 --arp-timeout 1";
    let rows = [
        host,
        "ping --tap t --address 10.0.0.2/24 -c 1 -s 0 -t 1 -i 0.2 -W 1 10.0.0.1",
        "arping -I e -c 1 -w 1 -i 0.5 10.0.0.1",
        "scan -I e --retry 1 -t 1 -b 1 --rate 1 -M 1 10.0.0.1",
        "scan -I e -i 50u 10.0.0.1",
        "watch -I e -w 1",
        "tap create t --mtu 65521",
    ];
    for row in rows {
        let words = ["tapstack"].into_iter().chain(row.split_whitespace());
        CommandLine::try_parse_from(words).unwrap_or_else(|error| panic!("{row}: {error}"));
    }
}
