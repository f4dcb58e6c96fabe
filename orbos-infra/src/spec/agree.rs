//! Whether clusters and providers of one file agree.

use std::{collections::BTreeMap, net::IpAddr};

use orbos_state::{Diagnostics, Document, FieldPath, Mistake};
use serde_json::Value;

use crate::{
    cluster::{ClusterGoal, Tier},
    machine::{PoolRef, ProviderId},
    network::Endpoint,
    provider::{Balancing, ProviderGoal},
};

/// Says where a cluster asks for what no provider has: pools, the endpoint through which it is found, ranges of
/// addresses that are taken.
pub fn agree(
    clusters: &[(Document, ClusterGoal)],
    providers: &BTreeMap<ProviderId, ProviderGoal>,
) -> Result<(), Diagnostics> {
    let mut wrong = Diagnostics::new();
    for (document, goal) in clusters {
        wrong.extend(mistakes(document, goal, providers).into_iter().map(|it| document.diagnostic(it)));
    }
    wrong.into_result()
}

fn mistakes(
    document: &Document,
    goal: &ClusterGoal,
    providers: &BTreeMap<ProviderId, ProviderGoal>,
) -> Vec<Mistake> {
    let body = Value::Object(document.body());
    let mut wrong = Vec::new();
    for pool in goal.pools.iter().map(|it| &it.pool) {
        let place = place_of(&body, pool).unwrap_or_default();
        match providers.get(&pool.provider) {
            None => {
                let known = listed(providers.keys());
                let message = format!("there is no provider `{}`", pool.provider);
                wrong.push(Mistake::at(place.join("provider"), message).hint(format!("there is {known}")));
            }
            Some(provider) if !provider.pools.contains(pool) => {
                let known = listed(provider.pools.iter().map(|it| &it.pool));
                let message = format!("provider `{}` has no pool `{}`", pool.provider, pool.pool);
                wrong.push(Mistake::at(place.join("pool"), message).hint(format!("it has {known}")));
            }
            Some(_) => {}
        }
    }
    let plane = goal.pools.iter().find(|it| it.tier == Tier::Controlplane);
    let provider = plane.and_then(|it| providers.get_key_value(&it.pool.provider));
    if let (Some(name), Some((id, provider))) = (&goal.endpoint, provider) {
        wrong.extend(endpoint(name, id, provider));
    }
    for taken in providers.values().flat_map(|it| it.endpoints.values()) {
        wrong.extend(overlap(goal, taken));
    }
    wrong
}

fn endpoint(name: &str, id: &str, provider: &ProviderGoal) -> Option<Mistake> {
    let hint = format!("members find the cluster through it; see `loadbalancing` of provider `{id}`");
    match provider.endpoints.get(name) {
        None => {
            let message = format!("provider `{id}` has no transport named `{name}`");
            Some(Mistake::new("spec.controlplane", message).hint(hint))
        }
        Some(it) if it.address.is_none() && provider.balancing == Balancing::OnMachines => {
            let message = format!("the transport `{name}` of provider `{id}` has no `ip`");
            Some(Mistake::new("spec.controlplane", message).hint(hint))
        }
        Some(_) => None,
    }
}

fn overlap(goal: &ClusterGoal, endpoint: &Endpoint) -> Option<Mistake> {
    let address: IpAddr = endpoint.address?;
    let range = goal.internal.iter().find(|it| it.contains(address))?;
    let message =
        format!("the range {range} holds {address}, the address of the transport `{}`", endpoint.name);
    Some(Mistake::new("spec.networking", message).hint("choose ranges that nobody else uses"))
}

/// Where the file asks for a pool: the mapping with its `provider` and `pool`.
fn place_of(value: &Value, pool: &PoolRef) -> Option<FieldPath> {
    fn search(value: &Value, pool: &PoolRef, at: &FieldPath) -> Option<FieldPath> {
        match value {
            Value::Object(map) => {
                let is = |key: &str, text: &str| map.get(key).and_then(Value::as_str) == Some(text);
                if is("provider", &pool.provider) && is("pool", &pool.pool) {
                    return Some(at.clone());
                }
                map.iter().find_map(|(key, value)| search(value, pool, &at.join(key.as_str())))
            }
            Value::Array(items) => {
                items.iter().enumerate().find_map(|(number, it)| search(it, pool, &at.join(number)))
            }
            _ => None,
        }
    }
    search(value, pool, &FieldPath::root())
}

fn listed<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<String> = names.map(|it| format!("`{it}`")).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}
