//! Carries out one change: server-side apply, or deleting.

use std::time::Duration;

use orbos_state::{Error, Result};
use serde_json::{Value, json};

use super::{
    Cluster, GroupKind, Inventory, ObjectChange, ObjectRef, Served,
    cluster::{Watched, address, collection},
    compare::{compare, new_body},
    health::{established, has_bad_names},
    observe::Observed,
    resolve::Resolved,
};

/// How long the API server may take to serve a new kind, and an object to go away.
const ESTABLISHED: Duration = Duration::from_secs(30);
const GONE: Duration = Duration::from_secs(60);

impl Cluster {
    pub(crate) async fn change(&self, observed: &Observed, change: &ObjectChange) -> Result<()> {
        let changed = self.carry_out(observed, change).await;
        // What was known of them is old now, also if nobody knows whether it was changed.
        self.unfollow(&change.object().group_kind());
        changed
    }

    async fn carry_out(&self, observed: &Observed, change: &ObjectChange) -> Result<()> {
        match change {
            ObjectChange::Create { object } => self.create(observed, object).await,
            ObjectChange::Patch { object, .. } => self.repair(observed, object).await,
            ObjectChange::Recreate { object, .. } => {
                self.remove(observed, object, orphans(object)).await?;
                self.create(observed, object).await
            }
            ObjectChange::Delete { object } => self.remove(observed, object, "Background").await,
            ObjectChange::Inventory { object, kinds, namespaces } => {
                let owner = &observed.options.owner;
                let kinds = kinds.iter().map(|it| GroupKind::parse(it)).collect();
                let namespaces = namespaces.iter().cloned().collect();
                let inventory = Inventory { kinds, namespaces, tooling: owner.tooling.clone() };
                let served = Served { version: "v1".into(), plural: "configmaps".into(), namespaced: true };
                let body = owner.parent(&inventory);
                let answer = self.patch(&address(object, &served), &owner.manager, true, &body).await;
                answer.map(drop).map_err(|it| it.into_error(format!("applying {object}"), Some(object)))
            }
        }
    }

    async fn create(&self, observed: &Observed, object: &ObjectRef) -> Result<()> {
        match observed.wanted.get(object) {
            Some(wanted) => {
                let wanted = wanted.resolved(&observed.options.owner);
                self.apply_body(observed, &wanted, &new_body(&wanted), false).await
            }
            None => self.create_home(observed, object).await,
        }
    }

    /// The namespace of the inventory, if nobody else says how it should be.
    async fn create_home(&self, observed: &Observed, object: &ObjectRef) -> Result<()> {
        if *object != ObjectRef::of_namespace(&observed.options.owner.namespace) {
            return Err(Error::conflict(object.to_string()));
        }
        let served = Served { version: "v1".into(), plural: "namespaces".into(), namespaced: false };
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": object.name}});
        let manager = &observed.options.owner.manager;
        let answer = self.patch(&address(object, &served), manager, false, &body).await;
        answer.map(drop).map_err(|it| it.into_error(format!("applying {object}"), None))
    }

    async fn repair(&self, observed: &Observed, object: &ObjectRef) -> Result<()> {
        let (Some(wanted), Some(live)) = (observed.wanted.get(object), observed.live.objects.get(object))
        else {
            return Err(Error::conflict(object.to_string()));
        };
        let wanted = wanted.resolved(&observed.options.owner);
        let comparison = compare(&wanted, live, &observed.options);
        let force = comparison.takes() || observed.options.takes(object);
        self.apply_body(observed, &wanted, &comparison.body(&wanted), force).await
    }

    async fn apply_body(
        &self,
        observed: &Observed,
        wanted: &Resolved,
        body: &Value,
        force: bool,
    ) -> Result<()> {
        let object = &wanted.object;
        let manager = &observed.options.owner.manager;
        let answer = self.patch(&address(object, &wanted.served), manager, force, body).await;
        let there = answer.map_err(|it| it.into_error(format!("applying {object}"), Some(object)))?;
        if object.is_crd() {
            self.establish(wanted, &there).await?;
        }
        kept(wanted, &there, observed)
    }

    /// Waits until the API server serves a kind.
    async fn establish(&self, wanted: &Resolved, there: &Value) -> Result<()> {
        let object = &wanted.object;
        // What was learned of its group is old now.
        self.forget_group(wanted.value["spec"]["group"].as_str().unwrap_or_default());
        if established(there).is_ok() {
            return Ok(());
        }
        // Names that are taken stay so for a while.
        let done = |it: Option<&Value>| it.is_none_or(|it| established(it).is_ok() || has_bad_names(it));
        let place = collection(&object.group, &wanted.served, None);
        let since = there["metadata"]["resourceVersion"].as_str();
        let seen = self.watch(&place, &object.name, since, ESTABLISHED, done).await;
        let there = match seen.map_err(|it| it.into_error(format!("waiting for {object}"), None))? {
            Watched::Became(there) => there,
            Watched::Not => self.get_object(object, &wanted.served).await?.ok().flatten(),
        };
        let gone = || Err("it is gone".to_owned());
        let why = |why| Error::failed(format!("waiting for {object}"), why);
        there.map_or_else(gone, |it| established(&it)).map_err(why)
    }

    /// Deletes an object and waits until it is gone.
    async fn remove(&self, observed: &Observed, object: &ObjectRef, policy: &str) -> Result<()> {
        let Some(live) = observed.live.objects.get(object) else {
            return Err(Error::conflict(object.to_string()));
        };
        let apis = observed.live.apis.versions(&object.group_kind());
        let version = live["apiVersion"].as_str().unwrap_or_default();
        let served = apis.iter().find(|it| version.ends_with(&it.version)).or(apis.first());
        let Some(served) = served else { return Ok(()) };
        // Only the object that the plan was made for.
        let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy,
            "preconditions": {"uid": live["metadata"]["uid"]}});
        let answer = match self.delete(&address(object, served), &options).await {
            Ok(answer) => answer,
            Err(refused) if refused.code() == 404 => return Ok(()),
            Err(refused) => return Err(refused.into_error(format!("deleting {object}"), Some(object))),
        };
        if answer["kind"] == "Status" {
            return Ok(());
        }
        let place = collection(&object.group, served, object.namespace.as_deref());
        let uid = live["metadata"]["uid"].clone();
        let gone = |it: Option<&Value>| it.is_none_or(|it| it["metadata"]["uid"] != uid);
        let since = answer["metadata"]["resourceVersion"].as_str();
        match self.watch(&place, &object.name, since, GONE, gone).await {
            Ok(Watched::Became(_)) => Ok(()),
            Ok(Watched::Not) => Err(Error::failed(format!("deleting {object}"), still_there(&answer))),
            Err(refused) => Err(refused.into_error(format!("waiting until {object} is gone"), Some(object))),
        }
    }
}

/// What belongs to a StatefulSet, its pods, is taken over by the new one.
fn orphans(object: &ObjectRef) -> &'static str {
    if object.is("apps", "StatefulSet") { "Orphan" } else { "Background" }
}

fn still_there(object: &Value) -> String {
    let names = object["metadata"]["finalizers"].as_array().into_iter().flatten();
    let names: Vec<_> = names.filter_map(Value::as_str).collect();
    let why = if names.is_empty() { String::new() } else { format!(", waiting for {}", names.join(", ")) };
    format!("it is still there after {} s{why}", GONE.as_secs())
}

/// Whether the API server kept what was applied; otherwise every round would apply it again.
fn kept(wanted: &Resolved, there: &Value, observed: &Observed) -> Result<()> {
    let comparison = compare(wanted, there, &observed.options);
    let lost: Vec<_> = comparison.fields.iter().map(ToString::to_string).collect();
    match lost.is_empty() {
        true => Ok(()),
        false => {
            let why = format!("the API server did not keep what was applied: {}", lost.join("; "));
            Err(Error::invalid(wanted.object.to_string(), why))
        }
    }
}
