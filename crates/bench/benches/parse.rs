//! Benchmarks of reading, building and rewriting ARP frames with tapstack, an unsafe cast, smoltcp, etherparse and
//! pnet.
//!
//! The program `parse` measures the same contenders in alternation, because times of criterion vary by more than the
//! difference between some contenders.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

use contenders::ALL;

#[path = "../src/bin/parse/check.rs"]
mod check;
#[path = "../src/bin/parse/contenders/mod.rs"]
mod contenders;
#[path = "../src/bin/parse/frames.rs"]
mod frames;
#[path = "../src/bin/parse/run.rs"]
mod run;

fn parse(criterion: &mut Criterion) {
    for (contender, compared) in check::all() {
        assert_eq!(compared.err(), None, "{} differs from the cast", contender.name);
    }
    for works in ALL.chunk_by(|one, next| one.work.name() == next.work.name()) {
        let mut group = criterion.benchmark_group(works[0].work.name());
        for contender in works {
            let mut run = run::of(contender.work);
            group.bench_function(BenchmarkId::new(contender.name, contender.api), |bencher| {
                bencher.iter(|| run(1));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, parse);
criterion_main!(benches);
