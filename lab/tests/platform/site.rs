//! A platform on a cluster, in the hands of the library, with files in memory.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::Arc,
    thread::sleep,
    time::{Duration, Instant},
};

use orbos_k8s::objects::{Cluster, Requests};
use orbos_lab::Api;
use orbos_platform::{Boom, BoomSettings};
use orbos_secrets::{Cipher, OrbCipher, OrbKey, generate::OsRng};
use orbos_state::{CipherSource, Edit, MemoryRepository, Repository, Round, run_once};

pub(crate) struct Site<'a> {
    pub(crate) api: &'a Api,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) repository: MemoryRepository,
    pub(crate) boom: Boom,
    settings: BoomSettings,
}

/// Every tool, as simple as can be. The API server is too old for the real definitions of its tools' kinds, and for
/// metrics-server; and without nodes nobody answers for the webhooks that cert-manager asks for.
pub(crate) const ALL: &str = "\
apiVersion: caos.ch/v1
kind: Boom
metadata: { name: caos }
spec:
  crds: { allowPermissive: true }
  apiGateway: { deploy: true }
  certificates:
    deploy: true
    patches:
    - target: { group: admissionregistration.k8s.io, name: cert-manager-webhook }
      json: [{ op: replace, path: /webhooks/0/failurePolicy, value: Ignore }]
  metricCollection: { deploy: true }
  metricsPersisting: { deploy: true }
  alerting: { deploy: true }
  nodeMetricsExporter: { deploy: true }
  systemdMetricsExporter: { deploy: true }
  kubeMetricsExporter: { deploy: true }
  logCollection: { deploy: true }
  logsPersisting: { deploy: true, clusterOutput: true }
  monitoring:
    deploy: true
    network: { domain: grafana.example.com, email: me@example.com, acmeAuthority: https://acme.example.com/directory }
  reconciling:
    deploy: true
    network: { domain: argocd.example.com, email: me@example.com, acmeAuthority: https://acme.example.com/directory }
";

async fn connect(api: &Api) -> Cluster {
    Cluster::from_kubeconfig(&fs::read_to_string(api.kubeconfig()).unwrap()).await.unwrap()
}

impl<'a> Site<'a> {
    pub(crate) async fn new(api: &'a Api) -> Self {
        let repository = MemoryRepository::new([("boom.yml", ALL)]);
        let cipher = Arc::new(OrbCipher::new(OrbKey::generate(&mut OsRng).unwrap(), None)) as Arc<dyn Cipher>;
        let settings = BoomSettings {
            ciphers: Some(Arc::new(cipher) as Arc<dyn CipherSource>),
            repository: Some(Arc::new(repository.clone())),
            ..BoomSettings::new("lab")
        };
        Self::with(api, connect(api).await, repository, settings)
    }

    fn with(api: &'a Api, cluster: Cluster, repository: MemoryRepository, settings: BoomSettings) -> Self {
        let cluster = Arc::new(cluster);
        Self { api, boom: Boom::new(settings.clone(), Arc::clone(&cluster)), cluster, repository, settings }
    }

    /// The same repository and the same API server, but of one who follows what is there.
    pub(crate) async fn following(&self) -> Self {
        let cluster = connect(self.api).await.following();
        Self::with(self.api, cluster, self.repository.clone(), self.settings.clone())
    }

    /// A human changes the file.
    pub(crate) async fn edit(&self, from: &str, to: &str) {
        let files = self.repository.snapshot().await.unwrap();
        let text = files.text("boom.yml").unwrap();
        assert!(text.contains(from), "{from:?} is not in\n{text}");
        self.write("boom.yml", &text.replace(from, to)).await;
    }

    pub(crate) async fn write(&self, path: &str, text: &str) {
        let files = self.repository.snapshot().await.unwrap();
        self.repository.commit(&files.revision, &Edit::new("a human").write(path, text)).await.unwrap();
    }

    /// One round, and what it cost.
    pub(crate) async fn round(&self) -> (Round<orbos_platform::Platform>, Requests) {
        let before = self.cluster.requests();
        let report =
            run_once(&self.boom, &self.repository, &()).await.unwrap_or_else(|it| panic!("{}", it.chain()));
        let after = self.cluster.requests();
        let cost = Requests { reads: after.reads - before.reads, writes: after.writes - before.writes };
        (report.round, cost)
    }

    /// Rounds until nothing is to be done any more; their plans.
    pub(crate) async fn settle(&self) -> String {
        let mut plans = String::new();
        for _ in 0..6 {
            let (round, _) = self.round().await;
            let failures: Vec<_> =
                round.failures().map(|(it, why)| format!("{it}: {}", why.chain())).collect();
            assert!(failures.is_empty(), "{failures:#?}");
            if round.plan.is_empty() {
                assert_eq!(round.plan.waiting(), [], "nothing waits");
                return plans;
            }
            plans.push_str(&round.plan.to_string());
        }
        panic!("it does not settle:\n{plans}");
    }

    /// What nothing is to be done about, with what looking cost.
    pub(crate) async fn idle(&self) -> Requests {
        let (round, cost) = self.round().await;
        assert!(round.plan.is_empty(), "{}", round.plan);
        assert_eq!(cost.writes, 0);
        cost
    }

    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        self.try_kubectl(arguments).unwrap_or_else(|why| panic!("kubectl {arguments:?}: {why}"))
    }

    fn try_kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new(self.api.kubectl());
        let ran = command.arg("--kubeconfig").arg(self.api.kubeconfig()).args(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        if ran.status.success() { Ok(text(ran.stdout)) } else { Err(text(ran.stderr)) }
    }

    /// Every kind that can be listed. While definitions come and go, nobody knows all of them.
    fn kinds(&self) -> String {
        let begin = Instant::now();
        loop {
            match self.try_kubectl(&["api-resources", "--verbs=list", "--output=name"]) {
                Ok(kinds) => return kinds,
                Err(why) => assert!(begin.elapsed() < Duration::from_secs(60), "{why}"),
            }
            sleep(Duration::from_millis(200));
        }
    }

    /// The names of everything that says it belongs to BOOM, or to one of its tools.
    pub(crate) fn ours(&self, application: &str) -> Vec<String> {
        let kinds = self.kinds();
        let kinds: Vec<_> =
            kinds.lines().filter(|it| !it.starts_with("endpoint") && !it.starts_with("events")).collect();
        let selector = match application {
            "" => "boom.caos.ch/application".to_owned(),
            name => format!("boom.caos.ch/application={name}"),
        };
        let listed = self.kubectl(&[
            "get", &kinds.join(","), "--all-namespaces", "--selector", &selector, "--ignore-not-found",
            "--output=go-template={{range .items}}{{if not .metadata.ownerReferences}}{{.kind}} {{.metadata.namespace}}/{{.metadata.name}}{{\"\\n\"}}{{end}}{{end}}",
        ]);
        let mut names: Vec<_> = listed.lines().map(str::to_owned).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// A program of ORBOS, as its users have it.
pub(crate) fn program(name: &str) -> PathBuf {
    let folder = std::env::var_os("ORBOS_BIN")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/debug"));
    let program = folder.join(name);
    assert!(
        program.exists(),
        "{}: `cargo build -p orbos -p orbos-examples --bins --examples` makes it",
        program.display()
    );
    program
}
