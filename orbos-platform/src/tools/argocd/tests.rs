use orbos_secrets::Secret;
use serde_json::{Value, json};

use super::*;
use crate::{Secrets, parts::merge};

fn argocd(mut reconciling: Value) -> Box<dyn PlatformTool> {
    reconciling["deploy"] = json!(true);
    let spec = json!({ "reconciling": reconciling });
    tool(&serde_json::from_value(spec).expect("these are settings")).expect("it is deployed")
}

fn objects(reconciling: Value) -> Vec<Manifest> {
    argocd(reconciling).goal(&ToolContext::new(35), &Wiring::default()).expect("the settings make sense")
}

fn object(reconciling: Value, name: &str) -> Value {
    let all = objects(reconciling);
    let found = all.iter().find(|it| it.to_string() == name);
    found.unwrap_or_else(|| panic!("there is no {name} in {all:?}")).value().clone()
}

fn has(reconciling: Value, name: &str) -> bool {
    objects(reconciling).iter().any(|it| it.to_string() == name)
}

fn setting(reconciling: Value, key: &str) -> String {
    let data = &object(reconciling, "ConfigMap caos-system/argocd-cm")["data"];
    data[key].as_str().unwrap_or_else(|| panic!("there is no {key} in {data}")).to_owned()
}

fn error(reconciling: Value) -> String {
    let goal = argocd(reconciling).goal(&ToolContext::new(35), &Wiring::default());
    goal.expect_err("they make no sense").to_string()
}

fn sealed() -> Value {
    json!({ "encryption": "AES256", "encoding": "Base64", "value": "AA==" })
}

fn client(more: Value) -> Value {
    let mut client = json!({ "clientID": sealed(), "clientSecret": sealed() });
    merge(&mut client, more);
    client
}

fn auth(auth: Value) -> Value {
    json!({ "network": { "domain": "argocd.example.com" }, "auth": auth })
}

fn every_connector() -> Value {
    auth(json!({
        "github": { "id": "hub", "name": "Hub", "config": client(json!({
            "orgs": [{ "name": "orbos", "teams": ["admins"] }, { "name": "example" }],
            "loadAllGroups": true, "teamNameField": "slug", "useLoginAsID": true,
        })) },
        "gitlab": { "config": client(json!({ "baseURL": "https://git.example.com", "groups": ["orbos"] })) },
        "google": { "config": client(json!({
            "hostedDomains": ["example.com"], "groups": ["admins@example.com"],
            "serviceAccountJSON": sealed(), "adminEmail": "admin@example.com",
        })) },
    }))
}

#[test]
fn dex_asks_every_connector_and_no_secret_is_in_its_configuration() {
    insta::assert_snapshot!(setting(every_connector(), "dex.config"), @r"
    connectors:
    - type: github
      id: hub
      name: Hub
      config:
        clientID: $argocd-sso:github.clientID
        clientSecret: $argocd-sso:github.clientSecret
        teamNameField: slug
        orgs:
        - name: orbos
          teams:
          - admins
        - name: example
        loadAllGroups: true
        useLoginAsID: true
        redirectURI: https://argocd.example.com/api/dex/callback
    - type: gitlab
      id: gitlab
      name: GitLab
      config:
        clientID: $argocd-sso:gitlab.clientID
        clientSecret: $argocd-sso:gitlab.clientSecret
        baseURL: https://git.example.com
        groups:
        - orbos
        useLoginAsID: false
        redirectURI: https://argocd.example.com/api/dex/callback
    - type: google
      id: google
      name: Google
      config:
        clientID: $argocd-sso:google.clientID
        clientSecret: $argocd-sso:google.clientSecret
        hostedDomains:
        - example.com
        groups:
        - admins@example.com
        serviceAccountFilePath: /etc/dex/google/serviceAccount.json
        domainToAdminEmail:
          '*': admin@example.com
        redirectURI: https://argocd.example.com/api/dex/callback
    ");
    assert_eq!(setting(every_connector(), "url"), "https://argocd.example.com");
    let secret = object(every_connector(), "Secret caos-system/argocd-sso");
    assert_eq!(secret["metadata"]["labels"]["app.kubernetes.io/part-of"], "argocd");
    let keys: Vec<_> = secret["data"].as_object().into_iter().flatten().map(|it| it.0).collect();
    let all = [
        "github.clientID",
        "github.clientSecret",
        "gitlab.clientID",
        "gitlab.clientSecret",
        "google.clientID",
        "google.clientSecret",
    ];
    assert_eq!(keys, all);
}

#[test]
fn the_service_account_is_where_dex_looks_for_it() {
    let mount = |reconciling: Value| {
        let dex = object(reconciling, "Deployment caos-system/argocd-dex-server");
        let mounts =
            dex.pointer("/spec/template/spec/containers/0/volumeMounts").expect("it has some").clone();
        mounts
            .as_array()
            .into_iter()
            .flatten()
            .find(|it| it["name"] == "google")
            .expect("it is there")
            .clone()
    };
    assert_eq!(mount(every_connector())["mountPath"], "/etc/dex/google/serviceAccount.json");
    let mut elsewhere = every_connector();
    elsewhere["auth"]["google"]["config"]["serviceAccountFilePath"] = json!("/etc/account.json");
    assert_eq!(mount(elsewhere.clone())["mountPath"], "/etc/account.json");
    assert!(setting(elsewhere, "dex.config").contains("serviceAccountFilePath: /etc/account.json"));
}

#[test]
fn connectors_beside_an_open_id_provider_do_nothing_and_are_named() {
    let provider = client(json!({ "issuer": "https://id.example.com" }));
    let both = auth(json!({ "oidc": provider, "github": { "config": client(json!({})) } }));
    assert!(!has(both.clone(), "Deployment caos-system/argocd-dex-server"));
    let said = argocd(both).warnings();
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].path.to_string(), "spec.reconciling.auth.github");
}

#[test]
fn an_open_id_provider_is_asked_without_dex() {
    let reconciling = auth(json!({ "oidc": client(json!({
        "name": "Example", "issuer": "https://id.example.com", "requestedScopes": ["openid", "groups"],
        "requestedIDTokenClaims": { "groups": { "essential": true, "values": ["admins"] } },
    })) }));
    insta::assert_snapshot!(setting(reconciling.clone(), "oidc.config"), @r"
    name: Example
    issuer: https://id.example.com
    clientID: $argocd-sso:oidc.clientID
    clientSecret: $argocd-sso:oidc.clientSecret
    requestedScopes:
    - openid
    - groups
    requestedIDTokenClaims:
      groups:
        essential: true
        values:
        - admins
    ");
    assert!(!has(reconciling.clone(), "Deployment caos-system/argocd-dex-server"));
    assert_eq!(object(reconciling, "ConfigMap caos-system/argocd-cm")["data"]["dex.config"], Value::Null);
}

#[test]
fn without_sign_in_there_is_no_dex() {
    for reconciling in [json!({}), auth(json!({}))] {
        assert!(!objects(reconciling).iter().any(|it| it.to_string().contains("dex")));
    }
}

#[test]
fn what_an_existing_secret_has_is_copied_to_where_argo_cd_looks() {
    let reference = |key: &str| json!({ "name": "people", "key": key });
    let tool = argocd(json!({
        "network": { "domain": "argocd.example.com" },
        "auth": { "github": { "config": {
            "existingClientIDSecret": reference("id"), "clientSecret": sealed(),
        } } },
        "repositories": [{ "name": "apps", "url": "https://git.example.com/apps.git", "existingPasswordSecret": reference("git") }],
    }));
    let keys: Vec<_> = tool.references().into_iter().map(|it| it.key).collect();
    assert_eq!(keys, ["id", "git"]);
    let mut context = ToolContext::new(35);
    context.secrets = Secrets::new()
        .with("spec.reconciling.auth.github.config.clientSecret", Secret::from_text("a"))
        .with_read(&tool.references()[0], Secret::from_text("b"));
    let error = tool.goal(&context, &Wiring::default()).expect_err("one was not read").to_string();
    assert_eq!(
        error,
        "spec.reconciling.repositories.apps.password: there is no key `git` in a Secret `people`"
    );
    context.secrets = context.secrets.with_read(&tool.references()[1], Secret::from_text("c"));
    let all = tool.goal(&context, &Wiring::default()).expect("all are there");
    let repository = all.iter().find(|it| it.to_string() == "Secret caos-system/argocd-repo-apps");
    assert_eq!(repository.expect("it is there").value()["data"]["password"], "Yw==");
}

#[test]
fn repositories_and_credentials_are_secrets_with_a_label() {
    let access = json!([{ "name": "apps", "url": "git@git.example.com:apps.git", "certificate": sealed() }]);
    let reconciling = json!({ "repositories": access, "credentials": access });
    let repository = object(reconciling.clone(), "Secret caos-system/argocd-repo-apps");
    let labels = |it: &Value| it["metadata"]["labels"]["argocd.argoproj.io/secret-type"].clone();
    assert_eq!(labels(&repository), "repository");
    assert!(repository["data"]["sshPrivateKey"].is_string());
    assert!(repository["data"]["name"].is_string());
    let credentials = object(reconciling, "Secret caos-system/argocd-cred-apps");
    assert_eq!(labels(&credentials), "repo-creds");
    assert_eq!(credentials["data"]["name"], Value::Null);
}

#[test]
fn access_has_a_name_and_a_url() {
    let all = |all: Value| error(json!({ "repositories": all }));
    let rule = "it has to have 1 to 63 of a-z, 0-9 and -, no - at its ends, and not only digits";
    for name in ["", "Apps", "a.b", "-a", "7"] {
        let error = all(json!([{ "name": name, "url": "https://git.example.com" }]));
        assert_eq!(error, format!("spec.reconciling.repositories.0.name: {rule}"));
    }
    assert_eq!(all(json!([{ "name": "a" }])), "spec.reconciling.repositories.0.url: it is missing");
    let one = json!({ "name": "a", "url": "https://git.example.com" });
    assert_eq!(
        error(json!({ "credentials": [one, one] })),
        "spec.reconciling.credentials.1.name: there is another one that is called `a`"
    );
}

#[test]
fn sign_in_that_can_not_work_is_refused() {
    let github = |config: Value| json!({ "github": { "config": config } });
    let google = |more: Value| error(auth(json!({ "google": { "config": client(more) } })));
    assert_eq!(
        error(json!({ "auth": github(client(json!({}))) })),
        "spec.reconciling.auth: people cannot be sent back from there without `spec.reconciling.network.domain`"
    );
    assert_eq!(
        error(auth(github(json!({ "clientID": sealed() })))),
        "spec.reconciling.auth.github.config.clientSecret: it is missing; `orbctl secrets set` writes it, or a Secret can be named instead"
    );
    assert_eq!(
        error(auth(github(client(json!({ "teamNameField": "id" }))))),
        "spec.reconciling.auth.github.config.teamNameField: it is `id`, but can be `name`, `slug` or `both`"
    );
    assert_eq!(
        error(auth(json!({ "oidc": client(json!({})) }))),
        "spec.reconciling.auth.oidc.issuer: it is missing, and has to be a URL"
    );
    let same = json!({ "id": "a", "config": client(json!({})) });
    assert_eq!(
        error(auth(json!({ "github": same, "gitlab": same }))),
        "spec.reconciling.auth: two of them have the same `id`"
    );
    assert_eq!(
        google(json!({ "groups": ["admins@example.com"] })),
        "spec.reconciling.auth.google.config.groups: groups are looked up with a service account: `serviceAccountJSON` is missing"
    );
    assert_eq!(
        google(json!({ "serviceAccountJSON": sealed() })),
        "spec.reconciling.auth.google.config.adminEmail: it is missing; groups are looked up on behalf of an administrator"
    );
    let account = json!({ "serviceAccountJSON": sealed(), "adminEmail": "a@example.com" });
    for path in ["account.json", "/etc/../account.json", "/etc/"] {
        let mut account = account.clone();
        account["serviceAccountFilePath"] = json!(path);
        let why = "it has to be the absolute path of a file";
        assert_eq!(
            google(account),
            format!("spec.reconciling.auth.google.config.serviceAccountFilePath: {why}")
        );
    }
}

#[test]
fn the_policy_is_written_as_argo_cd_reads_it() {
    let config = json!({ "rbacConfig": { "policy.csv": "g, admins, role:admin", "policy.default": "role:readonly", "scopes": ["groups", "email"] } });
    let data = object(config, "ConfigMap caos-system/argocd-rbac-cm")["data"].clone();
    assert_eq!(
        data,
        json!({ "policy.csv": "g, admins, role:admin", "policy.default": "role:readonly", "scopes": "[groups, email]" })
    );
    assert_eq!(
        error(json!({ "rbacConfig": { "scopes": ["a, b"] } })),
        "spec.reconciling.rbacConfig.scopes: an entry is empty, or has a comma, a bracket or a line break in it"
    );
}

#[test]
fn known_hosts_of_a_human_follow_the_well_known_ones() {
    let line = "git.example.com ssh-ed25519 AAAA";
    let known = object(json!({ "knownHosts": [line] }), "ConfigMap caos-system/argocd-ssh-known-hosts-cm");
    let known: Vec<_> = known["data"]["ssh_known_hosts"].as_str().expect("it is a text").lines().collect();
    assert_eq!(known.last(), Some(&line));
    for host in ["github.com ", "gitlab.com ", "bitbucket.org ", "ssh.dev.azure.com "] {
        assert!(known.iter().any(|it| it.starts_with(host)), "{host}");
    }
    for line in ["git.example.com", "a b c\nd e f", ""] {
        let why = "it has to be one line: names, the kind of the key, and the key";
        assert_eq!(error(json!({ "knownHosts": [line] })), format!("spec.reconciling.knownHosts.0: {why}"));
    }
}

#[test]
fn the_plugin_needs_an_image_and_stores_with_keys() {
    let plugin = |more: Value| {
        let mut plugin = json!({ "enabled": true, "image": "registry.example.com/gopass:1" });
        merge(&mut plugin, more);
        error(json!({ "customImage": plugin }))
    };
    let store = |more: Value| {
        let mut store =
            json!({ "storeName": "team", "directory": "git@git.example.com:team.git", "gpgKey": sealed() });
        merge(&mut store, more);
        store
    };
    assert_eq!(
        plugin(json!({ "image": null })),
        "spec.reconciling.customImage.image: it is missing; it has to name an image with gopass, git and kustomize, since ORBOS ships none"
    );
    let place = "spec.reconciling.customImage.gopassStores";
    assert_eq!(
        plugin(json!({ "gopassStores": [store(json!({ "gpgKey": null }))] })),
        format!("{place}.0.gpgKey: it is missing; nothing of the store can be read without it")
    );
    assert_eq!(
        plugin(json!({ "gopassStores": [store(json!({ "directory": "--upload-pack=x" }))] })),
        format!("{place}.0.directory: it has to be the URL of a Git repository")
    );
    assert_eq!(
        plugin(json!({ "gopassStores": [store(json!({})), store(json!({}))] })),
        format!("{place}.1.storeName: there is another one that is called `team`")
    );
    let name = plugin(json!({ "gopassStores": [store(json!({ "storeName": "a b" }))] }));
    assert!(name.starts_with(&format!("{place}.0.storeName: it has to have 1 to 63")), "{name}");
    assert!(!has(
        json!({ "customImage": { "gopassStores": [store(json!({}))] } }),
        "ConfigMap caos-system/argocd-plugin"
    ));
}

/// Programs that only say how they were called, and read whatever they can get.
const STUB: &str = "#!/bin/sh\n# Stands in for a program.\necho \"${0##*/} $*\" >> \"$CALLS\"\ncat > /dev/null\necho fpr:::::::::PRINT:\n";

#[test]
fn the_plugin_opens_every_store_with_its_own_keys() {
    use std::{fs, os::unix::fs::PermissionsExt, process::Command};
    let folder = tempfile::tempdir().expect("there is room");
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, text: &str| {
        fs::create_dir_all(path(name).parent().expect("it has one")).expect("there is room");
        fs::write(path(name), text).expect("there is room");
    };
    for program in ["gopass", "gpg", "git", "age-keygen", "cmp-server"] {
        let name = format!("bin/{program}");
        write(&name, STUB);
        fs::set_permissions(path(&name), fs::Permissions::from_mode(0o755)).expect("it is ours");
    }
    write("keys/team/key", "-----BEGIN PGP PRIVATE KEY BLOCK-----");
    write("keys/team/ssh", "a");
    write("keys/shop/key", "# public key: age1a\nAGE-SECRET-KEY-1A");
    write("stores", "team git@git.example.com:team.git\nshop https://git.example.com/shop.git\n");
    let data = object(
        json!({ "customImage": { "enabled": true, "image": "a:1" } }),
        "ConfigMap caos-system/argocd-plugin",
    )["data"]
        .clone();
    let at = |name: &str| path(name).display().to_string();
    let script = data["start.sh"].as_str().expect("it is a text");
    let script = script
        .replace("/home/argocd/cmp-server/config/stores", &at("stores"))
        .replace("/var/run/argocd/argocd-cmp-server", &at("bin/cmp-server"))
        .replace("/etc/stores", &at("keys"));
    let programs = format!("{}:{}", at("bin"), std::env::var("PATH").unwrap_or_default());
    let status = Command::new("sh")
        .args(["-c", &script])
        .env("PATH", programs)
        .env("HOME", at("home"))
        .env("CALLS", at("calls"))
        .status();
    assert!(status.expect("there is a shell").success());
    let calls = fs::read_to_string(path("calls")).expect("something was called");
    insta::assert_snapshot!(calls.replace(&at(""), "/"), @r"
    git config --global user.name getSecrets
    git config --global user.email getSecrets@localhost
    gpg --batch --import /keys/team/key
    gpg --batch --list-secret-keys --with-colons
    gpg --batch --import-ownertrust
    gopass --yes init --crypto gpgcli --storage fs PRINT
    gopass --yes clone --path /home/stores/team git@git.example.com:team.git team
    git -C /home/stores/team config core.sshCommand ssh -o UserKnownHostsFile=/app/config/ssh/ssh_known_hosts -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes -i /keys/team/ssh
    age-keygen -y
    gopass age identities add AGE-SECRET-KEY-1A fpr:::::::::PRINT:
    gopass --yes clone --path /home/stores/shop https://git.example.com/shop.git shop
    git -C /home/stores/shop config core.sshCommand ssh -o UserKnownHostsFile=/app/config/ssh/ssh_known_hosts -o StrictHostKeyChecking=yes
    cmp-server
    ");
}

#[test]
fn servers_run_twice_if_that_is_wanted() {
    for (wanted, replicas) in [(false, 1), (true, 2)] {
        for name in ["argocd-server", "argocd-repo-server"] {
            let reconciling = json!({ "highAvailability": wanted });
            let deployment = object(reconciling.clone(), &format!("Deployment caos-system/{name}"));
            assert_eq!(deployment["spec"]["replicas"], replicas);
            assert_eq!(has(reconciling, &format!("PodDisruptionBudget caos-system/{name}")), wanted);
        }
    }
}

#[test]
fn it_is_reached_by_tls_and_its_metrics_are_on_ports_that_services_have() {
    let tool = argocd(json!({ "network": { "domain": "argocd.example.com", "acmeAuthority": "none" } }));
    let context = ToolContext::new(35);
    let declared = tool.declare(&context);
    let exposure = declared.exposures.first().expect("it has a domain");
    assert_eq!((exposure.service.as_str(), exposure.port, exposure.tls), ("argocd-server", 443, true));
    let all = tool.goal(&context, &Wiring::default()).expect("the settings make sense");
    let services = || all.iter().map(Manifest::value).filter(|it| it["kind"] == "Service");
    for endpoint in &declared.metrics {
        let selected = services().filter(|it| {
            endpoint.selector.iter().all(|(key, text)| it["metadata"]["labels"][key] == text.as_str())
        });
        let ports = selected.flat_map(|it| it["spec"]["ports"].as_array().expect("it has some").clone());
        assert_eq!(ports.filter(|it| it["name"] == endpoint.port.as_str()).count(), 1, "{}", endpoint.name);
    }
    assert_eq!(declared.metrics.len(), 4);
}
