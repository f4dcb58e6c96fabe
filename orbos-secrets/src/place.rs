use ring::digest::{Context, SHA256};
use std::fmt;

/// Where a sealed value stands. It is bound to the value, which does not open anywhere else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The orb, by a name that is the same for everybody who opens it, such as its id.
    pub orb: String,
    /// The file in the orb's repository, with `/` between folders: `orbiter.yml`.
    pub file: String,
    /// The keys that lead to the value in the document, with `.` between them: `clusters.k8s.spec.kubeconfig`.
    pub path: String,
}

impl Place {
    /// A place from its three parts.
    pub fn new(orb: impl Into<String>, file: impl Into<String>, path: impl Into<String>) -> Self {
        Self { orb: orb.into(), file: file.into(), path: path.into() }
    }

    /// The place of a path below this one.
    #[must_use]
    pub fn below(&self, path: &str) -> Self {
        let path = match self.path.as_str() {
            "" => path.to_owned(),
            root => format!("{root}.{path}"),
        };
        Self { path, ..self.clone() }
    }

    /// A hash that differs for different places. Every part goes in with its length, so that moving a
    /// character from one part to the next is another place.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let Self { orb, file, path } = self;
        let mut context = Context::new(&SHA256);
        context.update(b"orbos place v1");
        for part in [orb, file, path] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} in {} of orb {}", self.path, self.file, self.orb)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(Place::new("a", "b", "c").digest(), Place::new("ab", "", "c").digest());
        assert_ne!(Place::new("a", "b", "c").digest(), Place::new("a", "bc", "").digest());
    }
}
