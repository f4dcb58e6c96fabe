//! One round over the objects of a cluster.

use std::sync::Arc;

use async_trait::async_trait;
use orbos_state::{Listener, Plan, Reconciler, Result, Round, round_with};

use super::{
    Cluster, GroupKind, Manifests, ObjectChange, ObjectRef, Options,
    observe::Observed,
    plan::{Wanted, plan},
};

/// Objects as they should be, and how to decide about them.
#[derive(Clone, Debug)]
pub struct Goal {
    /// The objects.
    pub manifests: Arc<Manifests>,
    /// How to decide.
    pub options: Options,
}

#[async_trait]
impl Reconciler for Cluster {
    type Goal = Goal;
    type Observed = Observed;
    type Change = ObjectChange;

    async fn observe(&self, goal: &Goal) -> Result<Observed> {
        let live = self.look(&goal.manifests, &goal.options).await?;
        let wanted = Wanted::of(&goal.manifests, &live, &goal.options).objects;
        Ok(Observed { live, wanted, options: goal.options.clone() })
    }

    fn plan(goal: &Goal, observed: &Observed) -> Plan<ObjectChange> {
        plan(&goal.manifests, &observed.live, &goal.options)
    }

    async fn apply(&self, observed: &Observed, change: &ObjectChange) -> Result<()> {
        self.change(observed, change).await
    }

    async fn pass(&self, goal: &Goal, listener: &dyn Listener<Self>) -> Result<Round<Self>> {
        self.sync(goal, listener).await
    }
}

impl Cluster {
    /// Looks, decides and acts once, like [`orbos_state::round`], but goes on after a failure where that is safe, which
    /// [`blocked`] says.
    ///
    /// # Errors
    ///
    /// If nothing can be said about the cluster. An object that failed is no error here, see [`Round::failures`].
    pub async fn sync(&self, goal: &Goal, listener: &dyn Listener<Self>) -> Result<Round<Self>> {
        round_with(self, goal, listener, &blocked).await
    }
}

/// What keeps a change from being tried after others failed in the same round; pure, for [`orbos_state::round_with`]. `None`:
/// nothing does.
///
/// What is in a namespace that failed, or of a kind whose definition failed, is left for the next round; so is all deleting
/// and what is written into the inventory afterwards. Without the inventory nothing is done at all.
pub fn blocked(observed: &Observed, failed: &[&ObjectChange], change: &ObjectChange) -> Option<String> {
    let first = failed.first()?;
    let object = change.object();
    let inventory = |it: &&&ObjectChange| matches!(it, ObjectChange::Inventory { .. });
    if failed.iter().any(|it| inventory(&it)) {
        return Some("the inventory".to_owned());
    }
    if matches!(change, ObjectChange::Delete { .. } | ObjectChange::Inventory { .. }) {
        return Some(first.object().to_string());
    }
    let kind = object.group_kind();
    if failed.iter().any(|it| defined(observed, it.object()).is_some_and(|it| it == kind)) {
        return Some(format!("the definition of {kind}"));
    }
    let namespace = object.namespace.as_deref().map(ObjectRef::of_namespace)?;
    failed.iter().any(|it| *it.object() == namespace).then(|| namespace.to_string())
}

/// The kind that an object defines, if it defines one.
fn defined(observed: &Observed, object: &ObjectRef) -> Option<GroupKind> {
    let wanted = observed.wanted.get(object).filter(|_| object.is_crd())?;
    Some(GroupKind::defined_by(wanted.written()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::{Live, sketch},
        *,
    };

    fn create(kind: &str, namespace: Option<&str>, name: &str) -> ObjectChange {
        ObjectChange::Create { object: ObjectRef::new(&GroupKind::parse(kind), namespace, name) }
    }

    #[test]
    fn a_failure_blocks_what_depends_on_it_and_all_deleting() {
        let definition = sketch::placed(json!({"apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition", "metadata": {"name": "flows.example.com"},
            "spec": {"group": "example.com", "names": {"kind": "Flow"}}}));
        let observed = Observed {
            live: Live::default(),
            wanted: [(definition.object.clone(), definition.clone())].into(),
            options: Options::new(sketch::owner()),
        };
        let namespace = create("Namespace", None, "a");
        let definition = ObjectChange::Create { object: definition.object };
        let (inside, beside) = (create("ConfigMap", Some("a"), "x"), create("ConfigMap", Some("b"), "x"));
        let flow = create("Flow.example.com", Some("b"), "x");
        let gone = ObjectChange::Delete { object: inside.object().clone() };
        let object = sketch::owner().inventory();
        let inventory = ObjectChange::Inventory { object, kinds: Vec::new(), namespaces: Vec::new() };
        let by = |failed: &[&ObjectChange], change| blocked(&observed, failed, change);

        for change in [&namespace, &inside, &flow, &gone, &inventory] {
            assert_eq!(by(&[], change), None, "nothing failed");
        }
        let failed = [&namespace, &definition];
        assert_eq!(by(&failed, &inside).as_deref(), Some("Namespace a"));
        assert_eq!(by(&failed, &beside), None);
        assert_eq!(by(&failed, &flow).as_deref(), Some("the definition of Flow.example.com"));
        assert_eq!(by(&[&beside], &gone).as_deref(), Some("ConfigMap b/x"));
        assert_eq!(by(&[&beside], &inventory).as_deref(), Some("ConfigMap b/x"));
        assert_eq!(by(&[&inventory], &beside).as_deref(), Some("the inventory"));
    }
}
