//! A provider of one's own, in one file: machines that a (made up) company rents out.
//!
//! With the three methods and a shell it gets scaling, replacement, rolling upgrades, previews and forecasts, which are
//! ORBITER's. The program runs the suite that every provider has to pass, then shows the forecast of an orb with it.
#![expect(clippy::print_stdout, reason = "a program for the command line")]

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Result;
use async_trait::async_trait;
use orbos_infra::{
    Balancing, Connection, Interfaces, Inventory, Machine, MachineId, PoolRef, Provider, ProviderChange,
    ProviderGoal, ProviderId, Supply, forecast,
    providers::{self, Connections, ProviderContext},
    testing::{Sketch, provider_suite},
};
use orbos_secrets::{OrbCipher, OrbKey, generate};
use orbos_ssh::{KnownHosts, PrivateKey, Shell, Target, Timeouts};
use orbos_state::{Document, Error, Kind, Mistake, Source};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a human writes.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct RentalSpec {
    /// Where the machines stand.
    region: String,
    /// The size of each pool's machines.
    pools: BTreeMap<String, String>,
}

impl Kind for RentalSpec {
    const KIND: &'static str = "example.com/RentalProvider";
    const VERSION: &'static str = "v0";

    fn check(&self) -> Vec<Mistake> {
        let empty = || Mistake::new("region", "the company has no region without a name").hint("use `north`");
        if self.region.is_empty() { vec![empty()] } else { Vec::new() }
    }
}

/// The company's interface. A real one would send requests; this one remembers what was rented.
#[derive(Debug, Default)]
struct Api(Mutex<BTreeMap<MachineId, IpAddr>>);

impl Api {
    fn rented(&self) -> MutexGuard<'_, BTreeMap<MachineId, IpAddr>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rent(&self, machine: &MachineId) {
        let mut rented = self.rented();
        let free = (1..=u8::MAX).map(|it| IpAddr::V4(Ipv4Addr::new(192, 0, 2, it)));
        let address = free.into_iter().find(|it| !rented.values().any(|taken| taken == it));
        if let (Some(address), false) = (address, rented.contains_key(machine)) {
            rented.insert(machine.clone(), address);
        }
    }
}

/// The driver.
#[derive(Debug)]
struct Rental {
    id: ProviderId,
    spec: RentalSpec,
    api: Api,
    key: PrivateKey,
    connections: Arc<Connections>,
}

impl Rental {
    fn new(document: &Document, context: &ProviderContext) -> orbos_state::Result<Self> {
        let key = generate::ssh_key_pair("rental", &mut generate::OsRng)
            .map_err(|error| Error::failed("making a key", "try again").because(error))?;
        Ok(Self {
            id: context.id.clone(),
            spec: document.read()?,
            api: Api::default(),
            key: PrivateKey::new(key.private),
            connections: Arc::clone(&context.connections),
        })
    }

    fn pools(&self) -> BTreeSet<PoolRef> {
        self.spec.pools.keys().map(|it| PoolRef::new(&self.id, it)).collect()
    }
}

#[async_trait]
impl Provider for Rental {
    fn goal(&self) -> ProviderGoal {
        ProviderGoal {
            supply: Supply::Elastic,
            balancing: Balancing::Managed,
            pools: self.pools(),
            endpoints: BTreeMap::new(),
            interfaces: Interfaces::default(),
            reboot: BTreeSet::new(),
            replace: BTreeSet::new(),
        }
    }

    async fn observe(&self) -> orbos_state::Result<Inventory> {
        let rented = self.api.rented();
        let machine = |(id, address): (&MachineId, &IpAddr)| {
            (id.clone(), Machine { id: id.clone(), address: Some(*address) })
        };
        Ok(Inventory { machines: rented.iter().map(machine).collect(), ..Inventory::default() })
    }

    async fn apply(&self, change: &ProviderChange) -> orbos_state::Result<()> {
        match change {
            ProviderChange::Create { machine } => self.api.rent(machine),
            ProviderChange::Destroy { machine } => drop(self.api.rented().remove(machine)),
            ProviderChange::Reboot { .. } => {}
            other => return Err(Error::unsupported(other.to_string(), "nobody asked for endpoints")),
        }
        Ok(())
    }

    async fn shell(&self, machine: &Machine, connection: Connection) -> orbos_state::Result<Arc<dyn Shell>> {
        let address = machine.address.ok_or_else(|| Error::unreachable(machine.id.to_string()))?;
        let target = Target::new(SocketAddr::new(address, 22), "root");
        let shell = match connection {
            Connection::Shared => self.connections.shared(&target, &self.key).await,
            Connection::Fresh => self.connections.fresh(&target, &self.key).await,
        };
        shell.map_err(|error| providers::failure(format!("connecting to {}", machine.id), error))
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    // As in `Orbiter::new(settings, registry, …)`: the built-in kinds, and ours.
    let registry = providers::builtin()
        .with(RentalSpec::KIND, |document, context| Ok(Box::new(Rental::new(document, context)?)));
    let text = "kind: example.com/RentalProvider\nversion: v0\nregion: north\npools: {masters: big, workers: small}\n";
    let context = ProviderContext {
        id: "rental".into(),
        orb: "example".into(),
        cipher: Arc::new(OrbCipher::new(OrbKey::generate(&mut generate::OsRng)?, None)),
        connections: Arc::new(Connections::ssh(Arc::new(KnownHosts::new()), Timeouts::default())),
    };
    let provider = registry.make(&Document::parse(&Source::new("provider.yml", text))?, &context)?;

    provider_suite(provider.as_ref(), &PoolRef::new("rental", "workers")).await;
    println!("The suite is passed.\n");

    let orb: Sketch = serde_yaml::from_str(
        "{version: v1.20.2, controlplane: {pool: rental.masters, nodes: 1}, \
         workers: [{pool: rental.workers, nodes: 1}], providers: {rental: {}}}",
    )?;
    let mut model = orb.model();
    model.goal.providers.insert("rental".into(), provider.goal());
    for (plan, number) in forecast(&model.goal, &model.observed, 20).iter().zip(1..) {
        println!("round {number}\n{plan}");
    }
    Ok(())
}
