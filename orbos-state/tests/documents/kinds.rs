//! Kinds in the shape of real ones.

use std::{collections::BTreeMap, fmt};

use orbos_state::{Document, Embedded, Kind, Mistake, Source};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An outer document that knows nothing of what it holds.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Orb {
    #[serde(default)]
    pub(crate) spec: OrbSpec,
    pub(crate) providers: BTreeMap<String, Embedded>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct OrbSpec {
    #[serde(default)]
    pub(crate) verbose: bool,
}

impl Kind for Orb {
    const KIND: &'static str = "example.com/Orb";
    const VERSION: &'static str = "v0";
}

/// A provider with one field of every sort.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Provider {
    pub(crate) spec: ProviderSpec,
    pub(crate) load_balancing: Option<Embedded>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProviderSpec {
    /// Machines by pool.
    pub(crate) pools: BTreeMap<String, Vec<Machine>>,
    #[serde(default)]
    pub(crate) port: Option<u16>,
    #[serde(default)]
    pub(crate) protocol: Protocol,
    #[serde(default)]
    pub(crate) ratio: f64,
    #[serde(default)]
    pub(crate) active: bool,
    /// A machine image, like `debian-12`.
    #[serde(default)]
    #[schemars(regex(pattern = r"^[a-z]+-[0-9]+$"))]
    pub(crate) image: Option<String>,
    #[serde(default)]
    pub(crate) health: Option<Health>,
    #[serde(default)]
    #[schemars(extend("writeOnly" = true))]
    pub(crate) token: Option<Token>,
    #[serde(default)]
    #[schemars(length(max = 2))]
    pub(crate) zones: Vec<String>,
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Machine {
    /// Unique among all machines.
    pub(crate) id: Name,
    /// Where SSH answers.
    pub(crate) ip: String,
    #[serde(default)]
    pub(crate) disks: Vec<u32>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    #[default]
    Tcp,
    Udp,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Health {
    Http { path: String, code: u16 },
    Exec { command: Vec<String> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Token {
    pub(crate) encryption: String,
    pub(crate) value: String,
}

/// Lower case letters, digits and `-`; checked by the type, not by the schema.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub(crate) struct Name(String);

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-';
        if !text.is_empty() && text.chars().all(plain) {
            Ok(Self(text))
        } else {
            Err(format!("`{text}` is no name: use a-z, 0-9 and `-`"))
        }
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Kind for Provider {
    const KIND: &'static str = "example.com/Provider";
    const VERSION: &'static str = "v1";

    fn check(&self) -> Vec<Mistake> {
        let mut seen = BTreeMap::new();
        let mut mistakes = Vec::new();
        for (pool, machines) in &self.spec.pools {
            for (index, machine) in machines.iter().enumerate() {
                if let Some(first) = seen.insert(&machine.ip, &machine.id) {
                    let path = format!("spec.pools.{pool}[{index}].ip");
                    let message = format!("{} and {first} have the same address", machine.id);
                    mistakes
                        .push(Mistake::new(&path, message).hint("every machine has an address of its own"));
                }
            }
        }
        mistakes
    }
}

pub(crate) fn parse(text: &str) -> Result<Document, orbos_state::Diagnostics> {
    Document::parse(&Source::new("orbiter.yml", text))
}
