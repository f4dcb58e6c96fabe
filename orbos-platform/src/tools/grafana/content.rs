//! What Grafana shows: data sources and dashboards, as files that it reads.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    Error, Wiring,
    dashboards::Dashboard,
    spec::{DashboardProvider, DatasourceSpec, Monitoring},
};

/// Where dashboards are, one folder for each provider.
const DASHBOARDS: &str = "/var/lib/grafana-dashboards";
/// The folder in Grafana of those that come with tools.
const FOLDER: &str = "ORBOS";

/// The file with all data sources: those of tools, and a human's.
pub(super) fn datasources(settings: &Monitoring, wiring: &Wiring) -> Result<String, Error> {
    let theirs = settings.datasources.iter().filter(|it| it.is_default).count();
    if theirs > 1 {
        return Err(Error::invalid("spec.monitoring.datasources", "only one of them can have `isDefault`"));
    }
    let mut names = BTreeSet::new();
    let mut all = Vec::new();
    for it in wiring.all(|it| &it.datasources) {
        names.insert(it.name.as_str());
        all.push(json!({
            "name": it.name, "uid": it.uid, "type": it.kind, "access": "proxy", "url": it.url,
            "isDefault": it.is_default && theirs == 0, "editable": false,
        }));
    }
    for (position, it) in settings.datasources.iter().enumerate() {
        let field = format!("spec.monitoring.datasources.{position}");
        let access = it.access.as_deref().filter(|it| !it.is_empty()).unwrap_or("proxy");
        check(&field, it, access)?;
        if !names.insert(&it.name) {
            let why = format!("there is another one that is called `{}`", it.name);
            return Err(Error::invalid(format!("{field}.name"), why));
        }
        all.push(json!({
            "name": literal(&it.name), "type": literal(&it.kind), "access": access, "url": literal(&it.url),
            "isDefault": it.is_default, "editable": false,
        }));
    }
    // With `prune` those that are not in the file any more go.
    Ok(yaml(&json!({ "apiVersion": 1, "prune": true, "datasources": all })))
}

fn check(field: &str, it: &DatasourceSpec, access: &str) -> Result<(), Error> {
    for (key, text) in [("name", &it.name), ("type", &it.kind), ("url", &it.url)] {
        if text.trim().is_empty() {
            return Err(Error::invalid(format!("{field}.{key}"), "it is missing"));
        }
    }
    match access {
        "proxy" | "direct" => Ok(()),
        other => {
            let why = format!("it is `{other}`, but can be `proxy` or `direct`");
            Err(Error::invalid(format!("{field}.access"), why))
        }
    }
}

/// Dashboards: ConfigMaps, volumes, and the file that tells Grafana of them.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// ConfigMaps: name, key and text.
    pub(super) dashboards: Vec<(String, String, String)>,
    /// The file.
    pub(super) providers: String,
    /// Volumes.
    pub(super) volumes: Vec<Value>,
    /// Volumes by name, and where they are.
    pub(super) mounts: Vec<(String, String)>,
}

impl Content {
    pub(super) fn new<'a>(
        settings: &Monitoring,
        dashboards: impl Iterator<Item = &'a Dashboard>,
    ) -> Result<Self, Error> {
        let mut content = Self::default();
        let mut providers = Vec::new();
        content.built_in(dashboards, &mut providers);
        for (position, it) in settings.dashboard_providers.iter().enumerate() {
            content.provided(position, it, &mut providers)?;
        }
        content.providers = yaml(&json!({ "apiVersion": 1, "providers": providers }));
        Ok(content)
    }

    fn built_in<'a>(&mut self, dashboards: impl Iterator<Item = &'a Dashboard>, providers: &mut Vec<Value>) {
        let mut sources = Vec::new();
        for it in dashboards {
            let (name, file) = (format!("grafana-dashboard-{}", it.uid), format!("{}.json", it.uid));
            sources.push(json!({ "configMap": { "name": name } }));
            self.dashboards.push((name, file, it.json.to_string()));
        }
        if sources.is_empty() {
            return;
        }
        let path = format!("{DASHBOARDS}/built-in");
        providers.push(provider("built-in", FOLDER, &path));
        self.volumes.push(json!({ "name": "dashboards", "projected": { "sources": sources } }));
        self.mounts.push(("dashboards".to_owned(), path));
    }

    /// A human's ConfigMaps; each has a folder of its own, since two of them may have a key of the same name.
    fn provided(
        &mut self,
        position: usize,
        it: &DashboardProvider,
        providers: &mut Vec<Value>,
    ) -> Result<(), Error> {
        let field = format!("spec.monitoring.dashboardproviders.{position}.configMaps");
        if it.config_maps.is_empty() || it.config_maps.iter().any(|it| it.trim().is_empty()) {
            return Err(Error::invalid(field, "it has to name one ConfigMap or more"));
        }
        let names: BTreeSet<_> = it.config_maps.iter().collect();
        if names.len() < it.config_maps.len() {
            return Err(Error::invalid(field, "a ConfigMap is named twice"));
        }
        let path = format!("{DASHBOARDS}/provided-{position}");
        for (number, name) in it.config_maps.iter().enumerate() {
            let volume = format!("provided-{position}-{number}");
            // Grafana starts without it too, and shows it once it is there.
            let source = json!({ "configMap": { "name": name, "optional": true } });
            self.volumes.push(json!({ "name": volume, "projected": { "sources": [source] } }));
            self.mounts.push((volume, format!("{path}/{name}")));
        }
        providers.push(provider(&format!("provided-{position}"), &literal(&it.folder), &path));
        Ok(())
    }
}

fn provider(name: &str, folder: &str, path: &str) -> Value {
    json!({
        "name": name, "orgId": 1, "type": "file", "folder": folder,
        "disableDeletion": false, "allowUiUpdates": false, "updateIntervalSeconds": 30,
        "options": { "path": path },
    })
}

/// A text in which Grafana does not look for variables.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

fn yaml(value: &Value) -> String {
    serde_yaml::to_string(value).expect("JSON can always be written as YAML")
}
