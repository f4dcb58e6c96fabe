//! Metrics.

use orbos_state::FieldPath;

use super::{Wrong, shapes, words};
use crate::spec::{Alerting, BasicAuth, BoomSpec, KeyRef, MetricsPersisting, Modulus, Relabel, RemoteWrite};

pub(super) fn check(spec: &BoomSpec, at: &FieldPath, wrong: &mut Wrong) {
    if let Some(it) = &spec.metrics_persisting {
        persisting(it, &at.join("metricsPersisting"), wrong);
    }
    if let Some(Alerting { tool, replica_count: _, storage, config, existing_config }) = &spec.alerting {
        let at = at.join("alerting");
        shapes::tool(tool, &at, wrong);
        shapes::storage(storage.as_ref(), at.join("storage"), wrong);
        wrong.pair(&at, ("config", "existingConfig"), config, existing_config);
    }
}

fn persisting(it: &MetricsPersisting, at: &FieldPath, wrong: &mut Wrong) {
    let MetricsPersisting {
        tool,
        replica_count: _,
        retention: kept,
        storage,
        external_labels,
        remote_write,
        metrics: _,
    } = it;
    shapes::tool(tool, at, wrong);
    retention(kept.as_deref(), at, wrong);
    shapes::storage(storage.as_ref(), at.join("storage"), wrong);
    shapes::metric_labels(external_labels, &at.join("externalLabels"), wrong);
    if let Some(it) = remote_write {
        remote(it, &at.join("remoteWrite"), wrong);
    }
}

/// How long something is kept.
pub(super) fn retention(it: Option<&str>, at: &FieldPath, wrong: &mut Wrong) {
    if let Some(it) = it.filter(|it| !it.is_empty() && !words::is_duration(it)) {
        wrong.add(
            at.join("retention"),
            format!("`{it}` is no duration"),
            "it is a number with a unit, like `10d` or `336h`",
        );
    }
}

fn remote(RemoteWrite { url, basic_auth, relabel_configs }: &RemoteWrite, at: &FieldPath, wrong: &mut Wrong) {
    let hint = "it is an address like `https://metrics.example.com/api/v1/write`";
    if url.is_empty() {
        wrong.add(at.join("url"), "it is not said where metrics are sent", hint);
    } else if !words::is_url(url, &["http", "https"]) {
        wrong.add(at.join("url"), format!("`{url}` is no address"), hint);
    }
    if let Some(BasicAuth { username, password }) = basic_auth {
        for (key, KeyRef { name, key: of }) in [("username", username), ("password", password)] {
            if name.is_empty() || of.is_empty() {
                let hint = format!("name a Secret and its key: `{key}: {{name: …, key: …}}`");
                wrong.add(
                    at.join("basicAuth").join(key),
                    format!("`{key}` does not say where it stands"),
                    hint,
                );
            }
        }
    }
    for (index, it) in relabel_configs.iter().enumerate() {
        relabel(it, &at.join("relabelConfigs").join(index), wrong);
    }
}

fn relabel(it: &Relabel, at: &FieldPath, wrong: &mut Wrong) {
    const ACTIONS: [&str; 11] = [
        "replace",
        "keep",
        "drop",
        "keepequal",
        "dropequal",
        "hashmod",
        "labelmap",
        "labeldrop",
        "labelkeep",
        "lowercase",
        "uppercase",
    ];
    let Relabel { source_labels: _, separator: _, target_label, regex: _, modulus, replacement: _, action } =
        it;
    // Prometheus operator takes them in both forms.
    let action = action.as_deref().unwrap_or_default().to_lowercase();
    wrong.one_of(at.join("action"), Some(&action), &ACTIONS);
    if let Some(Modulus::Text(text)) = modulus.as_ref().filter(|it| it.number().is_none()) {
        wrong.add(at.join("modulus"), format!("`{text}` is no whole number"), "it is one like `8`");
    }
    if action == "hashmod" && modulus.is_none() {
        wrong.add(at.clone(), "`hashmod` needs a `modulus`", "add a whole number, like `modulus: 8`");
    }
    let sets = ["", "replace", "hashmod", "lowercase", "uppercase"].contains(&action.as_str());
    if sets && target_label.as_deref().is_none_or(str::is_empty) {
        let message =
            format!("`{}` needs a `targetLabel`", if action.is_empty() { "replace" } else { &action });
        wrong.add(at.clone(), message, "add the label that is set");
    }
}
