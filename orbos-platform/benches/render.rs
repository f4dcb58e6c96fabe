//! How long it takes to render all tools.
#![expect(clippy::print_stdout, reason = "a program for humans who measure")]

use std::time::{Duration, Instant};

use orbos_platform::{ToolContext, ToolRegistry, Toolset, render, spec::Boom};
use orbos_state::{Document, Source};

const TIMES: usize = 101;

fn main() {
    let source = Source::new("all.yml", include_str!("../tests/data/all.yml"));
    let mut objects = 0;
    let mut took: Vec<Duration> = (0..TIMES)
        .map(|_| {
            let begin = Instant::now();
            let boom: Boom = Document::parse(&source).and_then(|it| it.read()).expect("the file is valid");
            let tools = ToolRegistry::builtin().tools(&boom.spec).expect("all are known");
            let rendering = render(&Toolset::new(tools).expect("none twice"), &ToolContext::new(35));
            assert!(rendering.failed.is_empty(), "{:?}", rendering.failed);
            objects = rendering.manifests.len();
            begin.elapsed()
        })
        .collect();
    took.sort();
    println!(
        "{objects} objects of all tools, from the file's text: median {:.2?}, best {:.2?}, worst {:.2?} of {TIMES}",
        took[TIMES / 2],
        took[0],
        took[TIMES - 1],
    );
}
