//! The wire from the peer's side.

use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::time::Duration;

use tap::linux::{InterfaceName, PacketSocket, Stop, wait};
use tap::{Batch, Device, Pool};

use super::frames::{Arp, REPLY, REQUEST, hex};

/// How long a host may think.
const PATIENCE: Duration = Duration::from_secs(2);

/// Raw frames to the host and back.
pub(super) struct Wire {
    socket: PacketSocket,
    pool: Pool,
    batch: Batch,
    never: Stop,
    sentinels: u16,
}

impl Wire {
    pub(super) fn open(name: &InterfaceName) -> Result<Wire, String> {
        let socket = PacketSocket::open(name).map_err(|error| format!("no packet socket: {error}"))?;
        Ok(Wire {
            pool: Pool::new(socket.mtu(), 128),
            batch: Batch::new(64),
            never: Stop::new().map_err(|error| format!("no event descriptor: {error}"))?,
            socket,
            sentinels: 0,
        })
    }

    /// Sends `frame` and returns all that the host sends because of it.
    ///
    /// Silence is shown without waiting for it: a request from somebody new follows, and once that
    /// is answered, whatever was to come before has come.
    pub(super) fn ask(&mut self, frame: &[u8]) -> Result<Vec<Vec<u8>>, String> {
        self.sentinels = self.sentinels.wrapping_add(1);
        let [high, low] = self.sentinels.to_be_bytes();
        let sentinel = ([2, 0, 0, 1, high, low], Ipv4Addr::new(10, 9, high, low));
        let request = Arp { source: sentinel.0, sender: sentinel, ..REQUEST };
        let reply = Arp { destination: sentinel.0, target: sentinel, ..REPLY };
        self.send(frame)?;
        self.send(&request.frame())?;
        let mut heard = Vec::new();
        while heard.last() != Some(&reply.frame()) {
            heard.push(self.next()?);
        }
        heard.pop();
        Ok(heard)
    }

    /// Wants exactly one answer, and this one.
    pub(super) fn answered(&mut self, frame: &[u8], answer: &[u8]) -> Result<(), String> {
        match self.ask(frame)?.as_slice() {
            [only] if only == answer => Ok(()),
            [] => Err(format!("no answer to {}", hex(frame))),
            [only] => {
                Err(format!("{} was answered with {} instead of {}", hex(frame), hex(only), hex(answer)))
            }
            more => Err(format!("{} answers to {}", more.len(), hex(frame))),
        }
    }

    /// Wants no answer.
    pub(super) fn silent(&mut self, frame: &[u8]) -> Result<(), String> {
        match self.ask(frame)?.first() {
            None => Ok(()),
            Some(answer) => Err(format!("{} was answered with {}", hex(frame), hex(answer))),
        }
    }

    fn send(&mut self, octets: &[u8]) -> Result<(), String> {
        let mut frame = self.pool.take().ok_or("no frame is free")?;
        frame.write(octets).map_err(|error| error.to_string())?;
        self.batch.push(frame).map_err(|_| "the batch is full")?;
        let sent =
            self.socket.transmit(&mut self.batch, &mut self.pool).map_err(|error| error.to_string())?;
        if sent == 1 { Ok(()) } else { Err(format!("the kernel refuses to send {}", hex(octets))) }
    }

    /// The next frame that the host sends.
    fn next(&mut self) -> Result<Vec<u8>, String> {
        loop {
            let mut one = Batch::new(1);
            let received =
                self.socket.receive(&mut self.pool, &mut one).map_err(|error| error.to_string())?;
            if let Some(frame) = one.pop() {
                let octets = frame.octets().to_vec();
                self.pool.give(frame);
                return Ok(octets);
            }
            let woken = wait(self.socket.as_fd(), false, self.never.as_fd(), Some(PATIENCE))
                .map_err(|error| error.to_string())?;
            if received == 0 && !woken.device {
                return Err(format!("the host says nothing for {PATIENCE:?}, not even to a plain request"));
            }
        }
    }
}
