//! Argo CD.

use orbos_state::FieldPath;

use super::{Wrong, shapes, words};
use crate::spec::{ArgoAccess, ArgoAuth, BoomSpec, GoogleConfig, GopassStore, OidcAuth, Reconciling};

pub(super) fn check(spec: &BoomSpec, at: &FieldPath, wrong: &mut Wrong) {
    let Some(it) = &spec.reconciling else { return };
    let at = &at.join("reconciling");
    let Reconciling {
        tool,
        high_availability: _,
        custom_image,
        network,
        auth,
        rbac_config: _,
        repositories,
        credentials,
        known_hosts,
        dex,
        repo_server,
        redis,
        controller,
        server,
        additional_parameters: _,
    } = it;
    shapes::tool(tool, at, wrong);
    let parts = [
        ("dex", dex),
        ("repoServer", repo_server),
        ("redis", redis),
        ("controller", controller),
        ("server", server),
    ];
    for (key, part) in parts {
        shapes::resources(part.as_ref().and_then(|it| it.resources.as_ref()), &at.join(key), wrong);
    }
    if let Some(it) = custom_image {
        stores(&it.gopass_stores, &at.join("customImage").join("gopassStores"), wrong);
    }
    shapes::network(network.as_ref(), at.join("network"), wrong);
    if let Some(it) = auth {
        shapes::auth(tool.deploy, *it != ArgoAuth::default(), network.as_ref(), at, wrong);
        clients(it, &at.join("auth"), wrong);
    }
    access(repositories, &at.join("repositories"), wrong);
    access(credentials, &at.join("credentials"), wrong);
    for (index, line) in known_hosts.iter().enumerate() {
        let line = line.trim();
        if !line.starts_with('#') && line.split_whitespace().count() < 3 {
            let hint = "it is a line of `known_hosts`: host, kind of key, and key";
            wrong.add(at.join("knownHosts").join(index), "this is no host key", hint);
        }
    }
}

fn stores(all: &[GopassStore], at: &FieldPath, wrong: &mut Wrong) {
    wrong.names(at, "storeName", all.iter().map(|it| it.store_name.as_str()));
    for (index, it) in all.iter().enumerate() {
        let at = at.join(index);
        if it.directory.is_empty() {
            wrong.add(
                at.join("directory"),
                "`directory` is missing",
                "it is the address of the store's repository",
            );
        }
        wrong.pair(&at, ("sshKey", "existingSshKeySecret"), &it.ssh_key, &it.existing_ssh_key_secret);
        wrong.pair(&at, ("gpgKey", "existingGpgKeySecret"), &it.gpg_key, &it.existing_gpg_key_secret);
    }
}

fn access(all: &[ArgoAccess], at: &FieldPath, wrong: &mut Wrong) {
    wrong.names(at, "name", all.iter().map(|it| it.name.as_str()));
    for (index, it) in all.iter().enumerate() {
        let at = at.join(index);
        if it.url.is_empty() {
            wrong.add(
                at.join("url"),
                "`url` is missing",
                "it is the address of a Git repository, or how addresses begin",
            );
        }
        wrong.pair(&at, ("username", "existingUsernameSecret"), &it.username, &it.existing_username_secret);
        wrong.pair(&at, ("password", "existingPasswordSecret"), &it.password, &it.existing_password_secret);
        wrong.pair(
            &at,
            ("certificate", "existingCertificateSecret"),
            &it.certificate,
            &it.existing_certificate_secret,
        );
    }
}

fn clients(ArgoAuth { oidc, github, gitlab, google }: &ArgoAuth, at: &FieldPath, wrong: &mut Wrong) {
    let config = |key: &str| at.join(key).join("config");
    let clients = [
        (at.join("oidc"), oidc.as_ref().map(|it| &it.client)),
        (config("github"), github.as_ref().map(|it| &it.config.client)),
        (config("gitlab"), gitlab.as_ref().map(|it| &it.config.client)),
        (config("google"), google.as_ref().map(|it| &it.config.client)),
    ];
    for (at, client) in clients {
        wrong.client(&at, client);
    }
    if let Some(it) = oidc
        && *it != OidcAuth::default()
        && !words::is_url(&it.issuer, &["http", "https"])
    {
        let message = format!("`{}` is no address", it.issuer);
        wrong.add(
            at.join("oidc").join("issuer"),
            message,
            "it is the provider's address, like `https://login.example.com`",
        );
    }
    if let Some(it) = github {
        let field = it.config.team_name_field.as_deref();
        wrong.one_of(config("github").join("teamNameField"), field, &["name", "slug", "both"]);
    }
    if let Some(it) = google {
        let GoogleConfig { service_account_json, existing_service_account_json, .. } = &it.config;
        let keys = ("serviceAccountJSON", "existingServiceAccountJSONSecret");
        wrong.pair(&config("google"), keys, service_account_json, existing_service_account_json);
    }
}
