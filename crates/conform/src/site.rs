//! A TAP, and hosts of ours that are started on it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tap::linux::InterfaceName;

use super::frames::{OUR_MAC, OURS, mac};
use super::tapstack::{Tapstack, make_tap};
use super::wire::Wire;

/// A wire that is listened to before any host is on it.
pub(crate) struct Site {
    pub(crate) wire: Wire,
    program: PathBuf,
    tap: InterfaceName,
}

impl Site {
    /// Makes a TAP of this name, for hosts that are this program.
    pub(crate) fn make(program: &Path, tap: &str) -> Result<Site, String> {
        let tap = tap.parse().map_err(|error| format!("{error}"))?;
        make_tap(&tap)?;
        Ok(Site { wire: Wire::open(&tap)?, program: program.to_owned(), tap })
    }

    /// Starts a host as 10.0.0.2 with these further options, and returns once it hears.
    pub(crate) fn start(&mut self, options: &[&str]) -> Result<Tapstack, String> {
        let address = format!("{OURS}/24");
        self.start_nameless(&[&["--address", &address], options].concat())
    }

    /// The same for a host that these options give an address.
    pub(crate) fn start_nameless(&mut self, options: &[&str]) -> Result<Tapstack, String> {
        let host = self.launch(options)?;
        self.hear(host)
    }

    /// The same for many hosts, whose hardware addresses these options give.
    pub(crate) fn start_many(&mut self, options: &[&str]) -> Result<Tapstack, String> {
        let host = Tapstack::start(&self.program, &self.tap, options)?;
        self.hear(host)
    }

    fn hear(&mut self, mut host: Tapstack) -> Result<Tapstack, String> {
        // A wire with a new host on it takes a moment until it carries what is sent to it.
        host.hear(|| self.wire.send(&[0; 14]))?;
        Ok(host)
    }

    /// How a host ends that cannot be had with these options.
    pub(crate) fn refuses(&self, options: &[&str], limit: Duration) -> Result<Option<i32>, String> {
        let address = format!("{OURS}/24");
        self.launch(&[&["--address", &address], options].concat())?.ended(limit)
    }

    fn launch(&self, options: &[&str]) -> Result<Tapstack, String> {
        Tapstack::start(&self.program, &self.tap, &[&["--mac", &mac(OUR_MAC)], options].concat())
    }
}
