//! ARP packets with hardware type 6 (IEEE 802 networks, RFC 1042).

use std::net::Ipv4Addr;

use super::running::{Running, open_tap};
use testbed::frames::{arp, is_arp, receive, send};
use testbed::{Case, TestResult};

pub(crate) const CASES: &[Case] = &[("arping_scan_and_watch_accept_hardware_type_6", all_tools)];

const BROADCAST: [u8; 6] = [0xff; 6];
const STATION: [u8; 6] = [2, 0, 0, 0, 0, 7];
const TARGET: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// Converts a frame to hardware type 6, with an `EtherType` or with a SNAP header.
fn with_hardware_type_6(frame: &[u8], is_snap: bool) -> Vec<u8> {
    let mut packet = frame[14..].to_vec();
    packet[1] = 6;
    let head: &[u8] = if is_snap { &[0, 36, 0xaa, 0xaa, 3, 0, 0, 0, 8, 6] } else { &[8, 6] };
    [&frame[..12], head, &packet].concat()
}

// proves: rfc1042-hardware-type
fn all_tools() -> TestResult {
    for is_snap in [false, true] {
        let mut tap = open_tap("six0")?;
        let mut watch = Running::command(&["watch", "-I", "six0"])?;
        send(
            &mut tap,
            &with_hardware_type_6(&arp(BROADCAST, 1, (STATION, TARGET), ([0; 6], TARGET)), is_snap),
        )?;
        let line = watch.line()?;
        assert!(line.ends_with("new 10.0.0.2 is at 02:00:00:00:00:07\n"), "{line}");
        drop(watch);

        for (command, sender, code) in [
            (&["arping", "-I", "six0", "-D", "10.0.0.2"][..], [0; 4], 1),
            (&["scan", "-I", "six0", "-r", "1", "-t", "3000", "-M", "1", "10.0.0.2"], [10, 0, 0, 1], 0),
        ] {
            let child = Running::command(command)?;
            let request = receive(&mut tap, |bytes| is_arp(1)(bytes) && bytes[28..32] == sender)?;
            let sender = ([0; 6], Ipv4Addr::UNSPECIFIED);
            let mut reply = arp(BROADCAST, 2, (STATION, TARGET), sender);
            reply[32..42].copy_from_slice(&request[22..32]);
            send(&mut tap, &with_hardware_type_6(&reply, is_snap))?;
            let (ended, out, errors) = child.end()?;
            assert_eq!(ended, Some(code), "{command:?} {is_snap}: {out}{errors}");
        }
    }
    Ok(())
}
