//! `tapstack host` with ranges of hosts and with routes.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::time::Duration;

use tap::linux::{Interface, PacketSocket};

use super::running::{PersistentTapGuard, Running};
use testbed::frames::{arp, is_arp, receive, send, wait_until_answering};
use testbed::installed::installed;
use testbed::program::{exit_and_text, run};
use testbed::{Case, TestResult};

pub(crate) const CASES: &[Case] = &[
    ("each_address_of_range_answers_with_separate_mac", each_address),
    ("range_from_first_to_last_address_has_no_other_hosts", first_to_last),
    ("ranges_in_vlans_are_separate", ranges_in_vlans),
    ("hosts_of_range_probe_with_probe_option", probe_option),
    ("kernel_receives_port_unreachable_from_range", port_unreachable),
    ("range_answers_remote_hosts_through_gateway", through_gateway),
    ("log_is_limited_and_counters_are_exact_when_station_conflicts", log_is_limited),
    ("range_answers_kernel_that_has_one_of_its_addresses", kernel_in_range),
    ("host_warns_at_start_when_range_contains_kernel_address", kernel_address),
    ("commands_on_tap_warn_when_kernel_has_their_address", shared_address),
    ("host_exits_2_with_message_for_invalid_ranges_and_routes", invalid_ranges),
];

const PEER: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 7);
const PEER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];
const BASE: &str = "02:11:00:00:00:00";

/// Returns the MAC address of a host: [`BASE`] plus `number`.
fn mac_address(number: u16) -> [u8; 6] {
    let [high, low] = number.to_be_bytes();
    [2, 0x11, 0, 0, high, low]
}

/// Returns the checksum of RFC 1071, computed word by word.
pub(super) fn checksum(bytes: &[u8]) -> [u8; 2] {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low));
    let mut sum: u32 = bytes.chunks(2).map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).map_or([0; 2], |sum| (!sum).to_be_bytes())
}

/// Returns a frame with an echo request or reply.
fn echo(kind: u8, from: ([u8; 6], Ipv4Addr), to: ([u8; 6], Ipv4Addr)) -> Vec<u8> {
    let mut message = [&[kind, 0, 0, 0, 0x12, 0x34, 0, 1][..], b"sixteen bytes..."].concat();
    let sum = checksum(&message);
    message[2..4].copy_from_slice(&sum);
    let mut header =
        [&[0x45, 0, 0, 44, 0, 0, 0, 0, 64, 1, 0, 0][..], &from.1.octets(), &to.1.octets()].concat();
    let sum = checksum(&header);
    header[10..12].copy_from_slice(&sum);
    [&to.0[..], &from.0, &[8, 0], &header, &message].concat()
}

/// Returns a frame with zeros in the identification, which the sender chooses, and in the header checksum.
fn fixed(frame: &[u8]) -> Vec<u8> {
    let mut fixed = frame.to_vec();
    fixed[18..20].fill(0);
    fixed[24..26].fill(0);
    fixed
}

fn is_ipv4(bytes: &[u8]) -> bool {
    bytes.get(12..14) == Some(&[8, 0]) && bytes.get(23) == Some(&1)
}

fn socket_on(name: &str) -> Result<PacketSocket, Box<dyn std::error::Error>> {
    Ok(PacketSocket::open(Interface::named(&name.parse()?)?.name())?)
}

// proves: rfc5227-many
fn each_address() -> TestResult {
    let host = Running::begin(&[
        "--tap",
        "range0",
        "--hosts",
        "10.1.0.0/16",
        "--mac-base",
        BASE,
        "--kernel",
        "10.9.0.1/8",
    ])?;
    assert_eq!(
        host.first, "ready range0 02:11:00:00:00:00 10.1.0.0/16\n",
        "unexpected `ready` line of a range"
    );
    let mut socket = socket_on("range0")?;
    for number in [0, 1, 0x00ff, 0x0100, 0x7fff, 0xfffe, 0xffff] {
        let local = (mac_address(number), Ipv4Addr::from(0x0a01_0000 + u32::from(number)));
        send(&mut socket, &arp([0xff; 6], 1, (PEER_MAC, PEER), ([0; 6], local.1)))?;
        assert_eq!(receive(&mut socket, is_arp(2))?, arp(PEER_MAC, 2, local, (PEER_MAC, PEER)), "{number}");
        send(&mut socket, &echo(8, (PEER_MAC, PEER), local))?;
        let reply = receive(&mut socket, is_ipv4)?;
        assert_eq!(fixed(&reply), fixed(&echo(0, local, (PEER_MAC, PEER))), "{number}");
    }
    // The frame has the MAC address of one host and the IP address of another host.
    let crossed = (mac_address(3), Ipv4Addr::new(10, 1, 0, 4));
    send(&mut socket, &echo(8, (PEER_MAC, PEER), crossed))?;
    let (code, out, _) = host.stop()?;
    assert_eq!(code, Some(0));
    assert!(out.contains("7  icmp: echo replies sent\n"), "{out}");
    assert!(out.contains("1  host: dropped: destination MAC address is of another local host\n"), "{out}");
    Ok(())
}

fn first_to_last() -> TestResult {
    let hosts = ["--tap", "ends0", "--hosts", "10.1.0.1-4", "--mac-base", BASE, "--kernel", "10.9.0.1/8"];
    let host = Running::begin(&hosts)?;
    let ready = "ready ends0 02:11:00:00:00:00 10.1.0.1/32 02:11:00:00:00:01 10.1.0.2/31 02:11:00:00:00:03 10.1.0.4/32\n";
    assert_eq!(host.first, ready, "unexpected `ready` line of a range from one address to another");
    let mut socket = socket_on("ends0")?;
    // The host answers in order, so the last reply is that of address 1 only if addresses 0 and 5 have no host.
    for number in [0, 1, 2, 3, 4, 5, 1] {
        let ip = Ipv4Addr::new(10, 1, 0, number);
        send(&mut socket, &arp([0xff; 6], 1, (PEER_MAC, PEER), ([0; 6], ip)))?;
        if (1..=4).contains(&number) {
            let local = (mac_address(u16::from(number) - 1), ip);
            assert_eq!(receive(&mut socket, is_arp(2))?, arp(PEER_MAC, 2, local, (PEER_MAC, PEER)), "{ip}");
        }
    }
    let (code, out, _) = host.stop()?;
    assert_eq!(code, Some(0));
    assert!(out.contains("5  arp: replies sent\n"), "{out}");
    Ok(())
}

fn ranges_in_vlans() -> TestResult {
    let ranges = ["--hosts", "10.1.0.0/24@5", "--hosts", "10.1.0.0/24@6", "--hosts", "10.1.1.0/24@6"];
    let common = ["--tap", "vlans0", "--mac-base", BASE, "--kernel", "10.9.0.1/8"];
    let host = Running::begin(&[&common[..], &ranges].concat())?;
    assert_eq!(
        host.first,
        "ready vlans0 02:11:00:00:00:00 10.1.0.0/24@5 02:11:00:00:01:00 10.1.0.0/24@6 02:11:00:00:02:00 10.1.1.0/24@6\n"
    );
    let mut socket = socket_on("vlans0")?;
    let tagged = |frame: &[u8], vlan: u8| [&frame[..12], &[0x81, 0, 0, vlan], &frame[12..]].concat();
    for (vlan, number, target) in
        [(5, 2, [10, 1, 0, 2]), (6, 0x102, [10, 1, 0, 2]), (6, 0x203, [10, 1, 1, 3])]
    {
        let local = (mac_address(number), Ipv4Addr::from(target));
        let request = arp([0xff; 6], 1, (PEER_MAC, PEER), ([0; 6], local.1));
        send(&mut socket, &request)?;
        send(&mut socket, &tagged(&request, 7))?;
        send(&mut socket, &tagged(&request, vlan))?;
        let reply = receive(&mut socket, |bytes| bytes.starts_with(&PEER_MAC))?;
        assert_eq!(reply, tagged(&arp(PEER_MAC, 2, local, (PEER_MAC, PEER)), vlan));
        send(&mut socket, &tagged(&echo(8, (PEER_MAC, PEER), local), vlan))?;
        let reply = receive(&mut socket, |bytes| bytes.starts_with(&PEER_MAC))?;
        assert_eq!(reply[12..18], [0x81, 0, 0, vlan, 8, 0]);
    }
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

// proves: rfc5227-many
fn probe_option() -> TestResult {
    let tap = PersistentTapGuard::create("ask0")?;
    let mut socket = PacketSocket::open(tap.0.name())?;
    let hosts = ["--tap", "ask0", "--hosts", "10.1.0.0/30", "--mac-base", BASE, "--probe", "-q"];
    // The first line is printed after the probes.
    let host = Running::begin(&hosts)?;
    assert_eq!(host.first, "ready ask0 02:11:00:00:00:00 10.1.0.0/30\n");
    let probe = receive(&mut socket, is_arp(1))?;
    assert_eq!(probe[28..32], [0; 4], "the first ARP request is not a probe");
    let (_, out, _) = host.stop()?;
    // Three probes and one or two announcements per host.
    let line = out.lines().find(|line| line.ends_with("arp: probes and announcements sent"));
    let count: u32 = line.and_then(|line| line.split_whitespace().next()).ok_or("no count")?.parse()?;
    assert!((13..=20).contains(&count), "{out}");
    Ok(())
}

// proves: rfc1122-port-unreachable
fn log_is_limited() -> TestResult {
    const REQUESTS: usize = 300;
    for json in [&[][..], &["--json"]] {
        let arguments = ["--tap", "short0", "--hosts", "10.1.0.0/24", "--kernel", "10.9.0.1/8"];
        let host = Running::begin(&[&arguments[..], json].concat())?;
        let mut socket = socket_on("short0")?;
        wait_until_answering(&mut socket, Ipv4Addr::new(10, 1, 0, 9))?;
        let station = (PEER_MAC, Ipv4Addr::new(10, 1, 0, 5));
        for _ in 0..REQUESTS {
            send(&mut socket, &arp([0xff; 6], 1, station, ([0; 6], station.1)))?;
        }
        wait_until_answering(&mut socket, Ipv4Addr::new(10, 1, 0, 9))?;
        let (code, out, errors) = host.stop()?;
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        let lines = |word: &str| out.lines().filter(|line| line.contains(word)).count();
        assert!(lines("suppressed") >= 2 && lines("10.1.0.5") <= 20, "{out}");
        assert!(out.lines().count() < 80, "{out}");
        let counted = if json.is_empty() {
            format!("       {REQUESTS}  arp: dropped: sender IP address is a local address\n")
        } else {
            format!("\"address_conflict\":{REQUESTS},")
        };
        assert!(out.contains(&counted), "{out}");
    }
    Ok(())
}

/// Returns whether the kernel receives a reply to an echo request.
fn kernel_receives_reply(from: Ipv4Addr) -> Result<bool, Box<dyn std::error::Error>> {
    let ping =
        Command::new(installed("ping")?).args(["-n", "-c", "1", "-W", "3"]).arg(from.to_string()).output()?;
    Ok(ping.status.success())
}

// proves: conflict-of-one-address
fn kernel_in_range() -> TestResult {
    // The kernel has the lowest address of the range.
    let tap = PersistentTapGuard::create_with("within0", Some("10.0.1.0/8".parse()?))?;
    let host = Running::begin(&["--tap", "within0", "--hosts", "10.0.1.0/24"])?;
    // The second time, the kernel still has the hosts in its neighbor table.
    for pause in [0, 20] {
        std::thread::sleep(Duration::from_secs(pause));
        for last in [1, 77, 255] {
            let replied = kernel_receives_reply(Ipv4Addr::new(10, 0, 1, last))?;
            assert!(replied, "no reply from 10.0.1.{last} after {pause} s");
        }
    }
    let (code, out, _) = host.stop()?;
    assert_eq!(code, Some(0));
    assert!(out.contains("6  icmp: echo replies sent\n"), "{out}");
    drop(tap);
    Ok(())
}

fn kernel_address() -> TestResult {
    let tap = PersistentTapGuard::create("inside0")?;
    let host = Running::begin(&["--tap", "inside0", "--hosts", "10.0.0.0-9"])?;
    let (code, _, errors) = host.stop()?;
    assert_eq!(code, Some(0));
    let warning = "tapstack: 10.0.0.1 in --hosts 10.0.0.0-9 is also an address of this machine\nhint: use a range without this address\n";
    assert_eq!(errors, warning);
    let host = Running::begin(&["--tap", "inside0", "--hosts", "10.0.1.0/24"])?;
    assert_eq!(host.stop()?.2, "");
    drop(tap);
    Ok(())
}

fn shared_address() -> TestResult {
    let tap = PersistentTapGuard::create("shared0")?;
    let warning = "tapstack: 10.0.0.1 is also an address of this machine\nhint: use another --address\n";
    for (words, code) in [
        (&["arping", "-w", "0.1", "10.0.0.9"][..], 1),
        (&["scan", "-x", "-r", "1", "-t", "60", "10.0.0.9"], 1),
        (&["ping", "-c", "1", "-W", "0.1", "10.0.0.9"], 1),
        (&["watch", "-w", "0.1", "-q"], 0),
        (&["nc", "-z", "-w", "0.1", "10.0.0.9", "7"], 1),
    ] {
        for (address, expected) in [("10.0.0.1/24", warning), ("10.0.0.2/24", "")] {
            let on_tap = ["--tap", "shared0", "--address", address];
            let (ended, _, errors) = exit_and_text(&run(&[words, &on_tap].concat())?);
            assert_eq!((ended, errors.as_str()), (Some(code), expected), "{words:?} {address}");
        }
    }
    drop(tap);
    Ok(())
}

fn port_unreachable() -> TestResult {
    let host = Running::start(&["--tap", "port0", "--address", "10.0.0.2/24", "--kernel", "10.0.0.1/24"])?;
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_read_timeout(Some(Duration::from_mins(1)))?;
    socket.connect((Ipv4Addr::new(10, 0, 0, 2), 9))?;
    socket.send(b"hello")?;
    let refused = socket.recv(&mut [0; 16]).err().map(|error| error.kind());
    assert_eq!(refused, Some(ErrorKind::ConnectionRefused));
    let (_, out, _) = host.stop()?;
    assert!(out.contains("1  icmp: errors sent\n"), "{out}");
    Ok(())
}

fn through_gateway() -> TestResult {
    let tap = PersistentTapGuard::create("gate0")?;
    let mut socket = PacketSocket::open(tap.0.name())?;
    let gateway = ([2, 0, 0, 0, 0, 0xfe], Ipv4Addr::new(10, 0, 0, 254));
    let other = ([2, 0, 0, 0, 0, 0xfd], Ipv4Addr::new(10, 0, 0, 253));
    let common = ["--tap", "gate0", "--address", "10.0.0.2/24", "--mac", "02:11:00:00:00:02"];
    let routes = ["--gateway", "10.0.0.254", "--route", "192.0.2.0/24", "via", "10.0.0.253"];
    let host = Running::start(&[&common[..], &routes].concat())?;
    let local = (mac_address(2), Ipv4Addr::new(10, 0, 0, 2));
    wait_until_answering(&mut socket, local.1)?;
    for (source, hop) in [([198, 51, 100, 1], gateway), ([192, 0, 2, 1], other)] {
        // The host resolves the next hop of its own route, not the station that sent the request.
        send(&mut socket, &echo(8, (PEER_MAC, source.into()), local))?;
        let arp_request = arp([0xff; 6], 1, local, ([0; 6], hop.1));
        receive(&mut socket, |bytes| bytes == arp_request)?;
        send(&mut socket, &arp(local.0, 2, hop, local))?;
        let reply = receive(&mut socket, is_ipv4)?;
        assert_eq!(fixed(&reply), fixed(&echo(0, local, (hop.0, source.into()))));
    }
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

fn invalid_ranges() -> TestResult {
    let hosts = |ranges: &[&'static str]| {
        let mut words = vec!["host", "--tap", "bad0"];
        words.extend(ranges.iter().flat_map(|range| ["--hosts", *range]));
        words
    };
    let one = ["host", "--tap", "bad0", "--no-probe", "--address", "10.0.0.2/24"];
    let cases: [(Vec<&str>, &str); 20] = [
        (hosts(&["10.1.0.5"]), "use 10.1.0.5/32 for one address, or e.g. 10.1.0.0/24"),
        (hosts(&["10.1.0.0/16@4095"]), "expected a VLAN ID from 1 to 4094"),
        (hosts(&["10.1.0.5/24"]), "use the range 10.1.0.0/24"),
        ([&hosts(&["10.0.0.0/8"])[..], &["--probe"]].concat(), "has too many hosts to probe or announce"),
        (
            [&hosts(&["10.1.0.1-10.2.255.254"])[..], &["--probe"]].concat(),
            "10.1.0.1-10.2.255.254 has too many hosts to probe or announce",
        ),
        (
            [&hosts(&["10.1.0.1-10.2.0.1"])[..], &["--announce"]].concat(),
            "10.1.0.1-10.2.0.1 has too many hosts to probe or announce",
        ),
        (
            [&hosts(&["10.1.0.0/16"])[..], &["--kernel", "10.1.0.1/8"]].concat(),
            "10.1.0.1 in --hosts 10.1.0.0/16 is also an address of this machine",
        ),
        (
            [&hosts(&["10.1.0.1-9@5"])[..], &["--kernel", "10.1.0.5/24"]].concat(),
            "10.1.0.5 in --hosts 10.1.0.1-9@5 is also an address of this machine",
        ),
        (hosts(&["224.0.0.0/24"]), "224.0.0.0 is a multicast address"),
        (hosts(&["10.1.0.0/16", "10.1.2.0/24"]), "use ranges that do not overlap"),
        (hosts(&["10.1.0.1-9", "10.1.0.5-12"]), "--hosts 10.1.0.5-12 overlaps --hosts 10.1.0.1-9"),
        (
            [&hosts(&["10.1.0.0/16"])[..], &["--mac-base", "03:00:00:00:00:00"]].concat(),
            "a multicast MAC address",
        ),
        (
            [&hosts(&["10.1.0.0/16"])[..], &["--mac-base", "02:ff:ff:ff:ff:f0"]].concat(),
            "only 15 unicast MAC addresses follow 02:ff:ff:ff:ff:f0, but 65535 are needed",
        ),
        ([&hosts(&["10.1.0.0/16"])[..], &["--address", "10.0.0.2/24"]].concat(), "cannot be used with"),
        ([&one[..], &["--mac-base", "02:00:00:00:00:00"]].concat(), "cannot be used with"),
        (vec!["host", "--tap", "bad0", "--address", "10.0.0.2/24", "--probe"], "cannot be used with"),
        ([&one[..], &["--gateway", "10.0.0.2"]].concat(), "the gateway 10.0.0.2 is a local address"),
        ([&one[..], &["--gateway", "192.0.2.1"]].concat(), "is not on the link"),
        ([&one[..], &["--route", "192.0.2.0/24", "by", "10.0.0.1"]].concat(), "via 10.0.0.1"),
        ([&one[..], &["--route", "192.0.2.0/24", "via", "10.1.0.1"]].concat(), "is not on the link"),
    ];
    for (arguments, part) in cases {
        let (code, _, errors) = exit_and_text(&run(&arguments)?);
        assert_eq!(code, Some(2), "{arguments:?}: {errors}");
        assert!(errors.contains(part), "{arguments:?}: {errors}");
    }
    Ok(())
}
