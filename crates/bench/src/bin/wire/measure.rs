//! Measures the tables for the selected contenders.

use std::time::Duration;

use crate::contender::{self, Contender};
use crate::cpu::{allowed, pin};
use crate::drain::{self, Bounds};
use crate::flood;
use crate::flow;
use crate::goals::goals;
use crate::latency;
use crate::load::Load;
use crate::network::{self, BenchNetwork};
use crate::options::{Mode, Options};
use crate::report::{
    BenchReport, ContenderDescription, DrainTable, FloodTable, FlowTable, LatencyTable, Machine, Skipped,
    StreamTable,
};
use crate::rounds::Rounds;
use crate::running::{self, Job};
use crate::stream;
use crate::traffic::{AddressRange, RequestKind};

/// Number of requests per round: half of the length of an interface's queue, because a full queue drops frames.
const FILL: u16 = 512;
/// Number of connections per round of the load `tcp-accept`.
pub(crate) const CONNECTIONS: u16 = 128;

/// Runs the measurements that the options select.
pub(crate) fn run(options: &Options) -> Result<BenchReport, String> {
    network::enter()?;
    let cpus = allowed();
    let first = *cpus.first().ok_or("cannot find the CPUs of this process")?;
    pin(first)?;
    let mut skipped = Vec::new();
    let contenders = choose(options, &mut skipped)?;
    let mut report = BenchReport {
        machine: Machine::this(cpus.len()),
        contenders: contenders
            .iter()
            .map(|one| ContenderDescription { name: one.name, about: one.about })
            .collect(),
        skipped,
        drain: Vec::new(),
        flow: Vec::new(),
        stream: Vec::new(),
        latency: Vec::new(),
        flood: Vec::new(),
        goals: Vec::new(),
    };
    let is_drained = |load: &Load| load.request().is_some() || *load == Load::TcpAccept;
    for load in options.loads().iter().filter(|load| options.measures(Mode::Drain) && is_drained(load)) {
        report.drain.push(drained(options, &contenders, *load)?);
    }
    let few: Vec<_> = contenders.into_iter().filter(|contender| !contender.has_population()).collect();
    match cpus.get(1) {
        Some(second) => {
            for load in options.loads() {
                on_two_cpus(options, &few, *load, *second, &mut report)?;
            }
        }
        None if options.measures(Mode::Flow) || options.measures(Mode::Latency) => {
            let why = "one CPU available, two required (see `taskset -pc $$`)".to_owned();
            report.skipped.push(Skipped { what: "flow, stream, latency and flood".to_owned(), why });
        }
        None => {}
    }
    report.goals = goals(&report);
    Ok(report)
}

/// Returns the selected contenders that are available.
fn choose(options: &Options, skipped: &mut Vec<Skipped>) -> Result<Vec<Contender>, String> {
    let hosts = AddressRange { ip: [10, 128, 0, 0].into(), mac: [2, 1, 0, 0, 0, 0], count: options.hosts };
    let neighbors =
        AddressRange { ip: [10, 64, 0, 0].into(), mac: [2, 2, 0, 0, 0, 0], count: options.neighbors };
    let mut all = contender::all(hosts, neighbors);
    if let Some(unknown) = options.contenders.iter().find(|name| all.iter().all(|one| one.name != **name)) {
        let names: Vec<_> = all.iter().map(|one| one.name).collect();
        return Err(format!(
            "unknown contender `{unknown}` (known: {}); hint: cargo xtask bench wire --contenders {},{}",
            names.join(", "),
            contender::LOCAL,
            contender::SWAP
        ));
    }
    if !options.contenders.is_empty() {
        all.retain(|one| options.contenders.iter().any(|name| *name == one.name));
    }
    let kernel = all.iter().find(|one| one.is_kernel());
    if let Some(Err(why)) = kernel.map(BenchNetwork::new) {
        all.retain(|one| !one.is_kernel());
        skipped.push(Skipped { what: contender::KERNEL.to_owned(), why });
    }
    Ok(all)
}

fn drained(options: &Options, contenders: &[Contender], load: Load) -> Result<DrainTable, String> {
    let fill = if load == Load::TcpAccept { CONNECTIONS } else { FILL };
    let bounds = Bounds { rounds: rounds(options), fill };
    let drained = drain::run(&supporting(contenders, load), load, bounds)?;
    Ok(DrainTable::of(load, fill.into(), &drained))
}

fn on_two_cpus(
    options: &Options,
    contenders: &[Contender],
    load: Load,
    cpu: usize,
    report: &mut BenchReport,
) -> Result<(), String> {
    let contenders = supporting(contenders, load);
    for spin in [Duration::ZERO, options.spin()] {
        let job = Job { load, spin, cpu };
        match (load.request(), load) {
            (Some(kind), _) => answered(options, &contenders, kind, &job, report)?,
            (None, Load::TcpAccept) => {}
            (None, _) => streamed(options, &contenders, &job, report)?,
        }
    }
    Ok(())
}

/// Measures requests that are single frames.
fn answered(
    options: &Options,
    contenders: &[Contender],
    kind: RequestKind,
    job: &Job,
    report: &mut BenchReport,
) -> Result<(), String> {
    // Contenders that sleep without polling are measured in latency mode only.
    let flow = options.measures(Mode::Flow) && !job.spin.is_zero();
    let latency = options.measures(Mode::Latency);
    if !flow && !latency {
        return Ok(());
    }
    let mut running = running::start_all(contenders, kind, job)?;
    for window in options.windows.iter().filter(|_| flow) {
        let window = usize::from(*window);
        let flowed = flow::run(&mut running, window, options.slice(), rounds(options))?;
        report.flow.push(FlowTable::of(job.load, window, job.spin, &flowed));
    }
    if latency {
        let timed = latency::run(&mut running, options.slice(), rounds(options))?;
        report.latency.push(LatencyTable::of(job.load, job.spin, &timed));
    }
    running::stop_all(running)
}

/// Measures TCP connections with a kernel socket.
fn streamed(
    options: &Options,
    contenders: &[Contender],
    job: &Job,
    report: &mut BenchReport,
) -> Result<(), String> {
    let mode = match job.load {
        Load::TcpRequest => Mode::Latency,
        Load::TcpFlood => Mode::Flood,
        _ => Mode::Flow,
    };
    // Only the latency depends on spinning.
    if !options.measures(mode) || (mode != Mode::Latency && job.spin.is_zero()) {
        return Ok(());
    }
    let mut members = stream::start_all(contenders, job)?;
    match mode {
        Mode::Latency => {
            let timed = stream::ask(&mut members, options.slice(), rounds(options))?;
            report.latency.push(LatencyTable::of(job.load, job.spin, &timed));
        }
        Mode::Flood => {
            let flooded = members.iter_mut().map(|member| {
                flood::run(member, options.flood_rate, options.time())
                    .map_err(|error| format!("{}: {error}", member.contender()))
            });
            let flooded = flooded.collect::<Result<Vec<_>, _>>()?;
            report.flood.push(FloodTable::of(job.load, options.time(), &flooded));
        }
        Mode::Drain | Mode::Flow => {
            let transferred = stream::transfer(&mut members, 10 * options.slice(), rounds(options))?;
            report.stream.push(StreamTable::of(job.load, job.spin, &transferred));
        }
    }
    stream::stop_all(members)
}

/// Returns the contenders that can do the work of a load.
fn supporting(contenders: &[Contender], load: Load) -> Vec<Contender> {
    contenders.iter().filter(|contender| contender.supports(load)).cloned().collect()
}

fn rounds(options: &Options) -> Rounds {
    Rounds { time: options.time(), most: options.rounds() }
}
