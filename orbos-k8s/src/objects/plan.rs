//! From objects as they should be and as they are to the steps in between.

use std::collections::{BTreeMap, BTreeSet};

use orbos_state::Plan;
use serde_json::Value;

use super::{
    GroupKind, Inventory, Live, Manifests, ObjectChange, ObjectRef, Options,
    compare::{Conflict, compare},
    immutable::is_immutable,
    inventory::PART_OF,
    phase::Phase,
    rank::{Order, Rank},
    resolve::Placed,
};

/// Decides what to do; pure.
///
/// Stages: the inventory's namespace, the inventory, then the objects by [`Rank`] and [`Phase`], then what is no longer wanted
/// in the opposite order, then the inventory again. What cannot be done, or is refused, is waiting.
#[must_use]
pub fn plan(desired: &Manifests, live: &Live, options: &Options) -> Plan<ObjectChange> {
    let mut plan = Plan::new();
    if let Some(why) = &live.foreign {
        plan.wait(options.owner.inventory().to_string(), why);
        return plan;
    }
    let wanted = wanted(desired, live, options, &mut plan);
    let order = Order::of(wanted.objects.values().map(|it| (&it.object, it.written())));
    let mut changes = Changes::new();
    for it in wanted.objects.values() {
        if let Some(change) = change(it, live, options, &mut plan) {
            changes.entry(order.place(&it.object, it.written())).or_default().push(change);
        }
    }
    let mut gone = gone(&wanted, live, options, &mut plan);
    guard(&mut changes, &mut gone, live, options, &mut plan);

    let home = ObjectRef::of_namespace(&options.owner.namespace);
    let homeless = live.inventory.is_none() && !live.objects.contains_key(&home);
    if homeless && !wanted.objects.is_empty() {
        changes.values_mut().for_each(|it| it.retain(|it| *it.object() != home));
        plan.stage([ObjectChange::Create { object: home }]);
    }
    let after = inventory(&wanted, &gone, live, options);
    let before = joined(&after, live.inventory.as_ref(), &gone);
    let known = live.inventory.clone().unwrap_or_else(|| of([].into_iter(), options));
    if !before.same(&known) {
        plan.stage([before.change(options)]);
    }
    for stage in changes.into_values() {
        plan.stage(stage);
    }
    for stage in gone.into_values().rev() {
        plan.stage(stage.into_iter().map(|object| ObjectChange::Delete { object }));
    }
    if !after.same(&before) {
        plan.stage([after.change(options)]);
    }
    plan
}

/// What should be, as far as this cluster can have it.
#[derive(Default)]
pub(crate) struct Wanted {
    pub(crate) objects: BTreeMap<ObjectRef, Placed>,
    /// What it cannot have: it is not created, and not deleted either.
    blocked: BTreeSet<ObjectRef>,
}

impl Wanted {
    /// Without saying why something is left out.
    pub(crate) fn of(desired: &Manifests, live: &Live, options: &Options) -> Self {
        wanted(desired, live, options, &mut Plan::new())
    }
}

fn wanted(desired: &Manifests, live: &Live, options: &Options, plan: &mut Plan<ObjectChange>) -> Wanted {
    let apis = live.apis.clone().with_definitions(desired);
    let mut wanted = Wanted::default();
    for manifest in desired.iter() {
        let mut blocked = |why: String, wanted: &mut Wanted| {
            let mut object = manifest.object().clone();
            let place = manifest.origin().map(|it| format!(" ({it})")).unwrap_or_default();
            plan.wait(object.to_string(), format!("{why}{place}"));
            wanted.blocked.insert(object.clone());
            object.namespace = Some(options.owner.namespace.clone());
            wanted.blocked.insert(object);
        };
        let unseen = live.unseen.get(&manifest.object().group_kind());
        match Placed::new(manifest, &apis, &options.owner) {
            _ if unseen.is_some() => {
                blocked(format!("not seen: {}", unseen.map_or("", |it| it)), &mut wanted)
            }
            Err(why) => blocked(why, &mut wanted),
            Ok(it) if it.object == options.owner.inventory() => {
                blocked("it has the name of the inventory".to_owned(), &mut wanted);
            }
            Ok(it) if wanted.objects.contains_key(&it.object) => {
                blocked(format!("it is the same as {}", it.object), &mut wanted);
            }
            Ok(it) => {
                wanted.objects.insert(it.object.clone(), it);
            }
        }
    }
    wanted
}

fn change(
    wanted: &Placed,
    live: &Live,
    options: &Options,
    plan: &mut Plan<ObjectChange>,
) -> Option<ObjectChange> {
    let object = wanted.object.clone();
    let namespace = object.namespace.as_deref().map(ObjectRef::of_namespace);
    if let Some(namespace) = namespace.filter(|it| live.objects.get(it).is_some_and(|it| is_going(it))) {
        plan.wait(object.to_string(), format!("{namespace} is being deleted"));
        return None;
    }
    let Some(there) = live.objects.get(&object) else { return Some(ObjectChange::Create { object }) };
    if is_going(there) {
        plan.wait(object.to_string(), going(there));
        return None;
    }
    let set = there["metadata"]["labels"][PART_OF].as_str();
    if let Some(other) =
        set.filter(|it| *it != options.owner.id() && !options.take.contains(&object.to_string()))
    {
        plan.wait(object.to_string(), format!("it is part of another set, {other}"));
        return None;
    }
    let comparison = compare(&wanted.resolved(&options.owner), there, options);
    for Conflict { field, .. } in &comparison.conflicts {
        let [live, ours] = [&field.live, &field.wanted].map(|it| it.as_deref().unwrap_or("nothing"));
        let by = field.by.as_deref().unwrap_or("somebody");
        plan.wait(object.to_string(), format!("{} is kept at {live} by {by}, {ours} is wanted", field.path));
    }
    if comparison.is_same() {
        return None;
    }
    let fixed = there["immutable"] == true;
    let differs = comparison.fields.iter().filter(|it| !it.same);
    let mut because: Vec<_> =
        differs.filter(|it| is_immutable(&object, &it.path, fixed)).map(|it| it.path.clone()).collect();
    if because.is_empty() && options.recreate.contains(&object.to_string()) {
        because.push("what a human named".to_owned());
    }
    let fields = comparison.fields;
    Some(match because.is_empty() {
        true => ObjectChange::Patch { object, fields },
        false => ObjectChange::Recreate { object, fields, because },
    })
}

/// What is applied, by its place.
type Changes = BTreeMap<(Rank, Phase), Vec<ObjectChange>>;
/// What is ours and no longer wanted, by its place.
type Gone = BTreeMap<(Rank, Phase), Vec<ObjectRef>>;

fn gone(wanted: &Wanted, live: &Live, options: &Options, plan: &mut Plan<ObjectChange>) -> Gone {
    let mut leaving = Vec::new();
    for (object, there) in live.ours(&options.owner) {
        let spared = options.spared.contains(&object.to_string());
        if wanted.objects.contains_key(object) || wanted.blocked.contains(object) || spared {
            continue;
        }
        match is_going(there) {
            true => plan.wait(object.to_string(), going(there)),
            false => leaving.push((object, there)),
        }
    }
    keep(&mut leaving, options, plan);
    let order = Order::of(leaving.iter().copied());
    let mut gone = Gone::new();
    for (object, there) in leaving {
        gone.entry(order.place(object, there)).or_default().push(object.clone());
    }
    for (kind, why) in &live.unseen {
        plan.wait(kind.to_string(), format!("not seen: {why}"));
    }
    gone
}

/// Takes out what has to stay, and what that stands on.
fn keep(leaving: &mut Vec<(&ObjectRef, &Value)>, options: &Options, plan: &mut Plan<ObjectChange>) {
    let (mut namespaces, mut kinds) = (BTreeMap::new(), BTreeMap::new());
    leaving.retain(|(object, there)| {
        let Some(reason) = options.keeps(there) else { return true };
        if !reason.is_empty() {
            plan.wait(object.to_string(), format!("kept, since {reason}"));
        }
        let by = || (object.to_string(), reason.is_empty());
        if let Some(namespace) = &object.namespace {
            namespaces.entry(ObjectRef::of_namespace(namespace)).or_insert_with(by);
        }
        kinds.entry(object.group_kind()).or_insert_with(by);
        false
    });
    leaving.retain(|(object, there)| {
        let definition = object.is_crd().then(|| GroupKind::defined_by(there));
        let needed = namespaces.get(*object).or(definition.and_then(|it| kinds.get(&it)));
        if let Some((by, false)) = needed {
            plan.wait(object.to_string(), format!("kept, since {by} is kept"));
        }
        needed.is_none()
    });
}

/// Objects that a plan would delete whatever the guard says; for looking at what would go with them.
pub(crate) fn candidates(desired: &Manifests, live: &Live, options: &Options) -> Vec<ObjectRef> {
    let wanted = Wanted::of(desired, live, options);
    gone(&wanted, live, options, &mut Plan::new()).into_values().flatten().collect()
}

/// Takes out what the guard refuses: all that would be deleted, since what belongs together goes together.
fn guard(
    changes: &mut Changes,
    gone: &mut Gone,
    live: &Live,
    options: &Options,
    plan: &mut Plan<ObjectChange>,
) {
    let again = |it: &&ObjectChange| matches!(it, ObjectChange::Recreate { .. });
    let replaced: Vec<_> = changes.values().flatten().filter(again).map(|it| it.object().clone()).collect();
    let deleted: Vec<_> = gone.values().flatten().cloned().collect();
    if deleted.is_empty() && replaced.is_empty() {
        return;
    }
    let owned = live.ours(&options.owner).count();
    let refused = options.guard.refusals(&deleted, &replaced, live, owned);
    for (subject, why) in &refused {
        plan.wait(subject, why);
    }
    let names: BTreeSet<_> = refused.into_iter().map(|it| it.0).collect();
    changes
        .values_mut()
        .for_each(|it| it.retain(|it| !(again(&it) && names.contains(&it.object().to_string()))));
    if deleted.iter().any(|it| names.contains(&it.to_string())) || names.contains("deleting") {
        let others = deleted.iter().map(ToString::to_string).filter(|it| !names.contains(it));
        others.for_each(|it| plan.wait(it, "not deleted, since not all that should go may go"));
        gone.clear();
    }
}

/// The inventory as it should be when all of this is done.
fn inventory(wanted: &Wanted, gone: &Gone, live: &Live, options: &Options) -> Inventory {
    let leaving: BTreeSet<_> = gone.values().flatten().collect();
    let staying = live.ours(&options.owner).map(|it| it.0).filter(|it| !leaving.contains(it));
    let mut inventory = of(wanted.objects.keys().chain(staying), options);
    // A kind that was not seen may have objects of ours.
    if let Some(before) = &live.inventory {
        let unseen: Vec<_> = live.unseen.keys().filter(|it| before.kinds.contains(it)).cloned().collect();
        if !unseen.is_empty() {
            inventory.namespaces.extend(before.namespaces.iter().cloned());
        }
        inventory.kinds.extend(unseen);
    }
    inventory
}

fn of<'a>(objects: impl Iterator<Item = &'a ObjectRef>, options: &Options) -> Inventory {
    let (mut kinds, mut namespaces) = (BTreeSet::new(), BTreeSet::from([options.owner.namespace.clone()]));
    for object in objects {
        kinds.insert(object.group_kind());
        namespaces.extend(object.namespace.clone());
    }
    Inventory { kinds, namespaces, tooling: options.owner.tooling.clone() }
}

/// The inventory while things come and go: it names too much rather than too little.
fn joined(after: &Inventory, before: Option<&Inventory>, gone: &Gone) -> Inventory {
    let mut joined = after.clone();
    if gone.is_empty() {
        return joined;
    }
    if let Some(before) = before {
        joined.kinds.extend(before.kinds.iter().cloned());
        joined.namespaces.extend(before.namespaces.iter().cloned());
    }
    for object in gone.values().flatten() {
        joined.kinds.insert(object.group_kind());
        joined.namespaces.extend(object.namespace.clone());
    }
    joined
}

impl Inventory {
    /// Whether two name the same; by whom they were written makes no difference.
    fn same(&self, other: &Self) -> bool {
        let Self { kinds, namespaces, tooling: _ } = self;
        *kinds == other.kinds && *namespaces == other.namespaces
    }

    fn change(&self, options: &Options) -> ObjectChange {
        ObjectChange::Inventory {
            object: options.owner.inventory(),
            kinds: self.kinds.iter().map(GroupKind::to_string).collect(),
            namespaces: self.namespaces.iter().cloned().collect(),
        }
    }
}

fn is_going(object: &Value) -> bool {
    object["metadata"].get("deletionTimestamp").is_some()
}

fn going(object: &Value) -> String {
    let finalizers = object["metadata"]["finalizers"].as_array().into_iter().flatten();
    let names: Vec<_> = finalizers.filter_map(Value::as_str).collect();
    match names.is_empty() {
        true => "it is being deleted".to_owned(),
        false => format!("it is being deleted, which waits for {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests;
