//! What to do about a lease, and what is written into it; pure.

use std::time::Duration;

use serde_json::{Value, json};

/// What a lease says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Who holds it; `None`: nobody, it was given back.
    pub(crate) holder: Option<String>,
    /// How long it is the holder's without a change.
    pub(crate) duration: Duration,
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// There is none: it is created as ours.
    Create,
    /// It becomes ours.
    Take,
    /// It is ours and stays so.
    Renew,
    /// It is somebody else's.
    Wait,
}

impl Seen {
    /// Reads what a lease says; `otherwise`: how long it holds if it does not say that.
    pub(crate) fn read(spec: &Value, otherwise: Duration) -> Self {
        let holder = spec["holderIdentity"].as_str().filter(|it| !it.is_empty()).map(str::to_owned);
        let duration = spec["leaseDurationSeconds"].as_u64().map_or(otherwise, Duration::from_secs);
        Self { holder, duration }
    }
}

/// Decides. `seen`: what the lease says, `None`: there is none. `unchanged`: for how long it was seen to say just that, by
/// our own clock; what others' clocks say counts for nothing.
pub(crate) fn decide(seen: Option<&Seen>, unchanged: Duration, me: &str) -> Act {
    let Some(Seen { holder, duration }) = seen else { return Act::Create };
    match holder {
        None => Act::Take,
        Some(holder) if holder == me => Act::Renew,
        Some(_) if unchanged >= *duration => Act::Take,
        Some(_) => Act::Wait,
    }
}

/// What the lease says once it is ours, or still ours. `now`: the time, for humans.
pub(crate) fn held(before: Option<&Value>, act: Act, me: &str, duration: Duration, now: &str) -> Value {
    let mut spec = before.filter(|it| it.is_object()).cloned().unwrap_or_else(|| json!({}));
    spec["holderIdentity"] = me.into();
    // Rounded up: the others rather wait too long.
    spec["leaseDurationSeconds"] = (duration + Duration::from_nanos(999_999_999)).as_secs().max(1).into();
    spec["renewTime"] = now.into();
    if act != Act::Renew {
        spec["acquireTime"] = now.into();
        let before = spec["leaseTransitions"].as_u64();
        spec["leaseTransitions"] = before.map_or(0, |it| it + 1).into();
    }
    spec
}

/// What the lease says once it was given back.
pub(crate) fn released(before: &Value, now: &str) -> Value {
    let mut spec = before.clone();
    if let Some(fields) = spec.as_object_mut() {
        fields.shift_remove("holderIdentity");
    }
    spec["renewTime"] = now.into();
    spec
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn seen(holder: Option<&str>) -> Seen {
        Seen { holder: holder.map(str::to_owned), duration: MINUTE }
    }

    #[test]
    fn a_lease_that_nobody_holds_is_taken_at_once() {
        assert_eq!(decide(None, Duration::ZERO, "me"), Act::Create);
        assert_eq!(decide(Some(&seen(None)), Duration::ZERO, "me"), Act::Take);
        let spec = json!({"holderIdentity": "", "leaseDurationSeconds": 60});
        assert_eq!(Seen::read(&spec, Duration::ZERO), seen(None), "as other programs give it back");
    }

    #[test]
    fn ones_own_lease_is_renewed_however_old_it_is() {
        for unchanged in [Duration::ZERO, MINUTE * 2] {
            assert_eq!(decide(Some(&seen(Some("me"))), unchanged, "me"), Act::Renew);
        }
    }

    #[test]
    fn somebody_elses_lease_is_taken_when_it_did_not_change_for_its_duration() {
        let other = seen(Some("other"));
        assert_eq!(decide(Some(&other), Duration::ZERO, "me"), Act::Wait);
        assert_eq!(decide(Some(&other), MINUTE - Duration::from_millis(1), "me"), Act::Wait);
        assert_eq!(decide(Some(&other), MINUTE, "me"), Act::Take);
        let silent = Seen::read(&json!({"holderIdentity": "other"}), MINUTE);
        assert_eq!(silent, other, "one that does not say how long holds as long as ours");
    }

    #[test]
    fn what_is_written_counts_holders_and_not_renewals() {
        let short = Duration::from_millis(1500);
        let first = held(None, Act::Create, "me", short, "t1");
        let expected = json!({"holderIdentity": "me", "leaseDurationSeconds": 2, "renewTime": "t1",
            "acquireTime": "t1", "leaseTransitions": 0});
        assert_eq!(first, expected);
        let renewed = held(Some(&first), Act::Renew, "me", short, "t2");
        assert_eq!((&renewed["acquireTime"], &renewed["renewTime"]), (&json!("t1"), &json!("t2")));
        let free = released(&renewed, "t3");
        assert_eq!(Seen::read(&free, short).holder, None);
        let taken = held(Some(&free), Act::Take, "other", MINUTE, "t4");
        assert_eq!((&taken["leaseTransitions"], &taken["leaseDurationSeconds"]), (&json!(1), &json!(60)));
    }
}
