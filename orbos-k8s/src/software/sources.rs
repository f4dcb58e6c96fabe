//! What a cluster is given beside its document.

use std::{collections::BTreeMap, fs, sync::Arc};

use orbos_infra::{Artifact, Bundle, BundleKind, Origin, Version};
use orbos_state::{Error, Result};

/// The official releases.
const RELEASES: &str = "https://dl.k8s.io/release";
/// The releases of crictl, which are not among them.
const CRI_TOOLS: &str = "https://github.com/kubernetes-sigs/cri-tools/releases/download";

/// What a cluster is given beside its document.
#[derive(Clone, Debug)]
pub struct Sources {
    /// Where the API servers listen on their machines: the backend port of the endpoint `kubeapi`.
    pub api_port: u16,
    /// The network interface by which machines talk to each other.
    pub interface: String,
    /// Texts of the repository by their paths; only the one that `networking.network` names is looked at.
    pub files: BTreeMap<String, String>,
    /// A directory with everything that machines would otherwise download; `None`: they do.
    pub bundle: Option<Arc<Bundle>>,
}

impl Default for Sources {
    fn default() -> Self {
        Self { api_port: 6443, interface: "eth0".into(), files: BTreeMap::new(), bundle: None }
    }
}

/// What a bundle has of use for Kubernetes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stock {
    /// Programs by name and version, as `("kubeadm", "v1.20.2")`.
    pub(super) binaries: BTreeMap<(String, String), Origin>,
    /// Images by name and tag, as `("k8s.gcr.io/pause", "3.2")`.
    pub(super) images: BTreeMap<(String, String), Origin>,
    /// The texts of manifests by name, as `calico`.
    pub(super) manifests: BTreeMap<String, String>,
}

impl Stock {
    /// Takes from a bundle's index what is of use, and reads its manifests.
    ///
    /// # Errors
    ///
    /// If a manifest cannot be read.
    pub(super) fn of(bundle: &Bundle) -> Result<Self> {
        let mut stock = Self::default();
        for entry in bundle.entries() {
            let key = (entry.name.clone(), entry.version.clone());
            let path = || bundle.path(entry).display().to_string();
            let origin = || Origin::Bundle { path: path(), sha256: entry.sha256.clone() };
            match entry.kind {
                BundleKind::Binary => drop(stock.binaries.insert(key, origin())),
                BundleKind::Image => drop(stock.images.insert(key, origin())),
                BundleKind::Manifest => {
                    let newest = bundle.manifest(&entry.name)?;
                    let text = fs::read_to_string(bundle.checked(newest)?);
                    let what = || format!("reading bundle file {}", path());
                    let text = text.map_err(|it| Error::failed(what(), "it cannot be read").because(it))?;
                    stock.manifests.insert(entry.name.clone(), text);
                }
                BundleKind::Package => {}
            }
        }
        Ok(stock)
    }

    /// The image that kubeadm means, with its full reference; another tag if that one is not there, since
    /// tags of etcd, CoreDNS and pause differ from patch to patch.
    pub(super) fn image(&self, repositories: &[&str], name: &str, tag: &str) -> Option<(String, Artifact)> {
        let tags = |repository: &str| {
            let name = format!("{repository}/{name}");
            let from = (name.clone(), String::new());
            self.images.range(from..).take_while(move |((it, _), _)| *it == name).collect::<Vec<_>>()
        };
        let all: Vec<_> = repositories.iter().flat_map(|it| tags(it)).collect();
        let exact = all.iter().find(|((_, it), _)| it == tag);
        exact.or(all.last()).map(|(key, origin)| image(key, origin))
    }

    /// Every image that is not part of Kubernetes itself, for example those of a network.
    pub(super) fn other_images(&self, own: impl Fn(&str) -> bool) -> BTreeMap<String, Artifact> {
        self.images
            .iter()
            .filter(|((name, _), _)| !own(name))
            .map(|(key, origin)| image(key, origin))
            .collect()
    }
}

fn image((name, tag): &(String, String), origin: &Origin) -> (String, Artifact) {
    let artifact = Artifact { name: name.clone(), version: tag.clone(), origin: origin.clone(), mode: 0o644 };
    (format!("{name}:{tag}"), artifact)
}

/// A program of Kubernetes; `None`: there is a bundle, and it does not have it.
pub(super) fn binary(stock: Option<&Stock>, mirror: &str, name: &str, version: Version) -> Option<Artifact> {
    let version = version.to_string();
    let origin = match stock {
        Some(stock) => stock.binaries.get(&(name.to_owned(), version.clone()))?.clone(),
        None => {
            let base = if mirror.is_empty() { RELEASES } else { mirror };
            let url = format!("{base}/{version}/bin/linux/amd64/{name}");
            Origin::Url { checksum_url: format!("{url}.sha256"), url }
        }
    };
    Some(Artifact { name: name.into(), version, origin, mode: 0o755 })
}

/// How crictl gets to a machine.
pub(super) enum Crictl {
    /// As it is.
    Program(Artifact),
    /// In an archive.
    Archive(Artifact),
}

/// crictl; of a bundle the newest that is not newer than wanted, or else the oldest. `None`: the bundle
/// has none.
pub(super) fn crictl(stock: Option<&Stock>, mirror: &str, wanted: Version) -> Option<Crictl> {
    let Some(stock) = stock else {
        let base = if mirror.is_empty() { CRI_TOOLS.to_owned() } else { format!("{mirror}/cri-tools") };
        let url = format!("{base}/{wanted}/crictl-{wanted}-linux-amd64.tar.gz");
        let origin = Origin::Url { checksum_url: format!("{url}.sha256"), url };
        let version = wanted.to_string();
        return Some(Crictl::Archive(Artifact { name: "crictl".into(), version, origin, mode: 0o644 }));
    };
    let mut all: Vec<(Version, &Origin)> = stock
        .binaries
        .iter()
        .filter(|((name, _), _)| name == "crictl")
        .filter_map(|((_, version), origin)| Some((version.parse().ok()?, origin)))
        .collect();
    all.sort_by_key(|(version, _)| *version);
    let (version, origin) = all.iter().rev().find(|(it, _)| *it <= wanted).or(all.first())?;
    let origin = (*origin).clone();
    Some(Crictl::Program(Artifact {
        name: "crictl".into(),
        version: version.to_string(),
        origin,
        mode: 0o755,
    }))
}
