//! Slots: where a kind of document can have secrets, as data.

use crate::{
    Cipher, Place, Result, Sealed, Secret, Step, Tree,
    generate::{self, CryptoRngCore},
    tree,
};
use std::collections::BTreeSet;

/// A place for a secret in a kind of document. A kind declares all of its slots:
///
/// ```
/// use orbos_secrets::{Generator, Slot, SlotKind};
///
/// pub const SLOTS: &[Slot] = &[
///     Slot {
///         path: "spec.monitoring.admin.password",
///         kind: SlotKind::Generated(Generator::Password { characters: 24 }),
///         what: "password of Grafana's administrator",
///         lives: Some(365),
///         existing: Some("existingPassword"),
///     },
///     Slot {
///         path: "spec.reconciling.credentials.*.password",
///         kind: SlotKind::Supplied,
///         what: "password for a Git repository",
///         lives: None,
///         existing: None,
///     },
/// ];
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The keys that lead to it in a document of its kind, with `.` between them; `*` stands for every key
    /// that is there, and for every item of a list.
    pub path: &'static str,
    /// Where the secret comes from.
    pub kind: SlotKind,
    /// What the secret is, for humans: `password of Grafana's administrator`.
    pub what: &'static str,
    /// After how many days it should be replaced; `None` if it never has to be.
    pub lives: Option<u32>,
    /// The key beside it that refers to a Kubernetes secret instead ([`Existing`](crate::Existing)); `None`
    /// if it cannot.
    pub existing: Option<&'static str>,
}

/// Where the secret of a slot comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotKind {
    /// It is made from random numbers when it is missing.
    Generated(Generator),
    /// A human supplies it.
    Supplied,
    /// An operator stores it there when it gets to know it, such as a kubeconfig.
    Stored,
}

/// How a secret is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generator {
    /// [`generate::password`].
    Password {
        /// Its length, 12 or more.
        characters: usize,
    },
    /// [`generate::token`].
    Token,
    /// The private half of [`generate::ssh_key_pair`].
    SshKeyPair {
        /// The key beside it where the public half goes, sealed as well.
        public: &'static str,
    },
}

/// A slot in one document: where it is, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The slot.
    pub slot: Slot,
    /// Its path in this document, as it stands in a [`Place`].
    pub path: String,
    /// The same path in single steps. The last ones may not exist yet.
    pub steps: Vec<Step>,
    /// What is in it.
    pub content: Content,
    names: Vec<String>,
}

/// What is in a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing.
    Missing,
    /// A sealed value.
    Sealed(Sealed),
    /// A reference to a Kubernetes secret.
    Existing,
    /// A sealed value and a reference, so that nobody knows which counts; a human has to remove one.
    Both,
    /// Something that is no sealed value, such as a secret in the clear; a human has to look.
    Unsealed,
}

/// A value for a slot that was missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its path in the document.
    pub path: String,
    /// The same path in single steps. The last ones may not exist yet.
    pub steps: Vec<Step>,
    /// What to write there.
    pub sealed: Sealed,
}

/// Every spot in a document where one of these slots is or could be, in the order of the slots.
pub fn list_slots(slots: &[Slot], document: &Tree) -> Vec<Spot> {
    slots.iter().flat_map(|slot| spots(slot, document)).collect()
}

/// The paths of sealed values that no slot accounts for: nobody uses them.
pub fn unused_values(slots: &[Slot], document: &Tree) -> Vec<String> {
    let mut used: BTreeSet<String> = BTreeSet::new();
    for spot in list_slots(slots, document) {
        if let SlotKind::Generated(Generator::SshKeyPair { public }) = spot.slot.kind {
            used.insert(spot.sibling(public).1);
        }
        used.insert(spot.path);
    }
    document.sealed().into_iter().map(|found| found.path).filter(|path| !used.contains(path)).collect()
}

/// Makes and seals a secret for every missing slot that can be generated; the document stays as it is.
///
/// `place` says where the document is; its path is what leads to the slots' root, empty for a whole file.
///
/// # Errors
///
/// What making or sealing reported; then nothing was made.
pub fn generate_missing(
    slots: &[Slot],
    document: &Tree,
    place: &Place,
    cipher: &dyn Cipher,
    random: &mut dyn CryptoRngCore,
) -> Result<Vec<Made>> {
    let spots = list_slots(slots, document).into_iter();
    let missing = spots.filter(|spot| spot.content == Content::Missing);
    let made: Result<Vec<_>> = missing.map(|spot| spot.generate(place, cipher, random)).collect();
    Ok(made?.into_iter().flatten().collect())
}

impl Spot {
    /// Makes and seals a new secret for this spot, whatever is in it now: one value, two for a key pair, none if
    /// the slot cannot be generated. `place` is that of the document, as in [`generate_missing`].
    ///
    /// # Errors
    ///
    /// What making or sealing reported.
    pub fn generate(
        &self,
        place: &Place,
        cipher: &dyn Cipher,
        random: &mut dyn CryptoRngCore,
    ) -> Result<Vec<Made>> {
        let made = |secret: &Secret, (steps, path): (Vec<Step>, String)| {
            Ok(Made { sealed: cipher.seal(secret, &place.below(&path))?, path, steps })
        };
        let here = (self.steps.clone(), self.path.clone());
        match self.slot.kind {
            SlotKind::Supplied | SlotKind::Stored => Ok(Vec::new()),
            SlotKind::Generated(Generator::Password { characters }) => {
                Ok(vec![made(&generate::password(characters, random)?, here)?])
            }
            SlotKind::Generated(Generator::Token) => Ok(vec![made(&generate::token(random)?, here)?]),
            SlotKind::Generated(Generator::SshKeyPair { public }) => {
                let pair = generate::ssh_key_pair(&place.orb, random)?;
                Ok(vec![
                    made(&pair.private, here)?,
                    made(&Secret::from_text(pair.public), self.sibling(public))?,
                ])
            }
        }
    }

    /// Steps and path of the key beside this one.
    fn sibling(&self, key: &str) -> (Vec<Step>, String) {
        let (mut names, mut steps) = (self.names.clone(), self.steps.clone());
        names.pop();
        steps.pop();
        names.push(key.to_owned());
        steps.push(Step::Key(key.to_owned()));
        (steps, tree::join(&names))
    }
}

fn spots(slot: &Slot, document: &Tree) -> Vec<Spot> {
    let mut reached =
        vec![Reached { names: Vec::new(), steps: Vec::new(), node: Some(document), parent: None }];
    for part in slot.path.split('.') {
        reached = reached.iter().flat_map(|reached| reached.follow(part)).collect();
    }
    reached.into_iter().map(|reached| reached.spot(slot)).collect()
}

/// How far a path was followed. Beyond what is in the document, there is no node.
struct Reached<'a> {
    names: Vec<String>,
    steps: Vec<Step>,
    node: Option<&'a Tree>,
    parent: Option<&'a Tree>,
}

impl<'a> Reached<'a> {
    fn follow(&self, part: &str) -> Vec<Self> {
        let children = self.node.map(Tree::children).unwrap_or_default();
        let further = |name: String, step: Step, node: Option<&'a Tree>| Self {
            names: self.names.iter().cloned().chain([name]).collect(),
            steps: self.steps.iter().cloned().chain([step]).collect(),
            node,
            parent: self.node,
        };
        if part == "*" {
            return children
                .into_iter()
                .map(|(name, step, child)| further(name, step, Some(child)))
                .collect();
        }
        match children.into_iter().find(|(name, ..)| name == part) {
            Some((name, step, child)) => vec![further(name, step, Some(child))],
            None => vec![further(part.to_owned(), Step::Key(part.to_owned()), None)],
        }
    }

    fn spot(self, slot: &Slot) -> Spot {
        let existing =
            slot.existing.and_then(|key| self.parent?.get(key)).is_some_and(|node| !node.is_nothing());
        let content = match self.node.filter(|node| !node.is_nothing()) {
            None if existing => Content::Existing,
            None => Content::Missing,
            Some(_) if existing => Content::Both,
            Some(node) => node.as_sealed().map_or(Content::Unsealed, Content::Sealed),
        };
        Spot { slot: *slot, path: tree::join(&self.names), steps: self.steps, content, names: self.names }
    }
}
