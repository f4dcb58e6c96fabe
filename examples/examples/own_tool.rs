//! A tool of one's own in one file and one line of a registry: a page in the tools' namespace, that says what it is told to.
//!
//! `own_tool [FILE]`: shows the objects that a `boom.yml` wants; without FILE those of the one below.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the command line")]

use std::{env, fs, process::ExitCode};

use anyhow::{Context, Result};
use orbos_k8s::objects::{Manifest, Secrets};
use orbos_platform::{
    Declared, Error, Exposure, Image, PlatformTool, ToolContext, ToolRegistry, Toolset, Wiring,
    parts::{Container, Parts, Port, Runs, Workload},
    render,
    spec::Boom,
};
use orbos_state::{Diagnostics, Document, Source};
use serde::Deserialize;
use serde_json::{Value, json};

const BOOM: &str = "\
apiVersion: caos.ch/v1
kind: Boom
spec:
  images: { mirror: registry.example.com/mirror }
  nodeMetricsExporter: { deploy: false }
  tools:
    page:
      deploy: true
      text: Somebody is at home.
      domain: home.example.com
";

const NAME: &str = "page";
const IMAGE: Image = Image::tagged("docker.io/library/busybox", "1.37.0");
const PORT: Port = Port { name: "http", port: 80, target: 8080 };

/// What stands below `spec.tools.page`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    /// What the page says.
    text: String,
    /// Where it is shown, through the API gateway; absent: inside the cluster only.
    domain: Option<String>,
}

impl Page {
    fn tool(settings: &Value) -> Result<Box<dyn PlatformTool>, Error> {
        let page: Self = serde_json::from_value(settings.clone())
            .map_err(|error| Error::invalid(format!("spec.tools.{NAME}"), error.to_string()))?;
        if page.text.is_empty() {
            return Err(Error::invalid("text", "the page says nothing"));
        }
        Ok(Box::new(page))
    }
}

impl PlatformTool for Page {
    fn name(&self) -> &'static str {
        NAME
    }

    fn declare(&self, context: &ToolContext) -> Declared {
        let exposure = |domain: &String| Exposure {
            name: NAME.to_owned(),
            domain: domain.clone(),
            namespace: context.namespace.clone(),
            service: NAME.to_owned(),
            port: PORT.port,
            tls: false,
            email: None,
            acme_authority: None,
        };
        Declared { exposures: self.domain.iter().map(exposure).collect(), ..Declared::default() }
    }

    fn goal(&self, context: &ToolContext, _: &Wiring) -> Result<Vec<Manifest>, Error> {
        let mut parts = Parts::new(NAME, IMAGE.tag, context);
        let files = json!({ "index.html": self.text });
        parts.config_map(NAME, NAME, files.clone());
        parts.service(NAME, NAME, &[PORT]);
        parts.workload(Workload {
            name: NAME,
            component: NAME,
            runs: Runs::Deployment(1),
            containers: vec![Container {
                name: NAME.to_owned(),
                image: context.image(&IMAGE),
                command: ["httpd", "-f", "-p", "8080", "-h", "/www"].map(str::to_owned).into(),
                ports: vec![PORT],
                mounts: vec![("www".to_owned(), "/www".to_owned())],
                needs: ["10m", "8Mi", "32Mi"],
                ..Container::default()
            }],
            volumes: vec![json!({ "name": "www", "configMap": { "name": NAME } })],
            fingerprint: orbos_platform::parts::fingerprint(&files),
            ..Workload::default()
        });
        parts.finish(self.name())
    }
}

fn main() -> ExitCode {
    match show() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn show() -> Result<()> {
    let source = match env::args().nth(1) {
        Some(path) => {
            Source::new(&path, fs::read_to_string(&path).with_context(|| format!("reading {path}"))?)
        }
        None => Source::new("boom.yml", BOOM),
    };
    let document = Document::parse(&source)?;
    let boom: Boom = document.read()?;

    let registry = ToolRegistry::builtin().with(NAME, Page::tool);
    let tools = registry
        .tools(&boom.spec)
        .map_err(|wrong| wrong.into_iter().map(|it| document.diagnostic(it)).collect::<Diagnostics>())?;

    let mut context = ToolContext::new(35);
    if let Some(images) = &boom.spec.images {
        context.images = images.into();
    }
    let rendering = render(&Toolset::new(tools)?, &context);
    if let Some((tool, failure)) = rendering.failed.into_iter().next() {
        return Err(failure.error).with_context(|| format!("rendering {tool}"));
    }
    print!("{}", rendering.manifests.render(Secrets::Veiled));
    Ok(())
}
