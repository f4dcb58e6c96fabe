//! Many objects as they should be: read from YAML, written as YAML.

use std::collections::{BTreeMap, btree_map::Entry};

use orbos_state::{Diagnostic, Diagnostics, Result, Source, code};
use serde::Deserialize;
use serde_json::Value;

use super::{Manifest, ObjectRef, Origin, manifest::ordered, rank::Order};

/// Objects as they should be, none of them twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifests(BTreeMap<ObjectRef, Manifest>);

/// Whether what a Secret holds is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// `[secret]` stands there instead: for eyes.
    Veiled,
    /// As it is: for another program that applies it.
    Shown,
}

impl Manifests {
    /// No objects.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads every object of files with one or more YAML documents each; the items of a `List` count one by one.
    ///
    /// ```
    /// use orbos_k8s::objects::Manifests;
    /// use orbos_state::Source;
    ///
    /// let file = Source::new("a.yml", "
    /// apiVersion: v1
    /// kind: Namespace
    /// metadata: { name: monitoring }
    /// ---
    /// apiVersion: v1
    /// kind: ConfigMap
    /// ");
    /// let wrong = Manifests::parse(&[file]).unwrap_err();
    /// assert!(wrong.to_string().contains("a.yml:6"), "{wrong}");
    /// ```
    ///
    /// # Errors
    ///
    /// Everything that is wrong, with file and line: what is no YAML, what is no object, and what is there twice.
    pub fn parse(sources: &[Source]) -> Result<Self, Diagnostics> {
        let (mut all, mut wrong) = (Self::new(), Diagnostics::new());
        for source in sources {
            for (line, text) in documents(&source.text) {
                match read(line, text) {
                    Ok(values) => values.into_iter().for_each(|it| all.take(source, line, it, &mut wrong)),
                    Err((line, column, why)) => {
                        wrong.push(mistake(source, code::SYNTAX, line, column, why));
                    }
                }
            }
        }
        wrong.into_result().map(|()| all)
    }

    /// Adds an object.
    ///
    /// # Errors
    ///
    /// Where the same object is already, in words.
    pub fn add(&mut self, manifest: Manifest) -> Result<(), String> {
        match self.0.entry(manifest.object().clone()) {
            Entry::Vacant(entry) => {
                entry.insert(manifest);
                Ok(())
            }
            Entry::Occupied(entry) => Err(match entry.get().origin() {
                Some(origin) => format!("{manifest} is there already, at {origin}"),
                None => format!("{manifest} is there already"),
            }),
        }
    }

    /// The object, if it is among them.
    pub fn get(&self, object: &ObjectRef) -> Option<&Manifest> {
        self.0.get(object)
    }

    /// Takes an object out; `None`: it was not among them.
    pub fn remove(&mut self, object: &ObjectRef) -> Option<Manifest> {
        self.0.remove(object)
    }

    /// All of them, by group, kind, namespace and name.
    pub fn iter(&self) -> impl Iterator<Item = &Manifest> {
        self.0.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them as one YAML file, in the order of applying. The same objects give the same text, whatever the order
    /// of their fields.
    pub fn render(&self, secrets: Secrets) -> String {
        let mut sorted: Vec<_> = self.0.values().collect();
        let order = Order::of(sorted.iter().map(|it| (it.object(), it.value())));
        sorted.sort_by_key(|it| (order.place(it.object(), it.value()), it.object().clone()));
        let documents: Vec<_> = sorted.into_iter().map(|it| document(it, secrets)).collect();
        documents.join("---\n")
    }

    fn take(&mut self, source: &Source, line: usize, value: Value, wrong: &mut Diagnostics) {
        let origin = Origin { file: source.path.clone(), line };
        match Manifest::new(value) {
            Err(why) => {
                wrong.push(mistake(
                    source,
                    code::FORM,
                    line,
                    1,
                    format!("this is no Kubernetes object: {why}"),
                ));
            }
            Ok(manifest) => {
                if let Err(why) = self.add(manifest.from_origin(origin)) {
                    wrong.push(mistake(source, code::DUPLICATE, line, 1, why));
                }
            }
        }
    }
}

fn document(manifest: &Manifest, secrets: Secrets) -> String {
    let value = match secrets {
        Secrets::Veiled => manifest.veiled(),
        Secrets::Shown => ordered(manifest.value()),
    };
    orbos_state::render(&value).expect("an object has text as keys, which is all that YAML asks for")
}

/// The documents of a text, each with the number of its first line.
///
/// `---` at the beginning of a line ends a document wherever it stands, in a text of many lines too.
fn documents(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let marker = |line: &str| {
        line.strip_prefix("---")
            .is_some_and(|rest| rest.trim_end().is_empty() || rest.starts_with([' ', '\t']))
    };
    let (mut found, mut begin, mut first, mut offset) = (Vec::new(), 0, 1, 0);
    for (line, number) in text.split_inclusive('\n').zip(1..) {
        if marker(line) {
            found.push((first, &text[begin..offset]));
            // What follows the marker on its line belongs to the document.
            (begin, first) = (offset + 3, number);
        }
        offset += line.len();
    }
    found.push((first, &text[begin..]));
    found.into_iter().map(|(first, text)| {
        let blank = |line: &&str| line.trim().is_empty() || line.trim_start().starts_with('#');
        let skipped = text.split_inclusive('\n').take_while(blank);
        let (lines, bytes) = skipped.fold((0, 0), |(lines, bytes), line| (lines + 1, bytes + line.len()));
        (first + lines, &text[bytes..])
    })
}

/// The objects of one document, or where it is wrong and why.
fn read(first: usize, text: &str) -> std::result::Result<Vec<Value>, (usize, usize, String)> {
    let failed = |error: serde_yaml::Error| {
        let place = error.location().map_or((1, 1), |it| (it.line().max(1), it.column().max(1)));
        let text = error.to_string();
        let why = text.split(" at line ").next().unwrap_or_default().to_owned();
        (first + place.0 - 1, place.1, why)
    };
    let mut yaml =
        serde_yaml::Value::deserialize(serde_yaml::Deserializer::from_str(text)).map_err(failed)?;
    yaml.apply_merge().map_err(failed)?;
    let value: Value = serde_yaml::from_value(yaml).map_err(failed)?;
    let is_list = |it: &Value| {
        it["apiVersion"] == "v1" && it["kind"].as_str() == Some("List") && it["items"].is_array()
    };
    Ok(match value {
        Value::Null => Vec::new(),
        Value::Object(mut list) if is_list(&Value::Object(list.clone())) => {
            match list.shift_remove("items") {
                Some(Value::Array(items)) => items,
                _ => Vec::new(),
            }
        }
        other => vec![other],
    })
}

fn mistake(source: &Source, code: &'static str, line: usize, column: usize, why: String) -> Diagnostic {
    let mut mistake = Diagnostic::of_file(code, &source.path, why);
    // The line itself is not shown: it may be one of a Secret.
    (mistake.line, mistake.column) = (line, column);
    mistake
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Manifests, Diagnostics> {
        Manifests::parse(&[Source::new("a.yml", text)])
    }

    const TWO: &str = "# a comment\n---\n# another\napiVersion: v1\nkind: Secret\nmetadata: {name: b, namespace: m}\n\
        stringData: {password: hunter2}\n--- # the namespace\nkind: Namespace\nmetadata: {name: m}\napiVersion: v1\n---\n";

    #[test]
    fn objects_know_their_file_and_line() {
        let all = parse(TWO).unwrap();
        let places: Vec<_> = all.iter().map(|it| format!("{it} {}", it.origin().unwrap())).collect();
        assert_eq!(places, ["Namespace m a.yml:9", "Secret m/b a.yml:4"]);
    }

    #[test]
    fn all_mistakes_have_their_line() {
        let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n---\nkind: Pod\n---\na: 1\na: 2\n---\nb: [\n---\n\
            apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n";
        let wrong = parse(text).unwrap_err();
        let seen: Vec<_> = wrong.iter().map(|it| (it.line, it.code)).collect();
        let expected = [(5, code::FORM), (7, code::SYNTAX), (10, code::SYNTAX), (12, code::DUPLICATE)];
        assert_eq!(seen.iter().map(|it| it.1).collect::<Vec<_>>(), expected.map(|it| it.1), "{wrong}");
        assert_eq!((seen[0].0, seen[3].0), (5, 12), "{wrong}");
        assert!((7..=8).contains(&seen[1].0) && (10..=11).contains(&seen[2].0), "{wrong}");
        assert!(wrong.to_string().contains("Secret a is there already, at a.yml:1"), "{wrong}");
    }

    #[test]
    fn a_list_is_its_items_and_anchors_merge() {
        let all = parse(
            "apiVersion: v1\nkind: List\nitems:\n- &a {apiVersion: v1, kind: Namespace, metadata: {name: a}}\n\
             - {<<: *a, metadata: {name: b}}\n",
        );
        let names: Vec<_> = all.unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["Namespace a", "Namespace b"]);
    }

    #[test]
    fn rendering_has_one_order_and_is_read_again() {
        let all = parse(TWO).unwrap();
        let text = all.render(Secrets::Veiled);
        assert_eq!(
            text,
            "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: m\n---\napiVersion: v1\nkind: Secret\nmetadata:\n  \
             name: b\n  namespace: m\ndata:\n  password: '[secret]'\n"
        );
        let again = parse(&all.render(Secrets::Shown)).unwrap();
        assert_eq!(again.render(Secrets::Shown), all.render(Secrets::Shown));
        assert!(again.iter().zip(all.iter()).all(|(a, b)| ordered(a.value()) == ordered(b.value())));
    }
}
