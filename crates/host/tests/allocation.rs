//! Once warm, a host allocates nothing.

use std::error::Error;

use arp::{Fields, Operation};
use host::{Config, Host};
use link::MacAddr;
use tap::{Batch, Cable, Device, Instant, Pool};

/// A request from the peer, as a broadcast frame.
fn request() -> Result<Vec<u8>, Box<dyn Error>> {
    let hardware = MacAddr::new([2, 0, 0, 0, 0, 1]);
    let mut packet = [0; Fields::LENGTH];
    let fields = Fields {
        operation: Operation::REQUEST,
        sender_hardware: hardware,
        sender_protocol: [10, 0, 0, 1].into(),
        target_hardware: MacAddr::ZERO,
        target_protocol: [10, 0, 0, 2].into(),
    };
    fields.write_to(&mut packet)?;
    Ok([&MacAddr::BROADCAST.octets()[..], &hardware.octets(), &[8, 6], &packet].concat())
}

#[test]
fn a_hundred_thousand_requests_allocate_nothing_after_the_first_thousand() -> Result<(), Box<dyn Error>> {
    let (mut wire, mut ours) = Cable::pair(1_500)?;
    let mut host =
        Host::new(Instant::ORIGIN, &Config::new("10.0.0.2/24".parse()?, MacAddr::new([2, 0, 0, 0, 0, 2])))?;
    let (mut pool, mut outside) = (Pool::new(1_500, host.frames()), Pool::new(1_500, 8));
    let mut batch = Batch::new(4);
    let request = request()?;

    let mut exchange = |count: u32| -> Result<(), Box<dyn Error>> {
        for _ in 0..count {
            let mut frame = outside.take().ok_or("a frame")?;
            frame.write(&request)?;
            batch.push(frame).map_err(|_| "room")?;
            wire.transmit(&mut batch, &mut outside)?;
            host.turn(Instant::ORIGIN, &mut ours, &mut pool, &mut ())?;
            wire.receive(&mut outside, &mut batch)?;
            outside.give(batch.pop().ok_or("a reply")?);
        }
        Ok(())
    };
    exchange(1_000)?;
    let mut outcome = Ok(());
    let allocated = allocation_counter::measure(|| outcome = exchange(99_000));
    outcome?;
    assert_eq!(allocated.count_total, 0);
    assert_eq!(host.answered(), 100_000);
    Ok(())
}
