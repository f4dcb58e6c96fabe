//! A schema with its references followed and its parts put together.

use serde_json::{Map, Value};

static ANYTHING: Value = Value::Bool(true);

/// References that are followed within one schema before it counts as endless.
const MAX_REFERENCES: usize = 32;

/// What a value has to look like.
pub(super) enum Shape {
    Anything,
    Nothing,
    /// One of these.
    Words(Vec<Value>),
    /// Whatever one of these wants; a null among them is left out.
    Branches(Vec<Value>),
    Object,
    Array,
    /// One of these types.
    Scalar(Vec<String>),
}

pub(super) struct Effective {
    fields: Map<String, Value>,
    nothing: bool,
}

impl Effective {
    pub(super) fn of(root: &Value, schema: &Value) -> Self {
        let mut fields = Map::new();
        merge(root, schema, &mut fields, 0);
        Self { nothing: *schema == Value::Bool(false), fields }
    }

    /// This one and what stands beside the choice it is a part of.
    pub(super) fn with_base(mut self, base: &Self) -> Self {
        for (key, value) in &base.fields {
            if !matches!(key.as_str(), "oneOf" | "anyOf") {
                put(&mut self.fields, key, value);
            }
        }
        self
    }

    pub(super) fn secret(&self) -> bool {
        self.fields.get("writeOnly") == Some(&Value::Bool(true))
    }

    pub(super) fn description(&self) -> Option<String> {
        let text = self.fields.get("description")?.as_str()?;
        let line = text.lines().next().unwrap_or_default();
        Some(line.trim_end_matches('.').to_owned()).filter(|it| !it.is_empty())
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.fields.get(key)
    }

    pub(super) fn number(&self, key: &str) -> Option<f64> {
        self.get(key)?.as_f64()
    }

    fn types(&self) -> Vec<&str> {
        match self.get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(some)) => some.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    fn choice(&self) -> Option<&Vec<Value>> {
        ["oneOf", "anyOf"].iter().find_map(|it| self.get(it)).and_then(Value::as_array)
    }

    pub(super) fn nullable(&self) -> bool {
        let words = self.get("enum").and_then(Value::as_array);
        self.types().contains(&"null")
            || self.get("const") == Some(&Value::Null)
            || words.is_some_and(|it| it.contains(&Value::Null))
            || self.choice().is_some_and(|it| it.iter().any(is_null))
    }

    pub(super) fn shape(&self) -> Shape {
        if self.nothing {
            return Shape::Nothing;
        }
        if let Some(word) = self.get("const") {
            return Shape::Words(vec![word.clone()]);
        }
        if let Some(Value::Array(words)) = self.get("enum") {
            return Shape::Words(words.iter().filter(|it| !it.is_null()).cloned().collect());
        }
        if let Some(choice) = self.choice() {
            return Self::choose(choice);
        }
        let types: Vec<&str> = self.types().into_iter().filter(|it| *it != "null").collect();
        match types.as_slice() {
            [] if self.fields.contains_key("properties") => Shape::Object,
            [] => Shape::Anything,
            ["object"] => Shape::Object,
            ["array"] => Shape::Array,
            all if all.iter().any(|it| matches!(*it, "object" | "array")) => {
                Shape::Branches(all.iter().map(|it| self.narrowed(it)).collect())
            }
            scalars => Shape::Scalar(scalars.iter().map(|it| (*it).to_owned()).collect()),
        }
    }

    fn narrowed(&self, to: &str) -> Value {
        let mut fields = self.fields.clone();
        fields.insert("type".to_owned(), Value::from(to));
        Value::Object(fields)
    }

    fn choose(choice: &[Value]) -> Shape {
        let words: Option<Vec<Value>> = choice
            .iter()
            .filter(|it| !is_null(it))
            .map(words)
            .collect::<Option<Vec<_>>>()
            .map(|it| it.concat());
        match words {
            Some(words) if !words.is_empty() => Shape::Words(words),
            _ => Shape::Branches(choice.iter().filter(|it| !is_null(it)).cloned().collect()),
        }
    }

    /// What this wants, as one says it.
    pub(super) fn form(&self) -> &'static str {
        match self.shape() {
            Shape::Object => "a mapping",
            Shape::Array => "a list",
            Shape::Words(_) => "a certain word",
            Shape::Scalar(types) => scalar_form(types.first().map_or("", String::as_str)),
            _ => "something else",
        }
    }

    /// The schema of a field; absent if there is no such field.
    pub(super) fn field(&self, key: &str) -> Option<&Value> {
        let properties = self.get("properties").and_then(|it| it.get(key));
        let more = || match self.get("additionalProperties").or_else(|| self.get("unevaluatedProperties")) {
            Some(Value::Bool(false)) => None,
            Some(schema) => Some(schema),
            // A mapping that names nothing takes everything.
            None => (!self.fields.contains_key("properties")).then_some(&ANYTHING),
        };
        properties.or_else(|| self.pattern_field(key)).or_else(more)
    }

    fn pattern_field(&self, key: &str) -> Option<&Value> {
        let patterns = self.get("patternProperties")?.as_object()?;
        let fits = |pattern: &str| regex_lite::Regex::new(pattern).is_ok_and(|it| it.is_match(key));
        patterns.iter().find(|(pattern, _)| fits(pattern)).map(|(_, schema)| schema)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.get("properties").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.as_str())
    }

    pub(super) fn required(&self) -> Vec<String> {
        let names = self.get("required").and_then(Value::as_array).into_iter().flatten();
        names.filter_map(|it| it.as_str().map(str::to_owned)).collect()
    }

    /// Fields that say which branch of a choice is meant.
    pub(super) fn tags(&self) -> Vec<String> {
        let properties = self.get("properties").and_then(Value::as_object).into_iter().flatten();
        let consts: Vec<String> =
            properties.filter(|(_, it)| it.get("const").is_some()).map(|(name, _)| name.clone()).collect();
        let required = self.required();
        match (consts.is_empty(), required.as_slice()) {
            // An enum whose variant is the only key.
            (true, [one]) if self.names().count() == 1 => vec![one.clone()],
            _ => consts,
        }
    }

    pub(super) fn item(&self, index: usize) -> &Value {
        let prefix = self.get("prefixItems").and_then(|it| it.get(index));
        prefix.or_else(|| self.get("items")).unwrap_or(&ANYTHING)
    }
}

fn scalar_form(name: &str) -> &'static str {
    match name {
        "string" => "a text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        _ => "a value",
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").is_some_and(|it| it == "null") || schema.get("const") == Some(&Value::Null)
}

/// The words of a branch, if it is made of nothing else.
fn words(schema: &Value) -> Option<Vec<Value>> {
    match (schema.get("const"), schema.get("enum")) {
        (Some(word), _) => Some(vec![word.clone()]),
        (None, Some(Value::Array(words))) => Some(words.clone()),
        _ => None,
    }
}

fn merge(root: &Value, schema: &Value, into: &mut Map<String, Value>, depth: usize) {
    let Value::Object(fields) = schema else { return };
    for (key, value) in fields {
        if !matches!(key.as_str(), "$ref" | "allOf" | "$defs" | "$schema") {
            put(into, key, value);
        }
    }
    if depth > MAX_REFERENCES {
        return;
    }
    if let Some(target) = fields.get("$ref").and_then(Value::as_str).and_then(|it| resolve(root, it)) {
        merge(root, target, into, depth + 1);
    }
    for part in fields.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        merge(root, part, into, depth + 1);
    }
}

/// What is there already wins, but for names, which add up.
fn put(into: &mut Map<String, Value>, key: &str, value: &Value) {
    match (into.get_mut(key), value) {
        (Some(Value::Object(have)), Value::Object(more)) if key == "properties" => {
            for (name, schema) in more {
                have.entry(name.clone()).or_insert_with(|| schema.clone());
            }
        }
        (Some(Value::Array(have)), Value::Array(more)) if key == "required" => {
            have.extend(more.iter().cloned());
        }
        (Some(_), _) => {}
        (None, _) => {
            into.insert(key.to_owned(), value.clone());
        }
    }
}

fn resolve<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    reference.strip_prefix('#').and_then(|it| root.pointer(it))
}
