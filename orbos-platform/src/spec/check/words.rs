//! Names of hosts, labels and images, addresses and durations.

/// Whether it can be the name of a host: labels of letters, digits and hyphens, at least two of them.
pub(super) fn is_host(text: &str) -> bool {
    let label = |it: &str| {
        !it.is_empty()
            && it.len() <= 63
            && it.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-')
            && !it.starts_with('-')
            && !it.ends_with('-')
    };
    let labels = text.split('.').collect::<Vec<_>>();
    let number = labels.last().is_some_and(|it| it.bytes().all(|it| it.is_ascii_digit()));
    text.len() <= 253 && labels.len() > 1 && !number && labels.into_iter().all(label)
}

/// Whether it is an address with this scheme and a host.
pub(super) fn is_url(text: &str, schemes: &[&str]) -> bool {
    let rest = schemes.iter().find_map(|it| text.strip_prefix(it)?.strip_prefix("://"));
    let host = rest.and_then(|it| it.split(['/', '?', '#']).next()).unwrap_or_default();
    !host.is_empty() && !text.contains(char::is_whitespace)
}

/// Whether it can be the name of a port: at most 15 of a-z, 0-9 and hyphens, with a letter.
pub(super) fn is_port_name(text: &str) -> bool {
    let allowed = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    text.len() <= 15
        && text.bytes().all(allowed)
        && text.bytes().any(|it| it.is_ascii_lowercase())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
}

/// Whether it can be a label of a metric.
pub(super) fn is_metric_label(text: &str) -> bool {
    let allowed = |it: u8| it.is_ascii_alphanumeric() || it == b'_';
    text.bytes().next().is_some_and(|it| !it.is_ascii_digit()) && text.bytes().all(allowed)
}

/// Whether it is a duration like `10d` or `1h30m`.
pub(super) fn is_duration(text: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let unit =
            ["ms", "s", "m", "h", "d", "w", "y"].into_iter().find_map(|it| rest[digits..].strip_prefix(it));
        match unit {
            Some(after) if digits > 0 => rest = after,
            _ => return false,
        }
    }
    !text.is_empty()
}

/// What a name of an image has that does not belong there: a scheme, a tag, a digest or a space.
pub(super) fn not_of_a_repository(text: &str) -> Option<&'static str> {
    let last = text.rsplit('/').next().unwrap_or(text);
    match () {
        () if text.contains("://") => Some("a scheme"),
        () if text.contains('@') => Some("a digest"),
        () if text.contains(char::is_whitespace) => Some("a space"),
        () if text.contains('/') && last.contains(':') => Some("a tag"),
        () => None,
    }
}

/// What is wrong with a folder's path in the repository.
pub(super) fn not_in_the_repository(path: &str) -> Option<&'static str> {
    match () {
        () if path.starts_with('/') => Some("it is absolute"),
        () if path.split('/').any(|it| it == "..") => Some("it leads out of the repository"),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_labels() {
        for it in ["grafana.example.com", "a.b", "xn--bcher-kva.example", "1.example"] {
            assert!(is_host(it), "{it}");
        }
        for it in
            ["", "grafana", "https://a.b", "a..b", "-a.b", "a_b.c", "192.0.2.1", "a.b:443", "*.a.b", "a.b/c"]
        {
            assert!(!is_host(it), "{it}");
        }
    }

    #[test]
    fn addresses_have_a_scheme_and_a_host() {
        assert!(is_url("https://acme.example.com/directory", &["https"]));
        for it in ["http://a.b", "https://", "a.b", "https:///x", "https://a b"] {
            assert!(!is_url(it, &["https"]), "{it}");
        }
    }

    #[test]
    fn durations_are_those_of_prometheus() {
        for (it, is) in [
            ("10d", true),
            ("1h30m", true),
            ("500ms", true),
            ("", false),
            ("10", false),
            ("d", false),
            ("1 d", false),
            ("1.5h", false),
        ] {
            assert_eq!(is_duration(it), is, "{it}");
        }
    }

    #[test]
    fn a_port_of_a_registry_is_no_tag() {
        assert_eq!(not_of_a_repository("registry.example.com:5000"), None);
        assert_eq!(not_of_a_repository("registry.example.com:5000/a/b"), None);
        assert_eq!(not_of_a_repository("registry.example.com/a:v1"), Some("a tag"));
        assert_eq!(not_of_a_repository("https://registry.example.com"), Some("a scheme"));
        assert_eq!(not_of_a_repository("a/b@sha256:00"), Some("a digest"));
    }
}
