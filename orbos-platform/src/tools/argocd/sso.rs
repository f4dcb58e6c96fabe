//! Who may sign in: through Dex, or with an OpenID Connect provider alone.

use std::collections::BTreeSet;

use orbos_secrets::Existing;
use orbos_state::Mistake;
use serde_json::{Map, Value, json};

use super::{domain, text};
use crate::{
    Error, ToolContext,
    parts::{SecretFiles, merge},
    spec::{
        ArgoAuth, GithubConnector, GitlabConnector, GoogleConfig, GoogleConnector, OAuthClient, OidcAuth,
        Reconciling,
    },
};

/// Has the ids and secrets; the configuration names its keys.
pub(super) const SECRET: &str = "argocd-sso";
/// Has Google's service account.
const ACCOUNT_SECRET: &str = "argocd-dex-google";
pub(super) const ACCOUNT_FILE: &str = "serviceAccount.json";
const ACCOUNT_PATH: &str = "/etc/dex/google/serviceAccount.json";
const FIELD: &str = "spec.reconciling.auth";

/// What is said about sign-in.
#[derive(Debug, Default)]
pub(super) struct SignIn {
    /// Dex asks these; none: there is no Dex.
    pub(super) connectors: Vec<Value>,
    /// Argo CD asks this one itself.
    pub(super) oidc: Option<Value>,
    /// What the configuration names.
    pub(super) secrets: Map<String, Value>,
    /// Google's service account, and where Dex looks for it.
    pub(super) account: Option<(SecretFiles, String)>,
}

/// Secrets that have to be read.
pub(super) fn references(settings: &Reconciling) -> impl Iterator<Item = &Existing> {
    let auth = settings.auth.as_ref();
    let clients = auth.into_iter().flat_map(|it| {
        let ArgoAuth { oidc, github, gitlab, google } = it;
        [
            oidc.as_ref().map(|it| &it.client),
            github.as_ref().map(|it| &it.config.client),
            gitlab.as_ref().map(|it| &it.config.client),
            google.as_ref().map(|it| &it.config.client),
        ]
    });
    let references = clients.flatten().flat_map(|it| [&it.existing_client_id, &it.existing_client_secret]);
    references.flatten().filter(|it| !it.name.is_empty())
}

/// Connectors beside an OpenID Connect provider: Argo CD asks the provider only.
pub(super) fn warnings(settings: &Reconciling) -> Vec<Mistake> {
    let Some(ArgoAuth { oidc: Some(_), github, gitlab, google }) = &settings.auth else { return Vec::new() };
    let there = [("github", github.is_some()), ("gitlab", gitlab.is_some()), ("google", google.is_some())];
    let unused = |name: &str| {
        Mistake::new(
            &format!("spec.reconciling.auth.{name}"),
            "it does nothing beside `oidc`, which Argo CD asks only",
        )
        .hint("remove one of them")
    };
    there.into_iter().filter(|it| it.1).map(|it| unused(it.0)).collect()
}

impl SignIn {
    pub(super) fn new(settings: &Reconciling, context: &ToolContext) -> Result<Self, Error> {
        let ArgoAuth { oidc, github, gitlab, google } = settings.auth.clone().unwrap_or_default();
        // It asks one of them only, see `warnings`.
        let dex = oidc.is_none() && (github.is_some() || gitlab.is_some() || google.is_some());
        if (oidc.is_some() || dex) && domain(settings).is_none() {
            let why = "people cannot be sent back from there without `spec.reconciling.network.domain`";
            return Err(Error::invalid(FIELD, why));
        }
        let mut asking = Asking { context, callback: callback(settings), sign_in: Self::default() };
        if let Some(it) = oidc {
            asking.oidc(&it)?;
        }
        if let Some(it) = github.filter(|_| dex) {
            asking.github(&it)?;
        }
        if let Some(it) = gitlab.filter(|_| dex) {
            asking.gitlab(&it)?;
        }
        if let Some(it) = google.filter(|_| dex) {
            asking.google(&it)?;
        }
        asking.sign_in.told_apart()?;
        Ok(asking.sign_in)
    }

    fn told_apart(&self) -> Result<(), Error> {
        let ids: BTreeSet<_> = self.connectors.iter().map(|it| it["id"].to_string()).collect();
        if ids.len() < self.connectors.len() {
            return Err(Error::invalid(FIELD, "two of them have the same `id`"));
        }
        Ok(())
    }
}

fn callback(settings: &Reconciling) -> String {
    format!("https://{}/api/dex/callback", domain(settings).unwrap_or_default())
}

struct Asking<'a> {
    context: &'a ToolContext,
    callback: String,
    sign_in: SignIn,
}

impl Asking<'_> {
    fn oidc(&mut self, settings: &OidcAuth) -> Result<(), Error> {
        let OidcAuth { name, issuer, client, requested_scopes, requested_id_token_claims } = settings;
        if issuer.trim().is_empty() {
            return Err(Error::invalid(format!("{FIELD}.oidc.issuer"), "it is missing, and has to be a URL"));
        }
        let name = Some(name.trim()).filter(|it| !it.is_empty()).unwrap_or("OpenID Connect");
        let mut oidc = json!({ "name": name, "issuer": issuer.trim() });
        merge(&mut oidc, self.client("oidc", "oidc", client)?);
        if !requested_scopes.is_empty() {
            oidc["requestedScopes"] = json!(requested_scopes);
        }
        if !requested_id_token_claims.is_empty() {
            oidc["requestedIDTokenClaims"] = json!(requested_id_token_claims);
        }
        self.sign_in.oidc = Some(oidc);
        Ok(())
    }

    fn github(&mut self, settings: &GithubConnector) -> Result<(), Error> {
        let it = &settings.config;
        let mut config = self.client("github", "github.config", &it.client)?;
        match it.team_name_field.as_deref() {
            None | Some("") => {}
            Some(field @ ("name" | "slug" | "both")) => config["teamNameField"] = json!(field),
            Some(other) => {
                let why = format!("it is `{other}`, but can be `name`, `slug` or `both`");
                return Err(Error::invalid(format!("{FIELD}.github.config.teamNameField"), why));
            }
        }
        some(&mut config, "orgs", &json!(it.orgs));
        config["loadAllGroups"] = json!(it.load_all_groups);
        config["useLoginAsID"] = json!(it.use_login_as_id);
        self.connector("github", [&settings.id, &settings.name, "GitHub"], config);
        Ok(())
    }

    fn gitlab(&mut self, settings: &GitlabConnector) -> Result<(), Error> {
        let it = &settings.config;
        let mut config = self.client("gitlab", "gitlab.config", &it.client)?;
        if let Some(url) = it.base_url.as_deref().filter(|it| !it.is_empty()) {
            config["baseURL"] = json!(url);
        }
        some(&mut config, "groups", &json!(it.groups));
        config["useLoginAsID"] = json!(it.use_login_as_id);
        self.connector("gitlab", [&settings.id, &settings.name, "GitLab"], config);
        Ok(())
    }

    fn google(&mut self, settings: &GoogleConnector) -> Result<(), Error> {
        let it = &settings.config;
        let mut config = self.client("google", "google.config", &it.client)?;
        some(&mut config, "hostedDomains", &json!(it.hosted_domains));
        some(&mut config, "groups", &json!(it.groups));
        if let Some((path, admin)) = self.account(it)? {
            config["serviceAccountFilePath"] = json!(path);
            config["domainToAdminEmail"] = json!({ "*": admin });
        }
        self.connector("google", [&settings.id, &settings.name, "Google"], config);
        Ok(())
    }

    /// Where the service account is, and on whose behalf it looks up groups.
    fn account(&mut self, settings: &GoogleConfig) -> Result<Option<(String, String)>, Error> {
        let place = |key: &str| format!("{FIELD}.google.config.{key}");
        let field = place("serviceAccountJSON");
        let (sealed, existing) =
            (settings.service_account_json.as_ref(), settings.existing_service_account_json.as_ref());
        let admin = settings.admin_email.as_deref().map(str::trim).filter(|it| !it.is_empty());
        let (supply, admin) = match (self.context.supply(&field, sealed, existing)?, admin) {
            (Some(supply), Some(admin)) => (supply, admin.to_owned()),
            (Some(_), None) => {
                let why = "it is missing; groups are looked up on behalf of an administrator";
                return Err(Error::invalid(place("adminEmail"), why));
            }
            (None, _) if settings.groups.is_empty() => return Ok(None),
            (None, _) => {
                let why = "groups are looked up with a service account: `serviceAccountJSON` is missing";
                return Err(Error::invalid(place("groups"), why));
            }
        };
        let path = settings.service_account_file_path.as_deref().map(str::trim);
        let path = path.filter(|it| !it.is_empty()).unwrap_or(ACCOUNT_PATH).to_owned();
        if !path.starts_with('/') || path.ends_with('/') || path.split('/').any(|it| it == "..") {
            return Err(Error::invalid(
                place("serviceAccountFilePath"),
                "it has to be the absolute path of a file",
            ));
        }
        let mut files = SecretFiles::new(ACCOUNT_SECRET);
        files.add(ACCOUNT_FILE, &field, supply)?;
        self.sign_in.account = Some((files, path.clone()));
        Ok(Some((path, admin)))
    }

    fn connector(&mut self, kind: &str, [id, name, default]: [&str; 3], mut config: Value) {
        config["redirectURI"] = json!(self.callback);
        let or = |text: &str, default: &str| if text.trim().is_empty() { default } else { text }.to_owned();
        let connector =
            json!({ "type": kind, "id": or(id, kind), "name": or(name, default), "config": config });
        self.sign_in.connectors.push(connector);
    }

    /// Who we are there, as references.
    fn client(&mut self, name: &str, place: &str, client: &OAuthClient) -> Result<Value, Error> {
        let OAuthClient { client_id, existing_client_id, client_secret, existing_client_secret } = client;
        let mut references = json!({});
        for (key, sealed, existing) in [
            ("clientID", client_id, existing_client_id),
            ("clientSecret", client_secret, existing_client_secret),
        ] {
            let field = format!("{FIELD}.{place}.{key}");
            let Some(text) = text(self.context, &field, sealed.as_ref(), existing.as_ref())? else {
                let why = "it is missing; `orbctl secrets set` writes it, or a Secret can be named instead";
                return Err(Error::Secret { field, why: why.to_owned() });
            };
            let kept = format!("{name}.{key}");
            references[key] = json!(format!("${SECRET}:{kept}"));
            self.sign_in.secrets.insert(kept, json!(text));
        }
        Ok(references)
    }
}

/// Sets a list, if something is in it.
fn some(config: &mut Value, key: &str, list: &Value) {
    if list.as_array().is_some_and(|it| !it.is_empty()) {
        config[key] = list.clone();
    }
}
