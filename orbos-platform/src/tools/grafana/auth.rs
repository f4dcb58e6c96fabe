//! Who else may sign in.

use orbos_secrets::{Existing, Sealed};

use super::{SECRETS, ini::checked};
use crate::{
    Error, ToolContext,
    parts::SecretFiles,
    spec::{GenericOAuth, GithubAuth, GitlabAuth, GoogleAuth, Monitoring, MonitoringAuth, OAuthClient},
};

const FIELD: &str = "spec.monitoring.auth";

type Lines = Vec<(&'static str, String)>;

/// Sections of the configuration.
#[derive(Debug, Default)]
pub(super) struct SignIn {
    pub(super) sections: Vec<(&'static str, Lines)>,
}

impl SignIn {
    /// What is said about sign-in; ids and secrets become files.
    pub(super) fn new(
        settings: &Monitoring,
        domain: Option<&str>,
        context: &ToolContext,
        files: &mut SecretFiles,
    ) -> Result<Self, Error> {
        let mut sign_in = Self::default();
        let MonitoringAuth { google, github, gitlab, generic_oauth } =
            settings.auth.clone().unwrap_or_default();
        let mut clients = Clients { domain, context, files };
        if let Some(GoogleAuth { client, allowed_domains }) = google {
            let mut lines = clients.lines("google", &client)?;
            list(&mut lines, "google", "allowed_domains", "allowedDomains", &allowed_domains)?;
            sign_in.sections.push(("auth.google", lines));
        }
        if let Some(GithubAuth { client, allowed_organizations, team_ids }) = github {
            let mut lines = clients.lines("github", &client)?;
            list(
                &mut lines,
                "github",
                "allowed_organizations",
                "allowedOrganizations",
                &allowed_organizations,
            )?;
            list(&mut lines, "github", "team_ids", "teamIDs", &team_ids)?;
            sign_in.sections.push(("auth.github", lines));
        }
        if let Some(GitlabAuth { client, allowed_groups }) = gitlab {
            let mut lines = clients.lines("gitlab", &client)?;
            list(&mut lines, "gitlab", "allowed_groups", "allowedGroups", &allowed_groups)?;
            sign_in.sections.push(("auth.gitlab", lines));
        }
        if let Some(generic) = generic_oauth {
            let mut lines = clients.lines("genericOAuth", &generic.client)?;
            self::generic(&mut lines, &generic)?;
            sign_in.sections.push(("auth.generic_oauth", lines));
        }
        Ok(sign_in)
    }
}

fn generic(lines: &mut Lines, settings: &GenericOAuth) -> Result<(), Error> {
    let GenericOAuth { client: _, scopes, auth_url, token_url, api_url, allowed_domains } = settings;
    let name = "genericOAuth";
    let mut url = |key, field, url: &Option<String>, needed| {
        let field = format!("{FIELD}.{name}.{field}");
        match url.as_deref().map(str::trim).filter(|it| !it.is_empty()) {
            Some(url) => lines.push((key, checked(&field, url)?)),
            None if needed => return Err(Error::invalid(field, "it is missing, and has to be a URL")),
            None => {}
        }
        Ok(())
    };
    url("auth_url", "authURL", auth_url, true)?;
    url("token_url", "tokenURL", token_url, true)?;
    // Without it, what stands in the token says who somebody is.
    url("api_url", "apiURL", api_url, false)?;
    list(lines, name, "scopes", "scopes", scopes)?;
    list(lines, name, "allowed_domains", "allowedDomains", allowed_domains)
}

fn list(
    lines: &mut Lines,
    name: &str,
    key: &'static str,
    field: &str,
    texts: &[String],
) -> Result<(), Error> {
    let field = format!("{FIELD}.{name}.{field}");
    if texts.iter().any(|it| it.trim().is_empty() || it.contains([',', ' '])) {
        return Err(Error::invalid(field, "an entry is empty, or has a comma or a space in it"));
    }
    if !texts.is_empty() {
        lines.push((key, checked(&field, &texts.join(","))?));
    }
    Ok(())
}

struct Clients<'a> {
    domain: Option<&'a str>,
    context: &'a ToolContext,
    files: &'a mut SecretFiles,
}

impl Clients<'_> {
    /// What every section begins with.
    fn lines(&mut self, name: &str, client: &OAuthClient) -> Result<Lines, Error> {
        if self.domain.is_none() {
            let why = "people cannot be sent back from there without `spec.monitoring.network.domain`";
            return Err(Error::invalid(format!("{FIELD}.{name}"), why));
        }
        let OAuthClient { client_id, existing_client_id, client_secret, existing_client_secret } = client;
        let id = self.file(name, "clientID", client_id.as_ref(), existing_client_id.as_ref())?;
        let secret =
            self.file(name, "clientSecret", client_secret.as_ref(), existing_client_secret.as_ref())?;
        // Whoever has an account at a GitLab that is open to everybody would have one here.
        let sign_up = if name == "gitlab" { "false" } else { "true" };
        Ok(vec![
            ("enabled", "true".to_owned()),
            ("allow_sign_up", sign_up.to_owned()),
            ("client_id", id),
            ("client_secret", secret),
        ])
    }

    fn file(
        &mut self,
        name: &str,
        key: &str,
        sealed: Option<&Sealed>,
        existing: Option<&Existing>,
    ) -> Result<String, Error> {
        let field = format!("{FIELD}.{name}.{key}");
        let Some(supply) = self.context.supply(&field, sealed, existing)? else {
            let why = "it is missing; `orbctl secrets set` writes it, or a Secret can be named instead";
            return Err(Error::Secret { field, why: why.to_owned() });
        };
        let file = format!("{name}.{key}");
        self.files.add(&file, &field, supply)?;
        Ok(format!("$__file{{{SECRETS}/{file}}}"))
    }
}
