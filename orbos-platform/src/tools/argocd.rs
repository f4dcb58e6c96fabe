//! Argo CD: applications as they stand in Git.

mod access;
mod backends;
mod config;
mod plugin;
mod repositories;
mod servers;
mod sso;

use orbos_k8s::objects::Manifest;
use orbos_secrets::{Existing, Sealed};
use orbos_state::Mistake;
use serde_json::{Value, json};

use self::{plugin::Plugin, sso::SignIn};
use crate::{
    Declared, Error, Exposure, LogFormat, LogSource, MetricsEndpoint, PlatformTool, ToolContext, Wiring,
    crds::{CrdBundle, DefinedKind},
    parts::Parts,
    spec::{BoomSpec, Patch, Reconciling as Settings},
    versions::{ARGOCD, DEX, REDIS},
};

const APPLICATION: &str = "argocd";
/// Argo CD looks only at ConfigMaps and Secrets with this label; pods that write logs as Argo CD does have it too.
const PART_OF: &str = "app.kubernetes.io/part-of";
/// The user of Argo CD's image; Redis runs as the same one.
const USER: u32 = 999;
const METRICS_NAME: &str = "metrics";

static DEFINITIONS: CrdBundle = CrdBundle {
    name: "argocd",
    version: ARGOCD.tag,
    // The whole installation without a user interface; its definitions are not published by themselves.
    url: "https://raw.githubusercontent.com/argoproj/argo-cd/v3.5.1/manifests/core-install.yaml",
    sha256: None,
    kinds: &[
        kind("Application", "applications"),
        kind("ApplicationSet", "applicationsets"),
        kind("AppProject", "appprojects"),
    ],
};

const fn kind(kind: &'static str, plural: &'static str) -> DefinedKind {
    DefinedKind { group: "argoproj.io", kind, plural, version: "v1alpha1", namespaced: true }
}

#[derive(Debug)]
struct ArgoCd(Settings);

pub(super) fn tool(spec: &BoomSpec) -> Option<Box<dyn PlatformTool>> {
    let settings = spec.reconciling.clone().filter(|it| it.tool.deploy)?;
    Some(Box::new(ArgoCd(settings)))
}

/// One of the parts that Argo CD consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Component {
    Controller,
    ApplicationSets,
    Server,
    RepoServer,
    Redis,
    Dex,
}

impl Component {
    /// Also the name in labels: the command line of Argo CD finds pods by it.
    const fn name(self) -> &'static str {
        match self {
            Self::Controller => "argocd-application-controller",
            Self::ApplicationSets => "argocd-applicationset-controller",
            Self::Server => "argocd-server",
            Self::RepoServer => "argocd-repo-server",
            Self::Redis => "argocd-redis",
            Self::Dex => "argocd-dex-server",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Controller => "application-controller",
            Self::ApplicationSets => "applicationset-controller",
            Self::Server => "server",
            Self::RepoServer => "repo-server",
            Self::Redis => "redis",
            Self::Dex => "dex-server",
        }
    }

    /// This component's pods, for a NetworkPolicy.
    fn pods(self) -> Value {
        json!({ "podSelector": { "matchLabels": {
            "app.kubernetes.io/name": self.name(),
            "app.kubernetes.io/component": self.label(),
        } } })
    }
}

/// All pods of the namespace, for a NetworkPolicy.
fn neighbours() -> Value {
    json!({ "podSelector": {} })
}

/// What all of Argo CD's own objects have alike.
struct Argo<'a> {
    settings: &'a Settings,
    context: &'a ToolContext,
    sign_in: SignIn,
    plugin: Option<Plugin>,
    /// Changes with what pods read only when they start.
    fingerprint: String,
}

impl<'a> Argo<'a> {
    fn parts(&self, component: Component) -> Parts<'a> {
        let version = match component {
            Component::Redis => REDIS.tag,
            Component::Dex => DEX.tag,
            _ => version(self.settings),
        };
        Parts::new(component.name(), version, self.context)
    }

    fn image(&self) -> String {
        self.context.images.overwritten(&ARGOCD, &self.settings.tool)
    }
}

fn version(settings: &Settings) -> &str {
    settings.tool.overwrite_version.as_deref().unwrap_or(ARGOCD.tag)
}

fn domain(settings: &Settings) -> Option<&str> {
    settings.network.as_ref().map(|it| it.domain.trim()).filter(|it| !it.is_empty())
}

/// A secret's text: Argo CD reads only Secrets with its labels, so what is in others has to be copied.
fn text(
    context: &ToolContext,
    field: &str,
    sealed: Option<&Sealed>,
    existing: Option<&Existing>,
) -> Result<Option<String>, Error> {
    let Some(supply) = context.supply(field, sealed, existing)? else { return Ok(None) };
    let secret = context.secrets.value(field, &supply)?;
    let no_text = |_| Error::Secret { field: field.to_owned(), why: "it is no text".to_owned() };
    Ok(Some(secret.expose_text().map_err(no_text)?.to_owned()))
}

/// A text that can be part of an object's name.
fn part_of_a_name(field: &str, text: &str) -> Result<(), Error> {
    let letter = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    let number = text.parse::<usize>().is_ok();
    if text.is_empty()
        || text.len() > 63
        || number
        || !text.bytes().all(letter)
        || text.starts_with('-')
        || text.ends_with('-')
    {
        let why = "it has to have 1 to 63 of a-z, 0-9 and -, no - at its ends, and not only digits";
        return Err(Error::invalid(field, why));
    }
    Ok(())
}

impl PlatformTool for ArgoCd {
    fn name(&self) -> &'static str {
        "reconciling"
    }

    fn application(&self) -> &'static str {
        APPLICATION
    }

    fn patches(&self) -> &[Patch] {
        &self.0.tool.patches
    }

    fn warnings(&self) -> Vec<Mistake> {
        sso::warnings(&self.0)
    }

    fn references(&self) -> Vec<Existing> {
        sso::references(&self.0).chain(repositories::references(&self.0)).cloned().collect()
    }

    fn declare(&self, context: &ToolContext) -> Declared {
        use Component::{ApplicationSets, Controller, RepoServer, Server};
        let selected = |it: Component| Parts::new(it.name(), version(&self.0), context).selected(it.label());
        let logs = |name: &str, selector, format| LogSource {
            name: name.to_owned(),
            switch: APPLICATION,
            namespace: context.namespace.clone(),
            selector,
            format,
        };
        let metrics = [Controller, Server, RepoServer, ApplicationSets].map(|it| MetricsEndpoint {
            name: it.name().to_owned(),
            switch: APPLICATION,
            namespace: context.namespace.clone(),
            selector: selected(it),
            port: METRICS_NAME.to_owned(),
            // The namespace is an application's, not the controller's.
            honor_labels: true,
            ..MetricsEndpoint::default()
        });
        // It speaks TLS with a certificate of its own making, also to whoever is in the cluster.
        let network = self.0.network.as_ref();
        let exposure = network.and_then(|it| {
            Exposure::of(APPLICATION, it, &context.namespace, Component::Server.name(), 443, true)
        });
        Declared {
            metrics: metrics.into(),
            logs: vec![
                logs("flow-argocd", [(PART_OF.to_owned(), APPLICATION.to_owned())].into(), LogFormat::Logfmt),
                logs("flow-argocd-redis", selected(Component::Redis), LogFormat::Plain),
            ],
            exposures: exposure.into_iter().collect(),
            definitions: vec![&DEFINITIONS],
            ..Declared::default()
        }
    }

    fn goal(&self, context: &ToolContext, _: &Wiring) -> Result<Vec<Manifest>, Error> {
        let settings = &self.0;
        let argo = Argo {
            settings,
            context,
            sign_in: SignIn::new(settings, context)?,
            plugin: Plugin::new(settings, context)?,
            fingerprint: config::fingerprint(),
        };
        let mut parts = Parts::new(APPLICATION, version(settings), context);
        config::objects(&argo, &mut parts)?;
        repositories::objects(settings, &mut parts)?;
        let mut all = parts.finish(self.name())?;
        let mut add = |parts: Parts<'_>| parts.finish(self.name()).map(|it| all.extend(it));
        add(argo.controller())?;
        add(argo.application_sets())?;
        add(argo.server())?;
        add(argo.repo_server())?;
        add(argo.redis())?;
        if !argo.sign_in.connectors.is_empty() {
            add(argo.dex())?;
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests;
