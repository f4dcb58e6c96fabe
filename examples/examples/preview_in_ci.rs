//! Shows in a pipeline what a pull request would do to an orb. Asks no machine and opens no secret.
//!
//! `preview_in_ci REPOSITORY FILE`: the orb is as `orbiter.yml` in the newest revision of REPOSITORY wants it, FILE is
//! how the pull request wants it. A repository without an `orbiter.yml` is an orb in which nothing was done yet.
//!
//! Exit codes: 0 nothing would happen, 3 something would, 6 FILE is wrong, 1 anything else.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the command line")]

use std::{collections::BTreeMap, env, fs, process::ExitCode};

use anyhow::{Context, Result, bail};
use orbos_infra::{
    ClusteredSoftware, DESIRED, Inventory, Machine, Membership, Model, OrbGoal, OrbObserved, PoolRef,
    Purpose, forecast,
    spec::{OrbFile, StaticSpec},
};
use orbos_k8s::{Kubernetes, KubernetesCluster, Sources};
use orbos_state::{Diagnostics, Document, GitRepository, Repository, Source};

/// No orb takes longer to settle.
const ROUNDS: usize = 500;

#[tokio::main]
async fn main() -> ExitCode {
    match preview().await {
        Ok(true) => ExitCode::from(3),
        Ok(false) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            let invalid = error.downcast_ref::<Diagnostics>().is_some();
            ExitCode::from(if invalid { 6 } else { 1 })
        }
    }
}

async fn preview() -> Result<bool> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [repository, file] = arguments.as_slice() else { bail!("usage: preview_in_ci REPOSITORY FILE") };
    let proposed = fs::read_to_string(file).with_context(|| format!("reading {file}"))?;
    let proposed = Desired::read(&Source::new(file, proposed))?;

    let cache = tempfile::tempdir()?;
    let snapshot = GitRepository::open(repository, cache.path().join("cache"))?.snapshot().await?;
    let world = match snapshot.contains(DESIRED) {
        true => Desired::read(&snapshot.source(DESIRED)?)?.settled(),
        false => proposed.bare_world(),
    };
    let (goal, world) = proposed.meets(world);
    let plans = forecast(&goal, &world, ROUNDS);
    for (plan, number) in plans.iter().zip(1..) {
        println!("round {number}\n{plan}");
    }
    if plans.is_empty() {
        println!("Nothing would happen.");
    }
    Ok(!plans.is_empty())
}

/// An `orbiter.yml` as goals, and the machines that it lists.
struct Desired {
    goal: OrbGoal,
    listed: BTreeMap<PoolRef, Vec<Machine>>,
}

impl Desired {
    fn read(file: &Source) -> Result<Self, Diagnostics> {
        let file = OrbFile::read(&Document::parse(file)?)?;
        let mut wrong = Diagnostics::new();
        let mut goal = OrbGoal {
            purpose: Purpose::Run,
            missing_secrets: Vec::new(),
            providers: BTreeMap::new(),
            clusters: BTreeMap::new(),
        };
        let mut listed: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (id, document) in &file.providers {
            let Some((spec, balancer)) = wrong.keep(StaticSpec::read(document)) else { continue };
            for (pool, it) in spec.machines() {
                let pool = PoolRef::new(id, pool);
                let machine = Machine { id: pool.machine(it.id.as_str()), address: Some(it.ip) };
                listed.entry(pool).or_default().push(machine);
            }
            goal.providers.insert(id.clone(), spec.goal(id, balancer.endpoints(id)));
        }
        for (id, document) in &file.clusters {
            let Some(cluster) = wrong.keep(document.read::<KubernetesCluster>()) else { continue };
            let driver = Kubernetes::new(id, cluster.spec, Sources::default());
            if let Some(driver) = wrong.keep(driver.map_err(|error| unusable(document, &error))) {
                goal.clusters.insert(id.clone(), driver.goal());
            }
        }
        wrong.into_result().map(|()| Self { goal, listed })
    }

    /// Every machine is there, and nothing was done with it.
    fn bare_world(&self) -> OrbObserved {
        let mut world = OrbObserved::default();
        world.providers.extend(self.goal.providers.keys().map(|id| (id.clone(), Inventory::default())));
        world.clusters.extend(self.goal.clusters.keys().map(|id| (id.clone(), Membership::default())));
        self.list(&mut world);
        world
    }

    /// The world in which nothing is left to do.
    fn settled(self) -> OrbObserved {
        let world = self.bare_world();
        let mut model = Model::new(self.goal, world);
        // The file may know how to get into the cluster, but this world begins before there was one.
        model.goal.clusters.values_mut().for_each(|it| it.founded_before = false);
        for plan in forecast(&model.goal, &model.observed, ROUNDS) {
            plan.changes().for_each(|it| model.apply(it));
        }
        model.observed
    }

    /// This, wanted in a world that somebody else left behind.
    fn meets(mut self, mut world: OrbObserved) -> (OrbGoal, OrbObserved) {
        for id in self.goal.providers.keys() {
            world.providers.entry(id.clone()).or_default();
        }
        for (id, goal) in &mut self.goal.clusters {
            goal.founded_before = world.clusters.entry(id.clone()).or_default().founded;
        }
        self.list(&mut world);
        (self.goal, world)
    }

    /// Lists this file's machines in the world, and no others.
    fn list(&self, world: &mut OrbObserved) {
        for (id, inventory) in &mut world.providers {
            let listed = |machine: &Machine| self.listed.values().flatten().any(|it| it.id == machine.id);
            inventory.machines.retain(|_, it| listed(it));
            let pools = self.listed.iter().filter(|(pool, _)| pool.provider == *id);
            let free = |it: &&Machine| !inventory.machines.contains_key(&it.id);
            inventory.free =
                pools.map(|(pool, all)| (pool.clone(), all.iter().filter(free).cloned().collect())).collect();
        }
        let OrbObserved { providers, hosts, clusters, .. } = world;
        let in_use = |id: &_| providers.values().any(|it| it.machines.contains_key(id));
        hosts.retain(|id, _| in_use(id));
        for cluster in clusters.values_mut() {
            let gone: Vec<_> = cluster.members.keys().filter(|it| !in_use(it)).cloned().collect();
            for id in gone {
                cluster.members.remove(&id);
                cluster.strangers.insert(id.name, true);
            }
        }
    }
}

fn unusable(document: &Document, error: &orbos_state::Error) -> Diagnostics {
    document.diagnostic(orbos_state::Mistake::new("spec", error.chain())).into()
}
