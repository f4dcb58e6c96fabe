//! Goes through an object as it should be, beside the object as it is and who owns what of it.

use serde_json::{Map, Value};

use super::super::{
    change::shown,
    ownership::{List, Manager, Shares},
    quantity,
};

/// One step into an object as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// A field that differs, or that is not ours although it is as we want it.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub(crate) path: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) live: Option<String>,
    pub(crate) wanted: Option<String>,
    pub(crate) same: bool,
    /// Who owns it beside us.
    pub(crate) others: Vec<Manager<'a>>,
}

/// Where the walk is: for a human, and in the object as it should be.
#[derive(Clone, Debug, Default)]
struct Place {
    path: String,
    steps: Vec<Step>,
}

impl Place {
    fn key(&self, key: &str) -> Self {
        let plain = |it: char| it.is_ascii_alphanumeric() || "-_$".contains(it);
        let path = match (self.path.is_empty(), key.chars().all(plain)) {
            (true, _) => key.to_owned(),
            (false, true) => format!("{}.{key}", self.path),
            (false, false) => format!("{}[{key}]", self.path),
        };
        self.step(path, Step::Key(key.to_owned()))
    }

    fn item(&self, label: &str, index: usize) -> Self {
        self.step(format!("{}[{label}]", self.path), Step::Index(index))
    }

    fn step(&self, path: String, step: Step) -> Self {
        let mut steps = self.steps.clone();
        steps.push(step);
        Self { path, steps }
    }
}

#[derive(Debug)]
pub(crate) struct Walk<'a> {
    manager: &'a str,
    pub(crate) found: Vec<Found<'a>>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(manager: &'a str) -> Self {
        Self { manager, found: Vec::new() }
    }

    /// A whole object; what says who it is does not differ.
    pub(crate) fn object(&mut self, wanted: &Value, live: &Value, shares: &Shares<'a>) {
        for (key, value) in fields(wanted).filter(|(key, _)| !["apiVersion", "kind"].contains(key)) {
            let (place, shares) = (Place::default().key(key), shares.step(&format!("f:{key}")));
            match key {
                "metadata" => {
                    for (key, value) in fields(value).filter(|(key, _)| !["name", "namespace"].contains(key))
                    {
                        let live = live["metadata"].get(key);
                        self.value(&place.key(key), value, live, &shares.step(&format!("f:{key}")));
                    }
                }
                key => self.value(&place, value, live.get(key), &shares),
            }
        }
    }

    fn value(&mut self, place: &Place, wanted: &Value, live: Option<&Value>, shares: &Shares<'a>) {
        match (wanted, live) {
            (Value::Object(wanted), Some(Value::Object(live))) if !wanted.is_empty() && !shares.atomic() => {
                for (key, value) in wanted {
                    self.value(&place.key(key), value, live.get(key), &shares.step(&format!("f:{key}")));
                }
            }
            (Value::Array(wanted), Some(Value::Array(live))) if !wanted.is_empty() && !shares.atomic() => {
                self.list(place, wanted, live, shares);
            }
            _ => self.whole(place, wanted, live, shares),
        }
    }

    fn list(&mut self, place: &Place, wanted: &[Value], live: &[Value], shares: &Shares<'a>) {
        match shares.list() {
            List::Keyed(keys) => {
                for (index, item) in wanted.iter().enumerate() {
                    let same = |it: &&Value| {
                        keys.iter().all(|key| item.get(key).is_none_or(|wanted| it.get(key) == Some(wanted)))
                    };
                    let place = place.item(&label(&keys, item), index);
                    self.value(&place, item, live.iter().find(same), &shares.item(&keys, item));
                }
            }
            List::Set => {
                for (index, item) in wanted.iter().enumerate() {
                    let there = live.iter().find(|it| *it == item);
                    let place = place.item(&plain(item), index);
                    self.whole(&place, item, there, &shares.step(&format!("v:{item}")));
                }
            }
            List::Atomic => self.whole(place, &wanted.into(), Some(&live.into()), shares),
        }
    }

    /// What is one value to the API server.
    fn whole(&mut self, place: &Place, wanted: &Value, live: Option<&Value>, shares: &Shares<'a>) {
        let others: Vec<_> = shares.others(self.manager).collect();
        let owned = shares.owned_by(self.manager);
        // A mapping that is one value and somebody else's now may hold more than ours: that is another value.
        let taken = wanted.is_object() && shares.atomic() && !owned && !others.is_empty();
        let same = if taken { live == Some(wanted) } else { agrees(&place.path, wanted, live) };
        if same && (live.is_none() || is_empty(wanted) || owned) {
            return;
        }
        let add = |path: String, live: Option<&Value>, wanted: Option<&Value>| Found {
            path,
            steps: place.steps.clone(),
            live: live.map(shown),
            wanted: wanted.map(shown),
            same,
            others: others.clone(),
        };
        // With an owner in play the path has to be the one that can be left out.
        let mut inside = Vec::new();
        if !same && others.is_empty() {
            differences(&place.path, wanted, live, &mut inside);
        }
        match inside.is_empty() {
            true => self.found.push(add(place.path.clone(), live, Some(wanted))),
            false => {
                self.found
                    .extend(inside.into_iter().map(|(path, live, wanted)| add(path, live, Some(wanted))));
            }
        }
    }

    /// Fields that we alone own and no longer want.
    pub(crate) fn given_up(&mut self, wanted: &Value, live: &Value, shares: &Shares<'a>) {
        self.inside(&Place::default(), wanted, live, &shares.only(self.manager), shares);
    }

    fn inside(&mut self, place: &Place, wanted: &Value, live: &Value, mine: &Shares<'a>, all: &Shares<'a>) {
        for name in mine.names() {
            let (mine, all) = (mine.step(name), all.step(name));
            if all.others(self.manager).next().is_some() {
                continue;
            }
            let (place, wanted, live) = match name.split_once(':') {
                Some(("f", key)) => (place.key(key), wanted.get(key), live.get(key)),
                Some(("k", key)) => {
                    let Ok(Value::Object(key)) = serde_json::from_str(key) else { continue };
                    let index =
                        |it: &Value| it.as_array().and_then(|it| it.iter().position(|it| has(it, &key)));
                    let keys: Vec<_> = key.keys().cloned().collect();
                    let place = place.item(&label(&keys, &Value::Object(key.clone())), 0);
                    (place, index(wanted).map(|at| &wanted[at]), index(live).map(|at| &live[at]))
                }
                _ => continue,
            };
            match (wanted, live) {
                (Some(wanted), Some(live)) => self.inside(&place, wanted, live, &mine, &all),
                (None, Some(live)) => self.found.push(Found {
                    path: place.path,
                    steps: place.steps,
                    live: Some(shown(live)),
                    wanted: None,
                    same: false,
                    others: Vec::new(),
                }),
                _ => {}
            }
        }
    }
}

/// Takes what is at the end of these steps out of a value.
pub(crate) fn remove(value: &mut Value, steps: &[Step]) {
    let Some((last, way)) = steps.split_last() else { return };
    let step = |at: &Step, value| match (at, value) {
        (Step::Key(key), value) => Value::get_mut(value, key.as_str()),
        (Step::Index(index), value) => Value::get_mut(value, index),
    };
    let holder = way.iter().try_fold(value, |value, at| step(at, value));
    // Items of lists stay: taking one away would shift the others.
    if let (Some(Value::Object(fields)), Step::Key(key)) = (holder, last) {
        fields.shift_remove(key);
    }
}

fn fields(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

fn has(item: &Value, key: &Map<String, Value>) -> bool {
    // A field that the item does not state has the default, which the key shows.
    key.iter().all(|(field, value)| item.get(field).is_none_or(|it| it == value))
}

fn label(keys: &[String], item: &Value) -> String {
    let stated = keys.iter().filter_map(|key| Some(format!("{key}={}", plain(item.get(key)?))));
    stated.collect::<Vec<_>>().join(",")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(it) => it.is_empty(),
        Value::Array(it) => it.is_empty(),
        it => it.is_null(),
    }
}

/// Whether everything that is wanted is there; fields that are there in addition do not matter, items of lists do.
fn agrees(path: &str, wanted: &Value, live: Option<&Value>) -> bool {
    match (wanted, live) {
        // Kinds of Kubernetes leave out what is empty, false or zero when they are stored.
        (wanted, None) => is_empty(wanted) || *wanted == "" || *wanted == false || *wanted == 0,
        (Value::Object(wanted), Some(Value::Object(live))) => {
            wanted.iter().all(|(key, it)| agrees(&format!("{path}.{key}"), it, live.get(key)))
        }
        (Value::Array(wanted), Some(Value::Array(live))) => {
            let items = || wanted.iter().zip(live);
            wanted.len() == live.len() && items().all(|(wanted, live)| agrees(path, wanted, Some(live)))
        }
        (wanted, Some(live)) => wanted == live || quantity::equal(path, wanted, live),
    }
}

type Inner<'a> = (String, Option<&'a Value>, &'a Value);

/// Where exactly values differ that are one to the API server.
fn differences<'a>(path: &str, wanted: &'a Value, live: Option<&'a Value>, found: &mut Vec<Inner<'a>>) {
    match (wanted, live) {
        (Value::Object(wanted), Some(Value::Object(live))) => {
            for (key, value) in wanted {
                differences(&format!("{path}.{key}"), value, live.get(key), found);
            }
        }
        (Value::Array(wanted), Some(Value::Array(live))) if wanted.len() == live.len() => {
            for (index, (wanted, live)) in wanted.iter().zip(live).enumerate() {
                differences(&format!("{path}[{index}]"), wanted, Some(live), found);
            }
        }
        (wanted, live) if !agrees(path, wanted, live) => found.push((path.to_owned(), live, wanted)),
        _ => {}
    }
}
