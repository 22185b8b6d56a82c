//! Values of the options for TCP connections.

use clap::ValueEnum;
use tcp::{CongestionControl, Ecn, TcpSettings};

/// Values of `--congestion`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CongestionAlgorithm {
    #[default]
    Cubic,
    Reno,
    None,
}

/// Values of `--ecn`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum EcnUse {
    #[default]
    Accept,
    Ask,
    Off,
}

/// Returns the settings of TCP connections.
pub(crate) fn tcp_settings(congestion: CongestionAlgorithm, ecn: EcnUse, pacing: bool) -> TcpSettings {
    TcpSettings {
        congestion: match congestion {
            CongestionAlgorithm::Cubic => CongestionControl::Cubic,
            CongestionAlgorithm::Reno => CongestionControl::NewReno,
            CongestionAlgorithm::None => CongestionControl::None,
        },
        ecn: match ecn {
            EcnUse::Accept => Ecn::Accept,
            EcnUse::Ask => Ecn::Ask,
            EcnUse::Off => Ecn::Off,
        },
        pacing,
        ..TcpSettings::default()
    }
}

#[cfg(test)]
mod tests;
