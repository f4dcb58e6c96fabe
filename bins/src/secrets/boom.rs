//! The names that the original gave to secrets of BOOM, beside where they stand in `boom.yml`.

/// Where they stand.
pub(super) const FILE: &str = "boom.yml";

/// Behind `boom.`, and below `spec`; `*` stands for the same name in both.
const NAMES: &[(&str, &str)] = &[
    ("apigateway.licencekey", "apiGateway.licenceKey"),
    ("monitoring.admin.username", "monitoring.admin.username"),
    ("monitoring.admin.password", "monitoring.admin.password"),
    ("monitoring.sso.oauth.clientid", "monitoring.auth.genericOAuth.clientID"),
    ("monitoring.sso.oauth.clientsecret", "monitoring.auth.genericOAuth.clientSecret"),
    ("monitoring.sso.*.clientid", "monitoring.auth.*.clientID"),
    ("monitoring.sso.*.clientsecret", "monitoring.auth.*.clientSecret"),
    ("reconciling.sso.oidc.clientid", "reconciling.auth.oidc.clientID"),
    ("reconciling.sso.oidc.clientsecret", "reconciling.auth.oidc.clientSecret"),
    ("reconciling.sso.*.clientid", "reconciling.auth.*.config.clientID"),
    ("reconciling.sso.*.clientsecret", "reconciling.auth.*.config.clientSecret"),
    ("reconciling.sso.*.serviceaccountjson", "reconciling.auth.*.config.serviceAccountJSON"),
    ("reconciling.credential.*.username", "reconciling.credentials.*.username"),
    ("reconciling.credential.*.password", "reconciling.credentials.*.password"),
    ("reconciling.credential.*.certificate", "reconciling.credentials.*.certificate"),
    ("reconciling.repository.*.username", "reconciling.repositories.*.username"),
    ("reconciling.repository.*.password", "reconciling.repositories.*.password"),
    ("reconciling.repository.*.certificate", "reconciling.repositories.*.certificate"),
    ("reconciling.gopass.*.ssh", "reconciling.customImage.gopassStores.*.sshKey"),
    ("reconciling.gopass.*.gpg", "reconciling.customImage.gopassStores.*.gpgKey"),
];

/// The path in the file of what the original named `boom.…`; absent if it is none of its names.
pub(super) fn path_of(name: &str) -> Option<String> {
    let name = name.strip_prefix("boom.")?;
    // Older versions had the names of programs.
    let older = [("grafana.", "monitoring."), ("argocd.", "reconciling.")];
    let older = older.iter().find_map(|(old, new)| Some(format!("{new}{}", name.strip_prefix(old)?)));
    let name = older.as_deref().unwrap_or(name);
    let path = NAMES.iter().find_map(|(original, path)| translate(name, original, path))?;
    Some(format!("spec.{path}"))
}

/// What the original named a path in the file; absent if it did not know it.
pub(super) fn name_of(path: &str) -> Option<String> {
    let path = path.strip_prefix("spec.")?;
    let name = NAMES.iter().find_map(|(original, known)| translate(path, known, original))?;
    Some(format!("boom.{name}"))
}

fn translate(text: &str, from: &str, to: &str) -> Option<String> {
    let (parts, pattern): (Vec<&str>, Vec<&str>) = (text.split('.').collect(), from.split('.').collect());
    let fits =
        parts.len() == pattern.len() && parts.iter().zip(&pattern).all(|(it, of)| *of == "*" || it == of);
    let named = parts.iter().zip(&pattern).find(|(_, of)| **of == "*").map_or("*", |(it, _)| it);
    fits.then(|| to.replace('*', named))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_to_a_path_and_back() {
        for (name, path) in NAMES {
            let (name, path) = (
                format!("boom.{}", name.replace('*', "google")),
                format!("spec.{}", path.replace('*', "google")),
            );
            assert_eq!(path_of(&name).as_deref(), Some(path.as_str()));
            assert_eq!(name_of(&path).as_deref(), Some(name.as_str()));
        }
        assert_eq!(path_of("boom.grafana.admin.password"), path_of("boom.monitoring.admin.password"));
        assert_eq!(path_of("boom.monitoring"), None);
        assert_eq!(name_of("spec.monitoring.auth.google"), None);
    }
}
