//! Replies over a wire.
#![forbid(unsafe_code)]

mod contender;
mod cpu;
mod crew;
mod drain;
mod engine;
mod flow;
mod generator;
mod latency;
mod netlink;
mod ours;
mod rounds;
mod site;
mod smoltcp_peer;
mod stats;
mod swap;
mod traffic;

use rounds::Rounds;
use std::time::Duration;
use traffic::{Load, Row};

fn main() {
    let site = site::Site::enter().unwrap();
    cpu::pin(cpu::allowed()[0]).unwrap();
    let cpus = [0, 1];
    let hosts = Row { protocol: [10, 128, 0, 0].into(), hardware: [2, 1, 0, 0, 0, 0], count: 1 << 16 };
    let neighbours = Row { protocol: [10, 64, 0, 0].into(), hardware: [2, 2, 0, 0, 0, 0], count: 1_000_000 };
    let all = contender::all(hosts, neighbours);
    all.iter().for_each(|c| println!("{}: {}", c.name, c.about));
    let rounds = Rounds { time: Duration::from_secs(2), most: None };
    for load in [Load::Arp, Load::Ping] {
        let drained = drain::run(&site, &all, load, drain::Bounds { rounds, fill: 512 }).unwrap();
        for d in &drained {
            println!(
                "{:16} {:8.1} {:8.1} {:?} {} {}",
                d.contender,
                stats::quantile(&d.ns, 0.5),
                stats::quantile(&d.cpu_ns, 0.5),
                d.system_calls,
                d.ns.len(),
                d.strange
            );
            for e in &drained {
                print!("  {} {:.3}", e.contender, stats::quantile(&stats::paired(&e.ns, &d.ns), 0.5));
            }
            println!();
        }
    }
    let few: Vec<_> = all.into_iter().filter(|c| !c.is_populous()).collect();
    for load in [Load::Arp, Load::Ping] {
        for spin in [0, 50] {
            let mut crew = crew::assemble(&site, &few, load, Duration::from_micros(spin), cpus[1]).unwrap();
            if spin > 0 {
                for window in [16, 64, 256] {
                    let f = flow::run(&mut crew, window, Duration::from_millis(2), rounds).unwrap();
                    for f in &f {
                        println!(
                            "{load:?} {window} {:16} {:8.0} {:8.0} {:?} {} {} {}",
                            f.contender,
                            stats::quantile(&f.rates, 0.5),
                            stats::quantile(&f.rates, 0.9),
                            f.cpu_ns,
                            f.total_ns,
                            f.strange,
                            f.replies
                        );
                    }
                }
            }
            let f = latency::run(&mut crew, Duration::from_millis(2), rounds).unwrap();
            for f in &f {
                println!(
                    "{load:?} spin {spin} {:16} {:8.2} {:8.2} {} {}",
                    f.contender,
                    stats::quantile(&f.us, 0.5),
                    stats::quantile(&f.us, 0.99),
                    f.strange,
                    f.us.len()
                );
            }
            crew::dismiss(crew).unwrap();
        }
    }
}
