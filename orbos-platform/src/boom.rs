//! BOOM: the operator around a platform.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use orbos_k8s::objects::{Cluster, Guard, Kept, Options, Owner};
use orbos_secrets::{Content, Place, SlotKind, Tree, generate::OsRng, list_slots};
use orbos_state::{
    Author, CipherSource, Diagnostic, Diagnostics, Document, Edit, Ended, Error, FieldPath, Kind, Limits,
    Mistake, Operator, Repository, Resolved, Result, Severity, Snapshot, edit, update,
};

use crate::{
    Images, Kustomize, Platform, PlatformGoal, PlatformTool, Secrets, ToolContext, ToolRegistry, Toolset,
    crds::Supplied, current, folder::Folder, render::APPLICATION, spec::Boom as File,
};

/// The file that a human writes.
pub const DESIRED: &str = "boom.yml";
/// The folder of the current file, unless the file names another one.
pub const CURRENT: &str = "caos-internal/boom";
/// The name and application of the tool that is BOOM itself.
const ITSELF: &str = "boom";
/// The namespace of all tools but one.
pub const NAMESPACE: &str = "caos-system";

/// What BOOM needs to know beside its file.
#[derive(Clone, Debug)]
pub struct BoomSettings {
    /// The orb's id, part of the place that sealed values are bound to.
    pub orb: String,
    /// Where it comes from what opens and seals secrets; `None`: nothing does, and the tools that need one wait.
    pub ciphers: Option<Arc<dyn CipherSource>>,
    /// Where generated secrets are written to; `None`: none are generated.
    pub repository: Option<Arc<dyn Repository>>,
    /// The tools that can be asked for.
    pub tools: ToolRegistry,
    /// What fetches definitions whose digest is pinned; `None`: nothing does.
    pub fetch: Option<Arc<dyn Fetch>>,
    /// What builds kustomizations; `None`: nothing does.
    pub kustomize: Option<Arc<dyn Kustomize>>,
    /// Objects that may be deleted although something is lost with them, beside those that the file names; `*` stands for
    /// the share of the guard.
    pub allow: Vec<String>,
}

/// The operator that keeps the tools on a cluster as `boom.yml` wants them.
#[derive(Debug)]
pub struct Boom {
    settings: BoomSettings,
    cluster: Arc<Cluster>,
    /// Where the current file is, as the newest file said that could be read.
    current: Mutex<String>,
}

/// Fetches files of publishers.
#[async_trait]
pub trait Fetch: Debug + Send + Sync + 'static {
    /// What stands at a URL.
    ///
    /// # Errors
    ///
    /// Why it cannot be had, in words.
    async fn fetch(&self, url: &str) -> std::result::Result<Vec<u8>, String>;
}

/// Writes generated secrets into the human's file.
#[async_trait]
pub trait Generate: Debug + Send + Sync + 'static {
    /// Makes a secret for a slot of the file, seals it and commits it; does nothing if there is one meanwhile.
    ///
    /// # Errors
    ///
    /// What the repository reports, or if there are no random numbers.
    async fn generate(&self, path: &str) -> Result<()>;
}

impl BoomSettings {
    /// The tools that come with BOOM, nothing that opens or generates secrets, and nothing that builds kustomizations.
    pub fn new(orb: impl Into<String>) -> Self {
        Self {
            orb: orb.into(),
            ciphers: None,
            repository: None,
            tools: ToolRegistry::builtin(),
            fetch: None,
            kustomize: None,
            allow: Vec::new(),
        }
    }

    /// Reads and checks the desired file; asks no cluster.
    ///
    /// # Errors
    ///
    /// Every mistake of the file at once.
    pub fn goal(&self, files: &Snapshot) -> Result<PlatformGoal> {
        let read = Read::of(files)?;
        let (secrets, missing) = self.secrets(files, &read);
        self.goal_with(&read, files, secrets, missing)
    }

    /// The same with placeholders for all secrets, for looking at what would be applied.
    ///
    /// # Errors
    ///
    /// Every mistake of the file at once.
    pub fn goal_without_secrets(&self, files: &Snapshot) -> Result<PlatformGoal> {
        self.goal_with(&Read::of(files)?, files, Secrets::placeholders(), Vec::new())
    }

    fn goal_with(
        &self,
        read: &Read,
        files: &Snapshot,
        secrets: Secrets,
        missing: Vec<String>,
    ) -> Result<PlatformGoal> {
        let spec = &read.file.spec;
        let mut tools = self.tools.tools(spec).map_err(|wrong| read.diagnostics(wrong))?;
        let kustomize = self.kustomize.as_deref();
        let folders = [
            Folder::ahead(spec.pre_apply.as_ref(), files, kustomize),
            Folder::behind(spec.post_apply.as_ref(), files, kustomize),
        ];
        tools.extend(folders.into_iter().flatten().map(|it| Box::new(it) as Box<dyn PlatformTool>));
        let tools = Toolset::new(tools).map_err(invalid)?;
        let images = spec.images.as_ref().map(Images::from).unwrap_or_default();
        let context =
            ToolContext { orb: self.orb.clone(), namespace: NAMESPACE.to_owned(), minor: 0, images, secrets };
        let folder = spec.current_state_path.as_deref().unwrap_or(CURRENT).trim_matches('/');
        Ok(PlatformGoal {
            context,
            options: self.options(&read.file, &tools),
            tools: Arc::new(tools),
            definitions: Supplied::of(files, spec.crds.as_ref().is_some_and(|it| it.allow_permissive))?,
            missing,
            current: format!("{folder}/current.yaml"),
        })
    }

    fn options(&self, file: &File, tools: &Toolset) -> Options {
        let mut options = Options::new(Owner::boom(NAMESPACE));
        if !tools.iter().any(|it| it.name() == ITSELF) {
            // Who is no longer told to replace itself does not take itself away: nobody would be left to end that.
            let (label, value) = (APPLICATION.to_owned(), ITSELF.to_owned());
            options.kept.push(Kept { label, value, reason: String::new() });
        }
        options.take.extend(file.spec.force_apply.then(|| "*".to_owned()));
        let guard = file.spec.guard.clone().unwrap_or_default();
        options.guard = Guard {
            share: guard.share.unwrap_or(Guard::default().share),
            allowed: guard.allow.into_iter().chain(self.allow.iter().cloned()).collect(),
            ..Guard::default()
        };
        options
    }

    /// What the file has of secrets, and the paths of those that it lacks and that can be generated.
    fn secrets(&self, files: &Snapshot, read: &Read) -> (Secrets, Vec<String>) {
        let (mut secrets, mut missing) = (Secrets::new(), Vec::new());
        let cipher = self.ciphers.as_ref().map(|it| it.cipher_of(files));
        for spot in list_slots(File::SLOTS, &read.tree) {
            match (&spot.content, &cipher) {
                (Content::Sealed(sealed), Some(Ok(cipher))) => {
                    match cipher.open(sealed, &Place::new(&self.orb, DESIRED, &spot.path)) {
                        Ok(secret) => secrets = secrets.with(&spot.path, secret),
                        Err(error) => secrets = secrets.without(&spot.path, error.to_string()),
                    }
                }
                (Content::Sealed(_), Some(Err(error))) => {
                    secrets = secrets.without(&spot.path, error.chain())
                }
                (Content::Missing, _)
                    if self.can_generate(&spot.slot.kind)
                        && is_used(&read.file, &spot.path)
                        && read.has_sections_of_today() =>
                {
                    missing.push(spot.path);
                }
                _ => {}
            }
        }
        (secrets, missing)
    }

    fn can_generate(&self, kind: &SlotKind) -> bool {
        matches!(kind, SlotKind::Generated(_)) && self.repository.is_some() && self.ciphers.is_some()
    }
}

/// Whether the tool that a slot belongs to shall be there: `spec.TOOL.…`.
fn is_used(file: &File, path: &str) -> bool {
    let tool = path.split('.').nth(1).unwrap_or_default();
    serde_json::to_value(&file.spec).is_ok_and(|it| it[tool]["deploy"] == true)
}

/// The file, what it says, and all of its values as if it were written in the newest version.
struct Read {
    document: Document,
    file: File,
    tree: Tree,
}

impl Read {
    fn of(files: &Snapshot) -> Result<Self> {
        let source = files.source(DESIRED)?;
        let document = Document::parse(&source)?;
        let file = document.read::<File>()?;
        let newest = match document.migration::<File>() {
            Ok(edits) if !edits.is_empty() => edit::apply(&source.text, &edits)?,
            _ => source.text,
        };
        let tree = serde_yaml::from_str(&newest)
            .map_err(|error| Error::invalid(DESIRED, "it cannot be read").because(error))?;
        Ok(Self { document, file, tree })
    }

    /// Whether a value can be written where it stands in the newest version; v1beta1 has other names for all tools.
    fn has_sections_of_today(&self) -> bool {
        !self.document.version().ends_with("v1beta1")
    }

    fn diagnostics(&self, mistakes: Vec<Mistake>) -> Diagnostics {
        let mut wrong = Diagnostics::new();
        mistakes.into_iter().for_each(|it| wrong.push(self.document.diagnostic(it)));
        wrong
    }
}

fn invalid(error: crate::Error) -> Error {
    match error {
        crate::Error::Invalid { field, why } => Error::invalid(field, why),
        other => Error::invalid(DESIRED, other.to_string()),
    }
}

impl Boom {
    /// BOOM for a cluster.
    pub fn new(settings: BoomSettings, cluster: Arc<Cluster>) -> Self {
        let current = Mutex::new(format!("{CURRENT}/current.yaml"));
        Self { settings, cluster, current }
    }

    /// What is read and does nothing any more, and what is old: each with what helps.
    ///
    /// # Errors
    ///
    /// Every mistake of the file at once.
    pub fn warnings(settings: &BoomSettings, files: &Snapshot) -> Result<Vec<Diagnostic>> {
        let document = Document::parse(&files.source(DESIRED)?)?;
        let goal = settings.goal_without_secrets(files)?;
        let mut mistakes: Vec<_> = goal.tools.iter().flat_map(PlatformTool::warnings).collect();
        if document.version() != File::VERSION {
            let old = format!("`{}` is an older version", document.version());
            let hint =
                "it is read as it is; `orbctl api` writes the file as the newest version, `caos.ch/v1`";
            mistakes.push(Mistake::new(File::VERSION_KEY, old).hint(hint));
        }
        let warning = |it| {
            let mut warning = document.diagnostic(it);
            warning.severity = Severity::Warning;
            warning
        };
        Ok(mistakes.into_iter().map(warning).collect())
    }
}

#[async_trait]
impl Operator for Boom {
    type Reconciler = Platform;

    fn desired_path(&self) -> &str {
        DESIRED
    }

    fn author(&self) -> Author {
        Author::new("Boom", "boom@caos.ch")
    }

    fn resolve(&self, files: &Snapshot) -> Result<Resolved<Platform>> {
        let goal = self.settings.goal(files)?;
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&goal.current);
        let BoomSettings { orb, ciphers, repository, .. } = self.settings.clone();
        let generate = ciphers.zip(repository).map(|(ciphers, repository)| {
            Arc::new(InRepository { orb, ciphers, repository }) as Arc<dyn Generate>
        });
        let fetch = self.settings.fetch.clone();
        Ok(Resolved { reconciler: Platform::new(Arc::clone(&self.cluster), generate, fetch), goal })
    }

    fn current(&self, ended: Ended<'_, Platform>) -> BTreeMap<String, String> {
        let path = self.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        BTreeMap::from([(path, current::text(&ended))])
    }

    async fn world_changed(&self) {
        self.cluster.changed().await;
    }
}

/// Secrets that are written by field into the newest revision, so that nobody's edit gets lost.
#[derive(Debug)]
struct InRepository {
    orb: String,
    ciphers: Arc<dyn CipherSource>,
    repository: Arc<dyn Repository>,
}

#[async_trait]
impl Generate for InRepository {
    async fn generate(&self, path: &str) -> Result<()> {
        update(self.repository.as_ref(), &Limits::default(), |newest| {
            let text = newest.source(DESIRED)?.text;
            let read = Read::of(newest)?;
            if !read.has_sections_of_today() {
                return Ok(None);
            }
            let spots = list_slots(File::SLOTS, &read.tree);
            let Some(spot) = spots.into_iter().find(|it| it.path == path && it.content == Content::Missing)
            else {
                return Ok(None);
            };
            // With the key of the revision that the value is written onto, not of an earlier one.
            let cipher = self.ciphers.cipher_of(newest)?;
            let place = Place::new(&self.orb, DESIRED, "");
            let failed = || Error::failed(format!("generating {path}"), "nothing was written");
            let made = spot.generate(&place, cipher.as_ref(), &mut OsRng);
            let mut changed = text;
            for made in made.map_err(|error| failed().because(error))? {
                let value = serde_json::to_value(&made.sealed).map_err(|error| failed().because(error))?;
                let field: FieldPath = made.path.parse().map_err(|error| failed().because(error))?;
                changed = edit::set(&changed, &field, &value)?;
            }
            let edit = Edit::new(format!("Secret generated: {path}")).write(DESIRED, changed);
            Ok(Some(edit.author(Author::new("Boom", "boom@caos.ch"))))
        })
        .await
        .map(drop)
    }
}
