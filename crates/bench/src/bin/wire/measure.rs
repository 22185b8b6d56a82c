//! Measures the tables for the selected contenders.

use std::time::Duration;

use crate::contender::{self, Contender};
use crate::cpu::{allowed, pin};
use crate::drain::{self, Bounds};
use crate::flow;
use crate::goals::goals;
use crate::latency;
use crate::network::BenchNetwork;
use crate::options::{Mode, Options};
use crate::report::{
    BenchReport, ContenderDescription, DrainTable, FlowTable, LatencyTable, Machine, Skipped,
};
use crate::rounds::Rounds;
use crate::running;
use crate::traffic::{AddressRange, Load};

/// Number of requests per round: half of the length of an interface's queue, because a full queue drops frames.
const FILL: usize = 512;

/// Runs the measurements that the options select.
pub(crate) fn run(options: &Options) -> Result<BenchReport, String> {
    // The namespaces must be entered before a second thread starts.
    let network = BenchNetwork::enter()?;
    let cpus = allowed();
    let first = *cpus.first().ok_or("cannot find the CPUs of this process")?;
    pin(first)?;
    let mut skipped = Vec::new();
    let contenders = choose(options, &network, &mut skipped)?;
    let mut report = BenchReport {
        machine: Machine::this(cpus.len()),
        contenders: contenders
            .iter()
            .map(|one| ContenderDescription { name: one.name, about: one.about })
            .collect(),
        skipped,
        drain: Vec::new(),
        flow: Vec::new(),
        latency: Vec::new(),
        goals: Vec::new(),
    };
    for load in options.loads() {
        if options.measures(Mode::Drain) {
            report.drain.push(drained(options, &network, &contenders, *load)?);
        }
    }
    let few: Vec<_> = contenders.into_iter().filter(|contender| !contender.has_population()).collect();
    match cpus.get(1) {
        Some(second) => {
            for load in options.loads() {
                on_two_cpus(options, &network, &few, *load, *second, &mut report)?;
            }
        }
        None if options.measures(Mode::Flow) || options.measures(Mode::Latency) => {
            let why = "one CPU available, two required (see `taskset -pc $$`)".to_owned();
            report.skipped.push(Skipped { what: "flow and latency".to_owned(), why });
        }
        None => {}
    }
    report.goals = goals(&report);
    Ok(report)
}

/// Returns the selected contenders that are available.
fn choose(
    options: &Options,
    network: &BenchNetwork,
    skipped: &mut Vec<Skipped>,
) -> Result<Vec<Contender>, String> {
    let hosts = AddressRange { ip: [10, 128, 0, 0].into(), mac: [2, 1, 0, 0, 0, 0], count: options.hosts };
    let neighbors =
        AddressRange { ip: [10, 64, 0, 0].into(), mac: [2, 2, 0, 0, 0, 0], count: options.neighbors };
    let mut all = contender::all(hosts, neighbors, network.kernels());
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
    if let Err(why) = network.kernel() {
        all.retain(|one| !one.is_kernel());
        skipped.push(Skipped { what: contender::KERNEL.to_owned(), why });
    }
    Ok(all)
}

fn drained(
    options: &Options,
    network: &BenchNetwork,
    contenders: &[Contender],
    load: Load,
) -> Result<DrainTable, String> {
    let bounds = Bounds { rounds: rounds(options), fill: FILL };
    let drained = drain::run(network, contenders, load, bounds)?;
    Ok(DrainTable::of(load, FILL, &drained))
}

fn on_two_cpus(
    options: &Options,
    network: &BenchNetwork,
    contenders: &[Contender],
    load: Load,
    cpu: usize,
    report: &mut BenchReport,
) -> Result<(), String> {
    let [flow, latency] = [Mode::Flow, Mode::Latency].map(|mode| options.measures(mode));
    for spin in [Duration::ZERO, options.spin()] {
        // Contenders that sleep without polling are measured in latency mode only.
        let flow = flow && !spin.is_zero();
        if !flow && !latency {
            continue;
        }
        let mut running = running::start_all(network, contenders, load, spin, cpu)?;
        for window in options.windows.iter().filter(|_| flow) {
            let window = usize::from(*window);
            let flowed = flow::run(&mut running, window, options.slice(), rounds(options))?;
            report.flow.push(FlowTable::of(load, window, spin, &flowed));
        }
        if latency {
            let timed = latency::run(&mut running, options.slice(), rounds(options))?;
            report.latency.push(LatencyTable::of(load, spin, &timed));
        }
        running::stop_all(running)?;
    }
    Ok(())
}

fn rounds(options: &Options) -> Rounds {
    Rounds { time: options.time(), most: options.rounds() }
}
