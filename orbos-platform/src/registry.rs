use std::{collections::BTreeMap, fmt, sync::Arc};

use orbos_state::{FieldPath, Mistake, nearest};
use serde_json::{Map, Value};

use crate::{Error, PlatformTool, spec::BoomSpec, tools};

type Make = Arc<dyn Fn(&Value) -> Result<Box<dyn PlatformTool>, Error> + Send + Sync>;

/// Makes the tools that a file asks for: those that come with BOOM, and those that a program adds under names of its own.
///
/// ```
/// use orbos_k8s::objects::Manifest;
/// use orbos_platform::{Error, PlatformTool, ToolContext, ToolRegistry, Wiring, spec::BoomSpec};
/// use serde_json::json;
///
/// #[derive(Debug)]
/// struct Page(String);
///
/// impl PlatformTool for Page {
///     fn name(&self) -> &'static str {
///         "page"
///     }
///     fn goal(&self, _: &ToolContext, _: &Wiring) -> Result<Vec<Manifest>, Error> {
///         Ok(Vec::new())
///     }
/// }
///
/// let registry = ToolRegistry::builtin()
///     .with("page", |settings| Ok(Box::new(Page(settings["text"].as_str().unwrap_or_default().to_owned()))));
/// let mut spec = BoomSpec::default();
/// spec.tools.insert("page".into(), json!({"deploy": true, "text": "Hello"}).as_object().cloned().unwrap_or_default());
/// let tools = registry.tools(&spec).expect("the tool is known");
/// assert_eq!(tools[0].name(), "page");
/// ```
#[derive(Clone, Default)]
pub struct ToolRegistry {
    builtin: bool,
    tools: BTreeMap<&'static str, Make>,
}

impl ToolRegistry {
    /// The tools that come with BOOM.
    pub fn builtin() -> Self {
        Self { builtin: true, ..Self::default() }
    }

    /// No tools at all.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Adds a tool, in place of a former one of the same name. `make` gets what stands below `spec.tools.NAME`, without
    /// `deploy`; numbers that would not print as they were written, like `1.20`, are texts there.
    ///
    /// The tool's own name has to be the same, and none of a tool that comes with BOOM.
    #[must_use]
    pub fn with(
        mut self,
        name: &'static str,
        make: impl Fn(&Value) -> Result<Box<dyn PlatformTool>, Error> + Send + Sync + 'static,
    ) -> Self {
        self.tools.insert(name, Arc::new(make));
        self
    }

    /// The tools that a file wants to be there: every one that says `deploy: true`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong below `spec.tools`: names that nobody knows, with the nearest one that is known, and
    /// settings that a tool refuses; [`Document::diagnostic`](orbos_state::Document::diagnostic) shows where.
    pub fn tools(&self, spec: &BoomSpec) -> Result<Vec<Box<dyn PlatformTool>>, Vec<Mistake>> {
        let mut tools = if self.builtin { tools::builtin(spec) } else { Vec::new() };
        let mut wrong = Vec::new();
        for (name, settings) in &spec.tools {
            match self.tool(name, settings) {
                Ok(tool) => tools.extend(tool),
                Err(mistake) => wrong.push(mistake),
            }
        }
        if wrong.is_empty() { Ok(tools) } else { Err(wrong) }
    }

    fn tool(
        &self,
        name: &str,
        settings: &Map<String, Value>,
    ) -> Result<Option<Box<dyn PlatformTool>>, Mistake> {
        let at = || FieldPath::root().join("spec").join("tools").join(name);
        let make = self.tools.get(name).ok_or_else(|| self.unknown(name, at()))?;
        let mut settings = settings.clone();
        match settings.shift_remove("deploy") {
            Some(Value::Bool(true)) => {}
            None | Some(Value::Null | Value::Bool(false)) => return Ok(None),
            Some(other) => {
                let message = format!("`{other}` does not say whether the tool is there");
                return Err(Mistake::at(at().join("deploy"), message).hint("it is `true` or `false`"));
            }
        }
        let tool = make(&Value::Object(settings)).map_err(|error| refused(error, at()))?;
        if tool.name() != name {
            let message = format!("the tool that is registered as `{name}` calls itself `{}`", tool.name());
            return Err(Mistake::at(at(), message).hint("register it under its own name"));
        }
        Ok(Some(tool))
    }

    fn unknown(&self, name: &str, at: FieldPath) -> Mistake {
        let known = || self.tools.keys().copied();
        let hint = match nearest(name, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.tools.is_empty() => {
                "this program knows no tools but those that come with BOOM, which stand below `spec` itself"
                    .to_owned()
            }
            None => {
                let known: Vec<_> = known().map(|it| format!("`{it}`")).collect();
                format!("this program knows {}", known.join(", "))
            }
        };
        Mistake::at(at, format!("nobody knows a tool `{name}`")).hint(hint)
    }
}

/// What a tool refuses, at its field if it names one.
fn refused(error: Error, at: FieldPath) -> Mistake {
    match error {
        Error::Invalid { field, why } => match field.parse::<FieldPath>() {
            Ok(field) if field.starts_with(&at) => Mistake::at(field, why),
            Ok(field) => Mistake::at(at.append(&field), why),
            Err(_) => Mistake::at(at, format!("{field}: {why}")),
        },
        other => Mistake::at(at, other.to_string()),
    }
}

impl fmt::Debug for ToolRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.tools.keys().collect();
        f.debug_struct("ToolRegistry").field("builtin", &self.builtin).field("tools", &names).finish()
    }
}

#[cfg(test)]
mod tests {
    use orbos_k8s::objects::Manifest;
    use serde_json::json;

    use super::*;
    use crate::{ToolContext, Wiring};

    #[derive(Debug)]
    struct Page;

    impl PlatformTool for Page {
        fn name(&self) -> &'static str {
            "page"
        }

        fn goal(&self, _: &ToolContext, _: &Wiring) -> Result<Vec<Manifest>, Error> {
            Ok(Vec::new())
        }
    }

    fn page(settings: &Value) -> Result<Box<dyn PlatformTool>, Error> {
        match settings["text"].as_str() {
            Some(_) => Ok(Box::new(Page)),
            None => Err(Error::invalid("text", "it is missing")),
        }
    }

    fn registry() -> ToolRegistry {
        ToolRegistry::builtin().with("page", page).with("alias", |_| Ok(Box::new(Page)))
    }

    fn tools(settings: Value) -> Result<Vec<&'static str>, Vec<String>> {
        let tools = serde_json::from_value(settings).expect("mappings by name");
        let made = registry().tools(&BoomSpec { tools, ..BoomSpec::default() });
        let said = |it: Mistake| format!("{}: {}; {}", it.path, it.message, it.hint.unwrap_or_default());
        made.map(|it| it.iter().map(|it| it.name()).collect())
            .map_err(|wrong| wrong.into_iter().map(said).collect())
    }

    #[test]
    fn a_tool_is_there_if_it_says_so() {
        assert_eq!(tools(json!({ "page": { "deploy": true, "text": "" } })), Ok(vec!["page"]));
        assert_eq!(tools(json!({ "page": { "deploy": false } })), Ok(vec![]));
        assert_eq!(tools(json!({ "page": {} })), Ok(vec![]));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let wrong = tools(json!({
            "alias": { "deploy": true },
            "page": { "deploy": true },
            "pgae": {},
        }));
        assert_eq!(
            wrong.expect_err("nothing of it is right"),
            [
                "spec.tools.alias: the tool that is registered as `alias` calls itself `page`; \
                 register it under its own name",
                "spec.tools.page.text: it is missing; ",
                "spec.tools.pgae: nobody knows a tool `pgae`; did you mean `page`?",
            ]
        );
    }

    #[test]
    fn what_comes_with_boom_stands_beside_what_does_not() {
        let text = json!({ "nodeMetricsExporter": { "deploy": true }, "tools": { "page": { "deploy": true, "text": "" } } });
        let spec: BoomSpec = serde_json::from_value(text).expect("it is a spec");
        let names = |registry: ToolRegistry| {
            let tools = registry.tools(&spec).expect("all are known");
            tools.iter().map(|it| it.name()).collect::<Vec<_>>()
        };
        assert_eq!(names(registry()), ["nodeMetricsExporter", "page"]);
        assert_eq!(names(ToolRegistry::empty().with("page", page)), ["page"]);
    }
}
