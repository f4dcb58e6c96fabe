//! How long a plan takes: `cargo bench -p orbos-infra --features testing --bench plan`.
//!
//! Goal: 10 ms for 100 machines, 1 s for 10,000, on one core; settled and from nothing.
#![expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]

use std::time::{Duration, Instant};

use orbos_infra::{Model, testing::Sketch};

fn orb(machines: usize) -> Model {
    let text = format!(
        "{{version: v1.20.2, controlplane: {{pool: p.masters, nodes: 3}}, \
         workers: [{{pool: p.workers, nodes: {}}}], providers: {{p: {{endpoints: {{kubeapi: masters}}}}}}}}",
        machines - 3
    );
    let sketch: Sketch = serde_yaml::from_str(&text).expect("a valid sketch");
    sketch.model()
}

/// The best and the median of several plans of the same world.
fn measure(model: &Model) -> (Duration, Duration) {
    let mut times: Vec<Duration> = (0..7)
        .map(|_| {
            let begin = Instant::now();
            let plan = std::hint::black_box(model.plan());
            let took = begin.elapsed();
            drop(plan);
            took
        })
        .collect();
    times.sort();
    (times[0], times[times.len() / 2])
}

fn main() {
    for (machines, goal) in [(100, 10), (10_000, 1000)] {
        let mut model = orb(machines);
        let mut slowest = Duration::ZERO;
        let mut rounds = 0;
        loop {
            let begin = Instant::now();
            let plan = model.plan();
            slowest = slowest.max(begin.elapsed());
            if plan.is_settled() {
                break;
            }
            rounds += 1;
            plan.changes().for_each(|it| model.apply(it));
        }
        let (best, median) = measure(&model);
        println!(
            "{machines} machines: settled after {rounds} rounds; settled plan best {best:?}, median {median:?}; \
             slowest plan on the way {slowest:?}; goal {goal} ms"
        );
    }
}
