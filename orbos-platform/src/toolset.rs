use std::collections::BTreeMap;

use crate::{Error, PlatformTool, ToolContext, Wiring, alerts, dashboards};

/// Several tools, none of them twice, by name.
#[derive(Debug, Default)]
pub struct Toolset(BTreeMap<&'static str, Box<dyn PlatformTool>>);

impl Toolset {
    /// Puts tools together.
    ///
    /// # Errors
    ///
    /// If two have the same name.
    pub fn new(tools: impl IntoIterator<Item = Box<dyn PlatformTool>>) -> Result<Self, Error> {
        let mut all = BTreeMap::new();
        for tool in tools {
            if let Some(twice) = all.insert(tool.name(), tool) {
                return Err(Error::Twice(twice.name().into()));
            }
        }
        Ok(Self(all))
    }

    /// The tools, by name.
    pub fn iter(&self) -> impl Iterator<Item = &dyn PlatformTool> {
        self.0.values().map(Box::as_ref)
    }

    /// What they declare, with the dashboards and alerts that BOOM has for each of them.
    pub fn wiring(&self, context: &ToolContext) -> Wiring {
        let declared = |it: &dyn PlatformTool| {
            let mut declared = it.declare(context);
            declared.dashboards.extend(dashboards::of(it.name()));
            declared.alerts.extend(alerts::of(it.name()));
            (it.name(), declared)
        };
        Wiring::new(self.iter().map(declared).collect())
    }
}

#[cfg(test)]
mod tests {
    use orbos_k8s::objects::Manifest;

    use super::*;

    #[derive(Debug)]
    struct Named(&'static str);

    impl PlatformTool for Named {
        fn name(&self) -> &'static str {
            self.0
        }

        fn goal(&self, _: &ToolContext, _: &Wiring) -> Result<Vec<Manifest>, Error> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn names_are_unique() {
        let tools = ["a", "b", "a"].map(|it| Box::new(Named(it)) as Box<dyn PlatformTool>);
        assert_eq!(Toolset::new(tools).unwrap_err(), Error::Twice("a".into()));
    }
}
