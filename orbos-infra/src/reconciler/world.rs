//! What a clustered software sees of its orb.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use orbos_ssh::Shell;
use orbos_state::{Error, Result};

use super::{Orb, all_machines};
use crate::{
    cluster::World,
    host::{HostGoal, HostSeen},
    machine::{Inventory, Machine, MachineId},
    orb::{OrbGoal, OrbObserved},
    plan::difference,
    provider::Connection,
};

pub(super) struct OrbWorld<'a> {
    orb: &'a Orb,
    observed: &'a OrbObserved,
    machines: Inventory,
    endpoints: BTreeMap<String, SocketAddr>,
}

impl<'a> OrbWorld<'a> {
    pub(super) fn new(orb: &'a Orb, goal: &OrbGoal, observed: &'a OrbObserved) -> Self {
        let machines = all_machines(observed);
        let endpoints = goal
            .providers
            .values()
            .flat_map(|it| it.endpoints.values())
            .filter_map(|it| {
                let address = it.address.or_else(|| machines.endpoints.get(&it.name).copied())?;
                Some((it.name.clone(), SocketAddr::new(address, it.frontend_port)))
            })
            .collect();
        Self { orb, observed, machines, endpoints }
    }

    fn machine(&self, id: &MachineId) -> Result<&Machine> {
        self.machines.machines.get(id).ok_or_else(|| Error::unreachable(format!("machine {id}")))
    }
}

#[async_trait]
impl World for OrbWorld<'_> {
    fn machines(&self) -> &Inventory {
        &self.machines
    }

    fn hosts(&self) -> &BTreeMap<MachineId, HostSeen> {
        &self.observed.hosts
    }

    fn endpoint(&self, name: &str) -> Option<SocketAddr> {
        self.endpoints.get(name).copied()
    }

    async fn shell(&self, machine: &MachineId) -> Result<Arc<dyn Shell>> {
        let machine = self.machine(machine)?;
        self.orb.provider(&machine.id.pool.provider)?.shell(machine, Connection::Shared).await
    }

    async fn converge(&self, machine: &MachineId, goal: &HostGoal) -> Result<()> {
        let machine = self.machine(machine)?;
        let provider = self.orb.provider(&machine.id.pool.provider)?;
        let mut seen = self.orb.hosts.observe(provider, machine, goal).await?;
        // Only what the goal adds or corrects: what else ORBOS keeps on the machine is not this goal's matter.
        seen.managed.files.retain(|it| goal.files.contains_key(it) || goal.artifacts.contains_key(it));
        seen.managed.services.retain(|it| goal.services.contains_key(it));
        seen.routes.retain(|it, _| goal.routes.contains_key(it));
        if goal.firewall.is_none() {
            seen.firewall = None;
        }
        for change in difference(goal, &seen) {
            self.orb.hosts.apply(provider, machine, &change).await?;
        }
        Ok(())
    }
}
