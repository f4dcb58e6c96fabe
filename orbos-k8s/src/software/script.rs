//! The command lines of every change; pure text, each of them `sh`.

use orbos_infra::{DrainReason, Tier, Version};
use orbos_ssh::quote;

use super::{
    host::{BIN, CRICTL_ARCHIVE, PLUGINS},
    network::NetworkManifest,
    observe::drain_taint,
    probe::{COMPONENT, UNFINISHED},
    versions::containerd_major,
};

/// Where kubeadm's configuration is while it runs.
pub(super) const CONFIG: &str = "/run/orbos/kubeadm.yaml";
/// Where a manifest is while it is applied.
pub(super) const MANIFEST: &str = "/run/orbos/manifest.yaml";
/// What kubeadm said last.
const LOG: &str = "/var/log/orbos/kubeadm.log";
/// Held while something long runs, with what that is in it; shared with everything else that changes machines.
const LOCK: &str = "/run/orbos/lock";
/// How long a drain may take in all, in seconds.
const DRAIN_SECONDS: u32 = 240;
/// How long a kubelet may take to report its new version, in seconds.
const REPORT_SECONDS: u32 = 120;

const PATH: &str = "export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd /
";

/// kubectl at the machine's own API server, so that a shared address need not work.
const KUBECTL: &str = r#"server=$(sed -n 's/.*kube-apiserver.advertise-address.endpoint: *//p' /etc/kubernetes/manifests/kube-apiserver.yaml)
kubectl() { command kubectl --kubeconfig=/etc/kubernetes/admin.conf --server="https://$server" "$@"; }
"#;

/// A script that stops at its first failure.
pub(super) fn plain(body: &str) -> String {
    format!("set -eu\n{PATH}{body}")
}

/// A script with kubectl.
pub(super) fn kubectl(body: &str) -> String {
    plain(&format!("{KUBECTL}{body}"))
}

/// A script that runs long: only one at a time, seen by the next look, logged on the machine; what it fails
/// with are the last lines of the log.
pub(super) fn locked(what: &str, body: &str) -> String {
    plain(&format!(
        "mkdir -p /run/orbos /var/lib/orbos /var/log/orbos
exec 9>>{LOCK}
flock -w 10 9 || {{ echo \"the machine is busy: $(cat {LOCK})\" >&2; exit 75; }}
echo {} > {LOCK}
set +e
(
set -eu
{body}) > {LOG} 2>&1 < /dev/null
status=$?
set -e
rm -f {CONFIG}
: > {LOCK}
[ $status = 0 ] || {{ tail -n 15 {LOG} >&2; exit $status; }}
",
        quote(what)
    ))
}

/// Founds a cluster; the configuration is there already.
pub(super) fn found(version: Version, api_port: u16) -> String {
    format!(
        "{}echo founding > {UNFINISHED}
{RESET}kubeadm init --config {CONFIG} --upload-certs --skip-token-print --skip-certificate-key-print \
--ignore-preflight-errors=Port-{api_port}
rm -f {UNFINISHED}
",
        prepare(version),
    )
}

/// Joins a cluster; the configuration is there already.
pub(super) fn join(version: Version, tier: Tier, api_port: u16) -> String {
    let ignored = match tier {
        Tier::Controlplane => format!(" --ignore-preflight-errors=Port-{api_port}"),
        Tier::Workers => String::new(),
    };
    format!(
        "{}echo joining > {UNFINISHED}
{RESET}kubeadm join --config {CONFIG}{ignored}
rm -f {UNFINISHED}
",
        prepare(version),
    )
}

/// Checks the runtime, unpacks what came in an archive, and puts plug-ins for networks where networks want them.
fn prepare(version: Version) -> String {
    let needed = containerd_major(version);
    let mut text = String::new();
    if needed > 1 {
        text = format!(
            "runtime=$(containerd --version | sed -n 's/.* v\\{{0,1\\}}\\([0-9][0-9]*\\)[.][0-9][0-9]*[.].*/\\1/p')
[ \"${{runtime:-0}}\" -ge {needed} ] || {{ echo \"Kubernetes {version} needs containerd {needed} or newer, \
but the machine has $(containerd --version)\"; exit 1; }}
"
        );
    }
    text + &format!(
        "[ ! -e {CRICTL_ARCHIVE} ] || tar -xzf {CRICTL_ARCHIVE} -C {BIN} crictl
mkdir -p /opt/cni/bin
cp -u {PLUGINS}/* /opt/cni/bin/
"
    )
}

/// Takes away what a cluster, or a try to join one, left behind.
const RESET: &str = "\
kubeadm reset -f
[ ! -d /var/lib/etcd ] || find /var/lib/etcd -mindepth 1 -delete
mkdir -p /etc/kubernetes/manifests
";

/// Takes a machine out of its cluster, so that it can join one again.
pub(super) fn leave() -> String {
    format!(
        "kubeadm reset -f
systemctl stop kubelet || true
[ ! -d /var/lib/etcd ] || find /var/lib/etcd -mindepth 1 -delete
rm -rf /etc/cni/net.d/* /var/lib/cni /root/.kube {UNFINISHED}
for link in cni0 flannel.1 vxlan.calico cilium_host cilium_vxlan; do
  [ ! -e /sys/class/net/$link ] || ip link delete $link
done
for table in iptables ip6tables; do
  ! rules=$($table-save 2>/dev/null) || printf '%s\\n' \"$rules\" | grep -v -e KUBE- -e CNI- | $table-restore || true
done
"
    )
}

/// Makes a token for one join; prints the command that kubeadm proposes.
pub(super) fn invite() -> String {
    plain("kubeadm token create --ttl 10m --print-join-command\n")
}

/// Uploads the control plane's certificates; prints what opens them. Its input is a configuration.
pub(super) fn upload_certificates() -> String {
    plain(
        "umask 077
config=$(mktemp)
trap 'rm -f \"$config\"' EXIT
cat > \"$config\"
said=$(kubeadm init phase upload-certs --upload-certs --config \"$config\")
printf '%s\\n' \"$said\" | tail -n 1
",
    )
}

/// Takes a token back.
pub(super) fn disinvite(token: &str) -> String {
    plain(&format!("kubeadm token delete {}\n", quote(token.split('.').next().unwrap_or_default())))
}

/// Moves work away from a member.
pub(super) fn drain(node: &str, reason: DrainReason) -> String {
    let selector = match reason {
        DrainReason::Deleting => "",
        DrainReason::Updating | DrainReason::Rebooting => " --pod-selector='app.kubernetes.io/name!=orbiter'",
    };
    kubectl(&format!(
        "kubectl taint node {node} {}=:NoSchedule --overwrite
kubectl drain {node} --ignore-daemonsets --delete-emptydir-data --force --timeout={DRAIN_SECONDS}s{selector}
",
        drain_taint(reason)
    ))
}

/// Prints a node.
pub(super) fn get_node(node: &str) -> String {
    kubectl(&format!(
        "kubectl get node {node} -o jsonpath='{{.metadata.resourceVersion}}{{\"\\t\"}}{{.spec.taints}}'\n"
    ))
}

/// Changes a node; the patch is JSON.
pub(super) fn patch_node(node: &str, patch: &str) -> String {
    kubectl(&format!("kubectl patch node {node} --type=merge -p {}\n", quote(patch)))
}

/// Labels a node.
pub(super) fn label(node: &str, name: &str, value: &str) -> String {
    kubectl(&format!("kubectl label node {node} {} --overwrite\n", quote(&format!("{name}={value}"))))
}

/// Brings the cluster, or a member, to the version of the machine's kubeadm.
pub(super) fn upgrade(from: Version, to: Version, first: bool) -> String {
    if first {
        let force = if to < from { " --force" } else { "" };
        format!("kubeadm upgrade apply {to} --yes{force}\n")
    } else {
        "kubeadm upgrade node\n".into()
    }
}

/// Starts a kubelet anew.
pub(super) fn restart_kubelet() -> String {
    plain("systemctl daemon-reload\nsystemctl restart kubelet\n")
}

/// Waits until a node reports a version.
pub(super) fn await_version(node: &str, version: Version) -> String {
    kubectl(&format!(
        "until=$(( $(date +%s) + {REPORT_SECONDS} ))
while said=$(kubectl get node {node} -o jsonpath='{{.status.nodeInfo.kubeletVersion}}' 2>&1 || true); \
[ \"$said\" != {version} ]; do
  [ $(date +%s) -lt $until ] || {{ echo \"after {REPORT_SECONDS} s the node still reports $said\" >&2; exit 1; }}
  sleep 1
done
"
    ))
}

/// Forgets a node, and its member of etcd if it has one. Images of etcd have nothing but etcd in them.
pub(super) fn forget(node: &str) -> String {
    kubectl(&format!(
        r#"own=$(sed -n 's/^ *- --name=//p' /etc/kubernetes/manifests/etcd.yaml)
etcdctl() {{
  kubectl -n kube-system exec "etcd-$own" -- etcdctl --endpoints=https://127.0.0.1:2379 \
    --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/server.crt \
    --key=/etc/kubernetes/pki/etcd/server.key "$@"
}}
labels=$(kubectl get node {node} -o jsonpath='{{.metadata.labels}}' --ignore-not-found)
if printf '%s\n' "$labels" | grep -q node-role.kubernetes.io/; then
  members=$(etcdctl member list)
  id=$(printf '%s\n' "$members" | sed -n 's/^\([0-9a-f]*\), [a-z]*, {node}, .*/\1/p')
  [ -z "$id" ] || etcdctl member remove "$id"
fi
kubectl delete node {node} --ignore-not-found
"#
    ))
}

/// Applies a network's manifest and notes its fingerprint; a text is there already.
pub(super) fn configure(manifest: &NetworkManifest, component: &str, fingerprint: &str) -> String {
    let fetch = match manifest.url() {
        Some(url) => format!("mkdir -p /run/orbos\ncurl -fsSL --max-time 60 -o {MANIFEST} {}\n", quote(url)),
        None => String::new(),
    };
    let edits: String =
        manifest.edits().iter().map(|it| format!("sed -i -e {} {MANIFEST}\n", quote(it))).collect();
    kubectl(&format!(
        "{fetch}{edits}kubectl apply --server-side --force-conflicts --field-manager=orbos -f {MANIFEST}
kubectl annotate namespace kube-system {COMPONENT}{component}={fingerprint} --overwrite
rm -f {MANIFEST}
"
    ))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Output};

    use super::*;

    /// Runs a long script in a folder instead of the whole machine.
    fn run(folder: &std::path::Path, body: &str) -> Output {
        let at = folder.display();
        let script = locked("trying", body).replace("/run/orbos", &format!("{at}/run"));
        let script = script.replace("/var/l", &format!("{at}/l"));
        Command::new("sh").arg("-c").arg(script).output().expect("there is a sh")
    }

    #[test]
    fn the_first_failure_ends_a_long_script_and_is_told() {
        let folder = tempfile::tempdir().expect("temporary files");
        std::fs::create_dir(folder.path().join("run")).expect("it is new");
        std::fs::write(folder.path().join("run/kubeadm.yaml"), "token").expect("it is new");

        let output = run(folder.path(), "echo before\nsh -c 'exit 3'\necho after\n");

        assert_eq!(output.status.code(), Some(3));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "before\n");
        assert!(!folder.path().join("run/kubeadm.yaml").exists(), "it holds secrets");
        assert!(run(folder.path(), "true\n").status.success());
    }

    #[test]
    fn two_long_scripts_do_not_run_at_once() {
        let folder = tempfile::tempdir().expect("temporary files");
        let output = run(
            folder.path(),
            &format!("cat {0}/run/lock; flock -n {0}/run/lock true\n", folder.path().display()),
        );
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "trying\n");
    }
}
