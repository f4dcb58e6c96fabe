//! The tools of a platform on a cluster, as one Reconciler.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use orbos_k8s::objects::{self, Cluster, Facts, Health, Kept, ObjectRef, Options};
use orbos_state::{Error, Listener, Plan, Reconciler, Result, Round, round_with};

use crate::{
    Fetch, Generate, PlatformChange, Rendering, Secrets, ToolContext, Toolset,
    crds::{self, Supplied, installed},
    render::{APPLICATION, render},
};

/// What a human wants of a platform.
#[derive(Clone, Debug)]
pub struct PlatformGoal {
    /// The tools that shall be there.
    pub tools: Arc<Toolset>,
    /// Where they run. What only the cluster can say is filled in with every look.
    pub context: ToolContext,
    /// How to decide about objects.
    pub options: Options,
    /// Definitions of kinds that are at hand.
    pub definitions: Supplied,
    /// Secrets of the file, by path, that are missing and can be generated.
    pub missing: Vec<String>,
    /// Where the current file is.
    pub current: String,
}

/// What a cluster should have, as far as that can be said.
#[derive(Debug)]
pub struct Desired {
    /// The objects of all tools.
    pub rendering: Rendering,
    /// What is applied, and how.
    pub goal: objects::Goal,
}

impl PlatformGoal {
    /// What would be applied to a cluster of this minor version that has nothing yet; pure. Definitions only if they are wanted.
    pub fn rendered(&self, minor: u32, definitions: bool) -> Rendering {
        let context = ToolContext { minor, ..self.context.clone() };
        let mut rendering = render(&self.tools, &context);
        if definitions {
            crds::supply(&mut rendering, &self.tools, &context, &BTreeMap::new(), &self.definitions);
        }
        rendering
    }

    /// What a cluster should have, given what is known of it; pure.
    ///
    /// A tool that cannot be rendered, or whose kinds nobody defines, keeps the objects that it has.
    pub fn desired(&self, facts: &Facts, read: &Secrets, fetched: BTreeMap<String, Vec<u8>>) -> Desired {
        let mut context = self.context.clone();
        context.minor = facts.version.minor;
        context.secrets = context.secrets.and(read);
        let mut rendering = render(&self.tools, &context);
        let installed = installed(facts, &self.options.owner);
        let mut options = self.options.clone();
        let supplied = Supplied { fetched, ..self.definitions.clone() };
        options.spared = crds::supply(&mut rendering, &self.tools, &context, &installed, &supplied);
        let kept = rendering.failed.iter().map(|(tool, failure)| Kept {
            label: APPLICATION.to_owned(),
            value: failure.application.to_owned(),
            reason: format!("tool {tool} cannot be rendered"),
        });
        options.kept.extend(kept);
        let manifests = Arc::new(rendering.manifests.clone());
        Desired { rendering, goal: objects::Goal { manifests, options } }
    }
}

/// What was seen of a platform.
#[derive(Debug)]
pub struct PlatformObserved {
    /// What is known of the cluster itself.
    pub facts: Facts,
    /// What it should have.
    pub desired: Desired,
    /// What it has.
    pub objects: objects::Observed,
    /// How every object does that should be there.
    pub health: BTreeMap<ObjectRef, Health>,
}

/// The tools of a platform on a cluster.
#[derive(Debug)]
pub struct Platform {
    cluster: Arc<Cluster>,
    generate: Option<Arc<dyn Generate>>,
    fetch: Option<Arc<dyn Fetch>>,
}

impl Platform {
    /// A platform on a cluster. `generate` writes generated secrets into the file, `fetch` fetches definitions whose digest is
    /// pinned; `None`: nobody does.
    pub fn new(
        cluster: Arc<Cluster>,
        generate: Option<Arc<dyn Generate>>,
        fetch: Option<Arc<dyn Fetch>>,
    ) -> Self {
        Self { cluster, generate, fetch }
    }

    /// Definitions that are pinned and that the cluster lacks. What cannot be fetched now is missing, which its tool says.
    async fn fetched(&self, goal: &PlatformGoal, facts: &Facts) -> BTreeMap<String, Vec<u8>> {
        let mut fetched = BTreeMap::new();
        let Some(fetch) = &self.fetch else { return fetched };
        let needed: Vec<_> = crds::needed(&goal.tools, &goal.context).into_iter().map(|it| it.1).collect();
        let installed = installed(facts, &goal.options.owner);
        for bundle in crds::to_fetch(&needed, &installed, &goal.definitions.vendored) {
            match fetch.fetch(bundle.url).await {
                Ok(bytes) => drop(fetched.insert(bundle.name.to_owned(), bytes)),
                Err(why) => tracing::warn!(bundle = bundle.name, why, "definitions were not fetched"),
            }
        }
        fetched
    }

    /// The values of Secrets that tools have to know.
    async fn read(&self, goal: &PlatformGoal) -> Result<Secrets> {
        let mut read = Secrets::new();
        for existing in goal.tools.iter().flat_map(|it| it.references()) {
            match self.cluster.secret(&goal.context.namespace, &existing.name).await {
                Ok(there) => {
                    if let Some(value) = there.and_then(|mut it| it.remove(&existing.key)) {
                        read = read.with_read(&existing, value);
                    }
                }
                Err(error @ Error::Unreachable { .. }) => return Err(error),
                // It concerns the tool that needs it, and no other.
                Err(error) => read = read.unreadable(&existing, error.chain()),
            }
        }
        Ok(read)
    }
}

#[async_trait]
impl Reconciler for Platform {
    type Goal = PlatformGoal;
    type Observed = PlatformObserved;
    type Change = PlatformChange;

    async fn observe(&self, goal: &PlatformGoal) -> Result<PlatformObserved> {
        let facts = self.cluster.facts().await?;
        let read = self.read(goal).await?;
        let fetched = self.fetched(goal, &facts).await;
        let desired = goal.desired(&facts, &read, fetched);
        let objects = self.cluster.observe(&desired.goal).await?;
        let health = self.cluster.health(&objects).await?;
        Ok(PlatformObserved { facts, desired, objects, health })
    }

    fn plan(goal: &PlatformGoal, observed: &PlatformObserved) -> Plan<PlatformChange> {
        let PlatformObserved { desired, objects, .. } = observed;
        let mut plan = Plan::new();
        plan.stage(goal.missing.iter().map(|path| PlatformChange::Generate { path: path.clone() }));
        for (tool, failure) in &desired.rendering.failed {
            plan.wait(format!("tool {tool}"), failure.error.to_string());
        }
        let steps = objects::plan(&desired.goal.manifests, &objects.live, &desired.goal.options);
        plan.then(steps.map(PlatformChange::Object));
        plan
    }

    async fn apply(&self, observed: &PlatformObserved, change: &PlatformChange) -> Result<()> {
        match change {
            PlatformChange::Object(change) => self.cluster.apply(&observed.objects, change).await,
            PlatformChange::Generate { path } => match &self.generate {
                Some(generate) => generate.generate(path).await,
                None => Err(Error::failed(format!("secret {path}"), "there is no repository to write it to")),
            },
        }
    }

    /// Goes on after a failure where that is safe, as [`Cluster::sync`] does.
    async fn pass(&self, goal: &PlatformGoal, listener: &dyn Listener<Self>) -> Result<Round<Self>> {
        round_with(self, goal, listener, &|observed: &PlatformObserved, failed, change| {
            let failed: Vec<_> = failed.iter().filter_map(|it| it.object()).collect();
            change.object().and_then(|it| objects::blocked(&observed.objects, &failed, it))
        })
        .await
    }
}
