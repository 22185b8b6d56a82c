//! An exchange allocates nothing after a warm-up.

use std::collections::VecDeque;
use std::error::Error;

use tap::linux::Cable;
use tap::{Batch, Device, Exchange, Frame, Instant, Machine, Pool, PortId, Token, Turn};

/// Machine that returns each frame.
#[derive(Default)]
struct Echo(VecDeque<Frame>);

impl Machine for Echo {
    type Outcome = ();

    fn receive(&mut self, _: Instant, _: PortId, mut frame: Frame, _: &mut Pool) {
        frame.set_token(Token::new(1));
        self.0.push_back(frame);
    }

    fn transmit(&mut self, _: Instant, _: PortId, departing: &mut Batch, pool: &mut Pool) {
        while departing.free_capacity() > 0 {
            let Some(frame) = self.0.pop_front() else { break };
            if let Err(frame) = departing.push(frame) {
                pool.give(frame);
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }
}

/// Sends a full batch to the exchange, and returns the replies to the peer's pool.
fn turn(
    exchange: &mut Exchange,
    machine: &mut Echo,
    (near, far): &mut (Cable, Cable),
    (pool, peer_pool): &mut (Pool, Pool),
    batch: &mut Batch,
) -> Result<Turn, Box<dyn Error>> {
    while batch.free_capacity() > 0 {
        let Some(mut frame) = peer_pool.take() else { break };
        frame.append(60)?;
        batch.push(frame).map_err(|_| "the batch is full")?;
    }
    far.transmit(batch, peer_pool)?;
    let turn = exchange.turn(Instant::ORIGIN, machine, near, pool, &mut ())?;
    far.receive(peer_pool, batch)?;
    while let Some(frame) = batch.pop() {
        peer_pool.give(frame);
    }
    Ok(turn)
}

#[test]
fn exchange_allocates_nothing_after_warm_up() -> Result<(), Box<dyn Error>> {
    let mut exchange = Exchange::new(PortId::default());
    let (mut machine, mut batch) = (Echo::default(), Batch::new(Exchange::BATCH));
    let (mut cable, mut pools) = (Cable::pair(1_500)?, (Pool::new(1_500, 128), Pool::new(1_500, 64)));
    let mut run = || turn(&mut exchange, &mut machine, &mut cable, &mut pools, &mut batch);
    for _ in 0..10 {
        assert_eq!(run()?, Turn { received: 64, tx_blocked: false, poll_again: true });
    }
    let mut outcome = Ok(());
    let allocated = allocation_counter::measure(|| outcome = (0..1_000).try_for_each(|_| run().map(drop)));
    outcome?;
    assert_eq!(allocated.count_total, 0);
    assert_eq!((pools.0.held(), pools.1.held()), (0, 0));
    Ok(())
}
