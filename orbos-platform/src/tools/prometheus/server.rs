//! The Prometheus object itself.

use serde_json::{Value, json};

use super::{ACCOUNT, ALERTING, COMPONENT, PORT, SELECTED, pods::Pods, remote};
use crate::{
    Error, Wiring,
    parts::{Parts, claim},
    spec::{MetricsPersisting as Settings, Storage},
    tools::{alertmanager, prometheus_operator::slices},
    versions::PROMETHEUS,
};

const FIELD: &str = "spec.metricsPersisting";
/// How long metrics are kept unless a human says otherwise.
const RETENTION: &str = "10d";
/// The size of a volume unless a human says otherwise.
const SIZE: &str = "20Gi";
/// The label of whatever leaves this Prometheus that says which orb it comes from.
const ORB: &str = "orb";

/// The `spec` of the Prometheus object.
///
/// # Errors
///
/// If settings make no sense.
pub(super) fn spec(
    settings: &Settings,
    replicas: u32,
    parts: &Parts<'_>,
    wiring: &Wiring,
) -> Result<Value, Error> {
    let Settings { tool, replica_count: _, retention, storage, external_labels, remote_write, metrics: _ } =
        settings;
    if external_labels.contains_key(ORB) {
        let why = "this label is the orb's name and set already; choose another one";
        return Err(Error::invalid(format!("{FIELD}.externalLabels.{ORB}"), why));
    }
    let context = parts.context();
    let mut labels = json!(external_labels);
    labels[ORB] = json!(context.orb);
    let pods =
        Pods { component: COMPONENT, image: &PROMETHEUS, tool, replicas, needs: ["300m", "2Gi", "4Gi"] };
    let mut spec = pods.spec(parts);
    spec["serviceAccountName"] = json!(ACCOUNT);
    // It asks the API server where targets are.
    spec["automountServiceAccountToken"] = json!(true);
    spec["portName"] = json!(PORT.name);
    spec["shards"] = json!(1);
    spec["scrapeInterval"] = json!("30s");
    spec["evaluationInterval"] = json!("30s");
    spec["walCompression"] = json!(true);
    spec["serviceDiscoveryRole"] = json!(if slices(context) { "EndpointSlice" } else { "Endpoints" });
    spec["externalLabels"] = labels;
    spec["retention"] = json!(duration(retention.as_deref())?);
    for kind in ["serviceMonitor", "podMonitor", "probe", "scrapeConfig", "rule"] {
        spec[format!("{kind}Selector")] = json!({ "matchLabels": { SELECTED.0: SELECTED.1 } });
        spec[format!("{kind}NamespaceSelector")] = json!({});
    }
    if let Some(storage) = storage {
        spec["storage"] = json!({ "volumeClaimTemplate": { "spec": claim(storage, SIZE) } });
        spec["retentionSize"] = json!(most(storage)?);
    }
    if let Some(remote_write) = remote_write {
        spec["remoteWrite"] = json!([remote::write(remote_write)?]);
    }
    if wiring.has(ALERTING) {
        let alertmanager = json!({
            "apiVersion": "v2",
            "name": alertmanager::SERVICE,
            "namespace": context.namespace,
            "port": alertmanager::PORT.name,
        });
        spec["alerting"] = json!({ "alertmanagers": [alertmanager] });
    }
    Ok(spec)
}

/// How long metrics are kept.
fn duration(stated: Option<&str>) -> Result<&str, Error> {
    let Some(stated) = stated.filter(|it| !it.is_empty()) else { return Ok(RETENTION) };
    // Units only get smaller, and none is there twice: 1y2w3d4h5m6s7ms.
    let mut rest = stated;
    for unit in ["y", "w", "d", "h", "m", "s", "ms"] {
        let end = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let letters = after.find(|it: char| it.is_ascii_digit()).unwrap_or(after.len());
        if !number.is_empty() && &after[..letters] == unit {
            rest = &after[letters..];
        }
    }
    match rest {
        "" => Ok(stated),
        _ => {
            let why = format!("`{stated}` is no duration like `10d` or `1w12h`");
            Err(Error::invalid(format!("{FIELD}.retention"), why))
        }
    }
}

/// How much metrics may fill: four fifths of the volume, since what is being written comes on top.
fn most(storage: &Storage) -> Result<String, Error> {
    let stated = storage.size.as_deref().filter(|it| !it.is_empty()).unwrap_or(SIZE);
    let mebibytes = bytes(stated).map(|it| (it / 5 * 4) >> 20).filter(|it| *it > 0);
    mebibytes.map(|it| format!("{it}MiB")).ok_or_else(|| {
        let why = format!("`{stated}` is no size of at least two mebibytes, like `50Gi`");
        Error::invalid(format!("{FIELD}.storage.size"), why)
    })
}

fn bytes(quantity: &str) -> Option<u128> {
    let end = quantity.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(quantity.len());
    let (number, unit) = quantity.split_at(end);
    let factor: u128 = match unit {
        "" => 1,
        "k" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        "P" => 1_000_000_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        "Pi" => 1 << 50,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: u64 = format!("{whole}{fraction}").parse().ok()?;
    let parts = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    Some(u128::from(digits) * factor / parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_fifths_of_a_volume_may_be_filled() {
        let most = |size: &str| most(&Storage { size: Some(size.to_owned()), ..Storage::default() });
        assert_eq!(most("50Gi").as_deref(), Ok("40960MiB"));
        assert_eq!(most("500M").as_deref(), Ok("381MiB"));
        assert_eq!(most("1.5Gi").as_deref(), Ok("1228MiB"));
        assert_eq!(most("").as_deref(), Ok("16384MiB"), "the size that the volume has then");
        for wrong in ["1", "50 Gi", "many", "1.5.5Gi", ".Gi", "-1Gi", "99999999999999999999Pi"] {
            let error = most(wrong).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("spec.metricsPersisting.storage.size: `{wrong}` is no size")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_retention_is_a_duration_as_prometheus_has_it() {
        for right in ["10d", "1w12h", "90s", "1y2w3d4h5m6s7ms"] {
            assert_eq!(duration(Some(right)).as_deref(), Ok(right));
        }
        assert_eq!(duration(None), Ok("10d"));
        assert_eq!(duration(Some("")), Ok("10d"));
        for wrong in ["10", "d", "10days", "1h1d", "1d1d", "-1d", "1.5d"] {
            assert!(duration(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
