/// What is wrong with a tool or with a set of them; a human has to change something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value is no Kubernetes object.
    #[error("{what} is no Kubernetes object: {why}")]
    NoObject {
        /// Which value, as far as it says who it is.
        what: String,
        /// What it lacks.
        why: String,
    },
    /// Two tools have the same name.
    #[error("there are two tools named {0}")]
    Twice(String),
    /// A tool comes after one that is not there.
    #[error("tool {tool} comes after {missing}, and there is no such tool")]
    Missing {
        /// The tool.
        tool: String,
        /// What it comes after.
        missing: String,
    },
    /// Tools come after each other in a circle.
    #[error("these tools wait for each other: {}", .0.join(", "))]
    Circle(Vec<String>),
    /// A tool's settings do not make sense.
    #[error("tool {tool}: {why}")]
    Invalid {
        /// The tool.
        tool: String,
        /// What is wrong, and what would be valid.
        why: String,
    },
}
