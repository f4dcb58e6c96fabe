//! A plan: what to do now, in which order, and what has to wait.

use std::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What a change does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Something new comes to be: `+`.
    Create,
    /// Something that is there becomes different: `~`.
    Update,
    /// Something goes away: `-`.
    Delete,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "+",
            Self::Update => "~",
            Self::Delete => "-",
        })
    }
}

/// One step that changes the world, written down as a value.
///
/// It prints as the line of a diff, without the sign of its [`effect`](Self::effect).
pub trait Change:
    Clone + fmt::Debug + fmt::Display + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// What it does to the world.
    fn effect(&self) -> Effect;
}

/// Something that cannot be done yet, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Waiting {
    /// What waits.
    pub subject: String,
    /// What it waits for.
    pub reason: String,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "… {}: {}", self.subject, self.reason)
    }
}

/// What to do now, and what has to wait.
///
/// Stages follow each other; the changes of one stage may happen at the same time. Prints as a diff:
/// one line a change, `+`, `~` or `-` in front, then one line `…` for each thing that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan<C> {
    stages: Vec<Vec<C>>,
    waiting: Vec<Waiting>,
}

impl<C> Default for Plan<C> {
    fn default() -> Self {
        Self { stages: Vec::new(), waiting: Vec::new() }
    }
}

impl<C: Change> Plan<C> {
    /// A plan without anything to do.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a stage behind the others; an empty one is left out.
    pub fn stage(&mut self, changes: impl IntoIterator<Item = C>) {
        let changes: Vec<C> = changes.into_iter().collect();
        if !changes.is_empty() {
            self.stages.push(changes);
        }
    }

    /// Notes what waits for what. The same note again, shortly after, is kept once.
    pub fn wait(&mut self, subject: impl Into<String>, reason: impl Into<String>) {
        let waiting = Waiting { subject: subject.into(), reason: reason.into() };
        // Not all of them: an orb with thousands of machines can wait for as many things.
        if !self.waiting.iter().rev().take(32).any(|it| *it == waiting) {
            self.waiting.push(waiting);
        }
    }

    /// Puts another plan behind this one.
    pub fn then(&mut self, other: Self) {
        self.stages.extend(other.stages);
        for Waiting { subject, reason } in other.waiting {
            self.wait(subject, reason);
        }
    }

    /// Turns every change into another kind of change.
    pub fn map<D: Change>(self, into: impl Fn(C) -> D) -> Plan<D> {
        let stages = self.stages.into_iter().map(|stage| stage.into_iter().map(&into).collect()).collect();
        Plan { stages, waiting: self.waiting }
    }

    /// The stages in order.
    pub fn stages(&self) -> &[Vec<C>] {
        &self.stages
    }

    /// Every change, in order.
    pub fn changes(&self) -> impl Iterator<Item = &C> {
        self.stages.iter().flatten()
    }

    /// What waits.
    pub fn waiting(&self) -> &[Waiting] {
        &self.waiting
    }

    /// Whether there is nothing to do now; something may still wait.
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// Whether there is nothing to do and nothing waits.
    pub fn is_settled(&self) -> bool {
        self.stages.is_empty() && self.waiting.is_empty()
    }
}

impl<C: Change> fmt::Display for Plan<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in self.changes() {
            writeln!(f, "{} {change}", change.effect())?;
        }
        for waiting in &self.waiting {
            writeln!(f, "{waiting}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Light(bool);

    impl fmt::Display for Light {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "light {}", if self.0 { "on" } else { "off" })
        }
    }

    impl Change for Light {
        fn effect(&self) -> Effect {
            if self.0 { Effect::Create } else { Effect::Delete }
        }
    }

    #[test]
    fn a_plan_prints_as_a_diff() {
        let mut plan = Plan::new();
        plan.stage([Light(true)]);
        plan.stage([]);
        plan.stage([Light(false)]);
        plan.wait("door", "nobody is at home");
        plan.wait("door", "nobody is at home");
        assert_eq!(plan.to_string(), "+ light on\n- light off\n… door: nobody is at home\n");
        assert_eq!(plan.stages().len(), 2);
    }

    #[test]
    fn a_plan_survives_being_written_down() {
        let mut plan = Plan::new();
        plan.stage([Light(true), Light(false)]);
        plan.wait("door", "later");
        let text = serde_json::to_string(&plan).expect("plans serialise");
        assert_eq!(serde_json::from_str::<Plan<Light>>(&text).expect("plans deserialise"), plan);
    }

    #[test]
    fn waiting_is_not_settled() {
        let mut plan = Plan::<Light>::new();
        assert!(plan.is_settled());
        plan.wait("door", "later");
        assert!(plan.is_empty() && !plan.is_settled());
    }
}
