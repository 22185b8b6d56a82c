//! Facts about this machine, which nothing here judges or changes.

use std::fs;
use std::path::Path;
use std::thread;

use tap::linux::{Features, InterfaceName, features, taps};

use super::inside::{self, NamespaceReport};
use super::managers::InterfaceManagers;
use crate::advice::{explain, program, quoted};
use crate::error_message::ErrorMessage;
use crate::users::{caller, user_name};

/// The facts that are checked.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// Features of the driver of `/dev/net/tun`, or the reason why the device cannot be opened.
    pub(super) node: Result<Features, ErrorMessage>,
    /// The capabilities of this process, if known.
    pub(super) capabilities: Option<Capabilities>,
    /// The results in a namespace, or why there are none.
    pub(super) inside: Result<NamespaceReport, String>,
    /// `kernel.io_uring_disabled`, which kernels before 6.6 lack.
    pub(super) io_uring_disabled: Option<u64>,
    pub(super) managers: InterfaceManagers,
    /// Whether IPv6 is enabled on new interfaces; none on a kernel without IPv6.
    pub(super) ipv6: Option<bool>,
    /// The TAPs on which IPv6 is enabled.
    pub(super) taps_with_ipv6: Vec<InterfaceName>,
    /// The maximum size of the kernel's neighbor table.
    pub(super) max_neighbors: Option<u64>,
    pub(super) processors: Option<usize>,
    /// The path of this program, quoted for a shell.
    pub(super) program: String,
    /// The user who runs this program: the caller of `sudo`, if there is one.
    pub(super) user: String,
}

/// The capabilities that are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Capabilities {
    pub(super) net_admin: Capability,
    pub(super) net_raw: Capability,
}

/// State of a capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Capability {
    /// In effect.
    Held,
    /// Not in effect, but the process or its children can gain the capability through `sudo` or file capabilities.
    Gainable,
    /// Outside the bounding set: this process and its children cannot gain the capability.
    OutOfBounds,
}

impl Facts {
    pub(super) fn gather() -> Facts {
        let status = fs::read_to_string("/proc/self/status");
        Facts {
            node: features().map_err(|error| explain(&error)),
            capabilities: status.ok().and_then(|status| Capabilities::of(&status)),
            inside: inside::run_in_child(),
            io_uring_disabled: setting("kernel/io_uring_disabled"),
            managers: InterfaceManagers::find(),
            ipv6: setting("net/ipv6/conf/default/disable_ipv6").map(|disabled| disabled == 0),
            taps_with_ipv6: taps_with_ipv6(),
            max_neighbors: setting("net/ipv4/neigh/default/gc_thresh3"),
            processors: thread::available_parallelism().ok().map(usize::from),
            program: program(),
            user: quoted(&user_name(caller())),
        }
    }
}

impl Capabilities {
    const NET_ADMIN: u64 = 1 << 12;
    const NET_RAW: u64 = 1 << 13;

    /// Parses the capabilities of a process from its `/proc/PID/status`.
    pub(super) fn of(status: &str) -> Option<Capabilities> {
        let mask = |name: &str| {
            let digits = status.lines().find_map(|line| line.strip_prefix(name))?;
            u64::from_str_radix(digits.trim(), 16).ok()
        };
        let (effective, bounding) = (mask("CapEff:")?, mask("CapBnd:")?);
        let of = |bit| match (effective & bit != 0, bounding & bit != 0) {
            (true, _) => Capability::Held,
            (false, true) => Capability::Gainable,
            (false, false) => Capability::OutOfBounds,
        };
        Some(Capabilities { net_admin: of(Self::NET_ADMIN), net_raw: of(Self::NET_RAW) })
    }
}

/// Returns the TAPs on which IPv6 is enabled; none if TAPs cannot be listed.
fn taps_with_ipv6() -> Vec<InterfaceName> {
    let is_on =
        |name: &InterfaceName| setting(&format!("net/ipv6/conf/{}/disable_ipv6", name.as_str())) == Some(0);
    let taps = taps().unwrap_or_default().into_iter().filter(|tap| tap.is_tap);
    taps.map(|tap| tap.name).filter(is_on).collect()
}

fn setting(path: &str) -> Option<u64> {
    fs::read_to_string(Path::new("/proc/sys").join(path)).ok()?.trim().parse().ok()
}
