//! Findings as JSON: one object per line.

use schemars::JsonSchema;
use serde::Serialize;

/// `tapstack doctor --json`
///
/// Prints the checks, then the summary.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
#[schemars(rename = "doctor")]
pub(super) enum DoctorJson<'a> {
    /// A check.
    Check {
        /// Name of the check.
        check: CheckName,
        /// Result.
        outcome: OutcomeJson,
        /// Whether the exit code depends on the check.
        required: bool,
        /// Result in words.
        message: &'a str,
        /// Command that fixes a failed check; null if there is none.
        fix: Option<&'a str>,
    },
    /// The last object.
    Summary {
        /// Number of checks with outcome `ok`.
        ok: usize,
        /// Number of checks with outcome `warn`.
        warn: usize,
        /// Number of checks with outcome `fail`.
        fail: usize,
        /// Number of checks with outcome `skip`.
        skip: usize,
        /// Exit code of the command.
        exit_code: u8,
    },
}

/// Result of a check.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum OutcomeJson {
    /// The facility works.
    Ok,
    /// The facility does not work, and only some commands need it.
    Warn,
    /// The facility does not work, and every command that uses a TAP needs it.
    Fail,
    /// The facility could not be checked.
    Skip,
}

/// Name of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum CheckName {
    /// The device node `/dev/net/tun`.
    DevNetTun,
    /// Network namespaces.
    Namespaces,
    /// A TAP in a network namespace.
    Tap,
    /// The capability `CAP_NET_ADMIN`.
    CapNetAdmin,
    /// The capability `CAP_NET_RAW`.
    CapNetRaw,
    /// `io_uring` on a TAP.
    IoUring,
    /// Segmentation offload of TCP and UDP on a TAP.
    Offloads,
    /// The virtio-net header of the kernel's tun driver.
    VirtioHeader,
    /// Several queues of the kernel's tun driver.
    MultiQueue,
    /// Whether `NetworkManager` ignores TAPs.
    #[serde(rename = "networkmanager")]
    NetworkManager,
    /// Whether systemd-networkd ignores TAPs.
    SystemdNetworkd,
    /// Whether the kernel sends IPv6 frames on a new TAP.
    Ipv6,
    /// Capacity of the kernel's neighbor table.
    ArpCache,
    /// Number of processors.
    Processors,
}

impl CheckName {
    /// Returns the name in text output.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::DevNetTun => "/dev/net/tun",
            Self::Namespaces => "namespaces",
            Self::Tap => "TAP",
            Self::CapNetAdmin => "CAP_NET_ADMIN",
            Self::CapNetRaw => "CAP_NET_RAW",
            Self::IoUring => "io_uring",
            Self::Offloads => "offloads",
            Self::VirtioHeader => "virtio header",
            Self::MultiQueue => "multi-queue",
            Self::NetworkManager => "NetworkManager",
            Self::SystemdNetworkd => "systemd-networkd",
            Self::Ipv6 => "IPv6",
            Self::ArpCache => "ARP cache",
            Self::Processors => "processors",
        }
    }
}
