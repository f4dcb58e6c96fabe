//! What tools offer to each other: declared by each, rendered by whoever consumes it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{alerts::AlertGroup, crds::CrdBundle, dashboards::Dashboard, spec::Network};

/// What a tool offers to other tools, and asks of them.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    /// Where its metrics are; Prometheus collects them.
    pub metrics: Vec<MetricsEndpoint>,
    /// Which logs it writes; logging-operator collects them.
    pub logs: Vec<LogSource>,
    /// Where logs can go; logging-operator sends them there.
    pub log_outputs: Vec<LogOutput>,
    /// What it shows; Grafana has them.
    pub dashboards: Vec<Dashboard>,
    /// When somebody should look; Prometheus evaluates them.
    pub alerts: Vec<AlertGroup>,
    /// How it is reached from outside; the gateway and cert-manager see to it.
    pub exposures: Vec<Exposure>,
    /// What Grafana can ask.
    pub datasources: Vec<Datasource>,
    /// Definitions of the kinds that it brings.
    pub definitions: Vec<&'static CrdBundle>,
}

/// Where metrics are: a port of a Service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricsEndpoint {
    /// The name of its ServiceMonitor.
    pub name: String,
    /// Its switch below `metricsPersisting.metrics`, like `prometheus-node-exporter`.
    pub switch: &'static str,
    /// The Service's namespace.
    pub namespace: String,
    /// Labels of the Service.
    pub selector: BTreeMap<String, String>,
    /// The name of the Service's port.
    pub port: String,
    /// Default (empty): `/metrics`.
    pub path: String,
    /// Whether it speaks TLS, with a certificate that nobody can check, and wants to see the collector's token.
    pub guarded: bool,
    /// Whether labels of the metrics win over those of the target.
    pub honor_labels: bool,
    /// Steps before collecting, as the ServiceMonitor has them.
    pub relabelings: Vec<Value>,
    /// Steps after collecting, as the ServiceMonitor has them.
    pub metric_relabelings: Vec<Value>,
}

/// What logs of a tool look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// `key=value`.
    Logfmt,
    /// One JSON object a line.
    Json,
    /// Lines.
    Plain,
}

/// Which logs a tool writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSource {
    /// The name of its Flow.
    pub name: String,
    /// Its switch below `logsPersisting.logs`, like `prometheus-node-exporter`.
    pub switch: &'static str,
    /// The pods' namespace.
    pub namespace: String,
    /// Labels of the pods.
    pub selector: BTreeMap<String, String>,
    /// What its lines look like.
    pub format: LogFormat,
}

/// Where logs can go: a Loki.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOutput {
    /// The name of its Output or ClusterOutput.
    pub name: String,
    /// Whether logs of all namespaces may be sent to it.
    pub cluster: bool,
    /// Where it is.
    pub url: String,
    /// Whose logs it wants; `None`: everybody's.
    pub logs: Option<crate::spec::Logs>,
}

/// How a Service is reached from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// The name of what the gateway gets.
    pub name: String,
    /// The domain.
    pub domain: String,
    /// The Service's namespace.
    pub namespace: String,
    /// The Service.
    pub service: String,
    /// The Service's port.
    pub port: u16,
    /// Whether the Service speaks TLS.
    pub tls: bool,
    /// Who is told when a certificate has a problem.
    pub email: Option<String>,
    /// The directory of the ACME authority; `None`: the certificate is somebody else's business.
    pub acme_authority: Option<String>,
}

impl Exposure {
    /// A Service behind the domain that a human wants; `None`: no domain is stated.
    ///
    /// An authority that is empty or `none` is none.
    ///
    /// ```
    /// use orbos_platform::{Exposure, spec::Network};
    ///
    /// let network = Network { domain: "grafana.example.com".into(), ..Network::default() };
    /// let exposure = Exposure::of("grafana", &network, "caos-system", "grafana", 80, false);
    /// assert!(exposure.is_some_and(|it| it.acme_authority.is_none()));
    /// assert_eq!(Exposure::of("grafana", &Network::default(), "caos-system", "grafana", 80, false), None);
    /// ```
    pub fn of(
        name: &str,
        network: &Network,
        namespace: &str,
        service: &str,
        port: u16,
        tls: bool,
    ) -> Option<Self> {
        let Network { domain, email, acme_authority } = network;
        let text =
            |it: &Option<String>| it.as_deref().map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned);
        let domain = Some(domain.trim()).filter(|it| !it.is_empty())?;
        Some(Self {
            name: name.to_owned(),
            domain: domain.to_owned(),
            namespace: namespace.to_owned(),
            service: service.to_owned(),
            port,
            tls,
            email: text(email),
            acme_authority: text(acme_authority).filter(|it| it != "none"),
        })
    }
}

/// What Grafana can ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datasource {
    /// Its name.
    pub name: String,
    /// How dashboards call it.
    pub uid: String,
    /// What it is, like `prometheus`.
    pub kind: String,
    /// Where it is: `http://SERVICE.NAMESPACE:PORT`.
    pub url: String,
    /// Whether new panels use it.
    pub is_default: bool,
}

/// What all tools of a platform declare.
#[derive(Clone, Debug, Default)]
pub struct Wiring {
    tools: Vec<(&'static str, Declared)>,
}

impl Wiring {
    /// What each tool declares, by its name.
    pub fn new(tools: Vec<(&'static str, Declared)>) -> Self {
        Self { tools }
    }

    /// Whether a tool is there.
    pub fn has(&self, tool: &str) -> bool {
        self.tools.iter().any(|it| it.0 == tool)
    }

    /// Each tool with what it declares.
    pub fn tools(&self) -> impl Iterator<Item = (&'static str, &Declared)> {
        self.tools.iter().map(|(name, it)| (*name, it))
    }

    /// One kind of what is declared, of all tools: `wiring.all(|it| &it.metrics)`.
    pub fn all<'a, T: 'a>(
        &'a self,
        what: impl Fn(&'a Declared) -> &'a Vec<T> + 'a,
    ) -> impl Iterator<Item = &'a T> {
        self.tools.iter().flat_map(move |(_, it)| what(it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_that_is_none_is_no_authority() {
        for (written, authority) in [
            (None, None),
            (Some(""), None),
            (Some("none"), None),
            (Some(" https://acme.example.com/directory "), Some("https://acme.example.com/directory")),
        ] {
            let network = Network {
                domain: "a.example.com".to_owned(),
                acme_authority: written.map(str::to_owned),
                ..Network::default()
            };
            let exposure =
                Exposure::of("a", &network, "caos-system", "a", 80, true).expect("it has a domain");
            assert_eq!(exposure.acme_authority.as_deref(), authority, "{written:?}");
        }
    }
}
