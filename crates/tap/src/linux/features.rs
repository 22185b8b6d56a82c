//! What the kernel's tun driver can do.

use std::os::fd::AsFd;

use super::tap::Node;
use super::{OpenError, ioctl};

/// What the kernel's tun driver offers beyond a plain TAP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// A header before each frame that says what is left to do on it: checksums, segmentation.
    pub virtio_header: bool,
    /// Several queues on one TAP.
    pub multi_queue: bool,
}

/// Asks the driver behind `/dev/net/tun`. It makes no interface, and takes no privilege but to open the
/// node.
pub fn features() -> Result<Features, OpenError> {
    let node = Node::open()?;
    // What answers otherwise is not the tun driver.
    let flags = ioctl::features(node.as_fd()).map_err(|errno| OpenError::NoNode(errno.into()))?;
    Ok(Features {
        virtio_header: flags & libc::IFF_VNET_HDR != 0,
        multi_queue: flags & libc::IFF_MULTI_QUEUE != 0,
    })
}
