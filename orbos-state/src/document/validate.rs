//! Values against a schema: collects everything that is wrong, and gives values their types.
//!
//! Knows what `schemars` writes, not all of JSON Schema.

mod effective;
mod scalars;

use serde_json::{Map, Value};

use effective::{Effective, Shape};

use super::Document;
use crate::{
    Diagnostic, FieldPath,
    diagnostic::{Mark, code},
    nearest::nearest,
    yaml::{Node, Yaml},
};

/// What is wrong at a place, not yet connected to a file.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) code: &'static str,
    pub(super) mark: Mark,
    pub(super) path: FieldPath,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Finding {
    pub(super) fn new(code: &'static str, mark: Mark, path: FieldPath, message: String) -> Self {
        Self { code, mark, path, message, hint: None }
    }

    fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    pub(super) fn into_diagnostic(self, document: &Document, veils: &[Veil]) -> Diagnostic {
        let path = document.path.append(&self.path);
        let mut diagnostic = Diagnostic::new(self.code, &document.source, self.mark, path, self.message);
        diagnostic.hint = self.hint;
        match veils.iter().filter_map(|it| it.hides_from(self.mark.line)).min() {
            Some(column) => diagnostic.veiled(column),
            None => diagnostic,
        }
    }
}

/// A value that may be a secret: no line it stands in is shown.
pub(super) struct Veil {
    path: FieldPath,
    first: Mark,
    last_line: usize,
}

impl Veil {
    pub(super) fn covers(&self, path: &FieldPath) -> bool {
        path.starts_with(&self.path)
    }

    /// The column from which on a line is hidden.
    fn hides_from(&self, line: usize) -> Option<usize> {
        match line {
            _ if line == self.first.line => Some(self.first.column),
            _ if line > self.first.line && line <= self.last_line => Some(1),
            _ => None,
        }
    }
}

fn last_line(node: &Node) -> usize {
    let below = match &node.yaml {
        Yaml::Scalar { text, .. } => node.mark.line + text.lines().count(),
        Yaml::Sequence(items) => items.iter().map(last_line).max().unwrap_or(0),
        Yaml::Mapping(entries) => {
            entries.iter().map(|it| last_line(&it.node).max(it.mark.line)).max().unwrap_or(0)
        }
    };
    below.max(node.mark.line)
}

/// What came of checking a document against its schema.
pub(super) struct Checked {
    /// The typed value, without what is wrong.
    pub(super) value: Value,
    pub(super) findings: Vec<Finding>,
    pub(super) veils: Vec<Veil>,
}

/// A value and the places it is known by.
#[derive(Clone, Copy)]
struct At<'a> {
    node: &'a Node,
    path: &'a FieldPath,
    /// Where to point if the value itself is long or missing: its key, or the document's beginning.
    owner: Mark,
    /// It may be a secret.
    veiled: bool,
}

impl At<'_> {
    /// Where to point for the value as a whole.
    fn mark(&self) -> Mark {
        match &self.node.yaml {
            Yaml::Scalar { text, .. } if !text.is_empty() => self.node.mark,
            _ => self.owner,
        }
    }

    /// What stands here, as one says it.
    fn form(&self) -> String {
        match &self.node.yaml {
            Yaml::Scalar { .. } if self.veiled => "a text".to_owned(),
            _ => form(self.node),
        }
    }
}

pub(super) fn validate(schema: &Value, node: &Node, owner: Mark) -> Checked {
    let mut validator = Validator::new(schema);
    let at = At { node, path: &FieldPath::root(), owner, veiled: false };
    let value = validator.value(schema, at).unwrap_or_else(|| Value::Object(Map::new()));
    Checked { value, findings: validator.findings, veils: validator.veils }
}

struct Validator<'a> {
    root: &'a Value,
    findings: Vec<Finding>,
    veils: Vec<Veil>,
}

impl<'a> Validator<'a> {
    fn new(root: &'a Value) -> Self {
        Self { root, findings: Vec::new(), veils: Vec::new() }
    }

    /// The value if it can be used at all.
    fn value(&mut self, schema: &Value, at: At<'_>) -> Option<Value> {
        let effective = Effective::of(self.root, schema);
        self.effective(&effective, at)
    }

    fn effective(&mut self, schema: &Effective, at: At<'_>) -> Option<Value> {
        if schema.secret() && !at.veiled && !at.node.is_null() {
            let veil = Veil { path: at.path.clone(), first: at.node.mark, last_line: last_line(at.node) };
            self.veils.push(veil);
        }
        self.shaped(schema, At { veiled: at.veiled || schema.secret(), ..at })
    }

    fn shaped(&mut self, schema: &Effective, at: At<'_>) -> Option<Value> {
        if at.node.is_null() && schema.nullable() {
            return Some(Value::Null);
        }
        match schema.shape() {
            Shape::Anything => Some(at.node.to_value()),
            Shape::Nothing => self.wrong(code::VALUE, at, "nothing is allowed here".to_owned(), None),
            Shape::Words(words) => self.word(&words, at),
            Shape::Branches(branches) => self.branches(schema, &branches, at),
            Shape::Object => self.object(schema, at),
            Shape::Array => self.array(schema, at),
            Shape::Scalar(types) => match scalars::read(schema, &types, at) {
                Ok(value) => Some(value),
                Err(wrong) => self.wrong(wrong.code, at, wrong.message, wrong.hint),
            },
        }
    }

    fn wrong(
        &mut self,
        code: &'static str,
        at: At<'_>,
        message: String,
        hint: Option<String>,
    ) -> Option<Value> {
        self.findings.push(Finding::new(code, at.mark(), at.path.clone(), message).hint(hint));
        None
    }

    fn word(&mut self, words: &[Value], at: At<'_>) -> Option<Value> {
        let listed = || {
            let words: Vec<String> = words.iter().map(|it| format!("`{}`", plain(it))).collect();
            words.join(", ")
        };
        let Yaml::Scalar { text, .. } = &at.node.yaml else {
            let message = format!("expected one of {}, found {}", listed(), at.form());
            return self.wrong(code::TYPE, at, message, None);
        };
        if let Some(word) = words.iter().find(|it| plain(it) == *text) {
            return Some(word.clone());
        }
        if at.veiled {
            return self.wrong(code::VALUE, at, "the value cannot be used".to_owned(), None);
        }
        let known: Vec<String> = words.iter().map(plain).collect();
        let hint = match nearest(text, known.iter().map(String::as_str)) {
            Some(word) if known.len() == 1 => format!("did you mean `{word}`?"),
            Some(word) => format!("did you mean `{word}`? It can be {}", listed()),
            None => format!("it can be {}", listed()),
        };
        self.wrong(code::VALUE, at, format!("`{text}` is not a value of this field"), Some(hint))
    }

    /// One of several schemas: the one the value was meant for is the one with the least wrong.
    fn branches(&mut self, base: &Effective, branches: &[Value], at: At<'_>) -> Option<Value> {
        if let Some((tag, words)) = self.tag(branches)
            && let Some(entry) = at.node.get(&tag)
            && !words
                .iter()
                .any(|it| matches!(&entry.node.yaml, Yaml::Scalar { text, .. } if plain(it) == *text))
        {
            let path = at.path.join(tag.as_str());
            return self.word(&words, At { node: &entry.node, path: &path, owner: entry.mark, ..at });
        }
        let mut best: Option<(usize, Option<Value>, Validator<'_>)> = None;
        for branch in branches {
            let effective = Effective::of(self.root, branch).with_base(base);
            let mut trial = Validator::new(self.root);
            let value = trial.effective(&effective, at);
            let cost = trial.cost(&effective, at);
            let better = best.as_ref().is_none_or(|(least, ..)| cost < *least);
            if better {
                best = Some((cost, value, trial));
            }
        }
        let (_, value, Validator { findings, veils, .. }) = best?;
        self.veils.extend(veils);
        let mismatch = findings.iter().any(|it| it.path == *at.path && it.code == code::TYPE);
        if mismatch && branches.len() > 1 {
            let forms: Vec<&str> = branches.iter().map(|it| Effective::of(self.root, it).form()).collect();
            let message = format!("expected {}, found {}", either(&forms), at.form());
            return self.wrong(code::TYPE, at, message, None);
        }
        self.findings.extend(findings);
        value
    }

    /// The field that tells the branches apart, and what it can be.
    fn tag(&self, branches: &[Value]) -> Option<(String, Vec<Value>)> {
        let branches: Vec<Effective> = branches.iter().map(|it| Effective::of(self.root, it)).collect();
        let tag = branches.first()?.tags().into_iter().next()?;
        let word = |it: &Effective| it.get("properties")?.get(&tag)?.get("const").cloned();
        let words: Option<Vec<Value>> = branches.iter().map(word).collect();
        Some((tag, words?))
    }

    /// How far a value is from what a schema wants; a wrong tag weighs more than any wrong field.
    fn cost(&self, schema: &Effective, at: At<'_>) -> usize {
        let type_here = self.findings.iter().any(|it| it.path == *at.path && it.code == code::TYPE);
        let tags = schema.tags();
        let wrong_tag = tags.iter().any(|tag| {
            self.findings.iter().any(|it| it.path == at.path.join(tag.as_str())) || at.node.get(tag).is_none()
        });
        self.findings.len() + usize::from(wrong_tag) * 1000 + usize::from(type_here) * 100_000
    }

    fn array(&mut self, schema: &Effective, at: At<'_>) -> Option<Value> {
        let Yaml::Sequence(items) = &at.node.yaml else {
            return self.mismatch("a list", at);
        };
        let (least, most) = (schema.number("minItems"), schema.number("maxItems"));
        if let Some(hint) = scalars::bounds(items.len() as f64, least, most, "have ", " items") {
            self.wrong(code::VALUE, at, format!("the list has {} items", items.len()), Some(hint));
        }
        let mut values = Vec::new();
        for (index, node) in items.iter().enumerate() {
            let path = at.path.join(index);
            let below = At { node, path: &path, owner: node.mark, ..at };
            // What is wrong stays as it is, so that the positions of the others do not move.
            let value = self.value(schema.item(index), below);
            values.push(value.unwrap_or_else(|| node.to_value()));
        }
        Some(Value::Array(values))
    }

    fn object(&mut self, schema: &Effective, at: At<'_>) -> Option<Value> {
        let Yaml::Mapping(entries) = &at.node.yaml else {
            // In the original, a key without a value was a mapping without fields.
            if at.node.is_null() && schema.required().is_empty() {
                return Some(Value::Object(Map::new()));
            }
            return self.mismatch("a mapping", at);
        };
        let (mut fields, mut meant) = (Map::new(), Vec::new());
        for entry in entries {
            let path = at.path.join(entry.key.as_str());
            let below = At { node: &entry.node, path: &path, owner: entry.mark, ..at };
            match schema.field(&entry.key) {
                Some(Value::Bool(false)) | None => {
                    meant.extend(self.unknown_field(schema, &entry.key, below))
                }
                Some(field) if self.is_left_out(field, schema, &entry.key, below) => {}
                Some(field) => {
                    if let Some(value) = self.value(field, below) {
                        fields.insert(entry.key.clone(), value);
                    }
                }
            }
        }
        for name in schema.required() {
            // One misspelt field is one mistake, not two.
            if at.node.get(&name).is_none() && !meant.contains(&name) {
                self.missing_field(schema, &name, at);
            }
        }
        let (least, most) = (schema.number("minProperties"), schema.number("maxProperties"));
        if let Some(hint) = scalars::bounds(entries.len() as f64, least, most, "have ", " entries") {
            self.wrong(code::VALUE, at, format!("the mapping has {} entries", entries.len()), Some(hint));
        }
        Some(Value::Object(fields))
    }

    /// As in the original, a key without a value is as good as no key, where none is needed.
    fn is_left_out(&self, field: &Value, schema: &Effective, key: &str, at: At<'_>) -> bool {
        at.node.is_null()
            && !schema.required().iter().any(|it| it == key)
            && schema.names().any(|it| it == key)
            && !Effective::of(self.root, field).nullable()
            && !matches!(Effective::of(self.root, field).shape(), Shape::Anything)
    }

    fn mismatch(&mut self, expected: &str, at: At<'_>) -> Option<Value> {
        self.wrong(code::TYPE, at, format!("expected {expected}, found {}", at.form()), None)
    }

    /// Returns which field was meant, if one is near.
    fn unknown_field(&mut self, schema: &Effective, key: &str, at: At<'_>) -> Option<String> {
        let near = nearest(key, schema.names()).map(str::to_owned);
        let hint = match &near {
            Some(name) => Some(format!("did you mean `{name}`?")),
            None => {
                let names: Vec<String> = schema.names().map(|it| format!("`{it}`")).collect();
                (!names.is_empty()).then(|| format!("known fields: {}", names.join(", ")))
            }
        };
        let message = format!("unknown field `{key}`");
        let finding = Finding::new(code::UNKNOWN_FIELD, at.owner, at.path.clone(), message);
        self.findings.push(finding.hint(hint));
        near
    }

    fn missing_field(&mut self, schema: &Effective, name: &str, at: At<'_>) {
        let description = schema.field(name).and_then(|it| Effective::of(self.root, it).description());
        let hint = description.map(|it| format!("`{name}`: {it}"));
        let path = at.path.join(name);
        let message = format!("field `{name}` is missing");
        self.findings.push(Finding::new(code::MISSING_FIELD, at.owner, path, message).hint(hint));
    }
}

/// A value of a schema as somebody writes it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn form(node: &Node) -> String {
    match &node.yaml {
        Yaml::Mapping(_) => "a mapping".to_owned(),
        Yaml::Sequence(_) => "a list".to_owned(),
        Yaml::Scalar { .. } if node.is_null() => "nothing".to_owned(),
        Yaml::Scalar { text, .. } if text.chars().count() > 40 || text.contains('\n') => {
            "a long text".to_owned()
        }
        Yaml::Scalar { text, plain: true } => format!("`{text}`"),
        Yaml::Scalar { text, .. } => format!("the text \"{text}\""),
    }
}

fn either(forms: &[&str]) -> String {
    let mut forms = forms.to_vec();
    forms.dedup();
    match forms.as_slice() {
        [] => "nothing".to_owned(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}
