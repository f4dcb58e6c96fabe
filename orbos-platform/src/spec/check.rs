//! What is wrong in a `boom.yml` although every single field could be right.

mod amount;
mod gateway;
mod logs;
mod metrics;
mod monitoring;
mod reconciling;
mod settings;
mod shapes;
mod words;

use orbos_secrets::{Existing, Sealed};
use orbos_state::{FieldPath, Mistake};

use super::{Boom, BoomSpec, OAuthClient, ToolSettings};

/// Every mistake, in the order of the types.
pub(super) fn check(boom: &Boom) -> Vec<Mistake> {
    let mut wrong = Wrong(Vec::new());
    let at = &FieldPath::root().join("spec");
    let spec = &boom.spec;
    settings::check(spec, at, &mut wrong);
    logs::check(spec, at, &mut wrong);
    metrics::check(spec, at, &mut wrong);
    monitoring::check(spec, at, &mut wrong);
    gateway::check(spec, at, &mut wrong);
    reconciling::check(spec, at, &mut wrong);
    for (key, tool) in plain_tools(spec) {
        shapes::tool(tool, &at.join(key), &mut wrong);
    }
    wrong.0
}

/// The tools that have nothing to check but what every tool has.
fn plain_tools(spec: &BoomSpec) -> impl Iterator<Item = (&'static str, &ToolSettings)> {
    [
        ("metricCollection", spec.metric_collection.as_ref().map(|it| &it.tool)),
        ("nodeMetricsExporter", spec.node_metrics_exporter.as_ref().map(|it| &it.tool)),
        ("systemdMetricsExporter", spec.systemd_metrics_exporter.as_ref().map(|it| &it.tool)),
        ("certificates", spec.certificates.as_ref().map(|it| &it.tool)),
        ("kubeMetricsExporter", spec.kube_metrics_exporter.as_ref().map(|it| &it.tool)),
        ("metricsServer", spec.metrics_server.as_ref().map(|it| &it.tool)),
    ]
    .into_iter()
    .filter_map(|(key, tool)| Some((key, tool?)))
}

/// What was found.
struct Wrong(Vec<Mistake>);

impl Wrong {
    fn add(&mut self, at: FieldPath, message: impl Into<String>, hint: impl Into<String>) {
        self.0.push(Mistake::at(at, message).hint(hint));
    }

    /// A secret that stands in the file and in a Secret, or whose Secret is not named in full.
    fn pair(
        &mut self,
        at: &FieldPath,
        keys: (&str, &str),
        sealed: &Option<Sealed>,
        existing: &Option<Existing>,
    ) {
        // The original wrote empty references for no references.
        let Some(existing) = existing.as_ref().filter(|it| !(it.name.is_empty() && it.key.is_empty())) else {
            return;
        };
        let (value, reference) = keys;
        if sealed.as_ref().is_some_and(|it| !it.value().is_empty()) {
            let message = format!("`{value}` has a value and there is a reference to a Secret beside it");
            let hint = format!("remove `{value}` or `{reference}`, nobody knows which one counts");
            self.add(at.join(reference), message, hint);
        }
        if let Err(error) = existing.check() {
            self.add(at.join(reference), "the reference to a Secret cannot be right", error.to_string());
        }
    }

    /// What is wrong with who a tool is at an OAuth server.
    fn client(&mut self, at: &FieldPath, client: Option<&OAuthClient>) {
        let Some(OAuthClient { client_id, existing_client_id, client_secret, existing_client_secret }) =
            client
        else {
            return;
        };
        self.pair(at, ("clientID", "existingClientIDSecret"), client_id, existing_client_id);
        let keys = ("clientSecret", "existingClientSecretSecret");
        self.pair(at, keys, client_secret, existing_client_secret);
    }

    /// Names that stand twice in a list, or are not there.
    fn names<'a>(&mut self, at: &FieldPath, key: &str, names: impl Iterator<Item = &'a str>) {
        let mut seen = Vec::new();
        for (index, name) in names.enumerate() {
            let here = at.join(index).join(key);
            if name.is_empty() {
                self.add(
                    here,
                    format!("`{key}` is missing"),
                    format!("add a `{key}` that no other item has"),
                );
            } else if seen.contains(&name) {
                self.add(here, format!("`{name}` stands there twice"), "every item needs another name");
            }
            seen.push(name);
        }
    }

    /// Plain names in a list that are empty or stand there twice.
    fn words(&mut self, at: &FieldPath, words: &[String]) {
        for (index, word) in words.iter().enumerate() {
            if word.trim().is_empty() {
                self.add(at.join(index), "the name is empty", "name it, or remove the item");
            } else if words.iter().take(index).any(|it| it == word) {
                self.add(at.join(index), format!("`{word}` stands there twice"), "remove one of them");
            }
        }
    }

    /// A word that is none of those that are known.
    fn one_of(&mut self, at: FieldPath, word: Option<&str>, known: &[&str]) {
        if let Some(word) = word.filter(|it| !it.is_empty() && !known.contains(it)) {
            let known: Vec<_> = known.iter().map(|it| format!("`{it}`")).collect();
            self.add(
                at,
                format!("`{word}` is not a value of this field"),
                format!("it can be {}", known.join(", ")),
            );
        }
    }
}
