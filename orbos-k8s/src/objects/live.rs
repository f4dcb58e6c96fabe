//! What was seen on a cluster, and what decides about it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use serde_json::Value;

use super::{Apis, GroupKind, Inventory, ObjectRef, Owner, inventory::PART_OF, ownership::Owners};

/// What was seen on a cluster. Its debug output names objects and does not show them, since Secrets are among them.
#[derive(Clone, Default, PartialEq)]
pub struct Live {
    /// Which kinds and versions it serves.
    pub apis: Apis,
    /// The inventory; `None`: there is none yet.
    pub inventory: Option<Inventory>,
    /// Why the inventory cannot be ours, in words; nothing is done then. `None`: it is, or there is none.
    pub foreign: Option<String>,
    /// Objects that say they are ours, and those that should be and are there, with all of their fields. Each `fieldsV1` of
    /// their `managedFields` may be a text in JSON instead of a mapping, which takes less memory.
    pub objects: BTreeMap<ObjectRef, Arc<Value>>,
    /// Kinds that could not be looked at, and why. Not seen is not empty: nothing of them is changed.
    pub unseen: BTreeMap<GroupKind, String>,
    /// What would go away with an object that may have to be deleted, and is not ours.
    pub holding: BTreeMap<ObjectRef, Vec<String>>,
}

impl Live {
    /// The objects that are ours: they say so, and it was the owner who wrote it. A controller copies labels, as that of
    /// Endpoints does; what it made is not ours.
    pub(crate) fn ours(&self, owner: &Owner) -> impl Iterator<Item = (&ObjectRef, &Value)> {
        let (id, manager) = (owner.id(), owner.manager.clone());
        let ours = move |it: &(&ObjectRef, &Value)| {
            let wrote = |step: &str| {
                let owners = Owners::of(it.1);
                owners.shares().step("f:metadata").step("f:labels").step(step).owned_by(&manager)
            };
            it.1["metadata"]["labels"][PART_OF] == id.as_str() && wrote(&format!("f:{PART_OF}"))
        };
        self.objects.iter().map(|(object, it)| (object, it.as_ref())).filter(ours)
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { apis, inventory, foreign, objects, unseen, holding } = self;
        let objects: Vec<_> = objects.keys().map(ToString::to_string).collect();
        let mut shown = f.debug_struct("Live");
        shown.field("apis", apis).field("inventory", inventory).field("foreign", foreign);
        shown.field("objects", &objects).field("unseen", unseen).field("holding", holding).finish()
    }
}

/// How much a plan may delete.
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    /// The largest share of our objects that one plan may delete, from 0 to 1. Default: 0.5.
    pub share: f64,
    /// So many objects may always be deleted, whatever their share. Default: 10.
    pub always: usize,
    /// Objects that may be deleted although something is lost with them, as they print: `PersistentVolumeClaim a/data`.
    /// `*` stands for the share. Default: none.
    pub allowed: BTreeSet<String>,
}

impl Default for Guard {
    fn default() -> Self {
        Self { share: 0.5, always: 10, allowed: BTreeSet::new() }
    }
}

impl Guard {
    pub(crate) fn allows(&self, object: &ObjectRef) -> bool {
        self.allowed.contains(&object.to_string())
    }

    /// Why objects must not be deleted, if they must not. `replaced`: those that are created again.
    pub(crate) fn refusals(
        &self,
        deleted: &[ObjectRef],
        replaced: &[ObjectRef],
        live: &Live,
        owned: usize,
    ) -> Vec<(String, String)> {
        let mut refused = Vec::new();
        for object in deleted.iter().chain(replaced).filter(|it| !self.allows(it)) {
            let all = match replaced.contains(object) {
                true if object.is_crd() => Some("every object of its kind would be lost".to_owned()),
                true if object.is("", "Namespace") => Some("everything in it would be lost".to_owned()),
                _ => None,
            };
            if let Some(loss) = all.or_else(|| loss(object, live)) {
                refused.push((
                    object.to_string(),
                    format!("not deleted, since {loss}; it has to be allowed by name"),
                ));
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 objects")]
        let share = deleted.len() as f64 / owned.max(1) as f64;
        if deleted.len() > self.always && share > self.share && !self.allowed.contains("*") {
            let (gone, percent) = (deleted.len(), self.share * 100.0);
            let why = format!(
                "{gone} of {owned} objects would be deleted, more than {percent:.0} %; it has to be allowed"
            );
            refused.push(("deleting".to_owned(), why));
        }
        refused
    }
}

/// What is lost with an object, if anything that is not ours.
fn loss(object: &ObjectRef, live: &Live) -> Option<String> {
    if object.is("", "PersistentVolumeClaim") {
        return Some("its data would be lost".to_owned());
    }
    let holding = live.holding.get(object).filter(|it| !it.is_empty())?;
    let more = if holding.len() > 3 { format!(" and {} more", holding.len() - 3) } else { String::new() };
    Some(format!("{}{more} would be lost", holding[..holding.len().min(3)].join(", ")))
}

/// How to decide.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Who applies.
    pub owner: Owner,
    /// How much may be deleted.
    pub guard: Guard,
    /// Field managers that write once and still know what they do, so that what they wrote is not taken back. Default:
    /// `kube-controller-manager`, which scales. Those that use server-side apply are always respected.
    pub respect: BTreeSet<String>,
    /// Objects whose fields become ours whoever keeps them, as they print: `Deployment a/web`. `*` stands for all but those
    /// that are part of another set. Default: none.
    pub take: BTreeSet<String>,
    /// Objects that are deleted and created again when they differ, as they print. Default: none.
    pub recreate: BTreeSet<String>,
    /// Objects that stay although they are not wanted, since nobody knows now whether they are. Default: none.
    pub kept: Vec<Kept>,
    /// Objects of ours that stay as they are although nobody states them, as they print. Nothing is said about them.
    /// Default: none.
    pub spared: BTreeSet<String>,
}

/// Objects of ours with one label that are not deleted: what should say how they are could not say it.
///
/// They stay in the inventory, and so do their namespaces and the definitions of their kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The label's name, like `boom.caos.ch/application`.
    pub label: String,
    /// Its value, like `grafana`.
    pub value: String,
    /// What keeps them, for humans: `Deployment a/b: kept, since REASON`. Empty: nothing is said about it.
    pub reason: String,
}

impl Options {
    /// The defaults, for an owner.
    pub fn new(owner: Owner) -> Self {
        Self {
            owner,
            guard: Guard::default(),
            respect: ["kube-controller-manager".to_owned()].into(),
            take: BTreeSet::new(),
            recreate: BTreeSet::new(),
            kept: Vec::new(),
            spared: BTreeSet::new(),
        }
    }

    /// Whether fields of an object become ours whoever keeps them.
    pub(crate) fn takes(&self, object: &ObjectRef) -> bool {
        self.take.contains("*") || self.take.contains(&object.to_string())
    }

    /// Why an object stays although it is not wanted; `None`: nothing says so.
    pub(crate) fn keeps(&self, object: &Value) -> Option<&str> {
        let labels = &object["metadata"]["labels"];
        self.kept.iter().find(|it| labels[&it.label] == it.value.as_str()).map(|it| it.reason.as_str())
    }
}
