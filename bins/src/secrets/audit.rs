//! What somebody should look at.

use std::fmt;

use orbos_secrets::{Cipher, Content, Place, Sealed, SlotKind, shared_secrets};

use super::{Inventory, Item};

/// Something that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// The value has the original's format, which has no authentication.
    OldFormat(String),
    /// Nothing uses it.
    Unused(String),
    /// The same secret stands at several places.
    Shared(Vec<String>),
    /// It is generated, but nobody did.
    Missing(String),
    /// A value and a reference to Kubernetes stand beside each other.
    Both(String),
    /// What stands there is no sealed value.
    Unsealed(String),
    /// The value does not open.
    Unusable(String, String),
    /// A reference to Kubernetes is wrong.
    Reference(String, String),
    /// The value is older than it should get: days, and the limit.
    Old(String, u64, u64),
    /// A file cannot be read.
    Unreadable(String, String),
}

/// From which age on a value is too old, in days.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limit {
    /// For every value; absent: as its slot says.
    pub days: Option<u64>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OldFormat(at) => {
                write!(f, "old format   {at}: not authenticated; `orbctl secrets rotate` seals it anew")
            }
            Self::Unused(at) => write!(f, "unused       {at}: nothing that is known here uses it"),
            Self::Shared(places) => {
                write!(f, "shared       {}: one secret at all of them", places.join(", "))
            }
            Self::Missing(at) => write!(f, "missing      {at}: `orbctl secrets generate` makes it"),
            Self::Both(at) => write!(f, "both         {at}: a value and a reference; remove one"),
            Self::Unsealed(at) => write!(f, "not sealed   {at}: set it with `orbctl secrets set`"),
            Self::Unusable(at, why) => write!(f, "unusable     {at}: {why}"),
            Self::Reference(at, why) => write!(f, "reference    {at}: {why}"),
            Self::Old(at, days, limit) => {
                write!(f, "old          {at}: {days} days, should be {limit} or less")
            }
            Self::Unreadable(file, why) => write!(f, "unreadable   {file}: {why}"),
        }
    }
}

/// Looks at every secret of a revision. `age` says how many days ago a value was written, if that is known.
pub fn audit(
    inventory: &Inventory,
    cipher: &dyn Cipher,
    limit: Limit,
    age: impl Fn(&Item, &Sealed) -> Option<u64>,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = inventory
        .unreadable
        .iter()
        .map(|(file, why)| Finding::Unreadable(file.clone(), why.clone()))
        .collect();
    for item in &inventory.items {
        let at = item.shown();
        match &item.content {
            Content::Both => findings.push(Finding::Both(at)),
            Content::Unsealed => findings.push(Finding::Unsealed(at)),
            Content::Missing if matches!(item.slot.map(|it| it.kind), Some(SlotKind::Generated(_))) => {
                findings.push(Finding::Missing(at));
            }
            Content::Missing | Content::Existing => {}
            Content::Sealed(sealed) => {
                look_at_value(item, sealed, cipher, limit, &age, &mut findings);
                // What other files hold is for kinds that are not known here.
                if item.slot.is_none() && inventory.known.contains(&item.place.file) {
                    findings.push(Finding::Unused(item.shown()));
                }
            }
        }
    }
    let wrong = inventory.references.iter().filter_map(|it| Some((it, it.wrong.clone()?)));
    findings.extend(wrong.map(|(it, why)| Finding::Reference(format!("{}: {}", it.file, it.path), why)));
    findings.extend(shared(inventory, cipher));
    findings.sort();
    findings
}

fn look_at_value(
    item: &Item,
    sealed: &Sealed,
    cipher: &dyn Cipher,
    limit: Limit,
    age: &impl Fn(&Item, &Sealed) -> Option<u64>,
    findings: &mut Vec<Finding>,
) {
    let at = item.shown();
    if sealed.is_original() {
        findings.push(Finding::OldFormat(at.clone()));
    }
    if let Err(error) = cipher.open(sealed, &item.place) {
        findings.push(Finding::Unusable(at.clone(), error.to_string()));
    }
    let limit = limit.days.or_else(|| item.slot?.lives.map(u64::from));
    if let Some((days, limit)) = age(item, sealed).zip(limit).filter(|(days, limit)| days > limit) {
        findings.push(Finding::Old(at, days, limit));
    }
}

/// Values that do not open are reported already.
fn shared(inventory: &Inventory, cipher: &dyn Cipher) -> Vec<Finding> {
    let opens: Vec<(&Place, &Sealed)> = inventory
        .sealed()
        .map(|(item, sealed)| (&item.place, sealed))
        .filter(|(place, sealed)| cipher.open(sealed, place).is_ok())
        .collect();
    let groups = shared_secrets(cipher, opens).unwrap_or_default();
    let shown = |place: &Place| match inventory.items.iter().find(|it| it.place == *place) {
        Some(item) => item.shown(),
        None => place.to_string(),
    };
    groups.iter().map(|group| Finding::Shared(group.iter().map(shown).collect())).collect()
}
