//! A Kubernetes cluster on machines of the lab, driven by nothing but plans.
//!
//! Takes some ten minutes: `cargo test -p orbos-lab --test kubernetes -- --ignored --nocapture`.
#![expect(clippy::print_stdout, reason = "tells how far it is")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

use async_trait::async_trait;
use orbos_infra::{
    Balancing, Bundle, ClusterId, ClusteredSoftware, Connection, Endpoint, HealthCheck, HealthProtocol,
    HostChange, HostGoal, HostSeen, Hosts, Interfaces, Inventory, Machine, MachineId, Orb, OrbChange,
    OrbGoal, PoolRef, Provider, ProviderChange, ProviderGoal, Purpose, Request, Requests, Supply,
    hosts::{self, HostContext, Reconnect},
};
use orbos_k8s::{Kubernetes, KubernetesCluster, Sources};
use orbos_lab::Lab;

use orbos_ssh::{Connect, KnownHosts, PrivateKey, Secret, Shell, SshConnect, Target};
use orbos_state::{Document, Error, Listener, Plan, Result, Source, round};

/// Machines of the lab as a human lists them.
#[derive(Debug)]
struct LabProvider {
    machines: Vec<Machine>,
    used: Mutex<BTreeSet<MachineId>>,
    endpoint: Endpoint,
    key: PrivateKey,
    connections: SshConnect,
    hosts: Arc<KnownHosts>,
}

impl LabProvider {
    fn target(machine: &Machine) -> Result<Target> {
        let address = machine.address.ok_or_else(|| Error::unreachable(machine.id.to_string()))?;
        Ok(Target::new(SocketAddr::new(address, 22), "orbiter"))
    }
}

#[async_trait]
impl Provider for LabProvider {
    fn goal(&self) -> ProviderGoal {
        ProviderGoal {
            supply: Supply::Fixed,
            balancing: Balancing::Managed,
            endpoints: [(self.endpoint.name.clone(), self.endpoint.clone())].into(),
            interfaces: Interfaces::default(),
            reboot: BTreeSet::new(),
            replace: BTreeSet::new(),
        }
    }

    async fn observe(&self) -> Result<Inventory> {
        let used = self.used.lock().expect("no panics while it is held");
        let mut inventory = Inventory {
            endpoints: self.endpoint.address.map(|it| (self.endpoint.name.clone(), it)).into_iter().collect(),
            permitted: [self.endpoint.name.clone()].into(),
            ..Inventory::default()
        };
        for machine in &self.machines {
            if used.contains(&machine.id) {
                inventory.machines.insert(machine.id.clone(), machine.clone());
            } else {
                inventory.free.entry(machine.id.pool.clone()).or_default().push(machine.clone());
            }
        }
        Ok(inventory)
    }

    async fn apply(&self, change: &ProviderChange) -> Result<()> {
        let mut used = self.used.lock().expect("no panics while it is held");
        match change {
            ProviderChange::Create { machine } => drop(used.insert(machine.clone())),
            ProviderChange::Destroy { machine } => drop(used.remove(machine)),
            _ => {}
        }
        Ok(())
    }

    async fn shell(&self, machine: &Machine, connection: Connection) -> Result<Arc<dyn Shell>> {
        let connections = match connection {
            Connection::Shared => self.connections.clone(),
            Connection::Fresh => SshConnect::new(self.hosts.clone()),
        };
        let shell = connections.connect(&Self::target(machine)?, &self.key).await;
        shell.map_err(|it| Error::unreachable(machine.id.to_string()).because(it))
    }
}

/// The operating systems of machines, over SSH, with a bundle.
#[derive(Debug)]
struct LabHosts {
    bundle: Arc<Bundle>,
}

struct Anew<'a> {
    provider: &'a dyn Provider,
    machine: &'a Machine,
}

impl std::fmt::Debug for Anew<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Anew({})", self.machine.id)
    }
}

#[async_trait]
impl Reconnect for Anew<'_> {
    async fn fresh(&self) -> Result<Arc<dyn Shell>> {
        self.provider.shell(self.machine, Connection::Fresh).await
    }
}

#[async_trait]
impl Hosts for LabHosts {
    async fn observe(&self, provider: &dyn Provider, machine: &Machine, goal: &HostGoal) -> Result<HostSeen> {
        let shell = provider.shell(machine, Connection::Shared).await?;
        hosts::observe(&*shell, goal, SystemTime::now()).await
    }

    async fn apply(&self, provider: &dyn Provider, machine: &Machine, change: &HostChange) -> Result<()> {
        let shell = provider.shell(machine, Connection::Shared).await?;
        let reconnect = Anew { provider, machine };
        let context = HostContext { bundle: Some(self.bundle.clone()), reconnect: &reconnect };
        hosts::apply(&*shell, change, &context).await
    }
}

/// Keeps what a repository would.
#[derive(Debug, Default)]
struct Memory {
    kubeconfig: Mutex<Option<String>>,
}

#[async_trait]
impl Requests for Memory {
    async fn generate(&self, _: &str) -> Result<()> {
        Ok(())
    }

    async fn store(&self, _: &ClusterId, secret: &Secret) -> Result<()> {
        let text = secret.expose_text().expect("a kubeconfig is text").to_owned();
        *self.kubeconfig.lock().expect("no panics while it is held") = Some(text);
        Ok(())
    }

    async fn discard(&self, _: &ClusterId) -> Result<()> {
        *self.kubeconfig.lock().expect("no panics while it is held") = None;
        Ok(())
    }

    async fn consume(&self, _: &MachineId, _: Request) -> Result<()> {
        Ok(())
    }
}

struct Telling(Instant);

impl Listener<Orb> for Telling {
    fn planned(&self, observed: &orbos_infra::OrbObserved, plan: &Plan<OrbChange>) {
        println!("[{:>6.1}] plan\n{plan}", self.0.elapsed().as_secs_f32());
        for (what, why) in &observed.unseen {
            println!("  unseen {what}: {why}");
        }
    }

    fn finished(&self, change: &OrbChange, result: &Result<()>, took: Duration) {
        let first = change.to_string().lines().next().unwrap_or_default().to_owned();
        let came = result.as_ref().err().map(Error::chain);
        println!(
            "[{:>6.1}]   {:.1} s {first} {}",
            self.0.elapsed().as_secs_f32(),
            took.as_secs_f32(),
            came.unwrap_or_default()
        );
    }
}

struct Scene {
    lab: Lab,
    provider: Arc<LabProvider>,
    bundle: Arc<Bundle>,
    memory: Arc<Memory>,
    begin: Instant,
}

/// Shares a provider between the orbs of several desired states.
#[derive(Debug)]
struct Shared(Arc<LabProvider>);

#[async_trait]
impl Provider for Shared {
    fn goal(&self) -> ProviderGoal {
        self.0.goal()
    }
    async fn observe(&self) -> Result<Inventory> {
        self.0.observe().await
    }
    async fn apply(&self, change: &ProviderChange) -> Result<()> {
        self.0.apply(change).await
    }
    async fn shell(&self, machine: &Machine, connection: Connection) -> Result<Arc<dyn Shell>> {
        self.0.shell(machine, connection).await
    }
}

#[derive(Debug)]
struct SharedMemory(Arc<Memory>);

#[async_trait]
impl Requests for SharedMemory {
    async fn generate(&self, path: &str) -> Result<()> {
        self.0.generate(path).await
    }
    async fn store(&self, cluster: &ClusterId, secret: &Secret) -> Result<()> {
        self.0.store(cluster, secret).await
    }
    async fn discard(&self, cluster: &ClusterId) -> Result<()> {
        self.0.discard(cluster).await
    }
    async fn consume(&self, machine: &MachineId, request: Request) -> Result<()> {
        self.0.consume(machine, request).await
    }
}

const API_PORT: u16 = 6443;

impl Scene {
    fn new() -> Self {
        let lab = match std::env::var("LAB_NAME") {
            Ok(name) => Lab::lasting(&name).expect("a lab"),
            Err(_) => Lab::new("kubernetes").expect("a lab"),
        };
        let masters = PoolRef::new("lab", "masters");
        let workers = PoolRef::new("lab", "workers");
        let named = [
            (&masters, "masters-1", 11),
            (&masters, "masters-2", 12),
            (&masters, "masters-3", 13),
            (&workers, "workers-1", 21),
        ];
        let machines: Vec<Machine> = named
            .map(|(pool, name, host)| Machine {
                id: pool.machine(name),
                address: Some(lab.address(host).into()),
            })
            .into();
        std::thread::scope(|scope| {
            for (_, name, host) in named {
                let machine = lab.machine(name, lab.address(host));
                scope.spawn(move || {
                    if machine.state() != orbos_lab::State::On {
                        machine.start().expect("it boots");
                    }
                });
            }
        });
        lab.enter().expect("the lab's network");
        let key = fs::read_to_string(lab.bootstrap_key()).expect("the lab's key");
        let hosts = Arc::new(KnownHosts::new());
        let endpoint = Endpoint {
            name: "kubeapi".into(),
            address: Some(IpAddr::V4(lab.address(11))),
            balancers: masters.clone(),
            frontend_port: API_PORT,
            backend_port: API_PORT,
            backends: [masters].into(),
            health: HealthCheck { protocol: HealthProtocol::Https, path: "/healthz".into(), code: 200 },
            whitelist: ["0.0.0.0/0".parse().expect("a range")].into(),
            proxy_protocol: false,
        };
        let provider = Arc::new(LabProvider {
            machines,
            used: Mutex::default(),
            endpoint,
            key: PrivateKey::new(Secret::from_text(key)),
            connections: SshConnect::new(hosts.clone()),
            hosts,
        });
        let bundle = Arc::new(Bundle::open(lab.bundle()).expect("the lab's bundle"));
        Self { lab, provider, bundle, memory: Arc::default(), begin: Instant::now() }
    }

    fn kubernetes(&self, planes: u8, workers: u8, version: &str) -> Kubernetes {
        let text = format!(
            "kind: orbiter.caos.ch/KubernetesCluster
version: v0
spec:
  controlplane: {{ provider: lab, pool: masters, nodes: {planes}, taints: [{{ key: node-role.kubernetes.io/master, effect: NoSchedule }}] }}
  workers: [{{ provider: lab, pool: workers, nodes: {workers}, taints: [] }}]
  versions: {{ kubernetes: {version} }}
  kubelet: {{ cgroupdriver: cgroupfs }}
"
        );
        let document = Document::parse(&Source::new("cluster.yml", text)).expect("it is a document");
        let cluster: KubernetesCluster = document.read().unwrap_or_else(|it| panic!("{it}"));
        let sources = Sources { api_port: API_PORT, bundle: Some(self.bundle.clone()), ..Sources::default() };
        Kubernetes::new("k8s", cluster.spec, sources).expect("it is complete")
    }

    fn orb(&self, software: Kubernetes) -> (Orb, OrbGoal) {
        let orb = Orb {
            providers: [("lab".to_owned(), Box::new(Shared(self.provider.clone())) as Box<dyn Provider>)]
                .into(),
            clusters: [("k8s".to_owned(), Box::new(software) as Box<dyn ClusteredSoftware>)].into(),
            hosts: Arc::new(LabHosts { bundle: self.bundle.clone() }),
            requests: Arc::new(SharedMemory(self.memory.clone())),
        };
        let mut goal = orb.goal(Purpose::Run, Vec::new());
        let stored = self.memory.kubeconfig.lock().expect("no panics while it is held").is_some();
        goal.clusters.values_mut().for_each(|it| it.founded_before = stored);
        (orb, goal)
    }

    /// Rounds until nothing is left to do.
    async fn settle(&self, planes: u8, workers: u8, version: &str) {
        println!("== {planes} + {workers} at {version}");
        for _ in 0..60 {
            let (orb, goal) = self.orb(self.kubernetes(planes, workers, version));
            let one = round(&orb, &goal, &Telling(self.begin)).await.expect("observing never fails");
            if one.is_settled() {
                return;
            }
            if one.plan.changes().next().is_none() {
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
        }
        panic!("it does not settle");
    }

    /// Asks the cluster with the stored access, from one of its machines: the lab itself is outside its firewall.
    fn kubectl(&self, arguments: &str) -> String {
        let kubeconfig =
            self.memory.kubeconfig.lock().expect("no panics while it is held").clone().expect("stored");
        let command = format!(
            "umask 077; cat > kubeconfig <<'END'\n{kubeconfig}\nEND\n\
             kubectl --kubeconfig kubeconfig --request-timeout=10s {arguments}; status=$?; rm kubeconfig; exit $status"
        );
        self.lab
            .machine("masters-1", self.lab.address(11))
            .ssh(&command)
            .unwrap_or_else(|_| panic!("kubectl {arguments} does not end well"))
    }

    fn nodes(&self) -> BTreeMap<String, String> {
        let columns = "custom-columns=NAME:.metadata.name,VERSION:.status.nodeInfo.kubeletVersion";
        let text = self.kubectl(&format!("get nodes --no-headers -o {columns}"));
        text.lines()
            .filter_map(|it| it.split_once(char::is_whitespace))
            .map(|(name, it)| (name.into(), it.trim().into()))
            .collect()
    }
}

#[test]
#[ignore = "real machines, about ten minutes"]
fn a_cluster_is_founded_grows_is_upgraded_and_shrinks() {
    let scene = Scene::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let versions = |names: &[&str], version: &str| -> BTreeMap<String, String> {
        names.iter().map(|it| ((*it).to_owned(), version.to_owned())).collect()
    };

    runtime.block_on(scene.settle(1, 1, "v1.20.2"));
    assert_eq!(scene.nodes(), versions(&["masters-1", "workers-1"], "v1.20.2"));

    scene.kubectl("-n kube-system wait deployment coredns --for=condition=Available --timeout=90s");
    scene.kubectl("run web --image=docker.io/library/busybox:1.35 --port=80 -- httpd -f -h /var/www");
    scene.kubectl("expose pod web");
    scene.kubectl("wait pod web --for=condition=Ready --timeout=90s");
    // From a pod on one machine, by name, to a pod on another.
    let elsewhere = r#"--overrides='{"apiVersion":"v1","spec":{"nodeName":"masters-1"}}'"#;
    let client = "run client --image=docker.io/library/busybox:1.35 --restart=Never -- wget -qO- http://web";
    scene.kubectl(&client.replace(" --image", &format!(" {elsewhere} --image")));
    let until_done = "get pod client -o jsonpath={.status.phase}";
    let end = Instant::now() + Duration::from_secs(90);
    while scene.kubectl(until_done).trim() != "Succeeded" && Instant::now() < end {
        std::thread::sleep(Duration::from_secs(1));
    }
    assert_eq!(scene.kubectl("logs client").trim(), "hello");
    scene.kubectl("delete pod web client --wait=false");

    runtime.block_on(scene.settle(3, 1, "v1.20.2"));
    assert_eq!(scene.nodes(), versions(&["masters-1", "masters-2", "masters-3", "workers-1"], "v1.20.2"));

    runtime.block_on(scene.settle(3, 1, "v1.20.4"));
    assert_eq!(scene.nodes(), versions(&["masters-1", "masters-2", "masters-3", "workers-1"], "v1.20.4"));

    runtime.block_on(scene.settle(3, 0, "v1.20.4"));
    assert_eq!(scene.nodes(), versions(&["masters-1", "masters-2", "masters-3"], "v1.20.4"));

    // What left can come back.
    runtime.block_on(scene.settle(3, 1, "v1.20.4"));
    assert_eq!(scene.nodes(), versions(&["masters-1", "masters-2", "masters-3", "workers-1"], "v1.20.4"));

    // etcd has to let go of two of three.
    runtime.block_on(scene.settle(1, 1, "v1.20.4"));
    assert_eq!(scene.nodes(), versions(&["masters-1", "workers-1"], "v1.20.4"));
}
