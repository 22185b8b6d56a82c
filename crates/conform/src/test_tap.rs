//! TAP on which cases start hosts.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tap::linux::InterfaceName;

use super::frame_socket::FrameSocket;
use super::frames::{TESTED_IP, TESTED_MAC, mac};
use super::tapstack::{TapstackHost, create_tap};

/// TAP with a packet socket that is open before a host starts.
pub(crate) struct TestTap {
    pub(crate) wire: FrameSocket,
    program: PathBuf,
    tap: InterfaceName,
}

impl TestTap {
    /// Creates a TAP for hosts of this program.
    pub(crate) fn make(program: &Path, tap: &str) -> Result<TestTap, String> {
        let tap = tap.parse().map_err(|error| format!("{error}"))?;
        create_tap(&tap)?;
        Ok(TestTap { wire: FrameSocket::open(&tap)?, program: program.to_owned(), tap })
    }

    /// Starts a host with the address 10.0.0.2/24 and additional options. Returns when the host receives frames.
    pub(crate) fn start(&mut self, options: &[&str]) -> Result<TapstackHost, String> {
        let address = format!("{TESTED_IP}/24");
        self.start_without_address(&[&["--address", &address], options].concat())
    }

    /// Starts a host without the address of [`TestTap::start`]. Returns when the host receives frames.
    pub(crate) fn start_without_address(&mut self, options: &[&str]) -> Result<TapstackHost, String> {
        let host = self.launch(options)?;
        self.wait_until_receiving(host)
    }

    /// Starts many hosts without the IP and MAC address of [`TestTap::start`]. Returns when the hosts receive frames.
    pub(crate) fn start_many(&mut self, options: &[&str]) -> Result<TapstackHost, String> {
        let host = TapstackHost::start(&self.program, &self.tap, options)?;
        self.wait_until_receiving(host)
    }

    fn wait_until_receiving(&mut self, mut host: TapstackHost) -> Result<TapstackHost, String> {
        // A TAP may drop frames at first after a host has opened it.
        host.wait_until_receiving(|| self.wire.send(&[0; 14]))?;
        Ok(host)
    }

    /// Starts a host with options that the host rejects. Returns its exit code.
    pub(crate) fn exit_code_when_started(
        &self,
        options: &[&str],
        limit: Duration,
    ) -> Result<Option<i32>, String> {
        let address = format!("{TESTED_IP}/24");
        self.launch(&[&["--address", &address], options].concat())?.wait_for_exit(limit)
    }

    fn launch(&self, options: &[&str]) -> Result<TapstackHost, String> {
        TapstackHost::start(&self.program, &self.tap, &[&["--mac", &mac(TESTED_MAC)], options].concat())
    }
}
