//! Texts that other readers would take for something else.

use super::{Mark, Node, Yaml, parse};
use crate::Source;

/// Puts texts in quotes that readers of YAML 1.1, such as `kubectl`, take for booleans or numbers: `no`,
/// `014`, `1_000`, `1:30`. `serde_yaml` writes YAML 1.2, where they are texts.
pub(super) fn quote_ambiguous(text: String) -> String {
    if !text.lines().any(|line| line.split([' ', ':']).any(is_ambiguous) || is_ambiguous(line.trim())) {
        return text;
    }
    // Not readable within our limits: then nobody here reads it, and it stays as it is.
    let Ok(root) = parse(&Source::new("", text.as_str())) else { return text };
    let mut places = Vec::new();
    collect(&root, &mut places);
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    // From the end, so that the columns in front stay right.
    places.sort_by_key(|(mark, _)| std::cmp::Reverse((mark.line, mark.column)));
    for (mark, word) in places {
        let line = &mut lines[mark.line - 1];
        let at = line.char_indices().nth(mark.column - 1).map_or(line.len(), |(at, _)| at);
        if line[at..].starts_with(word) {
            line.replace_range(at..at + word.len(), &format!("'{word}'"));
        }
    }
    lines.join("\n")
}

fn collect<'a>(node: &'a Node, places: &mut Vec<(Mark, &'a str)>) {
    match &node.yaml {
        Yaml::Scalar { text, plain: true } if is_ambiguous(text) => places.push((node.mark, text)),
        Yaml::Scalar { .. } => {}
        Yaml::Sequence(items) => items.iter().for_each(|it| collect(it, places)),
        Yaml::Mapping(entries) => {
            for entry in entries {
                if is_ambiguous(&entry.key) {
                    places.push((entry.mark, &entry.key));
                }
                collect(&entry.node, places);
            }
        }
    }
}

/// Never true for what `serde_yaml` writes for a number or a boolean.
fn is_ambiguous(text: &str) -> bool {
    let word = matches!(
        text,
        "y" | "Y"
            | "yes"
            | "Yes"
            | "YES"
            | "n"
            | "N"
            | "no"
            | "No"
            | "NO"
            | "on"
            | "On"
            | "ON"
            | "off"
            | "Off"
            | "OFF"
    );
    let digits = text.trim_start_matches(['-', '+']);
    let numeric = digits.starts_with(|it: char| it.is_ascii_digit())
        && digits.chars().all(|it| it.is_ascii_digit() || matches!(it, '_' | ':'));
    word || (numeric && (digits.contains(['_', ':']) || (digits.len() > 1 && digits.starts_with('0'))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::yaml::render;

    #[test]
    fn words_of_yaml_1_1_are_quoted_and_nothing_else() {
        let value = json!({
            "a": "no", "yes": ["on", "014", "1_000", "1:30", "-07"], "n": 7, "b": false, "c": 1.5,
            "text": "no\nyes\n", "long": "say no to it", "plain": "v1.21.0", "ip": "10.0.0.1", "ü": "off",
        });
        let text = render(&value).expect("it has a form");
        insta::assert_snapshot!(text, @r"
        a: 'no'
        'yes':
        - 'on'
        - '014'
        - '1_000'
        - '1:30'
        - '-07'
        'n': 7
        b: false
        c: 1.5
        text: |
          no
          yes
        long: say no to it
        plain: v1.21.0
        ip: 10.0.0.1
        ü: 'off'
        ");
        assert_eq!(serde_yaml::from_str::<serde_json::Value>(&text).expect("it is YAML"), value);
    }
}
