//! Whether objects do what they are for, and if not, why, in words.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use futures::{StreamExt, stream};
use orbos_state::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Cluster, ObjectRef, cluster::escaped, observe::Observed};

/// Whether an object does what it is for. Prints as `waiting: deployment web: pod web-0: image cannot be pulled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Health {
    /// It does.
    Ready,
    /// It does not yet, and may without help; why.
    Waiting(String),
    /// It does not, and will not without help; why.
    Failed(String),
}

impl Health {
    /// Whether it does what it is for.
    pub fn is_ready(&self) -> bool {
        *self == Self::Ready
    }

    fn named(self, object: &Value) -> Self {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let subject = format!("{} {}", text("/kind").to_lowercase(), text("/metadata/name"));
        match self {
            Self::Ready => Self::Ready,
            Self::Waiting(why) => Self::Waiting(format!("{subject}: {why}")),
            Self::Failed(why) => Self::Failed(format!("{subject}: {why}")),
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("ready"),
            Self::Waiting(why) => write!(f, "waiting: {why}"),
            Self::Failed(why) => write!(f, "failed: {why}"),
        }
    }
}

/// How an object does, by what the cluster says of it; pure. `pods`: those of its namespace, from which the reasons are taken;
/// without them only numbers are known.
///
/// ```
/// use orbos_k8s::objects::health;
/// use serde_json::json;
///
/// let web = json!({"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "web", "generation": 1},
///     "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}},
///     "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1}});
/// let pod = json!({"kind": "Pod", "metadata": {"name": "web-0", "labels": {"app": "web"}}, "status": {
///     "phase": "Pending", "containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "ErrImagePull"}}}]}});
/// assert_eq!(health(&web, &[]).to_string(), "waiting: deployment web: 0 of 1 pods are available");
/// assert_eq!(health(&web, &[pod]).to_string(), "waiting: deployment web: pod web-0: image cannot be pulled");
/// ```
pub fn health(object: &Value, pods: &[Value]) -> Health {
    let waiting = |why: String| Health::Waiting(why);
    if object["metadata"].get("deletionTimestamp").is_some() {
        return waiting("it is being deleted".to_owned()).named(object);
    }
    let (group, kind) =
        (object["apiVersion"].as_str().unwrap_or_default(), object["kind"].as_str().unwrap_or_default());
    let health = match (group.split_once('/').map_or("", |it| it.0), kind) {
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") => workload(object, kind, pods),
        ("batch", "Job") => job(object, pods),
        ("apiextensions.k8s.io", _) => established(object).map_or_else(waiting, |()| Health::Ready),
        ("", "Pod") => pod(object).unwrap_or(Health::Ready),
        ("", "Service") => service(object),
        ("", "PersistentVolumeClaim") => match object["status"]["phase"].as_str() {
            Some("Bound") => Health::Ready,
            Some("Lost") => Health::Failed("its volume is lost".to_owned()),
            _ => waiting("no volume is bound to it".to_owned()),
        },
        ("", "Namespace") if object["status"]["phase"] == "Terminating" => {
            waiting("it is being deleted".to_owned())
        }
        _ => conditions(object),
    };
    health.named(object)
}

impl Cluster {
    /// How every object does that should be there, as of a look at the cluster. Asks for pods only in namespaces where
    /// something does not do what it is for.
    ///
    /// # Errors
    ///
    /// If the API server does not answer. Pods that may not be read only make the reasons shorter.
    pub async fn health(&self, observed: &Observed) -> Result<BTreeMap<ObjectRef, Health>> {
        let of = |object: &ObjectRef, pods: &[Value]| match observed.live.objects.get(object) {
            Some(there) => health(there, pods),
            None => {
                Health::Waiting(format!("{} {}: it is not there", object.kind.to_lowercase(), object.name))
            }
        };
        let mut all: BTreeMap<_, _> = observed.wanted.keys().map(|it| (it.clone(), of(it, &[]))).collect();
        let runs = |it: &ObjectRef| ["apps", "batch"].contains(&it.group.as_str());
        let ill = all.iter().filter(|(it, health)| runs(it) && !health.is_ready());
        let namespaces: BTreeSet<_> = ill.filter_map(|it| it.0.namespace.clone()).collect();
        let lists = stream::iter(namespaces).map(|namespace| async move {
            let list = self.get(&format!("/api/v1/namespaces/{}/pods", escaped(&namespace))).await;
            (namespace, list)
        });
        let lists: Vec<_> = lists.buffer_unordered(8).collect().await;
        for (namespace, list) in lists {
            let list = match list {
                Ok(list) => list,
                Err(refused) if refused.code() == 0 => {
                    return Err(refused.into_error(format!("looking at the pods in {namespace}"), None));
                }
                // Without them less is said of why.
                Err(_) => continue,
            };
            let pods = list["items"].as_array().map_or(&[][..], Vec::as_slice);
            let here = all.iter_mut().filter(|(it, _)| runs(it) && it.namespace.as_ref() == Some(&namespace));
            here.for_each(|(object, health)| *health = of(object, pods));
        }
        Ok(all)
    }
}

/// Whether the API server serves a kind by its definition, or why not.
pub(crate) fn established(definition: &Value) -> std::result::Result<(), String> {
    for name in ["NamesAccepted", "Established"] {
        match condition(definition, name) {
            Some(it) if it["status"] == "True" => {}
            Some(it) => return Err(format!("its kind is not served: {}", message(it))),
            None => return Err("its kind is not served yet".to_owned()),
        }
    }
    Ok(())
}

/// Whether the names of a definition are those of another one.
pub(crate) fn has_bad_names(definition: &Value) -> bool {
    condition(definition, "NamesAccepted").is_some_and(|it| it["status"] == "False")
}

fn workload(object: &Value, kind: &str, pods: &[Value]) -> Health {
    let (spec, status) = (&object["spec"], &object["status"]);
    let number = |value: &Value, key: &str| value[key].as_u64().unwrap_or(0);
    if number(status, "observedGeneration") < number(&object["metadata"], "generation") {
        return Health::Waiting("its newest form was not looked at yet".to_owned());
    }
    let stuck = condition(object, "Progressing").filter(|it| it["status"] == "False");
    let refused = condition(object, "ReplicaFailure").filter(|it| it["status"] == "True");
    let daemon = kind == "DaemonSet";
    let wanted = match daemon {
        true => number(status, "desiredNumberScheduled"),
        false => spec["replicas"].as_u64().unwrap_or(1),
    };
    let updated = number(status, if daemon { "updatedNumberScheduled" } else { "updatedReplicas" });
    // Servers up to 1.21 do not say how many pods of a StatefulSet are available.
    let available = match (daemon, kind) {
        (true, _) => number(status, "numberAvailable"),
        (_, "StatefulSet") => number(status, "readyReplicas"),
        _ => number(status, "availableReplicas"),
    };
    let rolls = kind != "ReplicaSet" && spec["updateStrategy"]["type"] != "OnDelete";
    let partition = spec["updateStrategy"]["rollingUpdate"]["partition"].as_u64().unwrap_or(0);
    let short = match () {
        () if rolls && updated < wanted.saturating_sub(partition) => {
            format!("{updated} of {wanted} pods are up to date")
        }
        () if available < wanted => format!("{available} of {wanted} pods are available"),
        () if kind == "Deployment" && number(status, "replicas") > updated => {
            format!("{} pods of before are still there", number(status, "replicas") - updated)
        }
        () => return Health::Ready,
    };
    let why = refused.map(message).or_else(|| trouble(object, pods)).unwrap_or(short);
    if stuck.is_some() { Health::Failed(why) } else { Health::Waiting(why) }
}

fn job(object: &Value, pods: &[Value]) -> Health {
    let is = |name: &str| condition(object, name).filter(|it| it["status"] == "True");
    if let Some(failed) = is("Failed") {
        return Health::Failed(trouble(object, pods).unwrap_or_else(|| message(failed)));
    }
    if is("Complete").is_some() || object["spec"]["suspend"] == true {
        return Health::Ready;
    }
    Health::Waiting(trouble(object, pods).unwrap_or_else(|| "it has not finished".to_owned()))
}

fn service(object: &Value) -> Health {
    let asks = object["spec"]["type"] == "LoadBalancer";
    let has = object["status"]["loadBalancer"]["ingress"].as_array().is_some_and(|it| !it.is_empty());
    if asks && !has { Health::Waiting("no load balancer was given to it".to_owned()) } else { Health::Ready }
}

/// What most kinds say of themselves.
fn conditions(object: &Value) -> Health {
    let seen = object["status"]["observedGeneration"].as_u64();
    if seen.is_some_and(|it| Some(it) < object["metadata"]["generation"].as_u64()) {
        return Health::Waiting("its newest form was not looked at yet".to_owned());
    }
    let bad = ["Stalled", "Failed", "Degraded"].iter().filter_map(|it| condition(object, it));
    if let Some(it) = bad.into_iter().find(|it| it["status"] == "True") {
        return Health::Failed(message(it));
    }
    const GOOD: [&str; 7] =
        ["Ready", "Available", "Programmed", "Accepted", "Reconciled", "Healthy", "Synced"];
    let good = GOOD.iter().filter_map(|it| condition(object, it));
    good.into_iter()
        .find(|it| it["status"] != "True")
        .map_or(Health::Ready, |it| Health::Waiting(message(it)))
}

/// What is wrong with the first pod of an object that has something wrong.
fn trouble(object: &Value, pods: &[Value]) -> Option<String> {
    let labels = object["spec"]["selector"]["matchLabels"].as_object()?;
    let mine = pods.iter().filter(|pod| labels.iter().all(|(key, it)| pod["metadata"]["labels"][key] == *it));
    let mut ill: Vec<_> = mine.filter_map(|it| Some((it["metadata"]["name"].as_str()?, pod(it)?))).collect();
    // One that will not get better by itself says more.
    ill.sort_by_key(|(name, health)| (matches!(health, Health::Waiting(_)), *name));
    ill.into_iter().find_map(|(name, health)| match health {
        Health::Ready => None,
        Health::Waiting(why) | Health::Failed(why) => Some(format!("pod {name}: {why}")),
    })
}

/// What is wrong with a pod; `None`: nothing.
fn pod(pod: &Value) -> Option<Health> {
    let status = &pod["status"];
    let containers = ["initContainerStatuses", "containerStatuses"].into_iter();
    let containers = containers.flat_map(|it| status[it].as_array().into_iter().flatten());
    for container in containers.clone() {
        let name = container["name"].as_str().unwrap_or_default();
        let waiting = &container["state"]["waiting"];
        let said = waiting["message"].as_str().unwrap_or_default();
        match waiting["reason"].as_str().unwrap_or_default() {
            "ImagePullBackOff" | "ErrImagePull" | "ErrImageNeverPull" | "InvalidImageName" => {
                return Some(Health::Waiting("image cannot be pulled".to_owned()));
            }
            "CrashLoopBackOff" => {
                let code = container["lastState"]["terminated"]["exitCode"].as_i64();
                let code = code.map(|it| format!(" with {it}")).unwrap_or_default();
                return Some(Health::Waiting(format!("container {name} ends{code} again and again")));
            }
            reason @ ("CreateContainerConfigError" | "CreateContainerError" | "RunContainerError") => {
                let why = if said.is_empty() { reason } else { said };
                return Some(Health::Waiting(format!("container {name} cannot start: {why}")));
            }
            _ => {}
        }
    }
    match status["phase"].as_str() {
        Some("Succeeded") => None,
        Some("Failed") => {
            let why = status["message"].as_str().or(status["reason"].as_str()).unwrap_or("it has failed");
            Some(Health::Failed(why.to_owned()))
        }
        Some("Running") => {
            let unready = containers.into_iter().find(|it| it["ready"] == false)?;
            let name = unready["name"].as_str().unwrap_or_default();
            Some(Health::Waiting(format!("container {name} is not ready")))
        }
        _ => {
            let unscheduled = condition(pod, "PodScheduled").filter(|it| it["status"] == "False");
            let why = unscheduled.map(|it| format!("no node takes it: {}", message(it)));
            Some(Health::Waiting(why.unwrap_or_else(|| "it has not started".to_owned())))
        }
    }
}

fn condition<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|it| it["type"] == name)
}

fn message(condition: &Value) -> String {
    let text = |key: &str| condition[key].as_str().filter(|it| !it.is_empty());
    text("message").or(text("reason")).or(text("type")).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
