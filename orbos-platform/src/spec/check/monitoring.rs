//! Grafana.

use orbos_state::FieldPath;

use super::{Wrong, shapes, words};
use crate::spec::{Admin, BoomSpec, DatasourceSpec, Monitoring, MonitoringAuth};

pub(super) fn check(spec: &BoomSpec, at: &FieldPath, wrong: &mut Wrong) {
    let Some(it) = &spec.monitoring else { return };
    let at = &at.join("monitoring");
    let Monitoring { tool, admin, datasources, dashboard_providers, storage, network, plugins, auth } = it;
    shapes::tool(tool, at, wrong);
    if let Some(Admin { username, password, existing_username, existing_password }) = admin {
        let at = at.join("admin");
        wrong.pair(&at, ("username", "existingUsername"), username, existing_username);
        wrong.pair(&at, ("password", "existingPassword"), password, existing_password);
    }
    sources(datasources, &at.join("datasources"), wrong);
    for (index, it) in dashboard_providers.iter().enumerate() {
        let at = at.join("dashboardproviders").join(index);
        if it.config_maps.is_empty() {
            wrong.add(at.clone(), "`configMaps` is missing", "name the ConfigMaps that have the dashboards");
        }
        wrong.words(&at.join("configMaps"), &it.config_maps);
    }
    shapes::storage(storage.as_ref(), at.join("storage"), wrong);
    shapes::network(network.as_ref(), at.join("network"), wrong);
    wrong.words(&at.join("plugins"), plugins);
    if let Some(it) = auth {
        shapes::auth(tool.deploy, *it != MonitoringAuth::default(), network.as_ref(), at, wrong);
        clients(it, &at.join("auth"), wrong);
    }
}

fn sources(all: &[DatasourceSpec], at: &FieldPath, wrong: &mut Wrong) {
    wrong.names(at, "name", all.iter().map(|it| it.name.as_str()));
    for (index, DatasourceSpec { name: _, kind, url, access, is_default }) in all.iter().enumerate() {
        let at = at.join(index);
        if kind.is_empty() {
            wrong.add(at.join("type"), "`type` is missing", "say what it is, like `prometheus` or `loki`");
        }
        if !words::is_url(url, &["http", "https"]) {
            wrong.add(
                at.join("url"),
                format!("`{url}` is no address"),
                "it is one like `http://prometheus.example.com:9090`",
            );
        }
        wrong.one_of(at.join("access"), access.as_deref(), &["proxy", "direct"]);
        if *is_default && all.iter().take(index).any(|it| it.is_default) {
            wrong.add(at.join("isDefault"), "another datasource is the default already", "one can be it");
        }
    }
}

fn clients(
    MonitoringAuth { google, github, gitlab, generic_oauth }: &MonitoringAuth,
    at: &FieldPath,
    wrong: &mut Wrong,
) {
    let clients = [
        ("google", google.as_ref().map(|it| &it.client)),
        ("github", github.as_ref().map(|it| &it.client)),
        ("gitlab", gitlab.as_ref().map(|it| &it.client)),
        ("genericOAuth", generic_oauth.as_ref().map(|it| &it.client)),
    ];
    for (key, client) in clients {
        wrong.client(&at.join(key), client);
    }
    let Some(it) = generic_oauth else { return };
    let urls = [("authURL", &it.auth_url), ("tokenURL", &it.token_url), ("apiURL", &it.api_url)];
    for (key, url) in urls {
        if let Some(url) =
            url.as_deref().filter(|it| !it.is_empty() && !words::is_url(it, &["http", "https"]))
        {
            let message = format!("`{url}` is no address");
            wrong.add(
                at.join("genericOAuth").join(key),
                message,
                "it is one like `https://login.example.com/oauth`",
            );
        }
    }
}
