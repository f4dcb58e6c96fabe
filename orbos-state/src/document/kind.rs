//! What a document can be.

use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{Mistake, Result, diagnostic::code, yaml};

/// Something a human can write down.
///
/// The type is the body of the document, without `kind` and `version`. Its schema says which fields
/// there are; a field that it does not name is a mistake, unless the schema allows others explicitly.
/// A schema with `writeOnly: true` marks a secret: mistakes there are shown without the line's text.
///
/// ```
/// use orbos_state::{Document, Kind, Mistake, Source};
/// use schemars::JsonSchema;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Serialize, Deserialize, JsonSchema)]
/// struct Lamp {
///     /// In watts.
///     power: u8,
/// }
///
/// impl Kind for Lamp {
///     const KIND: &'static str = "example.com/Lamp";
///     const VERSION: &'static str = "v0";
///
///     fn check(&self) -> Vec<Mistake> {
///         let dark = || Mistake::new("power", "the lamp stays dark").hint("use 1 or more");
///         if self.power == 0 { vec![dark()] } else { vec![] }
///     }
/// }
///
/// let file = Source::new("lamp.yml", "kind: example.com/Lamp\nversion: v0\npwer: 5\n");
/// let wrong = Document::parse(&file)?.read::<Lamp>().unwrap_err();
/// assert_eq!(wrong.to_string(), "\
/// error[ORB-1204]: unknown field `pwer`
///  --> lamp.yml:3:1
///   |
/// 3 | pwer: 5
///   | ^^^^
/// help: did you mean `power`?
/// ");
/// # Ok::<(), orbos_state::Diagnostics>(())
/// ```
pub trait Kind: Serialize + DeserializeOwned + JsonSchema {
    /// The name, like `orbiter.caos.ch/StaticProvider`.
    const KIND: &'static str;
    /// The newest version, like `v2`.
    const VERSION: &'static str;
    /// The key that holds the version: `version`, or `apiVersion` for kinds in the style of Kubernetes.
    const VERSION_KEY: &'static str = "version";
    /// Fields that had another name in older versions, each with its path now, like `("spec.source", "spec.origin")`.
    ///
    /// [`migrate`](Kind::migrate) moves their values; this says where they came from, so that comments stay with them when a
    /// file is rewritten and mistakes are shown where they stand. Default: none.
    const RENAMED: &'static [(&'static str, &'static str)] = &[];

    /// Turns the body of an older version into one of the newest.
    ///
    /// Unless implemented, no other version is known.
    ///
    /// # Errors
    ///
    /// If nobody knows this version, or this document cannot be migrated.
    fn migrate(version: &str, body: Map<String, Value>) -> Result<Map<String, Value>, Mistake> {
        let _ = body;
        Err(unknown_version::<Self>(version))
    }

    /// Says what is wrong although every single field is right. Looks at nothing but itself.
    fn check(&self) -> Vec<Mistake> {
        Vec::new()
    }

    /// Whether a document's kind names this one; for kinds that had other names.
    fn answers_to(kind: &str) -> bool {
        kind == Self::KIND
    }
}

/// The mistake for a version that a kind does not know; for [`Kind::migrate`].
fn unknown_version<K: Kind>(version: &str) -> Mistake {
    let (kind, newest) = (K::KIND, K::VERSION);
    let message = format!("{kind} has no version `{version}`");
    let mistake = Mistake::new(K::VERSION_KEY, message).hint(format!("the newest version is `{newest}`"));
    Mistake { code: code::VERSION, ..mistake }
}

/// Writes a whole file of this kind, `kind` and `version` first.
///
/// # Errors
///
/// If the value has no form in YAML.
pub fn render_kind<K: Kind>(document: &K) -> Result<String> {
    #[derive(Serialize)]
    struct Whole<'a, K> {
        #[serde(skip_serializing_if = "Option::is_none", rename = "apiVersion")]
        api_version: Option<&'a str>,
        kind: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        version: Option<&'a str>,
        #[serde(flatten)]
        body: &'a K,
    }
    let plain = K::VERSION_KEY == "version";
    yaml::render(&Whole {
        api_version: (!plain).then_some(K::VERSION),
        kind: K::KIND,
        version: plain.then_some(K::VERSION),
        body: document,
    })
}
