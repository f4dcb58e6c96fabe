//! What tools want to be reached by, checked once for the gateway and for cert-manager.

use serde_json::{Map, Value, json};

use crate::{Error, Exposure, Wiring, parts::fingerprint, spec::BoomSpec};

/// The label that tells solvers of one domain from those of another.
const CHALLENGE: &str = "boom.caos.ch/challenge";
/// What cert-manager gives to every pod that answers a challenge.
const SOLVER: &str = "acme.cert-manager.io/http01-solver";

/// Every exposure with the field that has its domain, by name.
///
/// # Errors
///
/// If a domain or an authority is none, or two tools want the same domain.
pub(super) fn exposed(wiring: &Wiring) -> Result<Vec<&Exposure>, Error> {
    let mut all: Vec<(String, &Exposure)> = Vec::new();
    for (tool, declared) in wiring.tools() {
        for exposure in &declared.exposures {
            let network = format!("spec.{tool}.network");
            check(&network, exposure)?;
            if let Some((other, _)) = all.iter().find(|it| it.1.domain == exposure.domain) {
                let why = format!("`{}` is the domain of {other} already", exposure.domain);
                return Err(Error::invalid(format!("{network}.domain"), why));
            }
            all.push((network, exposure));
        }
    }
    all.sort_by(|a, b| a.1.name.cmp(&b.1.name));
    Ok(all.into_iter().map(|it| it.1).collect())
}

/// Whether a tool that is there wants a certificate of an authority.
pub(super) fn wants_authority(spec: &BoomSpec) -> bool {
    let monitoring = spec.monitoring.as_ref().filter(|it| it.tool.deploy).and_then(|it| it.network.as_ref());
    let reconciling =
        spec.reconciling.as_ref().filter(|it| it.tool.deploy).and_then(|it| it.network.as_ref());
    [monitoring, reconciling]
        .into_iter()
        .flatten()
        .filter_map(|it| Exposure::of("", it, "", "", 0, false))
        .any(|it| it.acme_authority.is_some())
}

/// The name of the Service in front of the pods that answer challenges for a domain.
pub(super) fn challenge_name(exposure: &Exposure) -> String {
    format!("acme-challenge-{}", exposure.name)
}

/// What the pods have that answer challenges for a domain.
pub(super) fn challenge_labels(exposure: &Exposure) -> Map<String, Value> {
    let mut labels = Map::new();
    labels.insert(CHALLENGE.to_owned(), json!(fingerprint(&json!(exposure.domain))));
    labels
}

/// What a Service selects to find exactly these pods.
pub(super) fn challenge_selector(exposure: &Exposure) -> Map<String, Value> {
    let mut labels = challenge_labels(exposure);
    labels.insert(SOLVER.to_owned(), json!("true"));
    labels
}

fn check(network: &str, exposure: &Exposure) -> Result<(), Error> {
    let Exposure { domain, acme_authority, .. } = exposure;
    if !is_domain(domain) {
        let why = format!("`{domain}` is no domain; it has to be like `{}.example.com`", exposure.name);
        return Err(Error::invalid(format!("{network}.domain"), why));
    }
    match acme_authority {
        Some(authority) if !authority.starts_with("https://") => {
            let why = format!(
                "`{authority}` is no directory of an ACME authority; it has to be like \
                 `https://acme-v02.api.letsencrypt.org/directory`, or `none`"
            );
            Err(Error::invalid(format!("{network}.acmeAuthority"), why))
        }
        _ => Ok(()),
    }
}

/// Lower case letters, digits and hyphens between dots, as names of objects have to be too.
fn is_domain(text: &str) -> bool {
    let label = |it: &str| {
        (1..=63).contains(&it.len())
            && !it.starts_with('-')
            && !it.ends_with('-')
            && it.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{Declared, spec::Network};

    /// What a tool at this domain would declare.
    pub(in crate::tools) fn declared(name: &str, domain: &str, authority: Option<&str>) -> Declared {
        let network = Network {
            domain: domain.to_owned(),
            email: Some("hi@example.com".to_owned()),
            acme_authority: authority.map(str::to_owned),
        };
        let exposure = Exposure::of(name, &network, "caos-system", name, 80, false);
        Declared { exposures: exposure.into_iter().collect(), ..Declared::default() }
    }

    #[test]
    fn what_is_no_domain_or_authority_is_said_with_its_field() {
        for (domain, authority, field) in [
            (
                "Grafana.example.com",
                None,
                "spec.monitoring.network.domain: `Grafana.example.com` is no domain",
            ),
            ("grafana", None, "spec.monitoring.network.domain"),
            ("https://grafana.example.com", None, "spec.monitoring.network.domain"),
            ("a..b", None, "spec.monitoring.network.domain"),
            ("-a.example.com", None, "spec.monitoring.network.domain"),
            ("a.example.com", Some("letsencrypt"), "spec.monitoring.network.acmeAuthority: `letsencrypt`"),
        ] {
            let wiring = Wiring::new(vec![("monitoring", declared("grafana", domain, authority))]);
            let error = exposed(&wiring).expect_err(domain).to_string();
            assert!(error.starts_with(field), "{error}");
        }
    }

    #[test]
    fn a_domain_belongs_to_one_tool() {
        let wiring = Wiring::new(vec![
            ("monitoring", declared("grafana", "a.example.com", None)),
            ("reconciling", declared("argocd", "a.example.com", None)),
        ]);
        assert_eq!(
            exposed(&wiring).expect_err("both want it").to_string(),
            "spec.reconciling.network.domain: `a.example.com` is the domain of spec.monitoring.network already",
        );
    }
}
