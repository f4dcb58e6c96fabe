//! Clustered software of which every machine is a settled member.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use orbos_infra::{
    ClusterGoal, ClusteredSoftware, FileGoal, HostGoal, Member, MemberChange, Membership, PoolGoal, PoolRef,
    Ready, Tier, Version, World,
};
use orbos_secrets::Secret;
use orbos_state::{Error, Result};

pub(crate) const KIND: &str = "bench.example.com/Settled";
const VERSION: Version = Version { major: 1, minor: 0, patch: 0 };

#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) machines: usize,
}

impl Settled {
    fn host(&self) -> HostGoal {
        let file = |number: usize| {
            let text = format!("# file {number}\n{}", "one line of sixteen.\n".repeat(48));
            (format!("/mnt/file-{number}"), FileGoal::text(text))
        };
        HostGoal { files: (0..super::FILES).map(file).collect(), ..HostGoal::default() }
    }
}

#[async_trait]
impl ClusteredSoftware for Settled {
    fn goal(&self) -> ClusterGoal {
        let pool = |name, tier, nodes| PoolGoal {
            pool: PoolRef::new("bench", name),
            tier,
            nodes,
            updates_disabled: false,
        };
        let hosts = BTreeMap::from([(VERSION, self.host())]);
        ClusterGoal {
            pools: vec![
                pool("masters", Tier::Controlplane, 1),
                pool("workers", Tier::Workers, self.machines - 1),
            ],
            target: VERSION,
            ladder: vec![VERSION],
            hosts: BTreeMap::from([(Tier::Controlplane, hosts.clone()), (Tier::Workers, hosts)]),
            settings: BTreeMap::new(),
            components: BTreeMap::new(),
            endpoint: None,
            internal: BTreeSet::new(),
            routed: false,
            founded_before: true,
        }
    }

    async fn observe(&self, world: &dyn World) -> Result<Membership> {
        let member = |tier| Member {
            tier,
            version: VERSION,
            ready: Ready::Yes,
            serving: true,
            drained_for: None,
            settings: BTreeMap::new(),
            subnet: None,
        };
        let members = world.hosts().keys().map(|id| {
            let tier = if id.pool.pool == "masters" { Tier::Controlplane } else { Tier::Workers };
            (id.clone(), member(tier))
        });
        Ok(Membership { founded: true, answering: true, members: members.collect(), ..Membership::default() })
    }

    async fn apply(&self, change: &MemberChange, _: &dyn World) -> Result<()> {
        Err(Error::unsupported(change.to_string(), "every member is settled"))
    }

    async fn credentials(&self, _: &dyn World) -> Result<Option<Secret>> {
        Ok(None)
    }
}
