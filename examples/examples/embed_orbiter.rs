//! ORBITER inside another program: rounds, plans and progress as values.
//!
//! The world here is simulated, so that the program runs anywhere. With an [`Orb`] whose drivers are real, as
//! `Orbiter::orb` makes it from a repository's files, everything below is the same.
#![expect(clippy::print_stdout, reason = "a program for the command line")]

use std::time::Duration;

use anyhow::{Result, ensure};
use orbos_infra::{
    Orb, OrbChange, OrbObserved, Purpose,
    testing::{Fails, SimWorld, Sketch},
};
use orbos_state::{Change, Listener, Plan, Round, round};

const ORB: &str = "
version: v1.20.2
controlplane: {pool: rack.masters, nodes: 1}
workers: [{pool: rack.workers, nodes: 1}]
providers:
  rack: {lists: {masters: [m1], workers: [w1, w2]}, endpoints: {kubeapi: masters}}
";

/// Hears of everything while it happens; a program with a screen of its own would draw here.
struct Progress;

impl Listener<Orb> for Progress {
    fn planned(&self, _: &OrbObserved, plan: &Plan<OrbChange>) {
        plan.waiting().iter().for_each(|it| println!("  {it}"));
    }

    fn finished(&self, change: &OrbChange, result: &orbos_state::Result<()>, _: Duration) {
        let text = change.to_string();
        let first = text.lines().next().unwrap_or_default().trim_end_matches(':');
        match result {
            Ok(()) => println!("  {} {first}", change.effect()),
            Err(error) => println!("  {} {first} failed: {error}", change.effect()),
        }
    }
}

/// Looks, decides and acts until nothing is left to do.
async fn settle(orb: &Orb) -> Result<()> {
    for number in 1..=20 {
        println!("round {number}");
        let goal = orb.goal(Purpose::Run, Vec::new());
        let ended: Round<Orb> = round(orb, &goal, &Progress).await?;
        if ended.is_settled() {
            println!("  settled");
            return Ok(());
        }
    }
    anyhow::bail!("not settled after 20 rounds")
}

#[tokio::main]
async fn main() -> Result<()> {
    let sketch: Sketch = serde_yaml::from_str(ORB)?;
    let world = SimWorld::new(sketch.model());

    println!("A cluster takes off, and one step fails on the way.");
    world.fail("k8s: join rack.workers.w1", Fails::Before);
    settle(&world.orb()).await?;

    println!("\nSomebody removes a package from a machine.");
    world.change(|it| {
        it.observed.hosts.values_mut().for_each(|host| drop(host.packages.remove("containerd")))
    });
    settle(&world.orb()).await?;

    println!("\nA human wants one more worker.");
    world.change(|it| {
        let pools = it.goal.clusters.values_mut().flat_map(|cluster| &mut cluster.pools);
        pools.filter(|it| it.pool.pool == "workers").for_each(|it| it.nodes = 2);
    });
    settle(&world.orb()).await?;

    let members = &world.model().observed.clusters["k8s"].members;
    ensure!(members.len() == 3, "{} members", members.len());
    println!("\n{} members.", members.len());
    Ok(())
}
