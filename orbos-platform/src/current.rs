//! The text of the current file: what was seen, how every tool does, the plan, what waits and why, failures.

use std::collections::BTreeMap;

use orbos_k8s::objects::{GroupKind, Health, ObjectRef};
use orbos_state::{Change as _, Ended, Error, Outcome, Round, Waiting};
use serde::Serialize;
use serde_json::Value;

use crate::{Platform, PlatformChange, PlatformObserved, render::APPLICATION, versions::VERSION_SET};

/// No times and no sizes: it only changes when its meaning does.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Current {
    api_version: &'static str,
    kind: &'static str,
    outcome: &'static str,
    version_set: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kubernetes: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tools: BTreeMap<&'static str, ToolState>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    plan: Vec<Line>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waiting: Vec<Waiting>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failures: Vec<Failure>,
    resources: Vec<Resource>,
}

/// How a tool does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ToolState {
    /// What its objects say it is.
    pub application: &'static str,
    /// `ready`, `waiting` or `failed`.
    pub state: &'static str,
    /// Why it is not ready, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Line {
    effect: String,
    change: String,
}

#[derive(Debug, Serialize)]
struct Failure {
    change: String,
    error: String,
}

/// An object, in the original's words.
#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Resource {
    group: String,
    version: String,
    resource: String,
    kind: String,
    name: String,
    namespace: String,
    labels: BTreeMap<String, String>,
}

impl PlatformObserved {
    /// How every tool does that should be there, by its name.
    pub fn tools(&self) -> BTreeMap<&'static str, ToolState> {
        let failed = &self.desired.rendering.failed;
        let failures = failed.iter().map(|(name, it)| {
            (
                *name,
                ToolState {
                    application: it.application,
                    state: "failed",
                    because: vec![it.error.to_string()],
                },
            )
        });
        let rendered = self.desired.rendering.applications.iter().map(|(name, application)| {
            let mine = self.health.iter().filter(|(object, _)| self.belongs(object, application));
            let ill: Vec<_> = mine.filter(|(_, health)| !health.is_ready()).map(|it| it.1).collect();
            let state = match () {
                () if ill.is_empty() => "ready",
                () if ill.iter().any(|it| matches!(it, Health::Failed(_))) => "failed",
                () => "waiting",
            };
            let because = ill.into_iter().map(|it| match it {
                Health::Ready => String::new(),
                Health::Waiting(why) | Health::Failed(why) => why.clone(),
            });
            (*name, ToolState { application, state, because: because.collect() })
        });
        rendered.chain(failures).collect()
    }

    fn belongs(&self, object: &ObjectRef, application: &str) -> bool {
        let manifest = self.desired.goal.manifests.get(object);
        manifest.is_some_and(|it| it.value()["metadata"]["labels"][APPLICATION] == application)
    }

    /// What says that it belongs to BOOM, in the original's order.
    fn resources(&self) -> Vec<Resource> {
        let live = &self.objects.live;
        let ours = live.objects.iter().filter(|(_, it)| it["metadata"]["labels"][APPLICATION].is_string());
        let mut resources: Vec<_> = ours
            .map(|(object, it)| {
                let served = live.apis.versions(&GroupKind::new(&object.group, &object.kind)).first();
                let labels = it["metadata"]["labels"].as_object().into_iter().flatten();
                let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
                Resource {
                    group: object.group.clone(),
                    version: served.map(|it| it.version.clone()).unwrap_or_default(),
                    resource: served.map(|it| it.plural.clone()).unwrap_or_default(),
                    kind: object.kind.clone(),
                    name: object.name.clone(),
                    namespace: object.namespace.clone().unwrap_or_default(),
                    labels: labels.map(|(key, it)| (key.clone(), text(it))).collect(),
                }
            })
            .collect();
        resources.sort();
        resources
    }
}

pub(crate) fn text(ended: &Ended<'_, Platform>) -> String {
    let mut current = Current {
        api_version: "boom.caos.ch/v1beta1",
        kind: "currentstate",
        version_set: VERSION_SET,
        ..Current::default()
    };
    match ended {
        Ended::Error(error) => {
            current.outcome = "failing";
            current.failures.push(Failure { change: "the round".to_owned(), error: error.chain() });
        }
        Ended::Round(round) => seen(&mut current, round),
    }
    orbos_state::render(&current).expect("plain values can be written")
}

fn seen(current: &mut Current, round: &Round<Platform>) {
    current.outcome = match Outcome::of(round) {
        Outcome::Settled => "settled",
        Outcome::Waiting => "waiting",
        Outcome::Moved => "moving",
        Outcome::Failed(_) => "failing",
    };
    current.kubernetes = Some(round.observed.facts.version.text.clone());
    current.tools = round.observed.tools();
    // Values may be those of a Secret's neighbour: a line says which object, not what.
    let headline = |it: &PlatformChange| it.to_string().lines().next().unwrap_or_default().to_owned();
    let line = |it: &PlatformChange| Line { effect: it.effect().to_string(), change: headline(it) };
    current.plan = round.plan.changes().map(line).collect();
    current.waiting = round.plan.waiting().to_vec();
    let failure = |(change, error): (&PlatformChange, &Error)| Failure {
        change: headline(change),
        error: error.chain(),
    };
    current.failures = round.failures().map(failure).collect();
    current.resources = round.observed.resources();
}
