//! From text to [`Node`]s, within limits.

use std::collections::HashMap;

use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span, Tag};

use super::{Entry, Node, Yaml};
use crate::{
    Diagnostic, Diagnostics, FieldPath, Source,
    diagnostic::{Mark, code},
};

/// Bytes of a file that are still read; enough for 10,000 machines.
pub(crate) const MAX_BYTES: usize = 4 << 20;

/// Values in a file, those behind aliases counted as often as they are used.
const MAX_NODES: usize = 250_000;

/// Values inside values.
const MAX_DEPTH: usize = 100;

/// Reads one document.
///
/// # Errors
///
/// Everything that is wrong up to the first place where the text stops being YAML.
pub(crate) fn parse(source: &Source) -> Result<Node, Diagnostics> {
    if source.text.len() > MAX_BYTES {
        return Err(too_large(&source.path, source.text.len() as u64).into());
    }
    let mut reader = Reader::new(source);
    let root = match reader.documents() {
        Ok(root) => root,
        Err(diagnostic) => {
            reader.wrong.push(*diagnostic);
            None
        }
    };
    match root {
        Some(root) if reader.wrong.is_empty() => Ok(root),
        _ => Err(reader.wrong.into_iter().collect()),
    }
}

/// The file is not even looked at.
pub(crate) fn too_large(path: &str, bytes: u64) -> Diagnostic {
    let message = format!("the file has {bytes} bytes, but may have {MAX_BYTES}");
    Diagnostic::of_file(code::TOO_LARGE, path, message)
        .hint("keep only desired state in it; large data has no place in this repository")
}

type Step<T> = Result<T, Box<Diagnostic>>;

struct Reader<'a> {
    source: &'a Source,
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    wrong: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    fn new(source: &'a Source) -> Self {
        // Other crates of the same program may have switched comments on; to us they are no part of a document.
        let mut options = Options::default();
        options.set_emit_comments(false);
        Self {
            source,
            parser: Parser::new_from_str_with_options(&source.text, options),
            anchors: HashMap::new(),
            nodes: 0,
            wrong: Vec::new(),
        }
    }

    fn documents(&mut self) -> Step<Option<Node>> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(..) if root.is_some() => {
                    return Err(self.form(
                        mark(&span),
                        &FieldPath::root(),
                        "a second document begins here",
                        "one file holds one document",
                    ));
                }
                Event::DocumentStart(..) => {
                    let (event, span) = self.next()?;
                    root = Some(self.node(event, span, &FieldPath::root())?);
                }
                _ => {}
            }
        }
        if root.is_none() {
            return Err(self.form(
                Mark::START,
                &FieldPath::root(),
                "the file is empty",
                "a document has at least `kind` and `version`",
            ));
        }
        Ok(root)
    }

    fn next(&mut self) -> Step<(Event<'a>, Span)> {
        loop {
            match self.parser.next_event() {
                Some(Ok((Event::StreamStart, _))) => {}
                Some(Ok(it)) => return Ok(it),
                Some(Err(error)) => return Err(self.syntax(&error)),
                None => return Ok((Event::StreamEnd, Span::default())),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, path: &FieldPath) -> Step<Node> {
        let before = self.nodes;
        let place = mark(&span);
        self.count(1, place, path)?;
        if path.segments().len() > MAX_DEPTH {
            return Err(self.form(
                place,
                path,
                "values are nested too deep",
                "100 levels are more than any kind has",
            ));
        }
        let (anchor, yaml) = match event {
            Event::Alias(id) => return self.alias(id, place, path),
            Event::Scalar(text, style, anchor, tag) => {
                let forced = tag.as_deref().is_some_and(|it| it.is_yaml_core_schema_tag("str"));
                self.check_tag(tag.as_deref(), place, path);
                (
                    anchor,
                    Yaml::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain && !forced },
                )
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), place, path);
                (anchor, self.sequence(path)?)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), place, path);
                (anchor, self.mapping(path)?)
            }
            _ => return Err(self.form(place, path, "a value is missing", "write one, or remove the key")),
        };
        let node = Node { mark: place, yaml };
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), self.nodes - before));
        }
        Ok(node)
    }

    fn alias(&mut self, id: usize, place: Mark, path: &FieldPath) -> Step<Node> {
        let Some(size) = self.anchors.get(&id).map(|(_, size)| *size) else {
            return Err(self.form(
                place,
                path,
                "the alias stands inside the value it names",
                "write the value out",
            ));
        };
        self.count(size, place, path)?;
        let mut node = self.anchors[&id].0.clone();
        node.mark = place;
        Ok(node)
    }

    fn sequence(&mut self, path: &FieldPath) -> Step<Yaml> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Yaml::Sequence(items)),
                (event, span) => items.push(self.node(event, span, &path.join(items.len()))?),
            }
        }
    }

    fn mapping(&mut self, path: &FieldPath) -> Step<Yaml> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen: HashMap<String, Mark> = HashMap::new();
        let mut merged: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let place = mark(&span);
            let (key, plain) = match event {
                Event::MappingEnd => break,
                Event::Scalar(text, style, ..) => (text.into_owned(), style == ScalarStyle::Plain),
                _ => {
                    return Err(self.form(
                        place,
                        path,
                        "a key has to be a text",
                        "write it without brackets, braces and `*`",
                    ));
                }
            };
            let below = path.join(key.as_str());
            let (event, span) = self.next()?;
            let node = self.node(event, span, &below)?;
            if plain && key == "<<" {
                merged.extend(self.merge(node, place, &below));
            } else if let Some(first) = seen.get(&key) {
                let message = format!("`{key}` stands twice in the same mapping");
                let hint = format!("it stands in line {} already; keep one of them", first.line);
                self.note(code::DUPLICATE, place, below, message, hint);
            } else {
                seen.insert(key.clone(), place);
                entries.push(Entry { key, mark: place, node });
            }
        }
        for entry in merged {
            if seen.insert(entry.key.clone(), entry.mark).is_none() {
                entries.push(entry);
            }
        }
        Ok(Yaml::Mapping(entries))
    }

    fn merge(&mut self, node: Node, place: Mark, path: &FieldPath) -> Vec<Entry> {
        match node.yaml {
            Yaml::Mapping(entries) => entries,
            Yaml::Sequence(items) => items.into_iter().flat_map(|it| self.merge(it, place, path)).collect(),
            Yaml::Scalar { .. } => {
                self.note(
                    code::FORM,
                    place,
                    path.clone(),
                    "`<<` needs a mapping",
                    "put an alias like `*defaults` behind it",
                );
                Vec::new()
            }
        }
    }

    fn check_tag(&mut self, tag: Option<&Tag>, place: Mark, path: &FieldPath) {
        if let Some(tag) = tag.filter(|it| it.is_custom()) {
            let message = format!("the tag `{}` has no meaning here", tag.original());
            self.note(code::FORM, place, path.clone(), message, "remove it");
        }
    }

    fn count(&mut self, more: usize, place: Mark, path: &FieldPath) -> Step<()> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes <= MAX_NODES {
            return Ok(());
        }
        let message = format!("the file has more than {MAX_NODES} values");
        let diagnostic = Diagnostic::new(code::TOO_MANY_NODES, self.source, place, path.clone(), message)
            .hint("an alias counts as often as it is used; write out what is needed");
        Err(Box::new(diagnostic))
    }

    fn note(
        &mut self,
        code: &'static str,
        place: Mark,
        path: FieldPath,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.wrong.push(Diagnostic::new(code, self.source, place, path, message).hint(hint));
    }

    fn form(&self, place: Mark, path: &FieldPath, message: &str, hint: &str) -> Box<Diagnostic> {
        Box::new(Diagnostic::new(code::FORM, self.source, place, path.clone(), message).hint(hint))
    }

    fn syntax(&self, error: &ScanError) -> Box<Diagnostic> {
        let at = error.marker();
        let place = Mark { line: at.line().max(1), column: at.col() + 1, width: 1 };
        let message = format!("the file is not YAML: {}", error.info());
        let line = self.source.text.split('\n').nth(place.line - 1).unwrap_or_default();
        let indent = &line[..line.len() - line.trim_start().len()];
        let diagnostic = Diagnostic::new(code::SYNTAX, self.source, place, FieldPath::root(), message);
        Box::new(if indent.contains('\t') {
            diagnostic.hint("YAML is indented with spaces, this line begins with a tab")
        } else {
            diagnostic
        })
    }
}

fn mark(span: &Span) -> Mark {
    let (start, end) = (span.start, span.end);
    let width = if end.line() == start.line() { end.col().saturating_sub(start.col()) } else { 1 };
    Mark { line: start.line().max(1), column: start.col() + 1, width: width.max(1) }
}
