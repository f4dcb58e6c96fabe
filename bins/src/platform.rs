//! BOOM with everything that comes with ORBOS: for an orb, or for a file and any cluster.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result};
use orbos_k8s::objects::Cluster;
use orbos_platform::{Boom, BoomSettings, DESIRED, crds};
use orbos_state::{Diagnostic, Document, Error, MemoryRepository, Repository, Revision, Snapshot};

use crate::{Https, OrbArgs, Session, folder, kubeconfig, kustomize::Programs};

/// Which platform is meant, and on which cluster.
#[derive(Clone, Debug, clap::Args)]
pub struct PlatformArgs {
    /// A boom.yml, instead of the one in the orb's repository. Folders that it names are looked for beside it.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// What gives access to the cluster, instead of what is stored in the orb. With --file, KUBECONFIG will do.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// An object that may be deleted although something is lost with it, like "PersistentVolumeClaim a/data"; `*` for
    /// deleting more than the guard's share at once.
    #[arg(long = "allow-delete", value_name = "OBJECT")]
    pub allow: Vec<String>,
}

/// A platform at hand: its files, and how BOOM deals with them.
#[derive(Debug)]
pub struct Platform {
    /// The orb's id; a file's path, if there is no orb.
    pub orb: String,
    /// Where the files are. What is written to a file's repository is gone with the program.
    pub repository: Arc<dyn Repository>,
    /// What BOOM needs to know.
    pub settings: BoomSettings,
    session: Option<Arc<Session>>,
    kubeconfig: Option<PathBuf>,
}

impl Platform {
    /// Finds the files; asks no cluster.
    ///
    /// # Errors
    ///
    /// If the orbconfig, the file, or what it names cannot be read.
    pub fn open(orb: &OrbArgs, args: &PlatformArgs) -> Result<Self> {
        let settings = BoomSettings {
            fetch: Some(Arc::new(Https::default())),
            kustomize: Some(Arc::new(Programs)),
            allow: args.allow.clone(),
            ..BoomSettings::new("orb")
        };
        let kubeconfig = args.kubeconfig.clone();
        // An orb has its own cluster; whatever the environment says for kubectl may be another one.
        let environment = || std::env::var_os("KUBECONFIG").filter(|it| !it.is_empty()).map(PathBuf::from);
        if let Some(file) = &args.file {
            let files = beside(file)?;
            let (orb, repository) = (settings.orb.clone(), Arc::new(MemoryRepository::new(files)));
            let kubeconfig = kubeconfig.or_else(environment);
            return Ok(Self { orb, repository, settings, session: None, kubeconfig });
        }
        let session = Arc::new(Session::open(orb)?);
        let repository = Arc::clone(&session.repository) as Arc<dyn Repository>;
        let settings = BoomSettings {
            orb: session.orb.clone(),
            ciphers: Some(Arc::clone(&session) as _),
            repository: Some(Arc::clone(&repository)),
            ..settings
        };
        Ok(Self { orb: session.orb.clone(), repository, settings, session: Some(session), kubeconfig })
    }

    /// BOOM on its cluster: the one that a flag names, or the orb's own.
    ///
    /// # Errors
    ///
    /// If there is none, or nothing at hand gives access to it.
    pub async fn boom(&self) -> Result<(Boom, Arc<Cluster>)> {
        Ok(self.boom_with(self.cluster(None).await?))
    }

    /// The same, but the cluster around this pod, if it runs in one, is meant rather than the orb's own. `follow`: for rounds
    /// for ever, see [`Cluster::following`].
    ///
    /// # Errors
    ///
    /// As [`boom`](Self::boom).
    pub async fn boom_around(&self, follow: bool) -> Result<(Boom, Arc<Cluster>)> {
        let cluster = self.cluster(Cluster::around().ok()).await?;
        Ok(self.boom_with(if follow { cluster.following() } else { cluster }))
    }

    fn boom_with(&self, cluster: Cluster) -> (Boom, Arc<Cluster>) {
        let cluster = Arc::new(cluster);
        (Boom::new(self.settings.clone(), Arc::clone(&cluster)), cluster)
    }

    async fn cluster(&self, around: Option<Cluster>) -> Result<Cluster> {
        if let Some(path) = &self.kubeconfig {
            let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
            return Ok(Cluster::from_kubeconfig(&text).await?);
        }
        if let Some(around) = around {
            return Ok(around);
        }
        match &self.session {
            Some(session) => Ok(Cluster::from_kubeconfig(kubeconfig(session).await?.expose_text()?).await?),
            None => Err(Error::denied("access to the cluster", "use --kubeconfig").into()),
        }
    }

    /// Makes the orb's keyring, if there is an orb and it has none.
    ///
    /// # Errors
    ///
    /// If nothing at hand opens the keyring.
    pub async fn ensure_keyring(&self) -> Result<()> {
        match &self.session {
            Some(session) => session.ensure_keyring().await,
            None => Ok(()),
        }
    }

    /// What is read of the file and does nothing any more, each with what helps.
    ///
    /// # Errors
    ///
    /// Every mistake of the file at once.
    pub fn warnings(&self, files: &Snapshot) -> Result<Vec<Diagnostic>> {
        Ok(Boom::warnings(&self.settings, files)?)
    }
}

/// A file as the desired one, with the folders beside it that it names.
fn beside(file: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let text = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let alone = Snapshot::new(Revision::new(""), [(DESIRED, &text)]);
    let source = alone.source(DESIRED).map_err(Error::from)?;
    let document = Document::parse(&source).map_err(Error::from)?;
    let body = serde_json::Value::Object(document.body());
    let named = ["preApply", "postApply"].map(|it| body["spec"][it]["folder"].as_str().map(str::to_owned));
    let mut files = vec![(DESIRED.to_owned(), text)];
    let base = file.parent().unwrap_or(Path::new(""));
    for name in named.into_iter().flatten().chain([crds::FOLDER.to_owned()]) {
        let name = name.trim_start_matches("./").trim_matches('/').to_owned();
        let there = base.join(&name);
        if name.is_empty() || !there.is_dir() {
            continue;
        }
        let inside = folder(&there)?;
        let paths =
            inside.paths().filter_map(|it| Some((format!("{name}/{it}"), inside.bytes(it)?.to_vec())));
        files.extend(paths);
    }
    Ok(files)
}
