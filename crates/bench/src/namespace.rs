//! Network namespaces, and interfaces in a namespace.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::os::fd::AsFd;

use ipnet::Ipv4Net;
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::{setsockopt, sockopt::TcpCongestion};
use tap::linux::{Interface, InterfaceName};

/// Creates a network namespace that contains no process. The descriptor keeps it alive.
pub fn new_namespace() -> Result<File, String> {
    // Only the new thread moves.
    let thread = std::thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET)
            .map_err(|errno| format!("cannot create a network namespace: {}", errno.desc()))?;
        // A kernel without IPv6 does not have this file. A kernel with IPv6 sends unsolicited frames.
        let _ = fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
        current()
    });
    thread.join().map_err(|_| "a thread panicked".to_owned())?
}

/// Runs a function while the calling thread is in another network namespace.
pub fn within<R>(namespace: &File, act: impl FnOnce() -> Result<R, String>) -> Result<R, String> {
    let mine = current()?;
    enter(namespace)?;
    let result = act();
    enter(&mine)?;
    result
}

/// Moves the calling thread to a network namespace.
pub fn enter(namespace: &File) -> Result<(), String> {
    setns(namespace, CloneFlags::CLONE_NEWNET)
        .map_err(|errno| format!("cannot change the network namespace: {}", errno.desc()))
}

/// Returns the network namespace of the calling thread.
pub fn current() -> Result<File, String> {
    let path = "/proc/thread-self/ns/net";
    File::open(path).map_err(|error| format!("cannot open {path}: {error}"))
}

/// Opens an interface of the current namespace.
pub fn interface(name: &InterfaceName) -> Result<Interface, String> {
    Interface::named(name).map_err(|error| format!("cannot open the interface {name}: {error}"))
}

/// Adds an address to an interface of the current namespace, and sets the interface up.
pub fn add_address(name: &InterfaceName, address: Ipv4Addr, prefix: u8) -> Result<(), String> {
    let interface = interface(name)?;
    let address = Ipv4Net::new(address, prefix).map_err(|error| error.to_string())?;
    interface.add_address(address).map_err(|error| error.to_string())?;
    interface.set_up(true).map_err(|error| error.to_string())
}

/// Selects CUBIC for a socket of the kernel, because the default differs between systems.
pub fn select_cubic(socket: &impl AsFd) -> Result<(), String> {
    setsockopt(&socket.as_fd(), TcpCongestion, &"cubic".into()).map_err(|errno| {
        format!("cannot select CUBIC for a socket: {}; hint: sudo modprobe tcp_cubic", errno.desc())
    })
}
