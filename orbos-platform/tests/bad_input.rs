//! What is wrong in a `boom.yml` is said with file, line, column, the line itself, and what would be right.

use std::fmt::Write;

use orbos_platform::{ToolRegistry, spec::Boom};
use orbos_state::{Diagnostics, Document, Source};

/// Everything that is wrong with a file, tools that nobody knows included.
fn wrong(text: &str) -> String {
    let read = || -> Result<(), Diagnostics> {
        let document = Document::parse(&Source::new("boom.yml", text))?;
        let boom: Boom = document.read()?;
        let tools = ToolRegistry::builtin().tools(&boom.spec);
        tools.map(drop).map_err(|wrong| wrong.into_iter().map(|it| document.diagnostic(it)).collect())
    };
    read().err().map_or_else(|| "nothing\n".to_owned(), |it| it.to_string())
}

/// Each case with what is said about it; the text below `spec`, two spaces further in.
fn cases(cases: &[(&str, &str)]) -> String {
    let mut said = String::new();
    for (what, spec) in cases {
        let spec: String = spec.lines().fold(String::new(), |text, line| text + "  " + line + "\n");
        let text = format!("apiVersion: caos.ch/v1\nkind: Boom\nspec:\n{spec}");
        write!(said, "# {what}\n{}\n", wrong(&text)).expect("a text takes texts");
    }
    said
}

fn shown(name: &str, said: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, said));
}

#[test]
fn files_that_are_no_boom() {
    let bomb = (1..10).fold("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, level| {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        format!("{text}a{level}: &a{level} [{below}]\n")
    });
    let mut said = String::new();
    for (what, text) in [
        ("another kind", "apiVersion: caos.ch/v1\nkind: Bomb\nspec: {}\n"),
        ("another version", "apiVersion: caos.ch/v2\nkind: Boom\nspec: {}\n"),
        ("another group", "apiVersion: apps/v1\nkind: Toolset\nspec: {}\n"),
        ("no version", "kind: Boom\nspec: {}\n"),
        ("no mapping", "- apiVersion: caos.ch/v1\n"),
        ("no YAML", "apiVersion: caos.ch/v1\nkind: Boom\nspec: {monitoring: [}\n"),
        (
            "a key twice",
            "apiVersion: caos.ch/v1\nkind: Boom\nspec:\n  monitoring: {deploy: true}\n  monitoring: {deploy: false}\n",
        ),
        ("grows without measure", &*format!("apiVersion: caos.ch/v1\nkind: Boom\n{bomb}")),
    ] {
        write!(said, "# {what}\n{}\n", wrong(text)).expect("a text takes texts");
    }
    shown("files_that_are_no_boom", &said);
}

#[test]
fn fields_that_are_wrong_by_themselves() {
    shown(
        "fields_that_are_wrong_by_themselves",
        &cases(&[
            ("an unknown tool", "metricsServr: {deploy: true}"),
            ("an unknown field of a tool", "monitoring:\n  deploy: true\n  dashboardProviders: []"),
            ("a name of an older version", "grafana: {deploy: true}"),
            ("a word for a boolean", "alerting:\n  deploy: maybe"),
            ("a text for a number", "apiGateway:\n  replicaCount: three"),
            ("a number below zero", "apiGateway:\n  replicaCount: -1"),
            ("a port that is none", "apiGateway:\n  service:\n    ports:\n    - {name: http, port: 70000}"),
            ("a list for a mapping", "monitoring:\n- deploy: true"),
            (
                "a mapping for a list",
                "reconciling:\n  repositories:\n    shop: {url: https://git.example.com/shop.git}",
            ),
            ("a secret in the clear", "monitoring:\n  admin:\n    password: hunter2"),
            ("several at once", "monitoring:\n  deplyo: true\nlogsPersisting:\n  clusterOutput: 3"),
        ]),
    );
}

#[test]
fn settings_of_all_tools_that_do_not_fit() {
    shown(
        "settings_of_all_tools_that_do_not_fit",
        &cases(&[
            ("BOOM replaces itself by nothing", "boom:\n  selfReconciling: true"),
            ("a registry with a scheme", "images:\n  mirror: https://registry.example.com"),
            ("a registry with a tag", "images:\n  mirror: registry.example.com/mirror:latest"),
            ("a secret without a name", "images:\n  pullSecrets: [registry, '']"),
            ("a share that is none", "guard:\n  share: 50"),
            ("a folder that is missing", "preApply:\n  deploy: true"),
            ("an absolute folder", "preApply:\n  deploy: true\n  folder: /etc/kubernetes"),
            ("a folder outside", "postApply:\n  folder: manifests/../../secrets"),
            ("a current file outside", "currentStatePath: ../boom"),
            ("a tool that nobody knows", "tools:\n  page: {deploy: true}"),
        ]),
    );
}

#[test]
fn shapes_of_tools_that_do_not_fit() {
    shown(
        "shapes_of_tools_that_do_not_fit",
        &cases(&[
            ("no amounts", "metricsServer:\n  resources:\n    limits: {cpu: half, memory: 1GB}"),
            ("an unknown resource", "metricsServer:\n  resources:\n    requests: {mem: 1Gi}"),
            (
                "more asked for than allowed",
                "metricsServer:\n  resources: {limits: {memory: 1Gi}, requests: {memory: 1025Mi}}",
            ),
            ("a size that is none", "logsPersisting:\n  storage: {size: 10 GB, accessModes: [ReadWrite]}"),
            ("an unknown operator", "alerting:\n  tolerations:\n  - {key: a, operator: Is}"),
            ("an unknown effect", "alerting:\n  tolerations:\n  - {key: a, effect: noExecute}"),
            ("a toleration of nothing", "alerting:\n  tolerations:\n  - {value: a}"),
            ("a value of everything", "alerting:\n  tolerations:\n  - {operator: Exists, value: a}"),
            ("seconds of no use", "alerting:\n  tolerations:\n  - {key: a, tolerationseconds: 3}"),
            ("an image with its tag", "alerting:\n  overwriteImage: quay.io/prometheus/alertmanager:v1"),
            ("a patch without a target", "alerting:\n  patches:\n  - merge: {spec: {}}"),
            ("a patch without a change", "alerting:\n  patches:\n  - target: {kind: Deployment}"),
            (
                "a patch with two changes",
                "alerting:\n  patches:\n  - target: {kind: Deployment}\n    merge: {}\n    json: []",
            ),
        ]),
    );
}

#[test]
fn networks_and_secrets_that_do_not_fit() {
    let sealed = "{encryption: AES256, encoding: Base64, value: AA==}";
    let both =
        format!("monitoring:\n  admin:\n    password: {sealed}\n    existingPassword: {{name: s, key: k}}");
    let repository = format!(
        "reconciling:\n  repositories:\n  - name: shop\n    url: git@git.example.com:shop.git\n    certificate: {sealed}\n    \
         existingCertificateSecret: {{name: s, key: k}}"
    );
    shown(
        "networks_and_secrets_that_do_not_fit",
        &cases(&[
            (
                "nobody can sign in",
                "monitoring:\n  deploy: true\n  auth:\n    google: {allowedDomains: [example.com]}",
            ),
            ("no host", "reconciling:\n  network: {domain: 'https://argocd.example.com/'}"),
            ("no domain", "reconciling:\n  network: {email: admin@example.com}"),
            (
                "no secure authority",
                "monitoring:\n  network: {domain: a.example.com, acmeAuthority: http://acme.example.com}",
            ),
            (
                "no authority",
                "monitoring:\n  network: {domain: a.example.com, email: nobody, acmeAuthority: letsencrypt}",
            ),
            ("a value and a reference", &both),
            ("the same in a list", &repository),
            ("half a reference", "alerting:\n  existingConfig: {name: alerting}"),
        ]),
    );
}

#[test]
fn settings_of_tools_that_do_not_fit() {
    shown(
        "settings_of_tools_that_do_not_fit",
        &cases(&[
            ("an unknown type of service", "apiGateway:\n  service: {type: Nodeport}"),
            (
                "ports that clash",
                "apiGateway:\n  service:\n    ports:\n    - {name: http, port: 80, nodePort: 80}\n    - {name: http, port: 80, nodePort: 80}",
            ),
            (
                "ports without a name",
                "apiGateway:\n  service:\n    type: ClusterIP\n    ports:\n    - {port: 443, nodePort: 30443}",
            ),
            ("an address of no load balancer", "apiGateway:\n  service: {loadBalancerIP: 192.0.2.10}"),
            (
                "names that stand there twice",
                "reconciling:\n  credentials:\n  - {name: a, url: https://a.example.com}\n  - {name: a, url: https://b.example.com}",
            ),
            (
                "stores without a name",
                "reconciling:\n  customImage:\n    gopassStores:\n    - {directory: git@git.example.com:a.git}",
            ),
            ("a repository without an address", "reconciling:\n  repositories:\n  - name: a"),
            ("no host key", "reconciling:\n  knownHosts: [git.example.com]"),
            (
                "two datasources alike",
                "monitoring:\n  datasources:\n  - {name: a, type: loki, url: http://a.example.com, isDefault: true}\n  - {name: a, url: a.example.com, access: direkt, isDefault: true}",
            ),
            ("dashboards from nowhere", "monitoring:\n  dashboardproviders:\n  - folder: shop"),
            ("a reserved label", "metricsPersisting:\n  externalLabels: {orb: mine, 1st: a}"),
            ("a duration that is none", "metricsPersisting:\n  retention: 10 days"),
            (
                "metrics sent nowhere",
                "metricsPersisting:\n  remoteWrite:\n    basicAuth: {username: {name: a}}",
            ),
            (
                "relabelling that does nothing",
                "metricsPersisting:\n  remoteWrite:\n    url: https://a.example.com\n    relabelConfigs:\n    - {action: hashmod, modulus: many}\n    - {action: dorp}",
            ),
            (
                "outputs without a name",
                "logCollection:\n  outputs: ['']\n  clusterOutputs: [a, a]\n  watchNamespaces: [' ']",
            ),
        ]),
    );
}
