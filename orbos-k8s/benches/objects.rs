//! The engine for objects on a real API server; `lab/benches/objects.sh` starts one and sets kubectl beside it.
//!
//! ```text
//! objects split KUBECONFIG FOLDER PATH...    writes what kubectl is given: FOLDER/first.yml and FOLDER/rest.yml
//! objects apply KUBECONFIG PATH...           applies once
//! objects idle KUBECONFIG TIMES PATH...      rounds in which there is nothing to do
//! ```
//!
//! A path is a YAML file with many objects, or a directory with such files. What this API server has no kind for is left out,
//! and namespaces that no object makes are added, for both sides alike.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for humans who measure")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, Instant},
};

use orbos_k8s::objects::{
    Apis, Cluster, Goal, Manifest, Manifests, ObjectChange, ObjectRef, Observed, Options, Owner, Secrets,
};
use orbos_state::{Listener, Plan, Result, Source};
use serde_json::json;

const USAGE: &str =
    "objects split KUBECONFIG FOLDER PATH... | apply KUBECONFIG PATH... | idle KUBECONFIG TIMES PATH...";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|it| it != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match &words[..] {
        ["split", kubeconfig, folder, paths @ ..] if !paths.is_empty() => {
            split(&connect(kubeconfig).await, Path::new(folder), paths).await;
        }
        ["apply", kubeconfig, paths @ ..] if !paths.is_empty() => {
            apply(&connect(kubeconfig).await, paths).await;
        }
        ["idle", kubeconfig, times, paths @ ..] if !paths.is_empty() => {
            idle(&connect(kubeconfig).await, times.parse().unwrap(), paths).await;
        }
        _ => println!("{USAGE}"),
    }
}

async fn connect(kubeconfig: &str) -> Cluster {
    Cluster::from_kubeconfig(&fs::read_to_string(kubeconfig).unwrap()).await.unwrap()
}

/// Namespaces and definitions, for which kubectl has to be called and waited for first, and the rest.
async fn split(cluster: &Cluster, folder: &Path, paths: &[&str]) {
    let all = read(paths);
    let apis = cluster.apis(&all.iter().map(|it| it.object().group_kind()).collect()).await.unwrap();
    let (mut first, mut rest) = (Manifests::new(), Manifests::new());
    for manifest in all.iter().filter_map(|it| served(it, &apis, &all)) {
        let early = ["Namespace", "CustomResourceDefinition"].contains(&manifest.object().kind.as_str());
        if early { &mut first } else { &mut rest }.add(manifest).unwrap();
    }
    println!("{} objects, {} of which are namespaces and definitions", first.len() + rest.len(), first.len());
    fs::write(folder.join("first.yml"), first.render(Secrets::Shown)).unwrap();
    fs::write(folder.join("rest.yml"), rest.render(Secrets::Shown)).unwrap();
}

/// In a version that the API server has, since kubectl chooses none; `None`: it has none.
fn served(manifest: &Manifest, apis: &Apis, all: &Manifests) -> Option<Manifest> {
    let object = manifest.object();
    let versions = apis.versions(&object.group_kind());
    let defined = |it: &Manifest| {
        it.value()["spec"]["group"] == *object.group && it.value()["spec"]["names"]["kind"] == *object.kind
    };
    if versions.iter().any(|it| it.version == manifest.version()) || all.iter().any(defined) {
        return Some(manifest.clone());
    }
    let Some(other) = versions.first() else {
        println!("left out, since the API server does not know its kind: {object}");
        return None;
    };
    let mut value = manifest.value().clone();
    value["apiVersion"] = match object.group.is_empty() {
        true => other.version.clone(),
        false => format!("{}/{}", object.group, other.version),
    }
    .into();
    Some(Manifest::new(value).unwrap())
}

async fn apply(cluster: &Cluster, paths: &[&str]) {
    let goal = goal(paths);
    let begin = Instant::now();
    let clock = Clock::default();
    let round = cluster.sync(&goal, &clock).await.unwrap();
    let (took, planned) = (begin.elapsed(), clock.planned.get().unwrap().duration_since(begin));
    println!("{} changes, {took:.1?}, {:?}", round.applied.len(), cluster.requests());
    println!("looking and deciding: {planned:.1?}");
    let ended = clock.ended.lock().unwrap();
    let mut before = *clock.planned.get().unwrap();
    for stage in round.plan.stages() {
        let last = stage.iter().filter_map(|it| ended.get(&it.object().to_string())).max().unwrap();
        let first = stage[0].object().group_kind();
        println!("{} changes, {first} first: {:.1?}", stage.len(), last.duration_since(before));
        before = *last;
    }
    let failed: Vec<_> =
        round.failures().map(|(it, why)| format!("{}: {}", it.object(), why.chain())).collect();
    round.plan.waiting().iter().for_each(|it| println!("{it}"));
    assert!(failed.is_empty(), "{failed:#?}");
}

/// When what ended.
#[derive(Default)]
struct Clock {
    planned: OnceLock<Instant>,
    ended: Mutex<BTreeMap<String, Instant>>,
}

impl Listener<Cluster> for Clock {
    fn planned(&self, _: &Observed, _: &Plan<ObjectChange>) {
        self.planned.set(Instant::now()).expect("a round plans once");
    }

    fn finished(&self, change: &ObjectChange, _: &Result<()>, _: Duration) {
        self.ended.lock().unwrap().insert(change.object().to_string(), Instant::now());
    }
}

async fn idle(cluster: &Cluster, times: usize, paths: &[&str]) {
    let goal = goal(paths);
    let mut took = Vec::new();
    for round in 0..=times {
        let before = cluster.requests().reads;
        let begin = Instant::now();
        let ended = cluster.sync(&goal, &()).await.unwrap();
        let (elapsed, reads) = (begin.elapsed(), cluster.requests().reads - before);
        assert!(ended.plan.is_empty(), "there is something to do: {}", ended.plan);
        match round {
            0 => println!("a program's first round: {elapsed:.1?}, {reads} requests"),
            1 => println!("requests of each further one: {reads}, {:.3} per object", share(reads, &goal)),
            _ => {}
        }
        took.push(elapsed);
    }
    let mut further: Vec<Duration> = took.split_off(1);
    further.sort();
    if let Some(longest) = further.last() {
        println!("further rounds: median {:.1?}, longest {longest:.1?}", further[further.len() / 2]);
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 objects")]
fn share(requests: u64, goal: &Goal) -> f64 {
    requests as f64 / goal.manifests.len() as f64
}

fn goal(paths: &[&str]) -> Goal {
    let mut options = Options::new(Owner::boom("bench-system"));
    options.guard.allowed.insert("*".to_owned());
    Goal { manifests: Arc::new(read(paths)), options }
}

fn read(paths: &[&str]) -> Manifests {
    let files: BTreeSet<PathBuf> = paths.iter().flat_map(|it| yaml_files(Path::new(it))).collect();
    let source = |it: &PathBuf| Source::new(it.display().to_string(), fs::read_to_string(it).unwrap());
    let sources: Vec<_> = files.iter().map(source).collect();
    let mut all = Manifests::parse(&sources).unwrap_or_else(|it| panic!("{it}"));
    let missing: BTreeMap<_, _> = all
        .iter()
        .filter_map(|it| it.object().namespace.clone())
        .filter(|it| it != "default" && !it.starts_with("kube-"))
        .map(|it| (ObjectRef::of_namespace(&it), it))
        .filter(|(it, _)| all.get(it).is_none())
        .collect();
    for name in missing.values() {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        all.add(Manifest::new(namespace).unwrap()).unwrap();
    }
    all
}

fn yaml_files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_path_buf()];
    }
    let entries = fs::read_dir(path).unwrap().map(|it| it.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|it| it.is_dir());
    let yaml = |it: &PathBuf| it.extension().is_some_and(|it| it == "yml" || it == "yaml");
    files.into_iter().filter(yaml).chain(folders.iter().flat_map(|it| yaml_files(it))).collect()
}
