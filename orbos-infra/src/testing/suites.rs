//! What every driver has to pass, whoever wrote it.

use std::collections::BTreeSet;

use orbos_state::{Reconciler, round};

use crate::{Inventory, MachineId, Orb, PoolRef, Provider, ProviderChange, Purpose, Ready, Supply};

/// Checks that a provider keeps the contract: looking changes nothing, doing a thing twice is the same
/// as doing it once, and what was done is seen.
///
/// It creates one machine in `pool`, reboots and destroys it, so it wants a provider without machines of
/// its own in that pool.
///
/// # Panics
///
/// If the contract is broken; the message says where.
pub async fn provider_suite(provider: &dyn Provider, pool: &PoolRef) {
    let before = look(provider).await;
    assert_eq!(look(provider).await, before, "looking twice shows the same");
    assert_eq!(provider.goal(), provider.goal(), "the goal is a value");
    let machine = match provider.goal().supply {
        Supply::Elastic => pool.machine(format!("{}-1", pool.pool)),
        Supply::Fixed => {
            before.free.get(pool).and_then(|it| it.first()).expect("the pool lists a free machine").id.clone()
        }
    };
    assert!(!before.machines.contains_key(&machine), "{machine} is not in use yet");

    let create = ProviderChange::Create { machine: machine.clone() };
    apply(provider, &create).await;
    let created = look(provider).await;
    assert!(created.machines.contains_key(&machine), "{machine} is in use after {create}");
    assert!(!free(&created).contains(&machine), "a machine in use is not free");
    apply(provider, &create).await;
    assert_eq!(names(&look(provider).await), names(&created), "creating twice makes one machine");

    apply(provider, &ProviderChange::Reboot { machine: machine.clone() }).await;

    let destroy = ProviderChange::Destroy { machine: machine.clone() };
    apply(provider, &destroy).await;
    let destroyed = look(provider).await;
    assert!(!destroyed.machines.contains_key(&machine), "{machine} is gone after {destroy}");
    apply(provider, &destroy).await;
    assert_eq!(look(provider).await, before, "all is as it was");
}

/// Checks that clustered software keeps the contract, on an orb whose machines are there for it: it takes
/// off, settles, changes nothing when it is settled, and is taken apart again.
///
/// # Panics
///
/// If the contract is broken, or if it is not settled after `rounds`.
pub async fn software_suite(orb: &Orb, rounds: usize) {
    let goal = || orb.goal(Purpose::Run, Vec::new());
    settle(orb, Purpose::Run, rounds).await;
    let observed = orb.observe(&goal()).await.expect("a settled orb can be seen");
    for (id, membership) in &observed.clusters {
        assert!(membership.founded && membership.answering, "{id} was founded and answers");
        let wanted: usize = goal().clusters[id].pools.iter().map(|it| it.nodes).sum();
        assert_eq!(membership.members.len(), wanted, "{id} has the members that were asked for");
        for (machine, member) in &membership.members {
            assert_eq!(member.ready, Ready::Yes, "{machine} works");
            assert_eq!(member.version, goal().clusters[id].target, "{machine} has the version asked for");
        }
    }
    assert_eq!(
        orb.observe(&goal()).await.expect("a settled orb can be seen"),
        observed,
        "looking changes nothing"
    );
    settle(orb, Purpose::Teardown, rounds).await;
}

async fn settle(orb: &Orb, purpose: Purpose, rounds: usize) {
    for _ in 0..rounds {
        let round = round(orb, &orb.goal(purpose, Vec::new()), &()).await.expect("the orb can be seen");
        if let Some((change, error)) = round.failures().next() {
            panic!("{change}: {}", error.chain());
        }
        if round.is_settled() {
            return;
        }
    }
    panic!("not settled after {rounds} rounds");
}

async fn look(provider: &dyn Provider) -> Inventory {
    provider.observe().await.expect("the provider answers")
}

async fn apply(provider: &dyn Provider, change: &ProviderChange) {
    provider.apply(change).await.unwrap_or_else(|error| panic!("{change}: {}", error.chain()));
}

fn names(inventory: &Inventory) -> BTreeSet<&MachineId> {
    inventory.machines.keys().collect()
}

fn free(inventory: &Inventory) -> BTreeSet<MachineId> {
    inventory.free.values().flatten().map(|it| it.id.clone()).collect()
}
