//! Logs.

use orbos_state::FieldPath;

use super::{Wrong, shapes};
use crate::spec::{BoomSpec, Collector, Forwarder, LogCollection, LogOperator, LogsPersisting};

pub(super) fn check(spec: &BoomSpec, at: &FieldPath, wrong: &mut Wrong) {
    if let Some(it) = &spec.log_collection {
        collection(it, &at.join("logCollection"), wrong);
    }
    if let Some(LogsPersisting { tool, storage, retention, cluster_output: _, logs: _ }) =
        &spec.logs_persisting
    {
        let at = at.join("logsPersisting");
        shapes::tool(tool, &at, wrong);
        shapes::storage(storage.as_ref(), at.join("storage"), wrong);
        super::metrics::retention(retention.as_deref(), &at, wrong);
    }
}

fn collection(it: &LogCollection, at: &FieldPath, wrong: &mut Wrong) {
    let LogCollection {
        deploy: _,
        overwrite_image,
        overwrite_version,
        fluentd,
        fluentbit,
        operator,
        cluster_outputs,
        outputs,
        watch_namespaces,
        patches,
    } = it;
    shapes::image(overwrite_image.as_deref(), overwrite_version.as_deref(), at, wrong);
    if let Some(Forwarder { node_selector: _, tolerations, resources, pvc, replicas: _ }) = fluentd {
        let at = at.join("fluentd");
        shapes::tolerations(tolerations, &at, wrong);
        shapes::resources(resources.as_ref(), &at, wrong);
        shapes::storage(pvc.as_ref(), at.join("pvc"), wrong);
    }
    if let Some(Collector { node_selector: _, tolerations, resources }) = fluentbit {
        let at = at.join("fluentbit");
        shapes::tolerations(tolerations, &at, wrong);
        shapes::resources(resources.as_ref(), &at, wrong);
    }
    if let Some(LogOperator { node_selector: _, tolerations, resources }) = operator {
        let at = at.join("operator");
        shapes::tolerations(tolerations, &at, wrong);
        shapes::resources(resources.as_ref(), &at, wrong);
    }
    wrong.words(&at.join("clusterOutputs"), cluster_outputs);
    wrong.words(&at.join("outputs"), outputs);
    wrong.words(&at.join("watchNamespaces"), watch_namespaces);
    shapes::patches(patches, at, wrong);
}
