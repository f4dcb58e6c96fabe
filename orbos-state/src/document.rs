//! What a human writes: kind, version, body.

mod kind;
mod read;
mod schema;
mod validate;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use read::read_plain;

pub use kind::{Kind, render_kind};
pub use schema::schema;

use crate::{
    Diagnostic, Diagnostics, FieldPath, Mistake, Source,
    diagnostic::{Mark, code},
    path::Segment,
    yaml::{self, Node, Yaml, edit::FieldEdit},
};

/// Something a human wrote down: what it is, in which version, and where every part of it stands.
///
/// Documents may hold documents. A child knows its file and its place in it, so that what is wrong
/// with it is shown where it stands.
///
/// ```
/// use orbos_state::{Document, Source};
///
/// let text = "kind: example.com/Orb\nversion: v0\nproviders:\n  a:\n    kind: example.com/P\n    version: v1\n";
/// let orb = Document::parse(&Source::new("orb.yml", text))?;
/// let (name, provider) = &orb.children("providers")?[0];
/// assert_eq!((name.as_str(), provider.kind(), provider.version()), ("a", "example.com/P", "v1"));
/// # Ok::<(), orbos_state::Diagnostics>(())
/// ```
#[derive(Clone, Debug)]
pub struct Document {
    kind: String,
    version: String,
    source: Arc<Source>,
    node: Node,
    path: FieldPath,
    mark: Mark,
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If it is larger than 4 MiB, is not YAML, has a key twice anywhere, grows beyond all measure
    /// through aliases, or lacks `kind` or `version`.
    pub fn parse(source: &Source) -> Result<Self, Diagnostics> {
        let node = yaml::parse(source)?;
        Self::new(Arc::new(source.clone()), node, FieldPath::root(), Mark::START)
    }

    fn new(source: Arc<Source>, node: Node, path: FieldPath, mark: Mark) -> Result<Self, Diagnostics> {
        let wrong = |code, mark, message: String| Diagnostic::new(code, &source, mark, path.clone(), message);
        let Yaml::Mapping(_) = &node.yaml else {
            let hint = "begin with `kind: …` and `version: …`";
            return Err(wrong(code::TYPE, mark, "a document has to be a mapping".to_owned())
                .hint(hint)
                .into());
        };
        let mut all = Diagnostics::new();
        let mut text = |keys: &[&str]| {
            let found = keys.iter().find_map(|key| node.get(key));
            match found.map(|it| (&it.node.yaml, it.node.is_null(), it.node.mark)) {
                Some((Yaml::Scalar { text, .. }, false, _)) => Some(text.clone()),
                Some((_, _, mark)) => {
                    all.push(wrong(code::NO_KIND, mark, format!("`{}` has to be a text", keys[0])));
                    None
                }
                None => {
                    let message = format!("the document has no `{}`", keys[0]);
                    all.push(wrong(code::NO_KIND, mark, message).hint(format!("add `{}: …`", keys[0])));
                    None
                }
            }
        };
        match (text(&["kind"]), text(&["version", "apiVersion"])) {
            (Some(kind), Some(version)) => Ok(Self { kind, version, source, node, path, mark }),
            _ => Err(all),
        }
    }

    /// What it is, like `orbiter.caos.ch/StaticProvider`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// In which version it is written.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The file it stands in.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Where it stands in its file; the root for a whole file.
    pub fn path(&self) -> &FieldPath {
        &self.path
    }

    /// Everything but `kind` and `version`, as YAML 1.2 reads it without knowing the kind.
    ///
    /// Numbers that would not print as they were written, like `1.20`, are texts.
    pub fn body(&self) -> Map<String, Value> {
        let Value::Object(mut body) = self.node.to_value() else { return Map::new() };
        body.retain(|key, _| !schema::is_envelope(key));
        body
    }

    /// The document at a path below this one; absent if nothing is written there.
    ///
    /// # Errors
    ///
    /// If it is no document, or the path is none.
    pub fn child(&self, path: &str) -> Result<Option<Self>, Diagnostics> {
        let below = self.parse_path(path)?;
        match self.node.find(&below) {
            Some(node) if !node.is_null() => self.descend(node, &below).map(Some),
            _ => Ok(None),
        }
    }

    /// The documents in the mapping at a path below this one, by key in the order of the file;
    /// none if nothing is written there.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with any of them.
    pub fn children(&self, path: &str) -> Result<Vec<(String, Self)>, Diagnostics> {
        let below = self.parse_path(path)?;
        let entries = match self.node.find(&below) {
            Some(Node { yaml: Yaml::Mapping(entries), .. }) => entries,
            Some(node) if !node.is_null() => {
                let mistake =
                    Mistake { code: code::TYPE, ..Mistake::at(below, "documents by name are expected") };
                return Err(self.diagnostic(mistake).into());
            }
            _ => return Ok(Vec::new()),
        };
        let mut wrong = Diagnostics::new();
        let children = entries
            .iter()
            .filter_map(|it| {
                let child = wrong.keep(self.descend(&it.node, &below.join(it.key.as_str())))?;
                Some((it.key.clone(), child))
            })
            .collect();
        wrong.into_result().map(|()| children)
    }

    fn descend(&self, node: &Node, below: &FieldPath) -> Result<Self, Diagnostics> {
        let mark = self.node.nearest_mark(below);
        Self::new(Arc::clone(&self.source), node.clone(), self.path.append(below), mark)
    }

    fn parse_path(&self, path: &str) -> Result<FieldPath, Diagnostics> {
        path.parse().map_err(|error: crate::InvalidPath| {
            self.diagnostic(Mistake::at(FieldPath::root(), error.to_string())).into()
        })
    }

    /// Reads it as what it is, in its newest version; an older one is migrated in memory.
    ///
    /// # Errors
    ///
    /// Everything that is wrong: with fields first; with rules that span fields, if nothing else is.
    pub fn read<K: Kind>(&self) -> Result<K, Diagnostics> {
        read::read(self)
    }

    /// What has to change in the file so that this document is written in its newest version; empty
    /// if it is. Children are not looked at.
    ///
    /// # Errors
    ///
    /// If nobody knows how to migrate from its version.
    pub fn migration<K: Kind>(&self) -> Result<Vec<FieldEdit>, Diagnostics> {
        read::migration::<K>(self)
    }

    /// Shows something that is wrong with this document where it stands.
    pub fn diagnostic(&self, mistake: Mistake) -> Diagnostic {
        self.diagnostic_in(&self.node, mistake)
    }

    /// The same for paths of the document as it reads after a migration.
    fn diagnostic_in(&self, node: &Node, mistake: Mistake) -> Diagnostic {
        let Mistake { path, message, hint, code } = mistake;
        let exists = path.segments().first().and_then(|it: &Segment| node.step(it)).is_some();
        let mark = if exists { node.nearest_mark(&path) } else { self.mark };
        let diagnostic = Diagnostic::new(code, &self.source, mark, self.path.append(&path), message);
        match hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        }
    }
}

/// A document inside another one, of a kind the outer one does not know.
///
/// Used as a field of a [`Kind`]; what is inside is read, and what is wrong inside is found, with
/// [`Document::child`] or [`Document::children`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(description = "A document of its own, with `kind` and `version`.")]
pub struct Embedded {
    /// What it is; empty if nothing is written, which its reader finds.
    #[serde(default)]
    pub kind: String,
    /// In which version; empty if nothing is written, which its reader finds.
    #[serde(default, alias = "apiVersion")]
    pub version: String,
    /// Everything else.
    #[serde(flatten)]
    pub body: Map<String, Value>,
}
