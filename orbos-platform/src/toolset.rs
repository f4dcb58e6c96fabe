use std::collections::{BTreeMap, BTreeSet};

use crate::{Error, Manifest, PlatformTool, ToolContext};

/// Several tools, each after those it needs; of two that do not care, the first by name comes first.
#[derive(Debug)]
pub struct Toolset(Vec<Box<dyn PlatformTool>>);

impl Toolset {
    /// Brings tools into order.
    ///
    /// # Errors
    ///
    /// If two have the same name, if one comes after a tool that is not there, or if they wait for each other.
    pub fn new(tools: impl IntoIterator<Item = Box<dyn PlatformTool>>) -> Result<Self, Error> {
        let mut by_name = BTreeMap::new();
        for tool in tools {
            if let Some(twice) = by_name.insert(tool.name(), tool) {
                return Err(Error::Twice(twice.name().into()));
            }
        }
        for (tool, after) in
            by_name.values().flat_map(|it| it.after().iter().map(move |after| (it.name(), after)))
        {
            if !by_name.contains_key(after) {
                return Err(Error::Missing { tool: tool.into(), missing: (*after).into() });
            }
        }
        let (mut ordered, mut there) = (Vec::new(), BTreeSet::new());
        while !by_name.is_empty() {
            let ready = |it: &&dyn PlatformTool| it.after().iter().all(|after| there.contains(after));
            let next = by_name.values().map(Box::as_ref).find(ready).map(PlatformTool::name);
            let circle = || Error::Circle(by_name.keys().map(ToString::to_string).collect());
            let name = next.ok_or_else(circle)?;
            there.insert(name);
            ordered.extend(by_name.remove(name));
        }
        Ok(Self(ordered))
    }

    /// The tools' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|it| it.name())
    }

    /// What every tool wants on the cluster, in order.
    ///
    /// # Errors
    ///
    /// What the first tool reports whose settings do not make sense.
    pub fn goals(&self, context: &ToolContext) -> Result<Vec<(&'static str, Vec<Manifest>)>, Error> {
        self.0.iter().map(|it| Ok((it.name(), it.goal(context)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Named(&'static str, &'static [&'static str]);

    impl PlatformTool for Named {
        fn name(&self) -> &'static str {
            self.0
        }

        fn after(&self) -> &'static [&'static str] {
            self.1
        }

        fn goal(&self, _: &ToolContext) -> Result<Vec<Manifest>, Error> {
            Ok(Vec::new())
        }
    }

    fn toolset(tools: &[(&'static str, &'static [&'static str])]) -> Result<Toolset, Error> {
        Toolset::new(tools.iter().map(|(name, after)| Box::new(Named(name, after)) as Box<dyn PlatformTool>))
    }

    #[test]
    fn a_tool_comes_after_those_it_needs() {
        let tools = [("a", &["c", "d"][..]), ("b", &[]), ("c", &["d"]), ("d", &[])];
        let names: Vec<_> = toolset(&tools).unwrap().names().collect();
        assert_eq!(names, ["b", "d", "c", "a"]);
    }

    #[test]
    fn tools_that_wait_for_each_other_are_named() {
        let error = toolset(&[("a", &["b"]), ("b", &["a"]), ("c", &[])]).unwrap_err();
        assert_eq!(error.to_string(), "these tools wait for each other: a, b");
    }

    #[test]
    fn a_tool_that_is_not_there_is_named() {
        let error = toolset(&[("grafana", &["prometheus"])]).unwrap_err();
        assert_eq!(error.to_string(), "tool grafana comes after prometheus, and there is no such tool");
    }

    #[test]
    fn names_are_unique() {
        assert_eq!(toolset(&[("a", &[]), ("a", &[])]).unwrap_err(), Error::Twice("a".into()));
    }
}
