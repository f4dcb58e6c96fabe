//! Every secret of an orb: slots of known kinds, and sealed values anywhere else.

use std::collections::{BTreeMap, BTreeSet};

use orbos_infra::{DESIRED, spec::StaticSpec};
use orbos_k8s::KubernetesCluster;
use orbos_platform::spec::Boom;
use orbos_secrets::{
    Content, Existing, Found, Keyring, Place, Sealed, Slot, SlotKind, Spot, Step, Tree, list_slots,
};
use orbos_state::{Error, FieldPath, Kind, Segment, Snapshot};

use super::boom;

/// A secret, or the place where one belongs.
#[derive(Clone, Debug)]
pub struct Item {
    /// What its value is bound to.
    pub place: Place,
    /// The same path for editing the file.
    pub field: FieldPath,
    /// Where the value stands in the file, counted from 1; absent if there is none.
    pub line: Option<usize>,
    /// What is there.
    pub content: Content,
    /// What it is for; absent if no known kind says so.
    pub slot: Option<Slot>,
    /// The name of the provider or cluster that it belongs to; absent for all others.
    pub owner: Option<String>,
}

/// A reference to a secret in Kubernetes.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The file it stands in.
    pub file: String,
    /// Where it stands.
    pub path: String,
    /// What it says.
    pub existing: Existing,
    /// What is wrong with it; absent if nothing is.
    pub wrong: Option<String>,
}

/// Every secret of one revision.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// Secrets and places for them: those of `orbiter.yml` first, then by file, in the order of the files.
    pub items: Vec<Item>,
    /// References to secrets in Kubernetes.
    pub references: Vec<Reference>,
    /// Files of a kind that is known, so that a value without a slot is of no use there.
    pub known: BTreeSet<String>,
    /// Files that may hold sealed values but cannot be read, with the reason.
    pub unreadable: Vec<(String, String)>,
}

/// The slots of a kind of document; none if the kind is not known here.
pub fn slots_of(kind: &str) -> &'static [Slot] {
    match kind {
        _ if StaticSpec::answers_to(kind) => StaticSpec::SLOTS,
        _ if KubernetesCluster::answers_to(kind) => KubernetesCluster::SLOTS,
        _ if Boom::answers_to(kind) => Boom::SLOTS,
        _ => &[],
    }
}

impl Inventory {
    /// Looks at every YAML and JSON file; opens nothing.
    pub fn read(orb: &str, files: &Snapshot) -> Self {
        let mut inventory = Self::default();
        let mut paths: Vec<&str> = files.paths().filter(|it| may_hold_secrets(it)).collect();
        paths.sort_by_key(|it| (*it != DESIRED, *it));
        for path in paths {
            match files.text(path) {
                Some(text) => inventory.read_file(&Place::new(orb, path, ""), text),
                None => {
                    let why = "it is larger than 4 MiB or not UTF-8".to_owned();
                    inventory.unreadable.push((path.to_owned(), why));
                }
            }
        }
        inventory
    }

    fn read_file(&mut self, file: &Place, text: &str) {
        let desired = [DESIRED, boom::FILE].contains(&&*file.file);
        if !desired && !["encryption", "existing"].iter().any(|it| text.contains(it)) {
            return;
        }
        let tree: Tree = match serde_yaml::from_str(text) {
            Ok(tree) => tree,
            Err(error) => return self.unreadable.push((file.file.clone(), error.to_string())),
        };
        let known = match &*file.file {
            DESIRED => Some(spots(&tree, file)),
            boom::FILE => spots_of_boom(&tree, file, text),
            _ => None,
        };
        if known.is_some() {
            self.known.insert(file.file.clone());
        }
        let mut known = known.unwrap_or_default();
        let mut others: Vec<Item> = sealed_values(&tree, file, text);
        for item in &mut known {
            item.line = others.iter().find(|it| it.field == item.field).and_then(|it| it.line);
        }
        others.retain(|it| known.iter().all(|known| known.field != it.field));
        self.items.extend(known);
        self.items.append(&mut others);
        collect_references(&tree, &file.file, &mut Vec::new(), &mut self.references);
    }

    /// Every sealed value.
    pub fn sealed(&self) -> impl Iterator<Item = (&Item, &Sealed)> {
        self.items.iter().filter_map(|it| match &it.content {
            Content::Sealed(sealed) => Some((it, sealed)),
            _ => None,
        })
    }

    /// Fails if a value and a reference to Kubernetes stand beside each other: nobody knows which one counts.
    ///
    /// # Errors
    ///
    /// [`Invalid`](Error::Invalid) with the first one.
    pub fn unambiguous(&self) -> Result<(), Error> {
        match self.items.iter().find(|it| it.content == Content::Both) {
            None => Ok(()),
            Some(item) => Err(item.ambiguous()),
        }
    }

    /// Fails if a file cannot be read, since what is in it would be left behind.
    ///
    /// # Errors
    ///
    /// [`Invalid`](Error::Invalid) with the first one.
    pub fn complete(&self) -> Result<(), Error> {
        match self.unreadable.first() {
            None => Ok(()),
            Some((file, why)) => {
                let hint = "the secrets in it cannot be found; repair or remove it";
                Err(Error::invalid(file.as_str(), hint).because(why.clone()))
            }
        }
    }
}

impl Item {
    /// `orbiter.yml:12: providers.static.spec.keys.bootstrapkeyprivate`, for errors.
    pub fn shown(&self) -> String {
        let Place { file, path, .. } = &self.place;
        match self.line {
            Some(line) => format!("{file}:{line}: {path}"),
            None => format!("{file}: {path}"),
        }
    }

    /// How a human names it: its path, with the file in front if it is another than `orbiter.yml`.
    pub fn address(&self) -> String {
        let Place { file, path, .. } = &self.place;
        if file == DESIRED { path.clone() } else { format!("{file}:{path}") }
    }

    /// What is said where a value and a reference to Kubernetes stand beside each other.
    pub fn ambiguous(&self) -> Error {
        Error::invalid(
            self.shown(),
            "a sealed value and a reference to Kubernetes stand there; remove one of them",
        )
    }

    /// What an error about its value looks like, with file, line and path.
    pub fn wrong(&self, error: orbos_secrets::Error) -> Error {
        use orbos_secrets::Error as Secrets;
        let what = || format!("opening {}", self.shown());
        match error {
            Secrets::WrongKey { .. } => Error::denied(what(), "another key is needed").because(error),
            Secrets::WrongMasterKey { .. } | Secrets::NeedsMasterKey { .. } => {
                Error::denied(what(), "another master key is needed").because(error)
            }
            _ => Error::invalid(self.shown(), "the value cannot be used").because(error),
        }
    }
}

fn may_hold_secrets(path: &str) -> bool {
    path != Keyring::FILE && [".yml", ".yaml", ".json"].iter().any(|it| path.ends_with(it))
}

/// The slots of the documents in an `orbiter.yml`.
fn spots(tree: &Tree, file: &Place) -> Vec<Item> {
    let mut items = Vec::new();
    for section in ["clusters", "providers"] {
        let Some(Tree::Map(documents)) = get(tree, section) else { continue };
        for (name, document) in documents {
            let Some(Tree::Text(kind)) = get(document, "kind") else { continue };
            let above = file.below(section).below(name);
            let steps = || [section, name].into_iter().map(Segment::from);
            let spots = list_slots(slots_of(kind), document).into_iter();
            items.extend(spots.map(|it| Item { owner: Some(name.clone()), ..item(it, &above, steps()) }));
        }
    }
    items
}

/// The slots of a `boom.yml` that are of use: those of tools and parts that are mentioned. Absent if the file is none, or has
/// the names of an older version.
fn spots_of_boom(tree: &Tree, file: &Place, text: &str) -> Option<Vec<Item>> {
    // Trees do not tell truth values apart.
    let values: serde_json::Value = serde_yaml::from_str(text).ok()?;
    let text = |key| match get(tree, key) {
        Some(Tree::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    let kind = text("kind").filter(|it| Boom::answers_to(it))?;
    text("apiVersion").filter(|it| it.ends_with("/v1") || it.ends_with("/v1beta2"))?;
    let spots = list_slots(slots_of(kind), tree).into_iter().filter(|it| is_of_use(it, tree, &values));
    Some(spots.map(|it| item(it, file, [])).collect())
}

fn is_of_use(spot: &Spot, tree: &Tree, values: &serde_json::Value) -> bool {
    let exists = |steps: &[Step]| steps.iter().try_fold(tree, below);
    match (&spot.content, spot.slot.kind) {
        // It would be made: for a tool that is there.
        (Content::Missing, SlotKind::Generated(_)) => {
            spot.slot.path.split('.').nth(1).is_some_and(|tool| values["spec"][tool]["deploy"] == true)
        }
        (Content::Missing, _) => {
            spot.steps.split_last().is_some_and(|(_, above)| matches!(exists(above), Some(Tree::Map(_))))
        }
        _ => true,
    }
}

fn item(spot: Spot, document: &Place, above: impl IntoIterator<Item = Segment>) -> Item {
    Item {
        place: document.below(&spot.path),
        field: above.into_iter().chain(spot.steps.iter().map(segment)).collect(),
        line: None,
        content: spot.content,
        slot: Some(spot.slot),
        owner: None,
    }
}

fn below<'a>(tree: &'a Tree, step: &Step) -> Option<&'a Tree> {
    match (tree, step) {
        (Tree::Map(_), Step::Key(key)) => get(tree, key),
        (Tree::List(items), Step::Index(index)) => items.get(*index),
        _ => None,
    }
}

pub(super) fn get<'a>(tree: &'a Tree, key: &str) -> Option<&'a Tree> {
    let Tree::Map(entries) = tree else { return None };
    entries.iter().find(|(name, _)| name == key).map(|(_, child)| child)
}

fn segment(step: &Step) -> Segment {
    match step {
        Step::Key(key) => Segment::Key(key.clone()),
        Step::Index(index) => Segment::Index(*index),
    }
}

fn field(steps: &[Step]) -> FieldPath {
    steps.iter().map(segment).collect()
}

/// Every sealed value, in the order of the file.
fn sealed_values(tree: &Tree, file: &Place, text: &str) -> Vec<Item> {
    // Values are random, so the same text again is a copy, further down.
    let mut seen = BTreeMap::<String, usize>::new();
    let item = |found: Found| {
        let start: String = found.sealed.value().chars().take(60).collect();
        let times = seen.entry(start.clone()).or_default();
        let at = text.match_indices(start.trim()).nth(*times).map(|(at, _)| at);
        *times += 1;
        let referred = found.steps.split_last().is_some_and(|(last, above)| refers(tree, above, last));
        Item {
            place: file.below(&found.path),
            field: field(&found.steps),
            line: at.map(|at| text[..at].matches('\n').count() + 1),
            content: if referred { Content::Both } else { Content::Sealed(found.sealed) },
            slot: None,
            owner: None,
        }
    };
    tree.sealed().into_iter().map(item).collect()
}

/// Whether a reference to Kubernetes stands beside a value: `existingPassword` or `existingPasswordSecret` beside
/// `password`, `existing` beside `encrypted`.
fn refers(tree: &Tree, above: &[Step], last: &Step) -> bool {
    let Step::Key(name) = last else { return false };
    let parent = above.iter().try_fold(tree, below);
    let Some(Tree::Map(entries)) = parent else { return false };
    let name = if name == "encrypted" { String::new() } else { name.to_lowercase() };
    entries.iter().any(|(key, beside)| {
        let key = key.to_lowercase();
        let of = key.strip_prefix("existing");
        let same = of.is_some_and(|it| it == name || it.strip_suffix("secret") == Some(&*name));
        same && read_existing(beside).is_some()
    })
}

fn collect_references(tree: &Tree, file: &str, path: &mut Vec<String>, found: &mut Vec<Reference>) {
    let children: Vec<(String, &Tree)> = match tree {
        Tree::Map(entries) => entries.iter().map(|(key, child)| (key.clone(), child)).collect(),
        Tree::List(items) => items.iter().enumerate().map(|(at, it)| (at.to_string(), it)).collect(),
        _ => return,
    };
    for (name, child) in children {
        path.push(name);
        let refers = path.last().is_some_and(|it| it.starts_with("existing"));
        match refers.then(|| read_existing(child)).flatten() {
            Some(existing) => found.push(Reference {
                file: file.to_owned(),
                path: path.join("."),
                wrong: existing.check().err().map(|error| error.to_string()),
                existing,
            }),
            None => collect_references(child, file, path, found),
        }
        path.pop();
    }
}

fn read_existing(tree: &Tree) -> Option<Existing> {
    let Tree::Map(entries) = tree else { return None };
    if !entries.iter().all(|(key, _)| ["name", "key", "internalName"].contains(&key.as_str())) {
        return None;
    }
    let text = |key| match get(tree, key) {
        Some(Tree::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let [name, key] = ["name", "key"].map(|it| text(it).unwrap_or_default());
    (!name.is_empty() || !key.is_empty()).then(|| Existing { name, key, internal_name: text("internalName") })
}
