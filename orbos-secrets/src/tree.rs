use crate::Sealed;
use serde::{
    Deserialize, Deserializer,
    de::{EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess, Visitor},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// A document as a tree, to find sealed values in it; read from any format that serde knows.
///
/// The path of a value is the keys that lead to it, with `.` between them. Items of a list go by their `name`,
/// so that a list can be sorted anew without its secrets counting as moved; items without go by their number.
/// Keys with a `.`, `*` or `"` in them are quoted.
///
/// ```
/// use orbos_secrets::Tree;
///
/// let tree: Tree = serde_yaml::from_str("
/// spec:
///   credentials:
///   - name: github
///     password: {encryption: AES256, encoding: Base64, value: 6N1uVw==}
/// ").unwrap();
/// assert_eq!(tree.sealed()[0].path, "spec.credentials.github.password");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// Keys and what is below them, in the order of the document.
    Map(Vec<(String, Tree)>),
    /// Items.
    List(Vec<Tree>),
    /// Text.
    Text(String),
    /// A number or a truth value.
    Other,
    /// Nothing: `null`, `~` or a key without a value.
    Nothing,
}

/// One step on the way to a value, for programs that edit the document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Into the value of this key.
    Key(String),
    /// Into this item, counted from 0.
    Index(usize),
}

/// A sealed value in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its path, as it stands in a [`Place`](crate::Place).
    pub path: String,
    /// The same path in single steps.
    pub steps: Vec<Step>,
    /// The value.
    pub sealed: Sealed,
}

impl Tree {
    /// Every sealed value, in the order of the document.
    pub fn sealed(&self) -> Vec<Found> {
        let mut found = Vec::new();
        self.collect(&mut Vec::new(), &mut Vec::new(), &mut found);
        found
    }

    fn collect(&self, names: &mut Vec<String>, steps: &mut Vec<Step>, found: &mut Vec<Found>) {
        if let Some(sealed) = self.as_sealed() {
            found.push(Found { path: join(names), steps: steps.clone(), sealed });
            return;
        }
        for (name, step, child) in self.children() {
            names.push(name);
            steps.push(step);
            child.collect(names, steps, found);
            names.pop();
            steps.pop();
        }
    }

    /// This very node as a sealed value, if it has the shape of one: the keys `encryption`, `encoding` and a
    /// `value` that is not empty, and no others.
    pub fn as_sealed(&self) -> Option<Sealed> {
        let Self::Map(entries) = self else { return None };
        let (mut encryption, mut encoding, mut value) = ("", "", None);
        for (key, child) in entries {
            match (key.as_str(), child) {
                ("encryption", Self::Text(text)) => encryption = text,
                ("encoding", Self::Text(text)) => encoding = text,
                ("value", Self::Text(text)) if !text.is_empty() => value = Some(text),
                _ => return None,
            }
        }
        value.filter(|_| entries.len() > 1).map(|value| Sealed::read(encryption, encoding, value))
    }

    /// What is below this node, with its name in a path.
    pub(crate) fn children(&self) -> Vec<(String, Step, &Tree)> {
        match self {
            Self::Map(entries) => {
                entries.iter().map(|(key, child)| (key.clone(), Step::Key(key.clone()), child)).collect()
            }
            Self::List(items) => {
                let mut counts = BTreeMap::<_, usize>::new();
                items.iter().filter_map(Tree::name).for_each(|name| *counts.entry(name).or_default() += 1);
                let name = |index: usize, item: &Tree| match item.name() {
                    Some(name) if counts[name] == 1 => name.to_owned(),
                    _ => index.to_string(),
                };
                let items = items.iter().enumerate();
                items.map(|(index, item)| (name(index, item), Step::Index(index), item)).collect()
            }
            Self::Text(_) | Self::Other | Self::Nothing => Vec::new(),
        }
    }

    /// The child of this key.
    pub(crate) fn get(&self, key: &str) -> Option<&Tree> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| name == key).map(|(_, child)| child)
    }

    /// What an item of a list is called, by its `name` or `storeName`; not a bare number, which would look like a position.
    fn name(&self) -> Option<&str> {
        match self.get("name").or_else(|| self.get("storeName")) {
            Some(Self::Text(name)) if name.parse::<usize>().is_err() => Some(name),
            _ => None,
        }
    }

    /// Whether there is nothing to see here: no value, an empty one, or a sealed value without a `value`.
    pub(crate) fn is_nothing(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Text(text) => text.is_empty(),
            Self::Map(entries) => entries.iter().all(|(key, child)| {
                matches!(key.as_str(), "encryption" | "encoding") || (key == "value" && child.is_nothing())
            }),
            Self::List(_) | Self::Other => false,
        }
    }
}

/// Names with `.` between them, quoted where they would be read as something else.
pub(crate) fn join(names: &[String]) -> String {
    let quoted = names.iter().map(|name| {
        if name.is_empty() || name.contains(|letter: char| letter.is_control() || ".*\"\\".contains(letter)) {
            format!("{name:?}")
        } else {
            name.clone()
        }
    });
    quoted.collect::<Vec<_>>().join(".")
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

macro_rules! other {
    ($($method:ident($type:ty)),*) => {
        $(fn $method<E>(self, _: $type) -> Result<Tree, E> {
            Ok(Tree::Other)
        })*
    };
}

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    other!(
        visit_bool(bool),
        visit_i64(i64),
        visit_u64(u64),
        visit_i128(i128),
        visit_u128(u128),
        visit_f64(f64)
    );

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a document")
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Nothing)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let (mut map, mut keys) = (Vec::new(), BTreeSet::new());
        while let Some(Key(key)) = entries.next_key()? {
            if !keys.insert(key.clone()) {
                return Err(A::Error::custom(format!("the key {key:?} stands twice")));
            }
            map.push((key, entries.next_value()?));
        }
        Ok(Tree::Map(map))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<Tree, A::Error> {
        let (Key(_), content) = tagged.variant()?;
        content.newtype_variant()
    }
}

/// A key as text; YAML has others too.
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyVisitor)
    }
}

struct KeyVisitor;

macro_rules! key {
    ($($method:ident($type:ty)),*) => {
        $(fn $method<E>(self, key: $type) -> Result<Key, E> {
            Ok(Key(key.to_string()))
        })*
    };
}

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    key!(visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64), visit_str(&str));

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key of text")
    }

    fn visit_unit<E>(self) -> Result<Key, E> {
        Ok(Key("null".to_owned()))
    }
}
