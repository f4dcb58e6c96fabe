/// What is wrong with a tool or with a set of them; a human has to change something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value is no Kubernetes object.
    #[error("tool {tool} made what is no Kubernetes object: {why}")]
    NoObject {
        /// The tool.
        tool: String,
        /// What it lacks.
        why: String,
    },
    /// Two tools have the same name.
    #[error("there are two tools named {0}")]
    Twice(String),
    /// A tool's settings do not make sense.
    #[error("{field}: {why}")]
    Invalid {
        /// The field in the desired file, like `spec.monitoring.auth`.
        field: String,
        /// What is wrong, and what would be valid.
        why: String,
    },
    /// Definitions of the tool's kinds are not at hand.
    #[error("definitions {bundle}: {why}")]
    Definitions {
        /// The bundle of definitions.
        bundle: String,
        /// Why not, and what helps.
        why: String,
    },
    /// A secret is not at hand.
    #[error("{field}: {why}")]
    Secret {
        /// The field in the desired file.
        field: String,
        /// Why not, and what helps.
        why: String,
    },
}

impl Error {
    /// Settings that do not make sense.
    pub fn invalid(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), why: why.into() }
    }
}
