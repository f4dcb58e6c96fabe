//! What several tools have alike.

use std::collections::BTreeMap;

use orbos_state::FieldPath;

use super::{Wrong, amount::amount, words};
use crate::spec::{Network, Patch, Quantity, Resources, Storage, Toleration, ToolSettings};

/// What every tool has.
pub(super) fn tool(it: &ToolSettings, at: &FieldPath, wrong: &mut Wrong) {
    let ToolSettings {
        deploy: _,
        overwrite_image,
        overwrite_version,
        node_selector: _,
        tolerations: tolerated,
        resources: needs,
        patches: changes,
    } = it;
    image(overwrite_image.as_deref(), overwrite_version.as_deref(), at, wrong);
    tolerations(tolerated, at, wrong);
    resources(needs.as_ref(), at, wrong);
    patches(changes, at, wrong);
}

/// An image and its tag instead of the tool's own.
pub(super) fn image(repository: Option<&str>, tag: Option<&str>, at: &FieldPath, wrong: &mut Wrong) {
    if let Some(what) = repository.and_then(words::not_of_a_repository) {
        let hint =
            "it is an image like `registry.example.com/tools/grafana`; its tag goes to `overwriteVersion`";
        wrong.add(at.join("overwriteImage"), format!("the image has {what}"), hint);
    }
    if tag.is_some_and(|it| it.contains(|it: char| it.is_whitespace() || "/:@".contains(it))) {
        wrong.add(at.join("overwriteVersion"), "the version cannot be a tag", "it is a tag like `v1.2.3`");
    }
}

/// Taints that are tolerated.
pub(super) fn tolerations(all: &[Toleration], at: &FieldPath, wrong: &mut Wrong) {
    for (index, it) in all.iter().enumerate() {
        let at = at.join("tolerations").join(index);
        let Toleration { key, operator, value, effect, toleration_seconds } = it;
        let given = |it: &Option<String>| it.as_deref().is_some_and(|it| !it.is_empty());
        wrong.one_of(at.join("operator"), operator.as_deref(), &["Equal", "Exists"]);
        wrong.one_of(at.join("effect"), effect.as_deref(), &["NoSchedule", "PreferNoSchedule", "NoExecute"]);
        let exists = operator.as_deref() == Some("Exists");
        if exists && given(value) {
            wrong.add(
                at.join("value"),
                "`Exists` tolerates every value",
                "remove `value`, or use `operator: Equal`",
            );
        }
        if !given(key) && !exists {
            wrong.add(
                at.clone(),
                "the toleration has no `key`",
                "add the taint's key, or `operator: Exists` for every taint",
            );
        }
        if toleration_seconds.is_some() && effect.as_deref() != Some("NoExecute") {
            let hint = "seconds count with `effect: NoExecute` only";
            wrong.add(at.join("tolerationSeconds"), "nothing is done after these seconds", hint);
        }
    }
}

/// What a container asks for and may use.
pub(super) fn resources(it: Option<&Resources>, at: &FieldPath, wrong: &mut Wrong) {
    let Some(Resources { limits, requests }) = it else { return };
    let at = at.join("resources");
    for (key, amounts) in [("limits", limits), ("requests", requests)] {
        for (name, quantity) in amounts {
            let here = at.join(key).join(name.as_str());
            let known = ["cpu", "memory", "ephemeral-storage"].contains(&name.as_str());
            if !known && !name.starts_with("hugepages-") && !name.contains('/') {
                let hint =
                    "there are `cpu`, `memory`, `ephemeral-storage`, and others with a `/` in their name";
                wrong.add(here.clone(), format!("there is no resource `{name}`"), hint);
            }
            if how_much(quantity).is_none() {
                let message = format!("`{}` is no amount", shown(quantity));
                wrong.add(
                    here,
                    message,
                    "it is a number with a unit, like `500m` for half a processor or `128Mi`",
                );
            }
        }
    }
    let most = |name: &str| how_much(limits.get(name)?);
    let above = requests
        .iter()
        .filter(|(name, it)| how_much(it).zip(most(name)).is_some_and(|(asked, most)| asked > most));
    for (name, _) in above {
        let message = format!("more of `{name}` is asked for than may be used");
        wrong.add(at.join("requests").join(name.as_str()), message, "it can be at most what `limits` says");
    }
}

fn how_much(it: &Quantity) -> Option<f64> {
    amount(&shown(it))
}

fn shown(it: &Quantity) -> String {
    match it {
        Quantity::Number(it) => it.to_string(),
        Quantity::Text(it) => it.clone(),
    }
}

/// Changes to objects.
pub(super) fn patches(all: &[Patch], at: &FieldPath, wrong: &mut Wrong) {
    for (index, Patch { target, merge, json }) in all.iter().enumerate() {
        let at = at.join("patches").join(index);
        if *target == crate::spec::PatchTarget::default() {
            let hint = "say which objects, like `target: {kind: Deployment}`; `name: \"*\"` stands for all";
            wrong.add(at.join("target"), "the patch has no target", hint);
        }
        match (merge, json) {
            (None, None) => wrong.add(at, "the patch changes nothing", "add `merge` or `json`"),
            (Some(_), Some(_)) => {
                wrong.add(
                    at,
                    "the patch has `merge` and `json`",
                    "use one of them, and another patch for the other",
                );
            }
            _ => {}
        }
    }
}

/// A volume.
pub(super) fn storage(it: Option<&Storage>, at: FieldPath, wrong: &mut Wrong) {
    let Some(Storage { storage_class: _, access_modes, size }) = it else { return };
    if let Some(size) = size.as_deref().filter(|it| !it.is_empty() && amount(it).is_none_or(|it| it <= 0.0)) {
        wrong.add(at.join("size"), format!("`{size}` is no size"), "it is a number with a unit, like `50Gi`");
    }
    for (index, mode) in access_modes.iter().enumerate() {
        let known = ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"];
        wrong.one_of(at.join("accessModes").join(index), Some(mode), &known);
    }
}

/// How a tool is reached from outside.
pub(super) fn network(it: Option<&Network>, at: FieldPath, wrong: &mut Wrong) {
    let Some(Network { domain, email, acme_authority }) = it else { return };
    let given = |it: &Option<String>| it.as_deref().is_some_and(|it| !it.is_empty());
    if domain.is_empty() && (given(email) || given(acme_authority)) {
        wrong.add(at.join("domain"), "the domain is missing", "add one, like `grafana.example.com`");
    }
    if !domain.is_empty() && !words::is_host(domain) {
        let message = format!("`{domain}` is no name of a host");
        wrong.add(
            at.join("domain"),
            message,
            "it is a name like `grafana.example.com`, without scheme, port and path",
        );
    }
    if let Some(email) = email.as_deref().filter(|it| !it.is_empty() && !it.contains('@')) {
        wrong.add(
            at.join("email"),
            format!("`{email}` is no e-mail address"),
            "it is one like `admin@example.com`",
        );
    }
    let authority = acme_authority.as_deref().filter(|it| !it.is_empty() && *it != "none");
    if let Some(authority) = authority.filter(|it| !words::is_url(it, &["https"])) {
        let hint = "it is the address of a directory, like `https://acme-v02.api.letsencrypt.org/directory`, or `none`";
        wrong.add(at.join("acmeAuthority"), format!("`{authority}` is no https address"), hint);
    }
}

/// Signing in needs an address that people are sent back to.
pub(super) fn auth(deploy: bool, auth: bool, network: Option<&Network>, at: &FieldPath, wrong: &mut Wrong) {
    if deploy && auth && network.is_none_or(|it| it.domain.is_empty()) {
        let hint = "add `network.domain`: people are sent back there after they signed in";
        wrong.add(at.join("auth"), "nobody can sign in without a domain", hint);
    }
}

/// Labels of nodes cannot be wrong in themselves; labels of metrics can.
pub(super) fn metric_labels(labels: &BTreeMap<String, String>, at: &FieldPath, wrong: &mut Wrong) {
    for name in labels.keys() {
        let here = at.join(name.as_str());
        if name == "orb" {
            wrong.add(here, "the label `orb` is reserved", "it is the orb's name already; remove it");
        } else if !words::is_metric_label(name) {
            let message = format!("`{name}` cannot be a label");
            wrong.add(here, message, "it has letters, digits and `_`, and does not begin with a digit");
        }
    }
}
