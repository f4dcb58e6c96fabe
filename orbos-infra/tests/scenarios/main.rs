//! Every file below `tests/plans` tells a story: an orb, what happens, and what is planned.
//!
//! `ORBOS_BLESS=1 cargo test -p orbos-infra --all-features --test scenarios` writes the plans that were
//! made into the files; read them before you keep them.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use orbos_infra::{Model, testing::Sketch};
use serde::Deserialize;

mod events;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    /// One sentence.
    what: String,
    /// The orb in a few words.
    orb: Sketch,
    /// Whether the story begins in a world that is as the orb wants it.
    #[serde(default)]
    settled: bool,
    /// What happens, and what is planned then.
    story: Vec<Chapter>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chapter {
    /// Events, one a line.
    #[serde(default)]
    happens: Vec<String>,
    /// The plans of all rounds until nothing is left to do.
    plans: String,
}

const ROUNDS: usize = 40;

/// Plans and applies until nothing is left to do; the text is what a human would see.
fn run(model: &mut Model) -> String {
    let mut text = String::new();
    for round in 1..=ROUNDS {
        let plan = model.plan();
        if plan.is_settled() {
            return text;
        }
        writeln!(text, "round {round}\n{plan}").expect("text takes everything");
        if plan.is_empty() {
            return text;
        }
        plan.changes().for_each(|it| model.apply(it));
    }
    panic!("not settled after {ROUNDS} rounds:\n{text}")
}

fn tell(scenario: &Scenario) -> Vec<String> {
    let mut model = scenario.orb.model();
    if scenario.settled {
        run(&mut model);
        assert!(
            model.plan().is_settled(),
            "{}: the beginning does not settle:\n{}",
            scenario.what,
            model.plan()
        );
    }
    let mut told = Vec::new();
    let mut away = events::Away::default();
    for chapter in &scenario.story {
        for event in &chapter.happens {
            events::happen(&mut model, &mut away, event)
                .unwrap_or_else(|why| panic!("{}: `{event}`: {why}", scenario.what));
        }
        told.push(run(&mut model));
    }
    assert!(model.plan().is_settled(), "{}: the last plan is not empty:\n{}", scenario.what, model.plan());
    told
}

/// The file with the plans that were made, for a human to read and keep.
fn bless(path: &Path, text: &str, told: &[String]) {
    let mut blessed = String::new();
    let mut plans = told.iter();
    let mut inside = false;
    for line in text.lines() {
        if inside && (line.starts_with("    ") || line.trim().is_empty()) {
            continue;
        }
        inside = false;
        let Some(head) = line.find("plans:").filter(|it| line[..*it].trim_matches([' ', '-']).is_empty())
        else {
            writeln!(blessed, "{line}").expect("text takes everything");
            continue;
        };
        let plan = plans.next().expect("a plan for every chapter").trim_end();
        if plan.is_empty() {
            writeln!(blessed, "{}plans: ''", &line[..head]).expect("text takes everything");
        } else {
            writeln!(blessed, "{}plans: |", &line[..head]).expect("text takes everything");
            for line in plan.lines() {
                writeln!(blessed, "{}", format!("    {line}").trim_end()).expect("text takes everything");
            }
        }
        inside = true;
    }
    fs::write(path, blessed).expect("the scenario can be written");
}

#[test]
fn every_story_goes_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans");
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("the folder is there").map(|it| it.expect("an entry").path()).collect();
    files.retain(|it| it.extension().is_some_and(|it| it == "yml"));
    files.sort();
    let mut wrong = BTreeMap::new();
    for path in &files {
        let text = fs::read_to_string(path).expect("the scenario can be read");
        let scenario: Scenario =
            serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let told = match std::panic::catch_unwind(|| tell(&scenario)) {
            Ok(told) => told,
            Err(_) => {
                wrong.insert(
                    path.file_name().map(|it| it.to_string_lossy().into_owned()),
                    "it has no end".into(),
                );
                continue;
            }
        };
        let same = scenario
            .story
            .iter()
            .zip(&told)
            .all(|(chapter, told)| chapter.plans.trim_end() == told.trim_end());
        if !same && std::env::var_os("ORBOS_BLESS").is_some() {
            bless(path, &text, &told);
        } else if !same {
            wrong.insert(path.file_name().map(|it| it.to_string_lossy().into_owned()), told.join("---\n"));
        }
    }
    let told: Vec<String> =
        wrong.iter().map(|(file, told)| format!("{file:?} was told differently:\n{told}")).collect();
    assert!(
        wrong.is_empty(),
        "{} of {} stories went differently\n{}",
        wrong.len(),
        files.len(),
        told.join("\n")
    );
    assert!(files.len() >= 40, "only {} stories", files.len());
}
