//! The kernel as an end of the link: a thread with a blocking socket in a network namespace.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{SocketAddrV4, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use bench::namespace::{enter, select_cubic, within};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, connect, socket};

use crate::trial::{PORT, SENDER};

/// Maximum time of a call, after which a thread checks whether to stop.
const PATIENCE: Duration = Duration::from_millis(100);

/// Creates a listener in a network namespace.
pub(crate) fn listen(namespace: &File, address: SocketAddrV4) -> Result<TcpListener, String> {
    within(namespace, || {
        TcpListener::bind(address)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .map_err(|error| format!("cannot listen: {error}"))
    })
}

/// Accepts a connection, and counts the received bytes until `stop` is set.
pub(crate) fn receive(listener: &TcpListener, received: &AtomicU64, stop: &AtomicBool) -> Result<(), String> {
    let failed = |error: io::Error| format!("cannot receive: {error}");
    let mut buffer = vec![0; 1 << 16];
    let mut stream: Option<TcpStream> = None;
    while !stop.load(Ordering::Relaxed) {
        let Some(open) = &mut stream else {
            match listener.accept() {
                Ok((accepted, _)) => {
                    accepted.set_nonblocking(false).map_err(failed)?;
                    accepted.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
                    stream = Some(accepted);
                }
                Err(error) if is_timeout(&error) => thread::sleep(Duration::from_millis(1)),
                Err(error) => return Err(failed(error)),
            }
            continue;
        };
        match open.read(&mut buffer) {
            Ok(length) => {
                received.fetch_add(u64::try_from(length).unwrap_or_default(), Ordering::Relaxed);
                if length == 0 {
                    return Err("the sender has closed the connection".to_owned());
                }
            }
            Err(error) if is_timeout(&error) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
}

/// Connects to `address` with CUBIC, and sends until `stop` is set.
pub(crate) fn send(namespace: &File, address: SocketAddrV4, stop: &AtomicBool) -> Result<(), String> {
    let failed = |error: io::Error| format!("cannot send: {error}");
    enter(namespace)?;
    let socket = socket(AddressFamily::Inet, SockType::Stream, SockFlag::empty(), None)
        .map_err(|errno| failed(errno.into()))?;
    select_cubic(&socket)?;
    connect(std::os::fd::AsRawFd::as_raw_fd(&socket), &SockaddrIn::from(address))
        .map_err(|errno| format!("cannot connect {SENDER} to port {PORT}: {}", errno.desc()))?;
    let mut stream = TcpStream::from(socket);
    stream.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
    let data = vec![0; 1 << 16];
    while !stop.load(Ordering::Relaxed) {
        match stream.write(&data) {
            Ok(_) => {}
            Err(error) if is_timeout(&error) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}
