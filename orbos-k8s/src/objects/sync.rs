//! One round over the objects of a cluster.

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use async_trait::async_trait;
use futures::{StreamExt, stream};
use orbos_state::{Applied, Error, Listener, Plan, Reconciler, Result, Round, preview};

use super::{
    Cluster, GroupKind, Manifests, ObjectChange, ObjectRef, Options,
    observe::{AT_ONCE, Observed},
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
}

impl Cluster {
    /// Looks, decides and acts once, like [`orbos_state::round`], but goes on after a failure where that is safe: what is in a
    /// namespace that failed, or of a kind whose definition failed, is left for the next round, and so is all deleting.
    ///
    /// # Errors
    ///
    /// If nothing can be said about the cluster. An object that failed is no error here, see [`Round::failures`].
    pub async fn sync(&self, goal: &Goal, listener: &dyn Listener<Self>) -> Result<Round<Self>> {
        let (observed, plan) = preview(self, goal).await?;
        listener.planned(&observed, &plan);
        let (mut applied, mut failed) = (Vec::new(), Failed::default());
        for stage in plan.stages() {
            if listener.stop() {
                break;
            }
            let (observed, failed_before) = (&observed, &failed);
            let steps = stream::iter(stage).map(|change| async move {
                let result = match failed_before.blocks(change) {
                    Some(by) => Err(Error::failed(
                        change.object().to_string(),
                        format!("not tried, since {by} failed"),
                    )),
                    None => {
                        listener.started(change);
                        let begin = Instant::now();
                        let result = self.apply(observed, change).await;
                        listener.finished(change, &result, begin.elapsed());
                        result
                    }
                };
                Applied { change: change.clone(), result }
            });
            let ended: Vec<_> = steps.buffered(AT_ONCE).collect().await;
            let broken = ended.iter().filter(|it| it.result.is_err());
            broken.for_each(|it| failed.note(&it.change, observed));
            applied.extend(ended);
        }
        Ok(Round { observed, plan, applied })
    }
}

/// What failed in this round, and so what has to wait for the next one.
#[derive(Default)]
struct Failed {
    objects: BTreeSet<ObjectRef>,
    kinds: BTreeSet<GroupKind>,
    inventory: bool,
}

impl Failed {
    fn note(&mut self, change: &ObjectChange, observed: &Observed) {
        self.inventory |= matches!(change, ObjectChange::Inventory { .. });
        let object = change.object();
        if let Some(wanted) = observed.wanted.get(object).filter(|_| object.is_crd()) {
            let text =
                |pointer: &str| wanted.value.pointer(pointer).and_then(|it| it.as_str()).unwrap_or_default();
            self.kinds.insert(GroupKind::new(text("/spec/group"), text("/spec/names/kind")));
        }
        self.objects.insert(object.clone());
    }

    /// What keeps a change from being tried.
    fn blocks(&self, change: &ObjectChange) -> Option<String> {
        let object = change.object();
        let namespace = object.namespace.as_deref().map(ObjectRef::of_namespace);
        let ends = matches!(change, ObjectChange::Delete { .. } | ObjectChange::Inventory { .. });
        let kind = object.group_kind();
        if self.inventory {
            Some("the inventory".to_owned())
        } else if ends && !self.objects.is_empty() {
            self.objects.first().map(ToString::to_string)
        } else if self.kinds.contains(&kind) {
            Some(format!("the definition of {kind}"))
        } else {
            namespace.filter(|it| self.objects.contains(it)).map(|it| it.to_string())
        }
    }
}
