//! Services of the Linux kernel under test: sockets of the kernel, and threads that reply.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::thread;

use super::udp_datagrams::{DAYTIME, DISCARD, ECHO};

/// Starts the services echo and discard, and over TCP also daytime, on all addresses.
pub(crate) fn start() -> Result<(), String> {
    let socket = |port| {
        UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))
            .map_err(|error| format!("cannot bind UDP port {port}: {error}"))
    };
    let (echo, discard) = (socket(ECHO)?, socket(DISCARD)?);
    thread::spawn(move || serve(&echo, true));
    thread::spawn(move || serve(&discard, false));
    let services: [(u16, fn(TcpStream)); 3] =
        [(ECHO, serve_echo), (DISCARD, serve_discard), (DAYTIME, serve_daytime)];
    for (port, service) in services {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))
            .map_err(|error| format!("cannot bind TCP port {port}: {error}"))?;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || service(stream));
            }
        });
    }
    Ok(())
}

/// Sends received data back until the peer closes the connection. An error ends the connection.
fn serve_echo(mut stream: TcpStream) {
    let mut buffer = [0; 4_096];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(buffer.get(..length).unwrap_or_default()).is_err() {
            break;
        }
    }
}

/// Receives data until the peer closes the connection.
fn serve_discard(mut stream: TcpStream) {
    let mut buffer = [0; 4_096];
    while let Ok(1..) = stream.read(&mut buffer) {}
}

/// Sends a line and closes the connection.
fn serve_daytime(mut stream: TcpStream) {
    // An error concerns a connection that the peer has ended.
    let _ = stream.write_all(b"Sunday, November 29, 2026\r\n");
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
