//! New values in a human's file; everything else stays as it is.

use orbos_secrets::{Sealed, Tree};
use orbos_state::{Error, FieldEdit, FieldPath, edit};
use serde_json::Value;

/// Writes one value, over an old one or where there was none.
///
/// # Errors
///
/// If the file has no place for it.
pub fn write_value(
    text: &str,
    field: &FieldPath,
    old: Option<&Sealed>,
    new: &Sealed,
) -> Result<String, Error> {
    match old {
        Some(old) => replace(text, &[(field.clone(), old.clone(), new.clone())]),
        None => edit::set(text, field, &value(new)),
    }
}

/// Writes new values over old ones: all of them, or none.
///
/// Old values are random, so they are found as texts; whatever that does not reach, as a value that is
/// folded over several lines, is edited field by field.
pub(super) fn replace(text: &str, values: &[Change]) -> Result<String, Error> {
    let unreadable = |error: serde_yaml::Error| Error::invalid("the file", "it is no YAML").because(error);
    let mut intended: Tree = serde_yaml::from_str(text).map_err(unreadable)?;
    put(&mut intended, &FieldPath::root(), values);
    let right = |text: &str| serde_yaml::from_str::<Tree>(text).is_ok_and(|it| it == intended);
    let (quick, left) = by_text(text, values);
    let quick = edit::apply(&quick, &left.into_iter().flat_map(by_field).collect::<Vec<_>>());
    if let Ok(quick) = quick
        && right(&quick)
    {
        return Ok(quick);
    }
    let slow = edit::apply(text, &values.iter().flat_map(by_field).collect::<Vec<_>>())?;
    if right(&slow) {
        return Ok(slow);
    }
    let why =
        "the change would touch more than the values, for instance because of anchors; edit the file by hand";
    Err(Error::unsupported("writing sealed values", why))
}

type Change = (FieldPath, Sealed, Sealed);

/// The text with every value that stands in it exactly once, and the others.
fn by_text<'a>(text: &str, values: &'a [Change]) -> (String, Vec<&'a Change>) {
    let (mut spans, mut left) = (Vec::new(), Vec::new());
    for change in values {
        match spans_of(text, change) {
            Some(found) => spans.extend(found),
            None => left.push(change),
        }
    }
    spans.sort_unstable();
    let mut changed = String::with_capacity(text.len() * 2);
    let mut rest = 0;
    for (at, length, new) in spans {
        changed.push_str(text.get(rest..at).unwrap_or_default());
        changed.push_str(new);
        rest = at + length;
    }
    changed.push_str(&text[rest..]);
    (changed, left)
}

/// Where something has to be replaced: from, how many bytes, by what.
type Span<'a> = (usize, usize, &'a str);

fn spans_of<'a>(text: &str, (_, old, new): &'a Change) -> Option<Vec<Span<'a>>> {
    let mut found = text.match_indices(old.value());
    let (at, _) = found.next()?;
    if found.next().is_some() || old.encoding() != new.encoding() {
        return None;
    }
    let mut spans = vec![(at, old.value().len(), new.value())];
    if old.encryption() != new.encryption() {
        spans.push((encryption_near(text, at, old)?, old.encryption().len(), new.encryption()));
    }
    Some(spans)
}

/// Where the name of the encryption stands that belongs to a value; it is at most a few lines away.
fn encryption_near(text: &str, at: usize, old: &Sealed) -> Option<usize> {
    const KEY: &str = "encryption:";
    let name = old.encryption();
    let is_it = |start: usize| {
        let after = &text[start + KEY.len()..];
        let skipped = after.len() - after.trim_start_matches([' ', '"', '\'']).len();
        (!name.is_empty() && after[skipped..].starts_with(name)).then_some(start + KEY.len() + skipped)
    };
    let lines = |from: usize, to: usize| text[from..to].matches('\n').count();
    let before = text[..at].rfind(KEY).filter(|it| lines(*it, at) <= 4).and_then(is_it);
    let after = || text[at..].find(KEY).map(|it| at + it).filter(|it| lines(at, *it) <= 4).and_then(is_it);
    before.or_else(after)
}

fn by_field((field, old, new): &Change) -> Vec<FieldEdit> {
    let mut edits = vec![FieldEdit::Set(field.join("value"), new.value().into())];
    if old.encryption() != new.encryption() {
        edits.push(FieldEdit::Set(field.join("encryption"), new.encryption().into()));
    }
    if old.encoding() != new.encoding() {
        edits.push(FieldEdit::Set(field.join("encoding"), new.encoding().into()));
    }
    edits
}

fn value(sealed: &Sealed) -> Value {
    serde_json::to_value(sealed).expect("a sealed value is three texts")
}

/// Also where an alias repeats an old value.
fn put(tree: &mut Tree, path: &FieldPath, values: &[Change]) {
    if let Some(sealed) = tree.as_sealed() {
        let here = values.iter().find(|(field, ..)| field == path);
        if let Some((.., new)) = here.or_else(|| values.iter().find(|(_, old, _)| *old == sealed)) {
            overwrite(tree, new);
        }
        return;
    }
    match tree {
        Tree::Map(entries) => {
            entries.iter_mut().for_each(|(key, child)| put(child, &path.join(key.as_str()), values));
        }
        Tree::List(items) => {
            items.iter_mut().enumerate().for_each(|(at, child)| put(child, &path.join(at), values));
        }
        Tree::Text(_) | Tree::Other | Tree::Nothing => {}
    }
}

fn overwrite(tree: &mut Tree, new: &Sealed) {
    let Tree::Map(entries) = tree else { return };
    for (key, text) in
        [("value", new.value()), ("encryption", new.encryption()), ("encoding", new.encoding())]
    {
        let text = Tree::Text(text.to_owned());
        match entries.iter_mut().find(|(name, _)| name == key) {
            Some((_, it)) => *it = text,
            None => entries.push((key.to_owned(), text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::inventory::get, *};

    fn sealed(encryption: &str, value: &str) -> Sealed {
        let text = format!("{{encryption: {encryption}, encoding: Base64, value: {value}}}");
        serde_yaml::from_str(&text).expect("three texts")
    }

    #[test]
    fn only_the_bytes_of_the_values_change() {
        let text =
            "# top\na: &x\n  encryption: 'AES256' # why\n  encoding: Base64\n\n  value: b2xk\nb: *x\nc: 1\n";
        let change = ("a".parse().expect("a path"), sealed("AES256", "b2xk"), sealed("AES256-GCM", "bmV3"));
        let changed = replace(text, &[change]).expect("it is there");
        assert_eq!(changed, text.replace("'AES256'", "'AES256-GCM'").replace("b2xk", "bmV3"));
    }

    #[test]
    fn a_value_over_several_lines_is_replaced_too() {
        let text = "a:\n  encryption: AES256-GCM\n  encoding: Base64\n  value: >-\n    b2\n    xk\nc: 1\n";
        let old = sealed("AES256-GCM", "'b2 xk'");
        let change = ("a".parse().expect("a path"), old, sealed("AES256-GCM", "bmV3"));
        let changed = replace(text, &[change]).expect("it is there");
        let tree: Tree = serde_yaml::from_str(&changed).expect("still YAML");
        assert_eq!(get(&tree, "a").and_then(Tree::as_sealed), Some(sealed("AES256-GCM", "bmV3")));
        assert!(changed.ends_with("c: 1\n"), "{changed}");
    }
}
