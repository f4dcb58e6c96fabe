//! How pods reach each other, where a manifest sees to it.

use orbos_infra::Fingerprint;
use orbos_state::{Error, Result};
use sha2::{Digest, Sha256};

use super::{
    sources::{Sources, Stock},
    spec::{KubernetesSpec, Network},
};

/// The component that the network is.
pub(super) const COMPONENT: &str = "network";

/// Calico's manifest of the last release that was looked at; by tag, so its bytes are not known beforehand.
const CALICO: &str = "https://raw.githubusercontent.com/projectcalico/calico/v3.28.2/manifests/calico.yaml";
/// Flannel's, likewise.
const FLANNEL: &str = "https://github.com/flannel-io/flannel/releases/download/v0.25.6/kube-flannel.yml";

/// A network as a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NetworkManifest {
    source: ManifestSource,
    /// `sed` expressions that adapt the text.
    edits: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ManifestSource {
    Text(String),
    Url(&'static str),
}

/// The manifest of the network that is asked for; `None`: it needs none.
///
/// # Errors
///
/// If it is not in the repository, or cannot be downloaded and is not in the bundle.
pub(super) fn manifest(
    field: &str,
    spec: &KubernetesSpec,
    sources: &Sources,
    stock: Option<&Stock>,
) -> Result<Option<NetworkManifest>> {
    let pods = spec.networking.podcidr;
    let (name, url, edits) = match &spec.networking.network {
        Network::Routed | Network::None => return Ok(None),
        Network::Manifest(path) => return of_repository(field, path, sources).map(Some),
        Network::Calico => ("calico", Some(CALICO), calico_edits(&sources.interface)),
        Network::Flannel => ("flannel", Some(FLANNEL), vec![format!("s#10.244.0.0/16#{pods}#")]),
        Network::Cilium => ("cilium", None, Vec::new()),
    };
    let source = match (stock, url) {
        (Some(stock), _) => {
            let why = || format!("the bundle has no manifest `{name}`");
            let text = stock.manifests.get(name).ok_or_else(|| Error::unsupported(field, why()))?;
            ManifestSource::Text(text.clone())
        }
        (None, Some(url)) => ManifestSource::Url(url),
        (None, None) => {
            let why = format!(
                "{name} publishes no manifest to download: use a bundle, or a manifest in the repository"
            );
            return Err(Error::unsupported(field, why));
        }
    };
    Ok(Some(NetworkManifest { source, edits }))
}

fn of_repository(field: &str, path: &str, sources: &Sources) -> Result<NetworkManifest> {
    match sources.files.get(path) {
        None => Err(Error::invalid(field, format!("there is no file `{path}` in the repository"))),
        Some(text) if text.trim().is_empty() => {
            Err(Error::invalid(field, format!("the file `{path}` is empty")))
        }
        Some(text) => Ok(NetworkManifest { source: ManifestSource::Text(text.clone()), edits: Vec::new() }),
    }
}

/// The interface that machines share, and VXLAN instead of IP in IP, which firewalls of ports do not know.
fn calico_edits(interface: &str) -> Vec<String> {
    let value_after =
        |name: &str, value: &str| format!("/name: {name}$/{{n;s#value: .*#value: \"{value}\"#}}");
    vec![
        value_after("CALICO_IPV4POOL_IPIP", "Never"),
        value_after("CALICO_IPV4POOL_VXLAN", "Always"),
        format!(
            "s#^\\( *\\)- name: CALICO_IPV4POOL_IPIP$#\\1- name: IP_AUTODETECTION_METHOD\\n\\1  value: \
             interface={interface}\\n&#"
        ),
    ]
}

impl NetworkManifest {
    /// What it hashes to; what is downloaded counts by its address.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let mut hash = Sha256::new();
        match &self.source {
            ManifestSource::Text(text) => hash.update(text),
            ManifestSource::Url(url) => hash.update(url),
        }
        for edit in &self.edits {
            hash.update([0]);
            hash.update(edit);
        }
        hash.finalize().iter().map(|it| format!("{it:02x}")).collect()
    }

    /// The manifest as it is at hand; `None`: it is downloaded.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.source {
            ManifestSource::Text(text) => Some(text),
            ManifestSource::Url(_) => None,
        }
    }

    /// Where it is downloaded from; `None`: it is at hand.
    pub(super) fn url(&self) -> Option<&'static str> {
        match self.source {
            ManifestSource::Text(_) => None,
            ManifestSource::Url(url) => Some(url),
        }
    }

    pub(super) fn edits(&self) -> &[String] {
        &self.edits
    }
}
