//! A veth pair between two network namespaces, each with the kernel's IP stack.

use std::error::Error;
use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::thread;

use ipnet::Ipv4Net;
use nix::sched::{CloneFlags, setns, unshare};
use tap::linux::{CarrierState, Interface, InterfaceName, PacketSocket};

use crate::kernel::{create_veth, delete_link};
use crate::wait_for;

/// Name of the interface in the namespace of the test.
pub const NEAR: &str = "near0";
/// Name of the interface in the other namespace.
pub const FAR: &str = "far0";
/// IP address of the near interface.
pub const NEAR_KERNEL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
/// IP address of the far interface.
pub const FAR_KERNEL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

/// Veth pair that is up at both ends, with the addresses [`NEAR_KERNEL`] and [`FAR_KERNEL`]. Dropping this value
/// deletes the pair.
pub struct Veth {
    /// Interface in the namespace of the test.
    pub near: Interface,
    far: File,
}

impl Veth {
    /// Creates the pair and waits for its carrier.
    pub fn new() -> Result<Veth, Box<dyn Error>> {
        let far = thread::spawn(|| -> std::io::Result<File> {
            // Only this thread enters the namespace. `Namespace::enter` would require a single-threaded process.
            unshare(CloneFlags::CLONE_NEWNET)?;
            let ipv6 = "/proc/sys/net/ipv6/conf/default/disable_ipv6";
            if std::path::Path::new(ipv6).exists() {
                std::fs::write(ipv6, "1")?;
            }
            File::open("/proc/thread-self/ns/net")
        });
        let far = far.join().map_err(|_| "the thread in the far namespace panicked")??;
        create_veth(NEAR, FAR, far.as_fd())?;
        let near = Interface::named(&NEAR.parse()?)?;
        near.add_address(Ipv4Net::new(NEAR_KERNEL, 24)?)?;
        near.set_up(true)?;
        let veth = Veth { near, far };
        veth.in_far_namespace(|| {
            let far = Interface::named(&name())?;
            far.add_address(Ipv4Net::new(FAR_KERNEL, 24).map_err(std::io::Error::other)?)
                .and_then(|()| far.set_up(true))
                .map_err(std::io::Error::other)
        })?;
        wait_for("carrier", || (veth.near.carrier().ok()? == CarrierState::Up).then_some(()))?;
        Ok(veth)
    }

    /// Runs a closure in the far namespace. Sockets that the closure opens stay in that namespace.
    pub fn in_far_namespace<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                setns(&self.far, CloneFlags::CLONE_NEWNET).expect("thread should enter the far namespace");
                act()
            });
            thread.join().expect("closure should not panic")
        })
    }

    /// Opens a packet socket at the far end, which receives every frame that arrives there.
    pub fn far_socket(&self) -> Result<PacketSocket, Box<dyn Error>> {
        Ok(self.in_far_namespace(|| PacketSocket::open(&name()))?)
    }

    /// Returns the far interface. Its methods act in the far namespace, from any thread.
    pub fn far_interface(&self) -> Result<Interface, Box<dyn Error>> {
        Ok(self.in_far_namespace(|| Interface::named(&name()))?)
    }
}

impl Drop for Veth {
    fn drop(&mut self) {
        // An error is ignored: a test may have deleted the interface. The other end is deleted too.
        let _ = delete_link(&self.near);
    }
}

fn name() -> InterfaceName {
    FAR.parse().expect("interface name should be valid")
}
