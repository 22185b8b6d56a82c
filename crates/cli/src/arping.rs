//! `tapstack arping`: who has an address, is it free, it is ours; told in the words of iputils.

pub(crate) mod arguments;
mod json;
mod words;

use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::process::ExitCode;

use arp::inquiry::{Inquiry, Next, Outcome, Plan, Purpose};
use arp::{Identity, Operation};
use tap::linux::wait;

use crate::clock::Clock;
use crate::failure::Failure;
use crate::gaps::{Explanation, Gaps};
use crate::output::Sink;
use crate::privileges;
use crate::probe_socket::{ProbeSocket, drain};
use crate::report::{Level, Report};
use crate::signals::{Signals, TERMINATION_SIGNALS};
use arguments::ArpingArguments;
use words::Told;

/// Asks until it is over, or a signal comes; then prints what it comes to.
pub(crate) fn run(arguments: &ArpingArguments) -> Result<ExitCode, Failure> {
    let clock = Clock::start();
    vet(arguments)?;
    let mut wire = ProbeSocket::open(&arguments.wire, arguments.vlan, clock)?;
    let plan = plan(arguments, &wire)?;
    wire.settle(clock.now())?;
    let mut asker = Asker {
        inquiry: Inquiry::new(clock.now(), plan),
        wire,
        report: Report::new(arguments.wire.capture.other_output()?, Level::Quiet, arguments.json),
        clock,
        json: arguments.json,
        quiet: arguments.quiet,
    };
    // Not before: a signal ends what blocks until here, such as the opening of a FIFO.
    let signals = Signals::take_over(&TERMINATION_SIGNALS)?;
    privileges::drop_all()?;
    let name = asker.wire.name().clone();
    asker.tell(&Told::Start { interface: &name });
    let ended = asker.ask(&signals).and_then(|()| asker.drain());
    let gap = asker.gap();
    if gap.is_some() {
        asker.inquiry.deaf();
    }
    let outcome = asker.inquiry.outcome(clock.now());
    asker.tell(&Told::Statistics(outcome));
    asker.report.finish();
    ended?;
    asker.report.check_written()?;
    verdict(&asker, outcome, gap)
}

/// Refuses addresses that nobody can have.
fn vet(arguments: &ArpingArguments) -> Result<(), Failure> {
    let target = arguments.target;
    if !inet::is_valid_host(target) {
        return Err(Failure::new(format!(
            "{target} can be nobody's address; ask for a host's, such as 10.0.0.1"
        )));
    }
    Ok(())
}

/// What the arguments ask for.
fn plan(arguments: &ArpingArguments, wire: &ProbeSocket) -> Result<Plan, Failure> {
    let purpose = match arguments {
        ArpingArguments { probe: true, .. } => Purpose::Probe,
        ArpingArguments { announce: true, .. } => Purpose::Announce(Operation::REQUEST),
        ArpingArguments { answer: true, .. } => Purpose::Announce(Operation::REPLY),
        _ => Purpose::Find,
    };
    let protocol = match (arguments.source_ip, purpose) {
        (Some(source), _) => source,
        (None, Purpose::Probe) => Ipv4Addr::UNSPECIFIED,
        (None, Purpose::Announce(_)) => arguments.target,
        (None, Purpose::Find) => source(arguments, wire)?,
    };
    if purpose == Purpose::Find && protocol == arguments.target {
        return Err(Failure::new(format!(
            "{protocol} is the address that asks, and nobody answers itself; ask for another, or by -D whether anybody else has it"
        )));
    }
    Ok(Plan {
        purpose,
        ours: Identity { protocol, hardware: wire.hardware() },
        target: arguments.target,
        count: arguments.count,
        interval: arguments.interval,
        limit: arguments.deadline,
        until_first: arguments.first,
        keeps_broadcasting: arguments.broadcast,
    })
}

/// Who asks, if nobody said.
fn source(arguments: &ArpingArguments, wire: &ProbeSocket) -> Result<Ipv4Addr, Failure> {
    let target = arguments.target;
    if let Some(address) = arguments.wire.address {
        return Ok(address.addr());
    }
    wire.kernel_address(target)?.ok_or_else(|| {
        let name = wire.name();
        Failure::new(format!(
            "{name} has no address in a network that {target} is in; name the one to ask from by `-s IP`"
        ))
    })
}

/// An inquiry on a wire.
struct Asker<W> {
    inquiry: Inquiry,
    wire: ProbeSocket,
    report: Report<W>,
    clock: Clock,
    json: bool,
    quiet: bool,
}

impl<W: Sink> Asker<W> {
    /// Sends and hears until the inquiry is over, or somebody ends it.
    fn ask(&mut self, signals: &Signals) -> Result<(), Failure> {
        while signals.next()?.is_none() && self.report.has_reader() {
            match self.inquiry.next(self.clock.now()) {
                Next::Over => return Ok(()),
                Next::Send { packet, destination } => {
                    // The reply may be there before the call returns.
                    let now = self.clock.now();
                    if self.wire.send(now, &packet, destination)? {
                        self.inquiry.sent(now);
                    } else {
                        self.inquiry.refused(now);
                    }
                }
                Next::Wait(limit) => {
                    wait(self.wire.as_fd(), false, signals.as_fd(), &[], Some(limit))?;
                    self.hear()?;
                }
            }
        }
        Ok(())
    }

    /// Reads what has arrived already: a process that was stopped for a while finds it late.
    fn drain(&mut self) -> Result<(), Failure> {
        if !drain(|| self.hear())? {
            self.wire.leave_unread();
        }
        Ok(())
    }

    /// Why the absence of a reply is no result, if it is none.
    fn gap(&mut self) -> Option<Explanation> {
        let gaps = Gaps { refused: self.inquiry.counts().refused, ..self.wire.gaps(self.clock.now()) };
        gaps.explain(self.wire.name())
    }

    /// Reads one batch. Returns whether there may be more.
    fn hear(&mut self) -> Result<bool, Failure> {
        let now = self.clock.now();
        let mut heard = Vec::new();
        let inquiry = &mut self.inquiry;
        let is_more = self.wire.receive(now, |packet, is_broadcast| {
            let told = inquiry.receive(now, packet, is_broadcast);
            heard.extend(told);
            words::decision(told)
        })?;
        for heard in heard {
            self.tell(&Told::Heard(heard));
        }
        Ok(is_more)
    }

    fn tell(&mut self, told: &Told<'_>) {
        if self.quiet {
            return;
        }
        let line = if self.json {
            json::line(self.clock.now(), &self.inquiry, told)
        } else {
            words::lines(&self.inquiry, told)
        };
        self.report.print_line(&line);
        self.report.flush();
    }
}

/// The exit code, and why it is 2 if it is.
fn verdict<W>(asker: &Asker<W>, outcome: Outcome, gap: Option<Explanation>) -> Result<ExitCode, Failure> {
    let (name, target) = (asker.wire.name(), asker.inquiry.plan().target);
    Err(Failure::new(match outcome {
        Outcome::Answered | Outcome::Free | Outcome::Announced => return Ok(ExitCode::SUCCESS),
        Outcome::Silent | Outcome::Taken => return Ok(ExitCode::from(1)),
        Outcome::Unasked if asker.inquiry.counts().refused == 0 => {
            format!("nothing was asked about {target}: it was ended before; let it run")
        }
        Outcome::Unasked => {
            format!(
                "nothing was asked about {target}: {name} took no frame; `ip -statistics link show {name}`"
            )
        }
        Outcome::Hindered => match gap {
            Some(why) => format!("no result for {target}: {why}"),
            None => format!("no result for {target}: not all replies could be received; try again"),
        },
        Outcome::Unfinished => format!(
            "no result for {target}: the probing ended before it was complete; give it four seconds, or fewer probes by -c"
        ),
    }))
}

#[cfg(test)]
mod tests;
