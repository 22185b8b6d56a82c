//! Services of the Linux kernel under test: sockets of the kernel, and threads that reply.

use std::net::{Ipv4Addr, UdpSocket};
use std::thread;

use super::udp_datagrams::{DISCARD, ECHO};

/// Starts the services echo and discard on all addresses.
pub(crate) fn start() -> Result<(), String> {
    let socket = |port| {
        UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))
            .map_err(|error| format!("cannot bind UDP port {port}: {error}"))
    };
    let (echo, discard) = (socket(ECHO)?, socket(DISCARD)?);
    thread::spawn(move || serve(&echo, true));
    thread::spawn(move || serve(&discard, false));
    Ok(())
}

/// Receives datagrams until the process ends.
fn serve(socket: &UdpSocket, replies: bool) {
    let mut buffer = vec![0; 65_536];
    loop {
        // An error concerns one datagram: an ICMP error, or a reply to port 0.
        let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
        if replies {
            let _ = socket.send_to(buffer.get(..length).unwrap_or_default(), from);
        }
    }
}
