//! Where manifests come from, and how repositories are opened.

use std::collections::BTreeSet;

use orbos_secrets::Existing;
use serde_json::{Map, Value, json};

use super::{config, part_of_a_name, text};
use crate::{
    Error,
    parts::Parts,
    spec::{ArgoAccess, Reconciling},
};

/// Lists of the file, with the beginning of their Secrets' names and the label that tells Argo CD what they are.
const LISTS: [(&str, &str, &str); 2] =
    [("repositories", "argocd-repo", "repository"), ("credentials", "argocd-cred", "repo-creds")];

fn lists(settings: &Reconciling) -> [&[ArgoAccess]; 2] {
    [&settings.repositories, &settings.credentials]
}

/// Secrets that have to be read.
pub(super) fn references(settings: &Reconciling) -> impl Iterator<Item = &Existing> {
    let all = lists(settings).into_iter().flatten();
    all.flat_map(|it| {
        [&it.existing_username_secret, &it.existing_password_secret, &it.existing_certificate_secret]
    })
    .flatten()
    .filter(|it| !it.name.is_empty())
}

pub(super) fn objects(settings: &Reconciling, parts: &mut Parts<'_>) -> Result<(), Error> {
    for ((list, prefix, kind), all) in LISTS.into_iter().zip(lists(settings)) {
        let mut names = BTreeSet::new();
        for (position, it) in all.iter().enumerate() {
            let place = format!("spec.reconciling.{list}.{position}");
            part_of_a_name(&format!("{place}.name"), &it.name)?;
            if !names.insert(&it.name) {
                let why = format!("there is another one that is called `{}`", it.name);
                return Err(Error::invalid(format!("{place}.name"), why));
            }
            if it.url.trim().is_empty() {
                return Err(Error::invalid(format!("{place}.url"), "it is missing"));
            }
            let mut texts = opened(list, it, parts)?;
            texts.insert("url".to_owned(), json!(it.url.trim()));
            texts.insert("type".to_owned(), json!("git"));
            if kind == "repository" {
                texts.insert("name".to_owned(), json!(it.name));
            }
            let mut labels = Map::new();
            labels.insert("argocd.argoproj.io/secret-type".to_owned(), json!(kind));
            config::secret(parts, &format!("{prefix}-{}", it.name), &texts, &labels);
        }
    }
    Ok(())
}

/// What opens one; items of the file's lists are called by their names.
fn opened(list: &str, it: &ArgoAccess, parts: &Parts<'_>) -> Result<Map<String, Value>, Error> {
    let mut texts = Map::new();
    for (key, field, sealed, existing) in [
        ("username", "username", &it.username, &it.existing_username_secret),
        ("password", "password", &it.password, &it.existing_password_secret),
        ("sshPrivateKey", "certificate", &it.certificate, &it.existing_certificate_secret),
    ] {
        let field = format!("spec.reconciling.{list}.{}.{field}", it.name);
        if let Some(text) = text(parts.context(), &field, sealed.as_ref(), existing.as_ref())? {
            texts.insert(key.to_owned(), json!(text));
        }
    }
    Ok(texts)
}
