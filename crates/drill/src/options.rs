//! Socket options and `ioctl` requests.

use std::ffi::{c_int, c_ulong};
use std::os::fd::RawFd;
use std::time::Duration;

use tcp::{BufferSize, KeepAlive, Setting, TcpInfo};
use zerocopy::IntoBytes;

use crate::errno::{CallResult, Errno};
use crate::sockets::{Role, Socket, Sockets};
use crate::tcp_info::LinuxTcpInfo;

/// Option: `recvmsg` reports the number of unread bytes. Also the type of this control message.
pub(crate) const TCP_INQ: c_int = 36;

impl Sockets {
    /// Sets a socket option to an integer. A listener is created anew, because its settings never change.
    pub(crate) fn set_option(
        &mut self,
        descriptor: RawFd,
        level: c_int,
        name: c_int,
        value: c_int,
    ) -> CallResult<()> {
        let seconds = |value| u64::try_from(value).map(Duration::from_secs).map_err(|_| Errno::INVALID);
        let socket = self.socket_mut(descriptor)?;
        let Socket { settings, role, reports_unread, .. } = socket;
        let keep_alive = settings.keep_alive.unwrap_or_default();
        let setting = match (level, name) {
            // Ports are always reusable in a host that runs a single script.
            // The path to every host has the MTU of the device.
            (libc::SOL_SOCKET, libc::SO_REUSEADDR | libc::SO_ZEROCOPY)
            | (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER) => None,
            (libc::IPPROTO_TCP, TCP_INQ) => {
                *reports_unread = value != 0;
                None
            }
            (libc::SOL_SOCKET, libc::SO_SNDBUF) => {
                settings.send_buffer = doubled(value)?;
                Some(Setting::SendBuffer(settings.send_buffer))
            }
            (libc::SOL_SOCKET, libc::SO_RCVBUF) => {
                settings.receive_buffer = doubled(value)?;
                Some(Setting::ReceiveBuffer(settings.receive_buffer))
            }
            (libc::SOL_SOCKET, libc::SO_KEEPALIVE) => {
                settings.keep_alive = (value != 0).then_some(keep_alive);
                Some(Setting::KeepAlive(settings.keep_alive))
            }
            (libc::IPPROTO_TCP, libc::TCP_KEEPIDLE | libc::TCP_KEEPINTVL | libc::TCP_KEEPCNT) => {
                let probes = u32::try_from(value).map_err(|_| Errno::INVALID)?;
                let changed = match name {
                    libc::TCP_KEEPIDLE => KeepAlive { idle: seconds(value)?, ..keep_alive },
                    libc::TCP_KEEPINTVL => KeepAlive { interval: seconds(value)?, ..keep_alive },
                    _ => KeepAlive { probes, ..keep_alive },
                };
                settings.keep_alive = Some(changed);
                Some(Setting::KeepAlive(settings.keep_alive))
            }
            (libc::IPPROTO_TCP, libc::TCP_NODELAY) => {
                settings.nagle = value == 0;
                Some(Setting::Nagle(settings.nagle))
            }
            (libc::IPPROTO_TCP, libc::TCP_CORK) => {
                socket.is_corked = value != 0;
                return self.cork(descriptor);
            }
            (libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT) => {
                let milliseconds = u64::try_from(value).map_err(|_| Errno::INVALID)?;
                settings.user_timeout = (milliseconds != 0).then(|| Duration::from_millis(milliseconds));
                Some(Setting::UserTimeout(settings.user_timeout))
            }
            (libc::IPPROTO_TCP, libc::TCP_MAXSEG) if !matches!(role, Role::Connection(_)) => {
                settings.maximum_segment_size = Some(u16::try_from(value).map_err(|_| Errno::INVALID)?);
                None
            }
            (libc::IPPROTO_IP, libc::IP_TOS) => {
                settings.type_of_service = u8::try_from(value).map_err(|_| Errno::INVALID)?;
                Some(Setting::TypeOfService(settings.type_of_service))
            }
            (libc::IPPROTO_IP, libc::IP_TTL) => {
                settings.time_to_live = Some(u8::try_from(value).map_err(|_| Errno::INVALID)?);
                Some(Setting::TimeToLive(settings.time_to_live))
            }
            _ => return Err(Errno::UNKNOWN_OPTION),
        };
        if let (Some(setting), Role::Connection(connection)) = (setting, role) {
            let id = connection.id;
            let now = self.network.now();
            self.network.host.set_tcp(now, id, setting)?;
        }
        if setting == Some(Setting::Nagle(false)) {
            self.push(descriptor)?;
        }
        self.listen_again(descriptor)
    }

    /// Returns the value of a socket option.
    pub(crate) fn option(&mut self, descriptor: RawFd, level: c_int, name: c_int) -> CallResult<Vec<u8>> {
        const SO_MEMINFO: c_int = 55;
        const MEMINFO_LENGTH: usize = 9 * size_of::<u32>();
        let number = |value: usize| Ok(c_int::try_from(value).unwrap_or(c_int::MAX).to_ne_bytes().to_vec());
        let settings = self.socket(descriptor)?.settings;
        match (level, name) {
            (libc::SOL_SOCKET, libc::SO_ERROR) => {
                let failure = self.take_failure(descriptor)?;
                Ok(failure.map_or(0, |errno| errno.0).to_ne_bytes().to_vec())
            }
            (libc::SOL_SOCKET, libc::SO_SNDBUF) => number(settings.send_buffer.initial),
            (libc::SOL_SOCKET, libc::SO_RCVBUF) => number(settings.receive_buffer.initial),
            // The memory of a socket is not part of the state of a connection, so it is reported as zero.
            (libc::SOL_SOCKET, SO_MEMINFO) => Ok(vec![0; MEMINFO_LENGTH]),
            (libc::IPPROTO_TCP, libc::TCP_NODELAY) => number(usize::from(!settings.nagle)),
            (libc::IPPROTO_TCP, libc::TCP_MAXSEG) => match self.connection(descriptor) {
                Ok(_) => {
                    number(usize::try_from(self.info(descriptor)?.send_segment_size).unwrap_or(usize::MAX))
                }
                Err(_) => number(settings.maximum_segment_size.unwrap_or_default().into()),
            },
            (libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT) => {
                let timeout = settings.user_timeout.unwrap_or_default().as_millis();
                number(usize::try_from(timeout).unwrap_or(usize::MAX))
            }
            (libc::IPPROTO_TCP, libc::TCP_INFO) => {
                Ok(LinuxTcpInfo::new(&self.info(descriptor)?).as_bytes().to_vec())
            }
            // No congestion control of tapstack has such information. packetdrill accepts an empty value.
            (libc::IPPROTO_TCP, libc::TCP_CC_INFO) => Ok(Vec::new()),
            _ => Err(Errno::UNKNOWN_OPTION),
        }
    }

    /// Returns the value of an `ioctl` request.
    pub(crate) fn ioctl(&mut self, descriptor: RawFd, request: c_ulong) -> CallResult<c_int> {
        let connection = self.connection(descriptor)?;
        let status = self.network.host.tcp_status(connection.id)?;
        let value = match request {
            libc::FIONREAD => status.readable,
            _ => return Err(Errno::INVALID),
        };
        Ok(c_int::try_from(value).unwrap_or(c_int::MAX))
    }

    /// Returns the measurements of a connection.
    fn info(&self, descriptor: RawFd) -> CallResult<TcpInfo> {
        let connection = self.connection(descriptor)?;
        self.network.host.tcp_info(connection.id).ok_or(Errno::INVALID)
    }
}

/// Returns the size of a buffer that Linux sets for a requested size: twice the size.
fn doubled(size: c_int) -> CallResult<BufferSize> {
    let size = usize::try_from(size).map_err(|_| Errno::INVALID)?.saturating_mul(2);
    Ok(BufferSize { initial: size, maximum: size })
}
