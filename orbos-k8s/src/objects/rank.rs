//! Which objects come ahead of the others, and which behind.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    GroupKind, ObjectRef,
    phase::{Phase, phase},
};

/// The annotation that says it, so that what is taken away goes in the opposite order although nobody wants it any longer.
pub(crate) const RANK: &str = "boom.caos.ch/rank";

/// Where an object stands among all that are applied: all of a rank come before the next one, whatever their [`Phase`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// Before all others.
    Ahead,
    /// With most of them; the default.
    #[default]
    Among,
    /// After all others.
    Behind,
}

impl Rank {
    /// What stands in the annotation; `None`: there is none.
    pub(crate) fn word(self) -> Option<&'static str> {
        match self {
            Self::Ahead => Some("ahead"),
            Self::Among => None,
            Self::Behind => Some("behind"),
        }
    }

    /// The rank of an object by its annotation.
    ///
    /// # Errors
    ///
    /// What stands there instead of a rank.
    pub(crate) fn read(object: &Value) -> Result<Self, String> {
        match object["metadata"]["annotations"][RANK].as_str() {
            None => Ok(Self::Among),
            Some("ahead") => Ok(Self::Ahead),
            Some("behind") => Ok(Self::Behind),
            Some(other) => Err(other.to_owned()),
        }
    }
}

/// What comes before what among some objects. What others need, their namespace and the definition of their kind, comes with
/// the first of them at the latest.
#[derive(Debug, Default)]
pub(crate) struct Order {
    namespaces: BTreeMap<String, Rank>,
    kinds: BTreeMap<GroupKind, Rank>,
}

impl Order {
    pub(crate) fn of<'a>(objects: impl Iterator<Item = (&'a ObjectRef, &'a Value)>) -> Self {
        let mut order = Self::default();
        for (object, value) in objects {
            let rank = Rank::read(value).unwrap_or_default();
            let kind = order.kinds.entry(object.group_kind()).or_insert(rank);
            *kind = rank.min(*kind);
            if let Some(namespace) = &object.namespace {
                let first = order.namespaces.entry(namespace.clone()).or_insert(rank);
                *first = rank.min(*first);
            }
        }
        order
    }

    /// The place of one of them; deleting goes the other way round.
    pub(crate) fn place(&self, object: &ObjectRef, value: &Value) -> (Rank, Phase) {
        let rank = Rank::read(value).unwrap_or_default();
        let needed = match () {
            () if object.is("", "Namespace") => self.namespaces.get(&object.name),
            () if object.is_crd() => self.kinds.get(&GroupKind::defined_by(value)),
            () => None,
        };
        (needed.map_or(rank, |it| rank.min(*it)), phase(object))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::Manifest, *};

    #[test]
    fn a_rank_is_an_annotation_that_is_read_again() {
        let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
        let manifest = Manifest::new(config.clone()).unwrap();
        assert_eq!(manifest.rank(), Rank::Among);
        let ahead = manifest.with_rank(Rank::Ahead);
        assert_eq!(ahead.value()["metadata"]["annotations"], json!({RANK: "ahead"}));
        assert_eq!(Manifest::new(ahead.value().clone()).unwrap().rank(), Rank::Ahead);
        assert_eq!(ahead.with_rank(Rank::Among).value(), &config);
    }

    #[test]
    fn a_rank_that_is_none_is_refused() {
        let config = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "annotations": {RANK: "first"}}});
        let why = "ConfigMap a: `metadata.annotations.boom.caos.ch/rank` is `first`, but can be `ahead` or `behind`";
        assert_eq!(Manifest::new(config).unwrap_err(), why);
    }
}
