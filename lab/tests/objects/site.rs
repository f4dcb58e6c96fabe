//! A namespace on the API server, with an owner of its own.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
    sync::Arc,
};

use orbos_k8s::objects::{Cluster, Goal, Manifests, Options, Owner, Requests};
use orbos_lab::Api;
use orbos_state::{Round, Source, preview};

pub(crate) struct Site<'a> {
    api: &'a Api,
    pub(crate) cluster: Cluster,
    pub(crate) options: Options,
}

impl<'a> Site<'a> {
    /// As a program that has just started sees it. The home of the inventory is not the namespace in which the test works.
    pub(crate) async fn new(api: &'a Api, name: &str) -> Self {
        let owner = Owner { namespace: format!("{name}-system"), ..Owner::boom("") };
        let kubeconfig = fs::read_to_string(api.kubeconfig()).unwrap();
        let cluster = Cluster::from_kubeconfig(&kubeconfig).await.unwrap();
        Self { api, cluster, options: Options::new(owner) }
    }

    pub(crate) fn goal(&self, yaml: &str) -> Goal {
        let manifests =
            Manifests::parse(&[Source::new("test.yml", yaml)]).unwrap_or_else(|it| panic!("{it}"));
        Goal { manifests: Arc::new(manifests), options: self.options.clone() }
    }

    pub(crate) async fn plan(&self, yaml: &str) -> String {
        preview(&self.cluster, &self.goal(yaml)).await.unwrap().1.to_string()
    }

    /// A round, and what it cost.
    pub(crate) async fn sync(&self, yaml: &str) -> (Round<Cluster>, Requests) {
        let before = self.cluster.requests();
        let round = self.cluster.sync(&self.goal(yaml), &()).await.unwrap();
        let after = self.cluster.requests();
        (round, Requests { reads: after.reads - before.reads, writes: after.writes - before.writes })
    }

    /// A round in which nothing fails; its plan.
    pub(crate) async fn applied(&self, yaml: &str) -> String {
        let (round, _) = self.sync(yaml).await;
        let failures: Vec<_> = round.failures().map(|(it, why)| format!("{it}: {}", why.chain())).collect();
        assert!(failures.is_empty(), "{failures:#?}");
        round.plan.to_string()
    }

    /// Nothing is to be done any more, which costs no write.
    pub(crate) async fn settled(&self, yaml: &str) -> Requests {
        let (round, cost) = self.sync(yaml).await;
        assert!(round.is_settled(), "{}", round.plan);
        assert_eq!(cost.writes, 0);
        cost
    }

    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        self.kubectl_with(arguments, "").unwrap_or_else(|why| panic!("kubectl {arguments:?}: {why}"))
    }

    /// With text on its standard input; what it says if it fails.
    pub(crate) fn kubectl_with(&self, arguments: &[&str], input: &str) -> Result<String, String> {
        let mut command = Command::new(self.api.kubectl());
        command.arg("--kubeconfig").arg(self.api.kubeconfig()).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    /// One field of an object, by kubectl's own words.
    pub(crate) fn field(&self, object: &[&str], path: &str) -> String {
        self.kubectl(&[&["get"], object, &["-o", &format!("jsonpath={{{path}}}")]].concat())
    }

    pub(crate) fn is_there(&self, object: &[&str]) -> bool {
        let name = self.kubectl(&[&["get", "--ignore-not-found", "-o", "name"], object].concat());
        !name.is_empty()
    }

    /// Access with less than everything: as a service account.
    pub(crate) async fn as_account(&self, namespace: &str, account: &str) -> Cluster {
        let secret = self.field(&["-n", namespace, "serviceaccount", account], ".secrets[0].name");
        let token = self.kubectl(&[
            "-n",
            namespace,
            "get",
            "secret",
            &secret,
            "-o",
            "go-template={{.data.token | base64decode}}",
        ]);
        let admin = fs::read_to_string(self.api.kubeconfig()).unwrap();
        let authority =
            admin.lines().find_map(|it| it.trim().strip_prefix("certificate-authority-data: ")).unwrap();
        let kubeconfig = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
             clusters: [{{name: a, cluster: {{server: '{}', certificate-authority-data: {authority}}}}}]\n\
             users: [{{name: a, user: {{token: {token}}}}}]\ncontexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n",
            self.api.url()
        );
        Cluster::from_kubeconfig(&kubeconfig).await.unwrap()
    }
}

/// Objects of every phase, as a tool has them.
pub(crate) const TOOL: &str = r"
apiVersion: v1
kind: Namespace
metadata: { name: tool }
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: flows.tool.example.com, creationTimestamp: null }
spec:
  group: tool.example.com
  scope: Namespaced
  names: { kind: Flow, plural: flows, singular: flow, listKind: FlowList }
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              to: { type: string }
              limits: { type: array, items: { type: integer } }
status: { conditions: [], acceptedNames: { kind: '', plural: '' }, storedVersions: [] }
---
apiVersion: tool.example.com/v1
kind: Flow
metadata: { name: all, namespace: tool }
spec: { to: loki, limits: [1, 2] }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: tool, namespace: tool }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: tool }
rules:
- { apiGroups: [''], resources: [pods], verbs: [get, list], resourceNames: [a] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: tool }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: tool }
subjects: [{ kind: ServiceAccount, name: tool, namespace: tool }]
---
apiVersion: v1
kind: ConfigMap
metadata: { name: tool, namespace: tool }
data: { a.conf: 'level = info', b.conf: '' }
---
apiVersion: v1
kind: Secret
metadata: { name: tool, namespace: tool }
stringData: { password: hunter2 }
---
apiVersion: v1
kind: Service
metadata: { name: tool, namespace: tool }
spec: { selector: { app: tool }, ports: [{ port: 80, name: http, targetPort: http }] }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: tool, namespace: tool }
spec: { maxUnavailable: 1, selector: { matchLabels: { app: tool } } }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: tool, namespace: tool }
spec:
  podSelector: { matchLabels: { app: tool } }
  ingress: [{ ports: [{ port: 80 }], from: [{ namespaceSelector: {} }] }]
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: tool, namespace: tool }
spec:
  replicas: 2
  selector: { matchLabels: { app: tool } }
  template:
    metadata: { labels: { app: tool } }
    spec:
      serviceAccountName: tool
      tolerations: [{ operator: Exists }]
      volumes:
      - { name: conf, configMap: { name: tool, items: [{ key: a.conf, path: a.conf }] } }
      - { name: tmp, emptyDir: {} }
      containers:
      - name: tool
        image: example.com/tool:1
        args: [--config, /conf/a.conf]
        env: [{ name: NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }, { name: EMPTY, value: '' }]
        ports: [{ containerPort: 80, name: http }]
        readinessProbe: { httpGet: { path: /ready, port: http } }
        resources: { requests: { cpu: 1000m, memory: 1024Mi }, limits: { memory: 1.5Gi } }
        volumeMounts: [{ name: conf, mountPath: /conf }, { name: tmp, mountPath: /tmp }]
        securityContext: { runAsNonRoot: true, capabilities: { drop: [ALL] } }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: store, namespace: tool }
spec:
  serviceName: tool
  replicas: 1
  selector: { matchLabels: { app: store } }
  template:
    metadata: { labels: { app: store } }
    spec:
      containers: [{ name: store, image: 'example.com/store:1', volumeMounts: [{ name: data, mountPath: /data }] }]
  volumeClaimTemplates:
  - metadata: { name: data }
    spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }
---
apiVersion: batch/v1
kind: CronJob
metadata: { name: backup, namespace: tool }
spec:
  schedule: '0 3 * * *'
  jobTemplate:
    spec: { template: { spec: { restartPolicy: Never, containers: [{ name: backup, image: 'example.com/backup:1' }] } } }
";

/// An object of the tool, as it was written down.
pub(crate) fn without(yaml: &str, part: &str) -> String {
    let documents: Vec<_> = yaml.split("---\n").collect();
    let kept: Vec<_> = documents.iter().filter(|it| !it.contains(part)).copied().collect();
    assert_eq!(kept.len() + 1, documents.len(), "one object has `{part}`");
    kept.join("---\n")
}
