//! Which machines are members, and what keeps work off them.

use std::{collections::BTreeSet, fmt};

use orbos_infra::PoolRef;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// How many machines of which pool are members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pool<Size> {
    /// The provider in the same file.
    pub provider: String,
    /// The pool at that provider.
    pub pool: String,
    /// How many machines; at providers with several zones per pool, in each zone.
    pub nodes: Size,
    /// Whether nothing on its machines may be changed at the moment.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub updatesdisabled: bool,
    /// What keeps work off its members; absent: taints are left alone, empty: they are removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taints: Option<Vec<Taint>>,
}

impl<Size> Pool<Size> {
    /// The pool it is about.
    pub fn pool(&self) -> PoolRef {
        PoolRef::new(&self.provider, &self.pool)
    }
}

/// How many members a control plane can have: 1, 3 or 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64")]
pub struct ControlplaneSize(u8);

impl ControlplaneSize {
    /// The number.
    pub fn get(self) -> usize {
        self.0.into()
    }
}

/// A number of machines that cannot form a control plane.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a control plane has 1, 3 or 5 nodes, not {0}")]
pub struct ControlplaneSizeError(u64);

impl TryFrom<u64> for ControlplaneSize {
    type Error = ControlplaneSizeError;

    fn try_from(nodes: u64) -> Result<Self, ControlplaneSizeError> {
        match nodes {
            1 => Ok(Self(1)),
            3 => Ok(Self(3)),
            5 => Ok(Self(5)),
            _ => Err(ControlplaneSizeError(nodes)),
        }
    }
}

impl JsonSchema for ControlplaneSize {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ControlplaneSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "enum": [1, 3, 5] })
    }
}

/// What keeps work off a member.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Taint {
    /// Its name.
    pub key: String,
    /// Its value; absent is the same as empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// What it does to work that does not tolerate it.
    pub effect: TaintEffect,
}

impl fmt::Display for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}:{}", self.key, self.value, self.effect)
    }
}

/// Taints in the form in which they are compared: sorted, each once, joined by commas.
pub(in crate::software) fn canonical(taints: &[Taint]) -> String {
    let sorted: BTreeSet<String> = taints.iter().map(Taint::to_string).collect();
    sorted.into_iter().collect::<Vec<_>>().join(",")
}

/// What a taint does to work that does not tolerate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum TaintEffect {
    /// New work goes elsewhere.
    NoSchedule,
    /// New work goes elsewhere if it can.
    PreferNoSchedule,
    /// Work goes elsewhere, also what is there already.
    NoExecute,
}

impl fmt::Display for TaintEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
