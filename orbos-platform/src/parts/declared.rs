//! What a component offers to other tools.

use super::{Parts, Port};
use crate::{LogFormat, LogSource, MetricsEndpoint};

impl Parts<'_> {
    /// Metrics of a component at a port of its Service; the tool's application is their switch.
    pub fn metrics(&self, name: &str, component: &str, port: Port) -> MetricsEndpoint {
        MetricsEndpoint {
            name: name.to_owned(),
            switch: self.application,
            namespace: self.namespace.clone(),
            selector: self.selected(component),
            port: port.name.to_owned(),
            ..MetricsEndpoint::default()
        }
    }

    /// Logs of a component; the tool's application is their switch.
    pub fn logs(&self, name: &str, component: &str, format: LogFormat) -> LogSource {
        LogSource {
            name: name.to_owned(),
            switch: self.application,
            namespace: self.namespace.clone(),
            selector: self.selected(component),
            format,
        }
    }
}
