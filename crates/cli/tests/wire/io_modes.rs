//! I/O methods of a host (`--io`).

use nix::sys::signal::Signal;
use tap::linux::PacketSocket;
use tap::{Batch, Device, Pool};

use super::host::{HOST_IP, MAC, request, start};
use super::running::{PersistentTapGuard, Running};
use testbed::frames::{is_arp, wait_until_answering};
use testbed::{Case, TestResult, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("host_answers_with_each_io_mode", each_io_mode),
    ("tap_of_killed_host_is_free_at_once", tap_of_killed_host),
    ("host_ends_on_signal_under_load", host_ends_on_signal_under_load),
];

fn each_io_mode() -> TestResult {
    for (io, busy_poll) in [("auto", "50"), ("auto", "0"), ("ring", "50"), ("ring", "0"), ("read-write", "0")]
    {
        let (host, interface) = start("io0", &["--io", io, "--busy-poll", busy_poll])?;
        let mut socket = PacketSocket::open(interface.name())?;
        let (mut pool, mut batch) = (Pool::new(1_500, 200), Batch::new(200));
        for _ in 0..200 {
            let mut frame = pool.take().ok_or("no frame")?;
            frame.write(&request())?;
            batch.push(frame).map_err(|_| "the batch is full")?;
        }
        socket.transmit(&mut batch, &mut pool)?;
        let mut replies = 0;
        wait_for("reply to each request", || {
            socket.receive(&mut pool, &mut batch).ok()?;
            while let Some(frame) = batch.pop() {
                replies += u32::from(is_arp(2)(frame.bytes()));
                pool.give(frame);
            }
            (replies == 200).then_some(())
        })?;
        let (code, out, errors) = host.stop()?;
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{io}");
        assert!(out.contains("  200  arp: replies sent\n"), "{io}: {out}");
    }
    Ok(())
}

fn tap_of_killed_host() -> TestResult {
    let tap = PersistentTapGuard::create("killed0")?;
    for _ in 0..5 {
        let arguments = ["--tap", "killed0", "--address", "10.0.0.2/24", "--mac", MAC, "--io", "ring"];
        let mut host = Running::start(&arguments)?;
        assert!(host.first.starts_with("ready"), "{}", host.first);
        wait_until_answering(&mut PacketSocket::open(tap.0.name())?, HOST_IP)?;
        host.signal(Signal::SIGKILL)?;
        wait_for("end of the host", || host.has_ended().then_some(()))?;
    }
    Ok(())
}

fn host_ends_on_signal_under_load() -> TestResult {
    // While frames arrive continuously, busy polling for a second must not delay the check for signals.
    let (mut host, interface) = start("load0", &["-q", "--busy-poll", "1000000"])?;
    let mut socket = PacketSocket::open(interface.name())?;
    let (mut pool, mut batch) = (Pool::new(1_500, 1), Batch::new(1));
    let mut sent = 0_u32;
    wait_for("end of the host", || {
        for _ in 0..200 {
            let mut frame = pool.take()?;
            frame.write(&request()).ok()?;
            batch.push(frame).ok()?;
            // Sending fails when the host has deleted the interface.
            let _ = socket.transmit(&mut batch, &mut pool);
            while let Some(frame) = batch.pop() {
                pool.give(frame);
            }
        }
        sent += 200;
        if sent == 2_000 {
            host.signal(Signal::SIGINT).ok()?;
        }
        host.has_ended().then_some(())
    })?;
    assert_eq!(host.end()?.0, Some(0));
    Ok(())
}
