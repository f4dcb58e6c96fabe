//! Where else metrics are sent.

use serde_json::{Value, json};

use super::monitors;
use crate::{
    Error,
    spec::{BasicAuth, KeyRef, Modulus, Relabel, RemoteWrite},
};

const FIELD: &str = "spec.metricsPersisting.remoteWrite";
/// What a step of relabelling can do.
const ACTIONS: [&str; 11] = [
    "replace",
    "keep",
    "drop",
    "hashmod",
    "labelmap",
    "labeldrop",
    "labelkeep",
    "lowercase",
    "uppercase",
    "keepequal",
    "dropequal",
];

/// One item of `remoteWrite`, as the Prometheus object has it.
///
/// # Errors
///
/// If there is no address, a reference to a Secret is not whole, or a step makes no sense.
pub(super) fn write(settings: &RemoteWrite) -> Result<Value, Error> {
    let RemoteWrite { url, basic_auth, relabel_configs } = settings;
    if !(url.starts_with("http://") || url.starts_with("https://")) {
        return Err(Error::invalid(format!("{FIELD}.url"), "it has to begin with http:// or https://"));
    }
    let mut write = json!({ "url": url });
    if let Some(BasicAuth { username, password }) = basic_auth {
        write["basicAuth"] =
            json!({ "username": key("username", username)?, "password": key("password", password)? });
    }
    if !relabel_configs.is_empty() {
        let steps = relabel_configs.iter().enumerate().map(|(index, it)| step(index, it));
        write["writeRelabelConfigs"] = Value::Array(steps.collect::<Result<_, _>>()?);
    }
    Ok(write)
}

fn key(field: &str, reference: &KeyRef) -> Result<Value, Error> {
    let KeyRef { name, key } = reference;
    if name.is_empty() || key.is_empty() {
        let why = "it needs the name of a Secret in the tools' namespace and a key of it";
        return Err(Error::invalid(format!("{FIELD}.basicAuth.{field}"), why));
    }
    Ok(json!({ "name": name, "key": key }))
}

fn step(index: usize, settings: &Relabel) -> Result<Value, Error> {
    let Relabel { source_labels, separator, target_label, regex, modulus, replacement, action } = settings;
    let field = |name: &str| format!("{FIELD}.relabelConfigs[{index}].{name}");
    let action = action.as_deref().filter(|it| !it.is_empty()).map(str::to_lowercase);
    if let Some(action) = &action
        && !ACTIONS.contains(&action.as_str())
    {
        let why = format!("there is no `{action}`; it can be {}", ACTIONS.join(", "));
        return Err(Error::invalid(field("action"), why));
    }
    let modulus = modulus.as_ref().map(|it| number(it, &field("modulus"))).transpose()?;
    if action.as_deref() == Some("hashmod") && modulus.is_none() {
        return Err(Error::invalid(field("modulus"), "`hashmod` needs a whole number greater than 0"));
    }
    let mut step = json!({});
    if !source_labels.is_empty() {
        step["sourceLabels"] = json!(source_labels);
    }
    for (name, text) in [
        ("separator", separator),
        ("targetLabel", target_label),
        ("regex", regex),
        ("replacement", replacement),
        ("action", &action),
    ] {
        if let Some(text) = text {
            step[name] = json!(text);
        }
    }
    if let Some(modulus) = modulus {
        step["modulus"] = json!(modulus);
    }
    Ok(monitors::whole(step))
}

fn number(modulus: &Modulus, field: &str) -> Result<u64, Error> {
    let number = match modulus {
        Modulus::Number(number) => Some(*number),
        Modulus::Text(text) => text.trim().parse().ok(),
    };
    number.filter(|it| *it > 0).ok_or_else(|| {
        let stated = match modulus {
            Modulus::Number(number) => number.to_string(),
            Modulus::Text(text) => text.clone(),
        };
        Error::invalid(field, format!("`{stated}` is no whole number greater than 0"))
    })
}
