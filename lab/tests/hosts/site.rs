//! Machines of a lab, and shells on them.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use orbos_infra::{
    Bundle, HostChange, HostGoal, HostSeen, difference,
    hosts::{self, HostContext, Kept, Reconnect},
};
use orbos_lab::{Lab, Machine};
use orbos_ssh::{Connect, KnownHosts, PrivateKey, Secret, Shell, SshConnect, Target};
use orbos_state::{Error, Result};

/// A machine and how to get onto it.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) machine: Machine,
    pub(crate) shell: Arc<dyn Shell>,
    pub(crate) bundle: Option<Arc<Bundle>>,
    key: PrivateKey,
    kept: Mutex<Option<Kept>>,
}

impl Site {
    pub(crate) async fn new(lab: &Lab, machine: &Machine) -> Self {
        let text = std::fs::read_to_string(lab.bootstrap_key()).expect("the lab has a key");
        let key = PrivateKey::new(Secret::new(text));
        let shell = connect(machine, &key).await.expect("the machine answers");
        let bundle = Bundle::open(lab.bundle()).expect("the lab has a bundle");
        Self { machine: machine.clone(), shell, bundle: Some(Arc::new(bundle)), key, kept: Mutex::default() }
    }

    pub(crate) fn address(&self) -> IpAddr {
        self.machine.address().into()
    }

    /// Looks as ORBITER does, round by round.
    pub(crate) async fn observe(&self, goal: &HostGoal) -> HostSeen {
        let mut kept = self.kept.lock().expect("nobody panicked").take();
        let seen = hosts::observe_again(&*self.shell, goal, SystemTime::now(), &mut kept).await;
        *self.kept.lock().expect("nobody panicked") = kept;
        seen.unwrap_or_else(|it| panic!("{}", it.chain()))
    }

    /// Looks until packages and files need not be read again.
    pub(crate) async fn settle(&self, goal: &HostGoal) {
        for _ in 0..50 {
            self.observe(goal).await;
            if self.kept.lock().expect("nobody panicked").is_some() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("{} does not settle", self.machine.name());
    }

    pub(crate) async fn apply(&self, change: &HostChange) -> Result<()> {
        hosts::apply(&*self.shell, change, &HostContext { bundle: self.bundle.clone(), reconnect: self })
            .await
    }

    /// What is left to do.
    pub(crate) async fn left(&self, goal: &HostGoal) -> Vec<String> {
        difference(goal, &self.observe(goal).await).iter().map(ToString::to_string).collect()
    }

    /// Carries out what is left to do, once; says what it was.
    pub(crate) async fn converge(&self, goal: &HostGoal) -> Vec<String> {
        let changes = difference(goal, &self.observe(goal).await);
        for change in &changes {
            let started = std::time::Instant::now();
            if let Err(error) = self.apply(change).await {
                panic!("{change}: {}", error.chain());
            }
            eprintln!("{:>6.2} s  {}: {change}", started.elapsed().as_secs_f64(), self.machine.name());
        }
        changes.iter().map(ToString::to_string).collect()
    }

    /// What a command says that has to go well.
    pub(crate) async fn says(&self, command: &str) -> String {
        let output = self.shell.run(command).await.expect("the machine answers");
        output.checked(command).unwrap_or_else(|it| panic!("{it}")).stdout_text()
    }
}

#[async_trait]
impl Reconnect for Site {
    async fn fresh(&self) -> Result<Arc<dyn Shell>> {
        connect(&self.machine, &self.key).await
    }
}

/// Somebody who never gets through, as if the new firewall were wrong.
#[derive(Debug)]
pub(crate) struct LockedOut;

#[async_trait]
impl Reconnect for LockedOut {
    async fn fresh(&self) -> Result<Arc<dyn Shell>> {
        Err(Error::unreachable("the machine"))
    }
}

async fn connect(machine: &Machine, key: &PrivateKey) -> Result<Arc<dyn Shell>> {
    let target = Target::new((machine.address(), 22).into(), "orbiter");
    let connect = SshConnect::new(Arc::new(KnownHosts::new()));
    connect.connect(&target, key).await.map_err(|it| Error::unreachable("the machine").because(it))
}
