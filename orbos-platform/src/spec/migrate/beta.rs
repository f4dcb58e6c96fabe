//! `v1beta1` and `v1beta2`: they differ in the names of sections, and both from `v1` inside of them.

use orbos_state::{FieldPath, Mistake};
use serde_json::{Map, Value, json};

use super::{RENAMED, sealed};

type Fields = Map<String, Value>;

/// What sections are called that differ from those of `v1` in more than their names.
pub(super) struct Names {
    monitoring: &'static str,
    reconciling: &'static str,
    log_collection: &'static str,
    /// Whether sections have names of their own at all.
    renamed: bool,
}

impl Names {
    pub(super) const OF_BETA1: Self = Self {
        monitoring: "grafana",
        reconciling: "argocd",
        log_collection: "logging-operator",
        renamed: true,
    };
    pub(super) const OF_BETA2: Self = Self {
        monitoring: "monitoring",
        reconciling: "reconciling",
        log_collection: "logCollection",
        renamed: false,
    };
}

pub(super) fn migrate(spec: &mut Fields, names: &Names) -> Result<(), Mistake> {
    let at = &FieldPath::root().join("spec");
    version(spec, at)?;
    spec.iter_mut().try_for_each(|(key, it)| tolerations(it, &at.join(key.as_str())))?;
    if let Some(it) = section(spec, names.monitoring) {
        admin(it, &at.join(names.monitoring))?;
    }
    if let Some(it) = section(spec, names.log_collection) {
        logs(it, &at.join(names.log_collection))?;
    }
    pull_secret(spec, names.reconciling, at)?;
    if names.renamed { sections(spec, at) } else { Ok(()) }
}

fn section<'a>(fields: &'a mut Fields, key: &str) -> Option<&'a mut Fields> {
    fields.get_mut(key)?.as_object_mut()
}

/// Gives a value its place in a section, which is made if it is not there.
fn place(
    fields: &mut Fields,
    (into, key): (&str, &str),
    value: Value,
    from: &FieldPath,
) -> Result<(), Mistake> {
    let target = fields.entry(into).or_insert(Value::Null);
    if target.is_null() {
        *target = json!({});
    }
    let Some(target) = target.as_object_mut() else {
        return Err(Mistake::at(from.clone(), format!("its place is in `{into}` now, which is no mapping")));
    };
    if target.get(key).is_some_and(|it| !it.is_null()) {
        return Err(both(from, &format!("{into}.{key}")));
    }
    target.insert(key.to_owned(), value);
    Ok(())
}

fn both(from: &FieldPath, to: &str) -> Mistake {
    let message = format!("`{to}` is written too, which this field is called now");
    Mistake::at(from.clone(), message).hint("remove one of them")
}

/// `boomVersion` of both.
fn version(spec: &mut Fields, at: &FieldPath) -> Result<(), Mistake> {
    match spec.shift_remove("boomVersion") {
        None | Some(Value::Null) => Ok(()),
        Some(version) => place(spec, ("boom", "version"), version, &at.join("boomVersion")),
    }
}

/// The original read tolerations with keys in lower case.
fn tolerations(value: &mut Value, at: &FieldPath) -> Result<(), Mistake> {
    match value {
        Value::Object(fields) => {
            if let Some(seconds) = fields.shift_remove("tolerationseconds") {
                if fields.contains_key("tolerationSeconds") {
                    return Err(both(&at.join("tolerationseconds"), "tolerationSeconds"));
                }
                fields.insert("tolerationSeconds".to_owned(), seconds);
            }
            fields.iter_mut().try_for_each(|(key, it)| tolerations(it, &at.join(key.as_str())))
        }
        Value::Array(items) => {
            items.iter_mut().enumerate().try_for_each(|(index, it)| tolerations(it, &at.join(index)))
        }
        _ => Ok(()),
    }
}

/// One Secret with two keys became two references.
fn admin(monitoring: &mut Fields, at: &FieldPath) -> Result<(), Mistake> {
    let Some(admin) = section(monitoring, "admin") else { return Ok(()) };
    let at = &at.join("admin").join("existingSecret");
    let mut secret = match admin.shift_remove("existingSecret") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Object(secret)) => secret,
        Some(_) => {
            return Err(Mistake::at(at.clone(), "expected a mapping with `name`, `idKey` and `secretKey`"));
        }
    };
    let (name, internal) = (secret.shift_remove("name"), secret.shift_remove("internalName"));
    for (old, new) in [("idKey", "existingUsername"), ("secretKey", "existingPassword")] {
        let Some(key) = secret.shift_remove(old) else { continue };
        if admin.get(new).is_some_and(|it| !it.is_null()) {
            return Err(both(at, new));
        }
        let mut reference = Fields::new();
        reference.extend(name.clone().map(|it| ("name".to_owned(), it)));
        reference.insert("key".to_owned(), key);
        reference.extend(internal.clone().map(|it| ("internalName".to_owned(), it)));
        admin.insert(new.to_owned(), reference.into());
    }
    match secret.keys().next() {
        Some(key) => {
            let message = format!("unknown field `{key}`");
            Err(Mistake::at(at.join(key.as_str()), message)
                .hint("there are `name`, `idKey`, `secretKey` and `internalName`"))
        }
        None => Ok(()),
    }
}

/// What was said about all of it is said about its parts.
fn logs(logs: &mut Fields, at: &FieldPath) -> Result<(), Mistake> {
    let moves = [
        ("fluentdStorage", ("fluentd", "pvc")),
        ("nodeSelector", ("operator", "nodeSelector")),
        ("tolerations", ("operator", "tolerations")),
        ("resources", ("operator", "resources")),
    ];
    for (old, new) in moves {
        match logs.shift_remove(old) {
            None | Some(Value::Null) => {}
            Some(value) => place(logs, new, value, &at.join(old))?,
        }
    }
    Ok(())
}

/// A Secret that opens one registry is one of those that open all.
fn pull_secret(spec: &mut Fields, reconciling: &str, at: &FieldPath) -> Result<(), Mistake> {
    let image = section(spec, reconciling).and_then(|it| section(it, "customImage"));
    let Some(secret) = image.and_then(|it| it.shift_remove("imagePullSecret")) else { return Ok(()) };
    if secret.is_null() || secret == json!("") {
        return Ok(());
    }
    let from = at.join(reconciling).join("customImage").join("imagePullSecret");
    place(spec, ("images", "pullSecrets"), json!([secret]), &from)
}

/// The names of today.
fn sections(spec: &mut Fields, at: &FieldPath) -> Result<(), Mistake> {
    let names = RENAMED.iter().filter_map(|(from, to)| {
        let (from, to) = (from.strip_prefix("spec.")?, to.strip_prefix("spec.")?);
        (!from.contains('.') && !to.contains('.')).then_some((from, to))
    });
    for (from, to) in names {
        let Some(section) = spec.shift_remove(from) else { continue };
        if spec.contains_key(to) {
            return Err(both(&at.join(from), to));
        }
        sealed::stay(&section, &at.join(from))?;
        spec.insert(to.to_owned(), section);
    }
    Ok(())
}
