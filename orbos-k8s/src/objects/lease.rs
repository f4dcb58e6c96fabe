//! A lease: of several programs that could work one does, and another one goes on when it dies.

mod decide;

use std::{
    fmt,
    time::{Duration, Instant},
};

use orbos_state::{Error, Result};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    Cluster,
    cluster::{Refused, escaped},
};
use decide::{Act, Seen, decide, held, released};

/// Where a lease is. Prints as `Lease caos-system/boom`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseName {
    /// The namespace; it is created if it is not there.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl fmt::Display for LeaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lease {}/{}", self.namespace, self.name)
    }
}

impl LeaseName {
    fn collection(&self) -> String {
        format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", escaped(&self.namespace))
    }

    fn address(&self) -> String {
        format!("{}/{}", self.collection(), escaped(&self.name))
    }
}

/// One program's part in a lease of `coordination.k8s.io/v1`, as other programs hold them too.
///
/// It remembers what it saw and since when, by its own clock; that of others is not trusted. So a program that has just
/// started waits for the whole duration before it takes a lease from somebody who died.
#[derive(Clone, Debug)]
pub struct Lease {
    name: LeaseName,
    holder: String,
    duration: Duration,
    /// What the lease says, and when it was first seen to say that.
    seen: Option<(Value, Instant)>,
}

/// Whose a lease is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Ours.
    Ours {
        /// Nobody else takes it before that. Whoever was not told of a later time by then stops working.
        until: Instant,
    },
    /// Somebody else's.
    Elsewhere {
        /// Who holds it.
        holder: String,
    },
}

impl Hold {
    /// Whether the lease is ours.
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Ours { .. })
    }
}

impl Lease {
    /// Takes part. `holder` says which program this is, and no other one may say the same; a pod's name is good. `duration`:
    /// how long the lease stays with a holder who does nothing; to be held again after a third of it.
    pub fn new(name: LeaseName, holder: impl Into<String>, duration: Duration) -> Self {
        Self { name, holder: holder.into(), duration, seen: None }
    }

    /// For how long the lease says what it says now.
    fn unchanged(&mut self, spec: &Value, now: Instant) -> Duration {
        match &self.seen {
            Some((before, since)) if before == spec => now.saturating_duration_since(*since),
            _ => {
                self.seen = Some((spec.clone(), now));
                Duration::ZERO
            }
        }
    }

    fn refused(&self, refused: Refused) -> Error {
        refused.into_error(format!("holding {}", self.name), None)
    }
}

impl Cluster {
    /// Takes a lease if it is free, or keeps it if it is ours; to be called again and again, every third of its duration.
    ///
    /// Takes at most as long as the lease's duration. After an error the lease is still ours until the time that was told last.
    ///
    /// # Errors
    ///
    /// If the API server does not answer or refuses it, or if others are faster again and again.
    pub async fn hold(&self, lease: &mut Lease) -> Result<Hold> {
        let duration = lease.duration;
        let silent =
            || Error::unreachable("the API server").because(format!("no answer within {duration:?}"));
        timeout(duration, self.hold_at_last(lease)).await.unwrap_or_else(|_| Err(silent()))
    }

    /// Gives a lease back, so that another program need not wait; nothing happens if it is not ours.
    ///
    /// # Errors
    ///
    /// If the API server does not answer or refuses it.
    pub async fn release(&self, lease: &mut Lease) -> Result<()> {
        lease.seen = None;
        let Some(object) = self.lease(lease).await? else { return Ok(()) };
        if Seen::read(&object["spec"], lease.duration).holder.as_deref() != Some(lease.holder.as_str()) {
            return Ok(());
        }
        let spec = released(&object["spec"], &now());
        match self.put_lease(lease, object, spec).await {
            // Somebody else has it already.
            Err(refused) if [404, 409].contains(&refused.code()) => Ok(()),
            result => result.map(drop).map_err(|it| lease.refused(it)),
        }
    }

    async fn hold_at_last(&self, lease: &mut Lease) -> Result<Hold> {
        // Whoever was faster is seen at the second look.
        for _ in 0..3 {
            let object = self.lease(lease).await?;
            let spec = object.as_ref().map(|it| it["spec"].clone());
            let seen = spec.as_ref().map(|it| Seen::read(it, lease.duration));
            let unchanged = spec.as_ref().map_or(Duration::ZERO, |it| lease.unchanged(it, Instant::now()));
            let act = decide(seen.as_ref(), unchanged, &lease.holder);
            if act == Act::Wait {
                let holder = seen.and_then(|it| it.holder).unwrap_or_default();
                return Ok(Hold::Elsewhere { holder });
            }
            // The others count from when they see it, which is later.
            let begin = Instant::now();
            let spec = held(spec.as_ref(), act, &lease.holder, lease.duration, &now());
            let written = match object {
                Some(object) => self.put_lease(lease, object, spec).await,
                None => self.create_lease(lease, spec).await,
            };
            match written {
                Ok(_) => return Ok(Hold::Ours { until: begin + lease.duration }),
                Err(refused) if [404, 409].contains(&refused.code()) => {}
                Err(refused) => return Err(lease.refused(refused)),
            }
        }
        Err(Error::conflict(lease.name.to_string()))
    }

    /// The lease as it is; `None`: there is none.
    async fn lease(&self, lease: &Lease) -> Result<Option<Value>> {
        match self.get(&lease.name.address()).await {
            Ok(object) => Ok(Some(object)),
            Err(refused) if refused.code() == 404 => Ok(None),
            Err(refused) => Err(lease.refused(refused)),
        }
    }

    /// It carries the version that was seen: whoever was faster is not overwritten.
    async fn put_lease(&self, lease: &Lease, mut object: Value, spec: Value) -> Result<Value, Refused> {
        object["spec"] = spec;
        self.put(&lease.name.address(), &object).await
    }

    async fn create_lease(&self, lease: &Lease, spec: Value) -> Result<Value, Refused> {
        let LeaseName { namespace, name } = &lease.name;
        let object = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": name, "namespace": namespace}, "spec": spec});
        let answer = self.post(&lease.name.collection(), &object).await;
        if answer.as_ref().is_err_and(|it| it.code() == 404) {
            let home = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
            match self.post("/api/v1/namespaces", &home).await {
                Err(refused) if refused.code() != 409 => return Err(refused),
                _ => return self.post(&lease.name.collection(), &object).await,
            }
        }
        answer
    }
}

/// The time as a lease has it; for humans only.
fn now() -> String {
    format!("{:.6}", k8s_openapi::jiff::Timestamp::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_change_of_what_it_says_makes_it_young_again() {
        let name = LeaseName { namespace: "a".into(), name: "b".into() };
        let mut lease = Lease::new(name, "me", Duration::from_secs(15));
        let (begin, second) = (Instant::now(), Duration::from_secs(1));
        let spec = |time: &str| json!({"holderIdentity": "other", "renewTime": time});
        // What is written there is of long ago, and not seen until now.
        assert_eq!(lease.unchanged(&spec("1970-01-01T00:00:00.000000Z"), begin), Duration::ZERO);
        assert_eq!(lease.unchanged(&spec("1970-01-01T00:00:00.000000Z"), begin + second * 9), second * 9);
        assert_eq!(
            lease.unchanged(&spec("2070-01-01T00:00:00.000000Z"), begin + second * 10),
            Duration::ZERO
        );
        assert_eq!(lease.unchanged(&spec("2070-01-01T00:00:00.000000Z"), begin + second * 12), second * 2);
    }

    #[test]
    fn the_time_has_six_digits_behind_the_second() {
        let now = now();
        assert_eq!((now.len(), &now[19..20], &now[26..]), (27, ".", "Z"), "{now}");
    }
}
