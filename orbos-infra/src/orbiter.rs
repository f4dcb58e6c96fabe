//! ORBITER: the operator around an orb's drivers.

mod current;
mod machines;
mod requests;

use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

use orbos_ssh::KnownHosts;
use orbos_state::{
    Author, CipherSource, Diagnostics, Document, Ended, Error, Operator, Registry, Repository, Resolved,
    Result, Snapshot,
};

pub use machines::SshHosts;

use crate::{
    bundle::Bundle,
    cluster::{ClusterId, ClusteredSoftware},
    machine::ProviderId,
    network::Endpoint,
    orb::Purpose,
    provider::{Interfaces, Provider},
    providers::{Connections, ProviderContext, missing_secrets},
    reconciler::Orb,
    spec::{OrbFile, agree},
};
use requests::InRepository;

/// The file that a human writes.
pub const DESIRED: &str = "orbiter.yml";
/// The file that says what ORBITER saw and did.
pub const CURRENT: &str = "caos-internal/orbiter/current.yml";
/// The host keys of machines that were pinned on first contact, one a line: `host algorithm key`.
pub const KNOWN_HOSTS: &str = "caos-internal/orbiter/known_hosts";

type Providers = BTreeMap<ProviderId, Box<dyn Provider>>;

/// What clustered software is given beside its document.
#[derive(Clone, Debug)]
pub struct SoftwareContext {
    /// Its name in the file.
    pub id: ClusterId,
    /// All files of the repository.
    pub files: Snapshot,
    /// Where everything comes from that machines would otherwise download; `None`: they do.
    pub bundle: Option<Arc<Bundle>>,
    /// The endpoints of all providers.
    pub endpoints: Vec<Endpoint>,
    /// The network interfaces of the first provider's machines.
    pub interfaces: Interfaces,
}

/// What ORBITER needs to know beside its file.
#[derive(Clone, Debug)]
pub struct OrbiterSettings {
    /// The orb's id, part of the place that sealed values are bound to.
    pub orb: String,
    /// Where it comes from what opens and seals secrets.
    pub ciphers: Arc<dyn CipherSource>,
    /// Where requests are written to.
    pub repository: Arc<dyn Repository>,
    /// Connections to machines, kept over all rounds.
    pub connections: Arc<Connections>,
    /// The host keys that these connections know and pin.
    pub known_hosts: Arc<KnownHosts>,
    /// A directory with everything that machines would otherwise download; `None`: they do.
    pub bundle: Option<Arc<Bundle>>,
    /// What for.
    pub purpose: Purpose,
}

/// The operator that keeps machines and the clusters on them as `orbiter.yml` wants them.
pub struct Orbiter {
    settings: OrbiterSettings,
    providers: Registry<dyn Provider, ProviderContext>,
    software: Registry<dyn ClusteredSoftware, SoftwareContext>,
    hosts: Arc<SshHosts>,
}

impl std::fmt::Debug for Orbiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Orbiter").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Orbiter {
    /// An ORBITER that knows these kinds of providers and software.
    pub fn new(
        settings: OrbiterSettings,
        providers: Registry<dyn Provider, ProviderContext>,
        software: Registry<dyn ClusteredSoftware, SoftwareContext>,
    ) -> Self {
        let hosts = Arc::new(SshHosts::new(settings.bundle.clone()));
        Self { settings, providers, software, hosts }
    }

    /// Reads and checks the desired file and makes drivers; touches nothing.
    ///
    /// # Errors
    ///
    /// Every mistake of the file at once.
    pub fn orb(&self, files: &Snapshot) -> Result<(Orb, Vec<String>)> {
        let document = Document::parse(&files.source(DESIRED)?)?;
        let file = OrbFile::read(&document)?;
        let mut wrong = Diagnostics::new();
        let (providers, missing) = self.make_providers(&file, files, &mut wrong)?;
        let clusters = self.make_clusters(&file, files, &providers, &mut wrong)?;
        wrong.into_result()?;
        let asked: Vec<_> = file
            .clusters
            .iter()
            .filter_map(|(id, document)| Some((document.clone(), clusters.get(id)?.goal())))
            .collect();
        agree(&asked, &providers.iter().map(|(id, it)| (id.clone(), it.goal())).collect())?;
        let requests = Arc::new(InRepository::new(&self.settings));
        Ok((Orb { providers, clusters, hosts: Arc::clone(&self.hosts) as _, requests }, missing))
    }

    fn make_providers(
        &self,
        file: &OrbFile,
        files: &Snapshot,
        wrong: &mut Diagnostics,
    ) -> Result<(Providers, Vec<String>)> {
        let cipher = self.settings.ciphers.cipher_of(files)?;
        let mut providers = BTreeMap::new();
        let mut missing = Vec::new();
        for (id, document) in &file.providers {
            let context = ProviderContext {
                id: id.clone(),
                orb: self.settings.orb.clone(),
                cipher: Arc::clone(&cipher),
                connections: Arc::clone(&self.settings.connections),
            };
            if let Some(provider) = wrong.absorb(self.providers.make(document, &context))? {
                providers.insert(id.clone(), provider);
                missing.extend(missing_secrets(document)?.iter().map(ToString::to_string));
            }
        }
        Ok((providers, missing))
    }

    fn make_clusters(
        &self,
        file: &OrbFile,
        files: &Snapshot,
        providers: &Providers,
        wrong: &mut Diagnostics,
    ) -> Result<BTreeMap<ClusterId, Box<dyn ClusteredSoftware>>> {
        let goals: Vec<_> = providers.values().map(|it| it.goal()).collect();
        let mut clusters = BTreeMap::new();
        for (id, document) in &file.clusters {
            let context = SoftwareContext {
                id: id.clone(),
                files: files.clone(),
                bundle: self.settings.bundle.clone(),
                endpoints: goals.iter().flat_map(|it| it.endpoints.values().cloned()).collect(),
                interfaces: goals.first().map(|it| it.interfaces.clone()).unwrap_or_default(),
            };
            if let Some(cluster) = wrong.absorb(self.software.make(document, &context))? {
                clusters.insert(id.clone(), cluster);
            }
        }
        Ok(clusters)
    }

    /// Takes over the host keys that were pinned before; those pinned in this process stay.
    fn remember_hosts(&self, files: &Snapshot) -> Result<()> {
        let Some(text) = files.text(KNOWN_HOSTS) else { return Ok(()) };
        let pinned: KnownHosts = text.parse().map_err(|error: orbos_ssh::BadHostKey| {
            Error::invalid(KNOWN_HOSTS, error.to_string()).because(error)
        })?;
        for (host, key) in pinned.all() {
            use orbos_ssh::HostKeys as _;
            if self.settings.known_hosts.known(&host).is_none() {
                self.settings.known_hosts.pin(&host, key);
            }
        }
        Ok(())
    }
}

impl Operator for Orbiter {
    type Reconciler = Orb;

    fn desired_path(&self) -> &str {
        DESIRED
    }

    fn author(&self) -> Author {
        Author::default()
    }

    fn resolve(&self, files: &Snapshot) -> Result<Resolved<Orb>> {
        self.remember_hosts(files)?;
        let (orb, missing) = self.orb(files)?;
        let goal = orb.goal(self.settings.purpose, missing);
        Ok(Resolved { reconciler: orb, goal })
    }

    fn current(&self, ended: Ended<'_, Orb>) -> BTreeMap<String, String> {
        let mut files = BTreeMap::from([(CURRENT.to_string(), current::text(&ended))]);
        let hosts = self.settings.known_hosts.to_string();
        if !hosts.is_empty() {
            files.insert(KNOWN_HOSTS.to_string(), hosts);
        }
        files
    }
}
