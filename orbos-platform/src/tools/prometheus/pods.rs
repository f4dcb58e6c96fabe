//! What objects of Prometheus operator say of the pods that it makes of them.

use serde_json::{Value, json};

use crate::{Image, parts::Parts, spec::ToolSettings};

/// Pods that the operator makes.
///
/// Their containers keep the baseline by the operator's own doing; here is what it leaves open.
#[derive(Clone, Copy, Debug)]
pub(in crate::tools) struct Pods<'a> {
    pub(in crate::tools) component: &'a str,
    pub(in crate::tools) image: &'a Image,
    pub(in crate::tools) tool: &'a ToolSettings,
    pub(in crate::tools) replicas: u32,
    /// CPU and memory that are kept for each, and memory that it may use at most.
    pub(in crate::tools) needs: [&'static str; 3],
}

impl Pods<'_> {
    /// The beginning of the object's `spec`.
    pub(in crate::tools) fn spec(self, parts: &Parts<'_>) -> Value {
        let Self { component, image, tool, replicas, needs: [cpu, memory, most] } = self;
        let images = &parts.context().images;
        let resources = tool.resources.as_ref().map_or_else(
            || json!({ "requests": { "cpu": cpu, "memory": memory }, "limits": { "memory": most } }),
            |it| json!(it),
        );
        let mut selector = json!({ "kubernetes.io/os": "linux" });
        for (key, value) in &tool.node_selector {
            selector[key] = json!(value);
        }
        let mut spec = json!({
            "replicas": replicas,
            "image": images.overwritten(image, tool),
            "version": version(tool, image),
            "resources": resources,
            "nodeSelector": selector,
            // The operator sets the name itself, to the same; the component is what our Services select by.
            "podMetadata": { "labels": parts.selector(component) },
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": 1000,
                "runAsGroup": 2000,
                "fsGroup": 2000,
                "seccompProfile": { "type": "RuntimeDefault" },
            },
        });
        if !tool.tolerations.is_empty() {
            spec["tolerations"] = json!(tool.tolerations);
        }
        if replicas > 1 {
            spec["affinity"] = parts.apart(component);
        }
        if !images.pull_secrets.is_empty() {
            spec["imagePullSecrets"] = images.pull_secrets.iter().map(|it| json!({ "name": it })).collect();
        }
        spec
    }
}

/// What the operator writes configuration for. A tag that is no version says nothing about that, and the operator would
/// refuse it.
fn version(tool: &ToolSettings, image: &Image) -> String {
    let tag = tool.overwrite_version.as_deref().unwrap_or_default();
    let digits = tag.strip_prefix('v').unwrap_or(tag);
    let parts: Vec<_> = digits.split('.').collect();
    match parts.len() == 3 && parts[..2].iter().all(|it| it.parse::<u32>().is_ok()) {
        true => tag.to_owned(),
        false => image.tag.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::versions::PROMETHEUS;

    #[test]
    fn a_tag_that_is_no_version_does_not_tell_the_operator_what_to_write() {
        let version = |tag: &str| {
            let tool = ToolSettings { overwrite_version: Some(tag.to_owned()), ..ToolSettings::default() };
            version(&tool, &PROMETHEUS)
        };
        assert_eq!(version("v3.5.0"), "v3.5.0");
        assert_eq!(version("2.53.3-custom"), "2.53.3-custom");
        assert_eq!(version("nightly"), PROMETHEUS.tag);
        assert_eq!(version(""), PROMETHEUS.tag);
    }
}
