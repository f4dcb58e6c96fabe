//! Looks at a cluster: one list for each kind, and one question for each object that the lists do not have.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::{StreamExt, stream};
use orbos_state::{Error, Result};
use serde_json::Value;

use super::{
    Cluster, GroupKind, Inventory, Live, Manifests, ObjectRef, Options, Served,
    cluster::{Refused, address, collection, escaped},
    inventory::PART_OF,
    plan::{Wanted, candidates},
};

/// Requests at the same time.
pub(crate) const AT_ONCE: usize = 32;

/// Objects of a kind whose names are asked for, inside of what has to go and where many are missing. There, more are taken for
/// somebody else's; here, each is asked for.
const INSIDE: usize = 500;

impl Cluster {
    /// Looks at everything that matters to some objects; changes nothing.
    pub(crate) async fn look(&self, desired: &Manifests, options: &Options) -> Result<Live> {
        self.begin_look();
        let mut live = Live::default();
        self.look_at_inventory(&mut live, options).await?;
        if live.foreign.is_some() {
            return Ok(live);
        }
        let mut kinds: BTreeSet<_> = desired.iter().map(|it| it.object().group_kind()).collect();
        kinds.extend(live.inventory.iter().flat_map(|it| it.kinds.iter().cloned()));
        (live.apis, live.unseen) = self.discover(&kinds).await?;

        let wanted = Wanted::of(desired, &live, options);
        let listed = kinds.iter().filter_map(|kind| {
            let version = wanted.objects.values().find(|it| it.object.group_kind() == *kind);
            let known = live.apis.versions(kind);
            let served = version.and_then(|it| known.iter().find(|known| **known == it.served));
            Some((kind.clone(), served.or(known.first())?.clone()))
        });
        let listed: Vec<_> = listed.collect();
        self.list(listed, &mut live, options).await?;
        self.look_for_missing(&wanted, &mut live, options).await?;
        self.look_inside(candidates(desired, &live, options), &mut live, options).await?;
        Ok(live)
    }

    async fn look_at_inventory(&self, live: &mut Live, options: &Options) -> Result<()> {
        let parent = options.owner.inventory();
        match self.get_object(&parent, &core("configmaps")).await? {
            Ok(Some(object)) => match Inventory::read(&object, &options.owner) {
                Ok(inventory) => live.inventory = Some(inventory),
                Err(why) => live.foreign = Some(why),
            },
            Ok(None) => {
                let home = ObjectRef::of_namespace(&options.owner.namespace);
                match self.get_object(&home, &core("namespaces")).await? {
                    Ok(Some(object)) => drop(live.objects.insert(home, Arc::new(object))),
                    Ok(None) => {}
                    Err(refused) => return Err(refused.into_error(format!("reading {home}"), None)),
                }
            }
            Err(refused) => return Err(refused.into_error(format!("reading {parent}"), None)),
        }
        Ok(())
    }

    /// All objects with our label, of each kind with one request.
    async fn list(&self, kinds: Vec<(GroupKind, Served)>, live: &mut Live, options: &Options) -> Result<()> {
        let selector = escaped(&format!("{PART_OF}={}", options.owner.id()));
        let lists = stream::iter(kinds).map(|(kind, served)| {
            let path = format!("{}?labelSelector={selector}", collection(&kind.group, &served, None));
            async move {
                let items = self.items(&kind, &served, &path).await;
                (kind, items)
            }
        });
        let mut lists = std::pin::pin!(lists.buffer_unordered(AT_ONCE));
        while let Some((kind, list)) = lists.next().await {
            match list {
                Ok(items) => {
                    live.objects.extend(items.into_iter().map(|it| (named(&kind, &it), it)));
                }
                // It was there when we learned of it.
                Err(refused) if refused.code() == 404 => self.forget_group(&kind.group),
                Err(refused) => note(refused, &kind, live)?,
            }
        }
        Ok(())
    }

    /// Objects that should be ours and do not say so: they are not there, or are somebody else's.
    async fn look_for_missing(&self, wanted: &Wanted, live: &mut Live, options: &Options) -> Result<()> {
        let (namespaces, others): (Vec<_>, Vec<_>) =
            wanted.objects.values().partition(|it| it.object.is("", "Namespace"));
        for group in [namespaces, others] {
            let absent = |it: &ObjectRef| {
                let namespace = it.namespace.as_deref().map(ObjectRef::of_namespace);
                namespace.is_some_and(|it| {
                    let home = it.name == options.owner.namespace && live.inventory.is_none();
                    (wanted.objects.contains_key(&it) || home) && !live.objects.contains_key(&it)
                })
            };
            let missing = group.into_iter().filter(|it| {
                let served = live.apis.versions(&it.object.group_kind()).contains(&it.served);
                served && !live.objects.contains_key(&it.object) && !absent(&it.object)
            });
            let missing = missing.map(|it| (it.object.clone(), it.served.clone())).collect();
            let missing = self.without_absent(missing).await;
            let answers = stream::iter(missing)
                .map(|(object, served)| async move { (self.get_object(&object, &served).await, object) });
            let mut answers = std::pin::pin!(answers.buffer_unordered(AT_ONCE));
            while let Some((answer, object)) = answers.next().await {
                match answer? {
                    Ok(Some(there)) => {
                        live.objects.insert(object, Arc::new(there));
                    }
                    Ok(None) => {}
                    Err(refused) => note(refused, &object.group_kind(), live)?,
                }
            }
        }
        Ok(())
    }

    /// Takes out objects that are not there, as far as a list of names can say it: many that are missing are asked for with one
    /// request. What a list cannot say remains.
    async fn without_absent(&self, missing: Vec<(ObjectRef, Served)>) -> Vec<(ObjectRef, Served)> {
        let mut kinds: BTreeMap<GroupKind, Vec<(ObjectRef, Served)>> = BTreeMap::new();
        for it in missing {
            kinds.entry(it.0.group_kind()).or_default().push(it);
        }
        let lists = stream::iter(kinds).map(|(kind, mut missing)| async move {
            let [first, _, ..] = &missing[..] else { return missing };
            let path = format!("{}?limit={INSIDE}", collection(&kind.group, &first.1, None));
            if let Ok(list) = self.get_metadata(&path).await
                && list["metadata"]["continue"].as_str().is_none_or(str::is_empty)
                && list["kind"] == "PartialObjectMetadataList"
            {
                // None at all is `null`.
                let items = list["items"].as_array().into_iter().flatten();
                let there: BTreeSet<_> = items.map(|it| named(&kind, it)).collect();
                missing.retain(|it| there.contains(&it.0));
            }
            missing
        });
        lists.buffer_unordered(AT_ONCE).concat().await
    }

    /// What would go with objects that may have to go: the objects of a kind, and what is in a namespace.
    async fn look_inside(&self, gone: Vec<ObjectRef>, live: &mut Live, options: &Options) -> Result<()> {
        let leaving: BTreeSet<_> = gone.iter().cloned().collect();
        for object in gone.into_iter().filter(|it| !options.guard.allows(it)) {
            let mut inside = Vec::new();
            for (kind, served, namespace) in contents(&object, live) {
                let path = collection(&kind.group, &served, namespace.as_deref());
                match self.get_metadata(&format!("{path}?limit={INSIDE}")).await {
                    Ok(list) => {
                        for item in list["items"].as_array().into_iter().flatten().filter(|it| !made(it)) {
                            let it = named(&kind, item);
                            if !leaving.contains(&it) {
                                inside.push(it.to_string());
                            }
                        }
                        if list["metadata"]["continue"].as_str().is_some_and(|it| !it.is_empty()) {
                            inside.push(format!("what is behind the first {INSIDE} {}", served.plural));
                        }
                    }
                    Err(refused) if refused.code() == 404 => {}
                    // Not seen is not empty.
                    Err(refused) => inside.push(format!("every {} ({refused})", kind.kind)),
                }
            }
            live.holding.insert(object, inside);
        }
        Ok(())
    }

    /// An object; `None`: it is not there.
    pub(crate) async fn get_object(
        &self,
        object: &ObjectRef,
        served: &Served,
    ) -> Result<Result<Option<Value>, Refused>> {
        match self.get(&address(object, served)).await {
            Ok(there) => Ok(Ok(Some(there))),
            Err(refused) if refused.code() == 404 => Ok(Ok(None)),
            Err(refused) if refused.code() == 0 => Err(refused.into_error(format!("reading {object}"), None)),
            Err(refused) => Ok(Err(refused)),
        }
    }
}

/// A kind that cannot be looked at concerns that kind only; a server that does not answer concerns all.
fn note(refused: Refused, kind: &GroupKind, live: &mut Live) -> Result<()> {
    match refused.into_error(format!("looking at {kind}"), None) {
        error @ Error::Unreachable { .. } => Err(error),
        error => {
            live.unseen.insert(kind.clone(), error.to_string());
            Ok(())
        }
    }
}

pub(crate) fn core(plural: &str) -> Served {
    Served { version: "v1".to_owned(), plural: plural.to_owned(), namespaced: plural != "namespaces" }
}

fn named(kind: &GroupKind, item: &Value) -> ObjectRef {
    let text = |key: &str| item["metadata"][key].as_str();
    ObjectRef::new(kind, text("namespace"), text("name").unwrap_or_default())
}

/// Where to look for what is inside of an object.
fn contents(object: &ObjectRef, live: &Live) -> Vec<(GroupKind, Served, Option<String>)> {
    if object.is("", "Namespace") {
        let kinds = [
            ("", "Pod", "pods"),
            ("", "PersistentVolumeClaim", "persistentvolumeclaims"),
            ("", "Secret", "secrets"),
            ("", "ConfigMap", "configmaps"),
            ("", "Service", "services"),
            ("apps", "Deployment", "deployments"),
            ("apps", "StatefulSet", "statefulsets"),
            ("apps", "DaemonSet", "daemonsets"),
        ];
        let place = |(group, kind, plural): (&str, &str, &str)| {
            (GroupKind::new(group, kind), core(plural), Some(object.name.clone()))
        };
        return kinds.map(place).into();
    }
    let definition = live.objects.get(object).filter(|_| object.is_crd());
    let Some(definition) = definition else { return Vec::new() };
    let spec = &definition["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let versions = spec["versions"].as_array();
    let Some(version) = versions.into_iter().flatten().find(|it| it["served"] == true) else {
        return Vec::new();
    };
    let kind = GroupKind::defined_by(definition);
    let served = Served {
        version: text(&version["name"]),
        plural: text(&spec["names"]["plural"]),
        namespaced: spec["scope"] == "Namespaced",
    };
    vec![(kind, served, None)]
}

/// Whether Kubernetes made an object by itself: it belongs to another one, or is in every namespace.
fn made(item: &Value) -> bool {
    let metadata = &item["metadata"];
    let name = metadata["name"].as_str().unwrap_or_default();
    metadata["ownerReferences"].as_array().is_some_and(|it| !it.is_empty())
        || name == "kube-root-ca.crt"
        || metadata["annotations"].get("kubernetes.io/service-account.name").is_some()
}

/// What was seen for objects that should be there.
#[derive(Clone, Debug)]
pub struct Observed {
    /// What was seen.
    pub live: Live,
    pub(crate) wanted: BTreeMap<ObjectRef, super::resolve::Placed>,
    pub(crate) options: Options,
}
