//! Older versions of load balancing.

use orbos_state::{Mistake, code};
use serde_json::{Map, Value};

type Fields = Map<String, Value>;

/// Turns `v0` or `v1` into `v2`. What has the wrong form stays as it is, so that it is reported where it is.
pub(super) fn migrate(version: &str, mut body: Fields) -> Result<Fields, Mistake> {
    let steps: &[fn(&mut Fields)] = match version {
        "v0" => &[white_list_to_transports, destinations_to_backends],
        "v1" => &[destinations_to_backends],
        _ => {
            let message = format!("load balancing has no version `{version}`");
            let mistake =
                Mistake::new("version", message).hint("the newest is `v2`; `v0` and `v1` are read too");
            return Err(Mistake { code: code::VERSION, ..mistake });
        }
    };
    let pools = body.get_mut("spec").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut);
    for vip in pools.filter_map(Value::as_array_mut).flatten().filter_map(Value::as_object_mut) {
        steps.iter().for_each(|step| step(vip));
    }
    Ok(body)
}

/// `v0` to `v1`: an address's white list goes to each of its transports.
///
/// The original does so only for the first address of a pool; its test wants it for all.
fn white_list_to_transports(vip: &mut Fields) {
    let list = vip.shift_remove("whitelist").unwrap_or(Value::Null);
    if list.is_null() {
        return;
    }
    for transport in transports(vip) {
        transport.insert("whitelist".to_owned(), list.clone());
    }
}

/// `v1` to `v2`: port and health check of the first destination, pools of all.
fn destinations_to_backends(vip: &mut Fields) {
    for transport in transports(vip) {
        rename(transport, "sourceport", "frontendport");
        let Some(Value::Array(destinations)) = transport.get("destinations").cloned() else { continue };
        transport.shift_remove("destinations");
        let mut put = |name: &str, value: Option<&Value>| {
            value.map(|it| transport.insert(name.to_owned(), it.clone()));
        };
        let first = destinations.first();
        put("backendport", first.and_then(|it| it.get("port")));
        put("healthchecks", first.and_then(|it| it.get("healthchecks")));
        let pools = destinations.iter().filter_map(|it| it.get("pool").cloned()).collect();
        put("backendpools", Some(&Value::Array(pools)));
    }
}

fn rename(fields: &mut Fields, from: &str, to: &str) {
    if let Some(value) = fields.shift_remove(from) {
        fields.insert(to.to_owned(), value);
    }
}

fn transports(vip: &mut Fields) -> impl Iterator<Item = &mut Fields> {
    vip.get_mut("transport")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
}
