//! Which objects a patch is for.

use orbos_k8s::objects::{Manifest, ObjectRef};

use crate::spec::PatchTarget;

/// How many objects are named when there is none that fits.
const CANDIDATES: usize = 3;

/// The objects that a target means; at least one.
pub(super) fn find<'a>(
    target: &PatchTarget,
    objects: &'a mut [Manifest],
) -> Result<Vec<&'a mut Manifest>, String> {
    if *target == PatchTarget::default() {
        return Err("`target` says nothing; `name: \"*\"` stands for all objects".to_owned());
    }
    if !objects.iter().any(|it| misses(target, it.object()) == 0) {
        return Err(nothing(target, objects));
    }
    Ok(objects.iter_mut().filter(|it| misses(target, it.object()) == 0).collect())
}

/// How many of the stated fields do not fit.
fn misses(target: &PatchTarget, object: &ObjectRef) -> usize {
    let PatchTarget { group, kind, name, namespace } = target;
    let differs = |stated: &Option<String>, is: &str| stated.as_ref().is_some_and(|it| it != is);
    let fields = [
        differs(group, &object.group),
        differs(kind, &object.kind),
        name.as_ref().is_some_and(|it| !fits(it, &object.name)),
        differs(namespace, object.namespace.as_deref().unwrap_or_default()),
    ];
    fields.into_iter().filter(|it| *it).count()
}

/// Whether a text is what a pattern says; `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(start) else { return false };
    let starts = text.char_indices().map(|it| it.0).chain([text.len()]);
    starts.into_iter().any(|it| fits(rest, &text[it..]))
}

fn nothing(target: &PatchTarget, objects: &[Manifest]) -> String {
    let PatchTarget { group, kind, name, namespace } = target;
    let stated = [("group", group), ("kind", kind), ("name", name), ("namespace", namespace)];
    let stated = stated.into_iter().filter_map(|(field, it)| it.as_ref().map(|it| format!("{field} `{it}`")));
    let stated = stated.collect::<Vec<_>>().join(", ");
    let far = |it: &&Manifest| {
        let object = it.object();
        (misses(target, object), name.as_ref().map_or(0, |it| distance(it, &object.name)))
    };
    let mut near: Vec<_> = objects.iter().collect();
    near.sort_by_key(far);
    let near: Vec<_> = near.into_iter().take(CANDIDATES).map(|it| format!("`{it}`")).collect();
    match near.is_empty() {
        true => format!("`target` means no object ({stated}); there are none at all"),
        false => format!("`target` means no object ({stated}); nearest: {}", near.join(", ")),
    }
}

/// How many letters have to be changed, added or removed to make one text of another.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<_> = other.chars().collect();
    let mut row: Vec<_> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, it) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *it);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("grafana", "grafana", true),
            ("grafana", "grafana-config", false),
            ("grafana*", "grafana", true),
            ("grafana-*", "grafana-config", true),
            ("*-config", "grafana-config", true),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("*a", "ab", false),
            ("**", "über", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn distances_count_letters() {
        for (one, other, expected) in
            [("", "", 0), ("", "ab", 2), ("grafanna", "grafana", 1), ("loki", "look", 2)]
        {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }
}
