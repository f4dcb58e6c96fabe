//! What every machine is asked with every look, and how its answer is read; pure.

use std::collections::BTreeMap;

use orbos_infra::{Cidr, Tier, Version};
use serde::Deserialize;

use super::spec::{Taint, TaintEffect};

/// What kubeadm is in the middle of, while it is; what a try that did not end well leaves behind.
pub(super) const UNFINISHED: &str = "/var/lib/orbos/kubernetes-unfinished";
/// What the annotations of the namespace `kube-system` that hold components' fingerprints begin with.
pub(super) const COMPONENT: &str = "orbos.ch/component-";
/// What taints begin with that say why a member was drained.
pub(super) const DRAINED: &str = "node.orbos.ch/";

/// Prints what kubeadm left on a machine and, on control planes, what the machine's own API server says of
/// the members, all in one request.
///
/// An API server that is starting accepts connections for seconds before it answers. Nobody waits long for one whose
/// manifest is younger than two minutes, if there were other control planes when this one joined: they answer.
pub(super) const COMMAND: &str = r#"export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd /etc/kubernetes 2>/dev/null || true
echo "kubernetes 1"
for it in kubelet.conf admin.conf manifests/kube-apiserver.yaml; do
  [ ! -e "/etc/kubernetes/$it" ] || echo "trace $it"
done
[ ! -e /var/lib/orbos/kubernetes-unfinished ] || echo "unfinished $(head -c 40 /var/lib/orbos/kubernetes-unfinished)"
if [ -e /etc/kubernetes/kubelet.conf ]; then
  echo "kubelet $(timeout 2 kubelet --version 2>/dev/null)"
fi
if [ -e /etc/kubernetes/admin.conf ]; then
  at=$(sed -n 's/.*kube-apiserver.advertise-address.endpoint: *//p' /etc/kubernetes/manifests/kube-apiserver.yaml 2>/dev/null)
  wait=3
  if [ -n "$(find /etc/kubernetes/manifests/kube-apiserver.yaml -mmin -2 ! -newermt now 2>/dev/null)" ] &&
    grep -qs 'initial-cluster=.*,' /etc/kubernetes/manifests/etcd.yaml; then wait=1; fi
  if said=$(timeout $((wait + 1)) kubectl --kubeconfig=/etc/kubernetes/admin.conf ${at:+--server=https://$at} --request-timeout=${wait}s \
    get nodes,namespaces -o jsonpath='{range .items[?(@.kind=="Node")]}node{"\t"}{.metadata.name}{"\t"}{.status.nodeInfo.kubeletVersion}{"\t"}{.status.conditions[?(@.type=="Ready")]}{"\t"}{.metadata.labels}{"\t"}{.spec}{"\n"}{end}{range .items[?(@.metadata.name=="kube-system")]}annotations{"\t"}{.metadata.annotations}{"\n"}{end}' 2>/dev/null)
  then printf '%s\nanswered\n' "$said"; fi
fi
exit 0
"#;

/// What one machine says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Traces {
    /// Whether the kubelet has access to a cluster.
    pub(super) member: bool,
    /// Whether it holds the state of a cluster.
    pub(super) plane: bool,
    /// What kubeadm is in the middle of, or was.
    pub(super) unfinished: Option<String>,
    /// The version of the kubelet's program.
    pub(super) kubelet: Option<Version>,
    /// What its API server says; `None`: nothing.
    pub(super) answer: Option<Answer>,
}

/// What an API server says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub(super) nodes: Vec<Node>,
    /// Fingerprints by component.
    pub(super) components: BTreeMap<String, String>,
}

/// One node.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) version: Version,
    pub(super) ready: Condition,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) spec: NodeSpec,
}

/// What a kubelet says beside a missing network if more than that is wrong with it or its runtime, up to Kubernetes 1.37.
const WORSE: [&str; 5] = [
    "container runtime is down",
    "container runtime not ready",
    "container runtime status check",
    "PLEG is not healthy",
    "shutting down",
];

/// Whether a node is ready, as its kubelet says; nothing: it has not said anything yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Condition {
    pub(super) status: String,
    pub(super) reason: String,
    pub(super) message: String,
}

impl Condition {
    /// Whether the kubelet works, and its runtime lacks only a network, in the words of the runtime interface.
    pub(super) fn lacks_network(&self) -> bool {
        let says = |words: &str| self.message.contains(words);
        self.status == "False" && says("NetworkReady=false") && !WORSE.into_iter().any(says)
    }
}

/// What the API says a node shall be.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct NodeSpec {
    #[serde(rename = "podCIDR")]
    pub(super) pod_cidr: Option<Cidr>,
    pub(super) unschedulable: bool,
    pub(super) taints: Vec<NodeTaint>,
}

/// A taint as the API has it; times are of no interest.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct NodeTaint {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: String,
    pub(super) effect: TaintEffect,
}

impl NodeTaint {
    /// Whether it belongs to Kubernetes or to ORBITER and not to a human.
    pub(super) fn is_automatic(&self) -> bool {
        ["node.kubernetes.io/", "node.cloudprovider.kubernetes.io/", DRAINED]
            .iter()
            .any(|it| self.key.starts_with(it))
    }

    pub(super) fn to_spec(&self) -> Taint {
        Taint { key: self.key.clone(), value: self.value.clone(), effect: self.effect }
    }
}

impl Node {
    pub(super) fn tier(&self) -> Tier {
        let roles = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];
        if roles.iter().any(|it| self.labels.contains_key(*it)) { Tier::Controlplane } else { Tier::Workers }
    }
}

/// Reads what a machine printed.
///
/// # Errors
///
/// The line that cannot be read.
pub(super) fn parse(text: &str) -> Result<Traces, String> {
    let mut lines = text.lines();
    if lines.next() != Some("kubernetes 1") {
        return Err(format!("it begins with {:?}", text.lines().next().unwrap_or_default()));
    }
    let mut traces = Traces::default();
    let mut answer = Answer::default();
    for line in lines.filter(|it| !it.is_empty()) {
        let unreadable = || format!("unreadable line {line:?}");
        match line.split_once(['\t', ' ']).unwrap_or((line, "")) {
            ("trace", "kubelet.conf") => traces.member = true,
            ("trace", "admin.conf" | "manifests/kube-apiserver.yaml") => traces.plane = true,
            ("unfinished", what) => traces.unfinished = Some(what.trim().to_owned()),
            ("kubelet", said) => traces.kubelet = said.split(' ').next_back().and_then(version),
            ("node", _) => answer.nodes.push(node(line).ok_or_else(unreadable)?),
            ("annotations", "") => {}
            ("annotations", json) => answer.components = components(json).ok_or_else(unreadable)?,
            ("answered", "") => traces.answer = Some(std::mem::take(&mut answer)),
            _ => return Err(unreadable()),
        }
    }
    Ok(traces)
}

fn node(line: &str) -> Option<Node> {
    let [_, name, kubelet, ready, labels, spec] = line.split('\t').collect::<Vec<_>>()[..] else {
        return None;
    };
    Some(Node {
        name: name.into(),
        version: version(kubelet)?,
        ready: serde_json::from_str(or_nothing(ready)).ok()?,
        labels: serde_json::from_str(or_nothing(labels)).ok()?,
        spec: serde_json::from_str(or_nothing(spec)).ok()?,
    })
}

fn or_nothing(json: &str) -> &str {
    if json.is_empty() { "{}" } else { json }
}

/// Distributions add words of their own behind `+` or `-`.
fn version(text: &str) -> Option<Version> {
    text.split(['+', '-']).next()?.parse().ok()
}

fn components(json: &str) -> Option<BTreeMap<String, String>> {
    let annotations: BTreeMap<String, String> = serde_json::from_str(json).ok()?;
    let ours = annotations.into_iter();
    Some(ours.filter_map(|(name, value)| Some((name.strip_prefix(COMPONENT)?.to_owned(), value))).collect())
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::PermissionsExt as _,
        path::Path,
        process::Command,
        time::{Duration, SystemTime},
    };

    use super::COMMAND;

    /// What `kubectl` is told of time, on a machine whose API server has a manifest of that age in seconds.
    fn patience(age: i64, etcd: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("manifests")).unwrap();
        for (name, text) in
            [("admin.conf", ""), ("manifests/kube-apiserver.yaml", ""), ("manifests/etcd.yaml", etcd)]
        {
            fs::write(path(name), text).unwrap();
        }
        let (now, away) = (SystemTime::now(), Duration::from_secs(age.unsigned_abs()));
        let written = if age < 0 { now + away } else { now - away };
        let manifest = fs::File::options().write(true).open(path("manifests/kube-apiserver.yaml")).unwrap();
        manifest.set_modified(written).unwrap();
        fs::write(path("kubectl"), "#!/bin/sh\necho \"$*\"\n").unwrap();
        fs::set_permissions(path("kubectl"), fs::Permissions::from_mode(0o755)).unwrap();
        let own = |path: &Path| path.display().to_string();
        let script = COMMAND.replace("/etc/kubernetes", &own(folder.path()));
        let script = script.replace("PATH=", &format!("PATH={}:", own(folder.path())));
        let said = Command::new("sh").args(["-c", &script]).output().unwrap();
        let said = String::from_utf8(said.stdout).unwrap();
        said.split(' ').find_map(|it| it.strip_prefix("--request-timeout=")).unwrap_or_default().to_owned()
    }

    #[test]
    fn nobody_waits_long_for_an_api_server_that_starts_beside_others() {
        let (alone, joined) = (
            "- --initial-cluster=m1=https://10.0.0.1:2380\n",
            "- --initial-cluster=m1=https://10.0.0.1:2380,m2=https://10.0.0.2:2380\n",
        );
        assert_eq!(patience(60, joined), "1s");
        assert_eq!(patience(180, joined), "3s", "it should be there by now");
        assert_eq!(patience(60, alone), "3s", "nobody else could answer");
        assert_eq!(patience(-3600, joined), "3s", "the clock went back");
    }
}
