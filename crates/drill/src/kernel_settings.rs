//! Settings of TCP from the sysctls of the kernel, which scripts change.
//!
//! `cargo xtask drill` runs each script in a network namespace, so the changes concern only this script. The following
//! sysctls of `net.ipv4` have an effect: `tcp_timestamps`, `tcp_sack`, `tcp_window_scaling`, `tcp_rmem`, `tcp_wmem`,
//! `tcp_fin_timeout`, `tcp_congestion_control` and `tcp_ecn`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tcp::{BufferSize, CongestionControl, Ecn, TcpSettings};

/// Directory of the sysctls.
const SYSCTLS: &str = "/proc/sys/net/ipv4";

/// Maximum segment size of the device of packetdrill, which has an MTU of 1,500 bytes.
const SEGMENT_SIZE: u16 = 1_460;

/// Returns the settings of a new socket. A sysctl that does not exist leaves the default of tapstack.
pub(crate) fn read() -> TcpSettings {
    settings(|name| fs::read_to_string(Path::new(SYSCTLS).join(name)).ok())
}

/// Returns the settings that sysctls define. `sysctl` returns the text of a sysctl.
fn settings(sysctl: impl Fn(&str) -> Option<String>) -> TcpSettings {
    let numbers = |name: &str| -> Vec<usize> {
        let text = sysctl(name).unwrap_or_default();
        text.split_whitespace().filter_map(|number| number.parse().ok()).collect()
    };
    let is_on = |name: &str, default| numbers(name).first().map_or(default, |number| *number != 0);
    let buffer = |name: &str, default| match numbers(name).as_slice() {
        [_, initial, maximum] => BufferSize { initial: *initial, maximum: *maximum },
        _ => default,
    };
    let default = TcpSettings::default();
    let fin_wait_2 = numbers("tcp_fin_timeout").first().and_then(|seconds| u64::try_from(*seconds).ok());
    TcpSettings {
        timestamps: is_on("tcp_timestamps", default.timestamps),
        sack: is_on("tcp_sack", default.sack),
        window_scaling: is_on("tcp_window_scaling", default.window_scaling),
        maximum_segment_size: Some(SEGMENT_SIZE),
        receive_buffer: buffer("tcp_rmem", default.receive_buffer),
        send_buffer: buffer("tcp_wmem", default.send_buffer),
        congestion: match sysctl("tcp_congestion_control").as_deref().map(str::trim) {
            Some("reno") => CongestionControl::NewReno,
            Some("cubic") => CongestionControl::Cubic,
            _ => default.congestion,
        },
        ecn: match numbers("tcp_ecn").first() {
            Some(0) => Ecn::Off,
            Some(1) => Ecn::Ask,
            Some(2) => Ecn::Accept,
            _ => default.ecn,
        },
        fin_wait_2: fin_wait_2.map_or(default.fin_wait_2, Duration::from_secs),
        ..default
    }
}

#[cfg(test)]
mod tests;
