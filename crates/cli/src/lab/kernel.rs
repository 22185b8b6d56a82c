//! Programs on the kernel's network stack: a ping of the host, then an HTTP request.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::AsRawFd;
use std::thread::JoinHandle;
use std::time::Duration;

use icmp::{Echo, IcmpBody, IcmpMessage, IcmpType};
use ipv4::Datagram;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, recv, sendto, setsockopt, socket,
    sockopt,
};
use nix::sys::time::TimeVal;

use super::response::{HttpResponse, MAX_RESPONSE, REQUEST};
use super::{HOST, HTTP_PORT};

/// Maximum time without progress of a program.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum number of datagrams that the ping receives.
const MAX_RECEIVED: usize = 16;
/// Identifier of the echo request.
const IDENTIFIER: u16 = 1;
/// Number of bytes of data in the echo request, as in ping.
const DATA: usize = 56;

/// Starts the programs in a thread, which ends by itself.
pub(super) fn start() -> JoinHandle<Result<HttpResponse, String>> {
    std::thread::spawn(|| {
        ping(HOST.addr()).map_err(|error| format!("no echo reply: {error}"))?;
        let bytes = get(HOST.addr()).map_err(|error| format!("no page: {error}"))?;
        HttpResponse::parse(&bytes)
    })
}

/// Sends an echo request through the kernel, and waits for the reply.
fn ping(host: Ipv4Addr) -> io::Result<()> {
    let socket = socket(AddressFamily::Inet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::Icmp)?;
    setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::new(5, 0))?;
    let data = [0x55; DATA];
    let mut request = [0; Echo::HEADER + DATA];
    let echo = Echo { identifier: IDENTIFIER, sequence: 1, data: &data };
    echo.write_to(IcmpType::ECHO_REQUEST, &mut request).map_err(io::Error::other)?;
    sendto(socket.as_raw_fd(), &request, &SockaddrIn::from(SocketAddrV4::new(host, 0)), MsgFlags::empty())?;
    for _ in 0..MAX_RECEIVED {
        let mut buffer = [0; 1_500];
        let length = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
        if buffer.get(..length).is_some_and(|bytes| is_reply(bytes, host, &data)) {
            return Ok(());
        }
    }
    Err(io::Error::other("only other ICMP messages"))
}

/// Returns whether a datagram is the reply to the echo request.
fn is_reply(bytes: &[u8], host: Ipv4Addr, data: &[u8]) -> bool {
    let Ok(datagram) = Datagram::parse(bytes) else { return false };
    let body = IcmpMessage::parse(datagram.payload()).and_then(|message| message.body());
    let is_equal =
        |body| matches!(body, IcmpBody::Reply(echo) if echo.identifier == IDENTIFIER && echo.data == data);
    datagram.source() == host && body.is_ok_and(is_equal)
}

/// Sends the request over the kernel's TCP, and returns all bytes of the response.
fn get(host: Ipv4Addr) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(MAX_RESPONSE).unwrap_or(u64::MAX);
    let mut stream = TcpStream::connect_timeout(&SocketAddrV4::new(host, HTTP_PORT).into(), TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(REQUEST.as_bytes())?;
    let mut response = Vec::new();
    stream.take(limit).read_to_end(&mut response)?;
    Ok(response)
}
