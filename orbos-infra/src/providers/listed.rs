//! Machines that a human lists.

mod access;
mod key;
mod keys;

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use futures::future::join_all;
use orbos_ssh::{Error as SshError, Shell, Target};
use orbos_state::{Document, Error, Result};

use crate::{
    hosts,
    machine::{Inventory, Machine, MachineId, PoolRef, ProviderId},
    network::{Endpoint, EndpointName},
    provider::{Connection, Provider, ProviderChange, ProviderGoal},
    providers::{Connections, ProviderContext, failure, reason},
    spec::{ListedMachine, StaticSpec},
};
use keys::{Key, Keys};

/// Where machines listen for SSH.
const SSH: u16 = 22;

/// A provider whose machines a human lists: `orbiter.caos.ch/StaticProvider`.
///
/// A machine is *in use* if, and only if, it accepts the orb's own maintenance key; it is *free* if it accepts
/// the bootstrap key and not the other. Taking a machine into use and giving it back replaces the one key by
/// the other in the user's `~/.ssh/authorized_keys`, of which it becomes the only line. The new key is tried
/// over a new connection before the old one is taken away. For this the machines need OpenSSH 7.7 or newer,
/// and sshd has to look for keys where it does by default.
///
/// While a connection is open, nobody asks again whether its key still gets in. A key that was changed by
/// somebody else is found out when the connection ends.
#[derive(Debug)]
pub struct StaticProvider {
    id: ProviderId,
    spec: StaticSpec,
    endpoints: BTreeMap<EndpointName, Endpoint>,
    keys: Keys,
    /// The path of the maintenance key in the file.
    maintenance: String,
    connections: Arc<Connections>,
}

impl StaticProvider {
    /// Reads its document and opens its keys; connects to nothing.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the document and with the keys in it.
    pub fn from_document(document: &Document, context: &ProviderContext) -> Result<Self> {
        let (spec, balancer) = StaticSpec::read(document)?;
        let keys = Keys::open(&spec.spec.keys, document, context)?;
        let maintenance = document.path().join("spec").join("keys").join("maintenancekeyprivate").to_string();
        Ok(Self {
            id: context.id.clone(),
            endpoints: balancer.endpoints(&context.id),
            connections: Arc::clone(&context.connections),
            spec,
            keys,
            maintenance,
        })
    }

    fn machines(&self) -> impl Iterator<Item = (Machine, &ListedMachine)> {
        self.spec.machines().map(|(pool, listed)| {
            let id = PoolRef::new(&self.id, pool).machine(listed.id.as_str());
            (Machine { id, address: Some(listed.ip) }, listed)
        })
    }

    fn listed(&self, id: &MachineId) -> Result<Target> {
        let (_, listed) = self.machines().find(|(it, _)| it.id == *id).ok_or_else(|| {
            Error::invalid(id.to_string(), format!("it is not listed in provider {}", self.id))
        })?;
        Ok(self.target((listed.ip, SSH).into()))
    }

    fn target(&self, address: SocketAddr) -> Target {
        Target::new(address, &self.spec.spec.user)
    }

    fn maintenance(&self) -> Result<&Key> {
        self.keys
            .maintenance
            .as_ref()
            .ok_or_else(|| Error::invalid(&self.maintenance, "it has not been generated yet"))
    }

    /// Finds out by which key a machine lets us in.
    async fn look(&self, machine: &Machine) -> Result<Seen> {
        let target = self.listed(&machine.id)?;
        let Keys { bootstrap, maintenance } = &self.keys;
        if let Some(key) = maintenance {
            match self.connections.shared(&target, &key.private).await {
                Ok(_) => return Ok(Seen::InUse),
                Err(SshError::Denied { .. }) => {}
                Err(error) => return self.unseen(error),
            }
        }
        match self.connections.shared(&target, &bootstrap.private).await {
            // Asked for something, sudo says now what it would say later.
            Ok(shell) => match shell.run("true").await {
                Ok(output) if output.success() => Ok(Seen::Free),
                Ok(output) => Ok(Seen::Not(format!("it runs no commands: {}", output.stderr_text()))),
                Err(error) => self.unseen(error),
            },
            Err(SshError::Denied { .. }) => Ok(Seen::Not(self.shut_out(&target))),
            Err(error) => self.unseen(error),
        }
    }

    /// A key that cannot be used is wrong for all machines, so nothing is known about any of them.
    fn unseen(&self, error: SshError) -> Result<Seen> {
        match error {
            SshError::BadKey { .. } => Err(failure(format!("using the keys of provider {}", self.id), error)),
            error => Ok(Seen::Not(reason(&error))),
        }
    }

    fn shut_out(&self, target: &Target) -> String {
        let Target { address, user, .. } = target;
        let of = |name: &str, key: &Key| match &key.public {
            Some(public) => format!("the {name} key ({public})"),
            None => format!("the {name} key"),
        };
        let bootstrap = of("bootstrap", &self.keys.bootstrap);
        let tried = match &self.keys.maintenance {
            Some(key) => format!("neither {} nor {bootstrap}", of("maintenance", key)),
            None => format!("not {bootstrap}, and there is no maintenance key yet"),
        };
        format!(
            "{address} accepts {tried} for user {user}; add the bootstrap key to the user's authorized_keys"
        )
    }

    /// By the maintenance key if the machine accepts that, otherwise by the bootstrap key.
    async fn open(&self, target: &Target, connection: Connection) -> Result<Arc<dyn Shell>, SshError> {
        let Keys { bootstrap, maintenance } = &self.keys;
        let open = async |key: &Key| match connection {
            Connection::Shared => self.connections.shared(target, &key.private).await,
            Connection::Fresh => self.connections.fresh(target, &key.private).await,
        };
        if let Some(key) = maintenance {
            match open(key).await {
                Err(SshError::Denied { .. }) => {}
                ended => return ended,
            }
        }
        open(bootstrap).await
    }

    async fn create(&self, machine: &MachineId) -> Result<()> {
        let what = || format!("taking {machine} into use");
        let (target, key) = (self.listed(machine)?, self.maintenance()?);
        let old = self.open(&target, Connection::Shared).await.map_err(|error| failure(what(), error))?;
        self.swap(&target, &*old, key, what).await
    }

    async fn destroy(&self, machine: &MachineId) -> Result<()> {
        let what = || format!("giving {machine} back");
        let target = self.listed(machine)?;
        let old = self.open(&target, Connection::Shared).await.map_err(|error| failure(what(), error))?;
        let forgotten =
            old.run(&hosts::forget_command()).await.and_then(|it| it.checked("forgetting what was noted"));
        forgotten.map_err(|error| failure(what(), error))?;
        self.swap(&target, &*old, &self.keys.bootstrap, what).await
    }

    /// Makes one key the only one that gets in, and then finds out anew who gets in.
    async fn swap(
        &self,
        target: &Target,
        old: &dyn Shell,
        key: &Key,
        what: impl Fn() -> String,
    ) -> Result<()> {
        let Some(public) = &key.public else {
            let why = "the public part of the key is not known; set `bootstrapkeypublic`, or use a key in OpenSSH's format";
            return Err(Error::invalid(what(), why));
        };
        let fresh = || self.connections.fresh(target, &key.private);
        let swapped = access::swap(old, &target.user, &public.to_string(), fresh).await;
        self.connections.forget(target);
        swapped.map_err(|error| failure(what(), error))
    }

    async fn reboot(&self, machine: &MachineId) -> Result<()> {
        let what = || format!("rebooting {machine}");
        let (target, key) = (self.listed(machine)?, self.maintenance()?);
        let shell =
            self.connections.shared(&target, &key.private).await.map_err(|error| failure(what(), error))?;
        let accepted = shell.run("systemctl --no-block reboot").await;
        self.connections.forget(&target);
        match accepted.and_then(|it| it.checked(what())) {
            // It was faster than its answer.
            Ok(_) | Err(SshError::Closed { .. }) => Ok(()),
            Err(error) => Err(failure(what(), error)),
        }
    }
}

enum Seen {
    InUse,
    Free,
    Not(String),
}

#[async_trait]
impl Provider for StaticProvider {
    fn goal(&self) -> ProviderGoal {
        self.spec.goal(&self.id, self.endpoints.clone())
    }

    async fn observe(&self) -> Result<Inventory> {
        let looks = self.machines().map(|(machine, _)| async move { (self.look(&machine).await, machine) });
        let mut inventory = Inventory::default();
        for (seen, machine) in join_all(looks).await {
            match seen? {
                Seen::InUse => drop(inventory.machines.insert(machine.id.clone(), machine)),
                Seen::Free => inventory.free.entry(machine.id.pool.clone()).or_default().push(machine),
                Seen::Not(reason) => {
                    inventory.addresses.extend(machine.address.map(|it| (machine.id.clone(), it)));
                    inventory.unseen.insert(machine.id, reason);
                }
            }
        }
        Ok(inventory)
    }

    async fn apply(&self, change: &ProviderChange) -> Result<()> {
        match change {
            ProviderChange::Create { machine } => self.create(machine).await,
            ProviderChange::Destroy { machine } => self.destroy(machine).await,
            ProviderChange::Reboot { machine } => self.reboot(machine).await,
            ProviderChange::Publish { .. }
            | ProviderChange::Withdraw { .. }
            | ProviderChange::Permit { .. }
            | ProviderChange::Forbid { .. } => {
                let why = "machines that a human lists come without load balancers and firewalls";
                Err(Error::unsupported(format!("{change} at provider {}", self.id), why))
            }
        }
    }

    async fn shell(&self, machine: &Machine, connection: Connection) -> Result<Arc<dyn Shell>> {
        let what = || format!("machine {}", machine.id);
        let address = machine.address.ok_or_else(|| Error::unreachable(what()))?;
        let target = self.target((address, SSH).into());
        let shell = self.open(&target, connection).await;
        shell.map_err(|error| failure(what(), error))
    }
}
