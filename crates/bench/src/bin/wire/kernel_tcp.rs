//! The kernel's TCP as a contender: listeners of the services in the current network namespace.

use std::io::{self, Read, Write};
use std::net::{SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use bench::namespace::select_cubic;
use nix::sys::socket::{MsgFlags, recv};
use tap::linux::Descriptor;

use crate::engine::{Engine, StopFlag};
use crate::load::Load;
use crate::pattern::{BURST, Pattern};
use crate::traffic::{CHARGEN_PORT, DISCARD_PORT, ECHO_PORT, RESPONDER};

/// Engine of a listener of the kernel.
pub(crate) struct KernelServer {
    listener: TcpListener,
    service: Service,
}

/// What happens to accepted connections.
enum Service {
    /// The connections are stored, and closed after the peer has reset them.
    Accept(Vec<TcpStream>),
    /// One connection at a time is served with blocking calls, as the fastest program would.
    Exchange(Load),
}

impl KernelServer {
    /// Listens to the port of the service that the load uses.
    pub(crate) fn new(load: Load) -> Result<KernelServer, String> {
        let service = match load {
            Load::TcpAccept => Service::Accept(Vec::new()),
            _ => Service::Exchange(load),
        };
        Ok(KernelServer { listener: listen(port(load))?, service })
    }
}

impl Engine for KernelServer {
    fn drain(&mut self, _waiting: usize) -> Result<(), String> {
        match &mut self.service {
            Service::Accept(accepted) => {
                accepted.clear();
                while let Some(stream) = accept(&self.listener)? {
                    accepted.push(stream);
                }
            }
            Service::Exchange(load) => {
                if let Some(stream) = accept(&self.listener)? {
                    // The error of a connection that the peer has closed ends the connection.
                    _ = exchange(*load, stream);
                }
            }
        }
        Ok(())
    }

    fn serve(&mut self, _spin: Duration, stop: &StopFlag) -> Result<(), String> {
        while !stop.is_raised() {
            self.drain(0)?;
            stop.wait(Descriptor::readable(self.listener.as_fd(), ()), None)?;
        }
        Ok(())
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

/// Serves a connection until the peer closes it.
fn exchange(load: Load, mut stream: TcpStream) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    match load {
        Load::TcpSend => send(&mut stream),
        Load::TcpReceive => discard(&stream),
        _ => echo(&mut stream),
    }
}

/// Returns the port of the service that a load uses.
pub(crate) fn port(load: Load) -> u16 {
    match load {
        Load::TcpSend => CHARGEN_PORT,
        Load::TcpReceive | Load::TcpAccept => DISCARD_PORT,
        Load::Arp | Load::Ping | Load::Udp | Load::TcpRequest | Load::TcpFlood => ECHO_PORT,
    }
}

/// Creates a listener that does not block. Its connections use CUBIC.
fn listen(port: u16) -> Result<TcpListener, String> {
    let failed = |error: io::Error| format!("cannot listen to TCP port {port}: {error}");
    let listener = TcpListener::bind(SocketAddrV4::new(RESPONDER.ip, port)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    select_cubic(&listener)?;
    Ok(listener)
}

fn accept(listener: &TcpListener) -> Result<Option<TcpStream>, String> {
    match listener.accept() {
        Ok((stream, _)) => Ok(Some(stream)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(format!("cannot accept a connection: {error}")),
    }
}

/// Sends the stream of chargen until the peer closes the connection.
fn send(stream: &mut TcpStream) -> io::Result<()> {
    let pattern = Pattern::new();
    let mut position = 0;
    loop {
        position += stream.write(pattern.at(position))?;
    }
}

/// Discards data until the peer closes its direction. The kernel does not copy the data.
fn discard(stream: &TcpStream) -> io::Result<()> {
    let mut space = vec![0; BURST];
    let fd = std::os::fd::AsRawFd::as_raw_fd(stream);
    while recv(fd, &mut space, MsgFlags::MSG_TRUNC)? > 0 {}
    Ok(())
}

/// Sends data back until the peer closes its direction.
fn echo(stream: &mut TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut space = [0; 2_048];
    loop {
        let length = stream.read(&mut space)?;
        if length == 0 {
            return Ok(());
        }
        stream.write_all(&space[..length])?;
    }
}
