//! Which kinds and versions the API server has, asked for group by group and kept.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};
use orbos_state::Result;
use serde_json::Value;

use super::{super::identity::api_version, Apis, Cluster, GroupKind, Served};

/// What was learned so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Discovery {
    /// The versions of every group, the preferred one first.
    groups: Option<BTreeMap<String, Vec<String>>>,
    /// The kinds of every version that was asked for.
    resources: BTreeMap<(String, String), Vec<(String, Served)>>,
}

impl Discovery {
    fn versions(&self, group: &str) -> Vec<String> {
        match group.is_empty() {
            true => vec!["v1".to_owned()],
            false => self.groups.iter().find_map(|it| it.get(group)).cloned().unwrap_or_default(),
        }
    }

    fn apis(&self, kinds: &BTreeSet<GroupKind>) -> Apis {
        let mut apis = Apis::new();
        for group in groups(kinds) {
            for version in self.versions(group) {
                for (kind, served) in self.resources.get(&(group.to_owned(), version)).into_iter().flatten() {
                    apis.add(&GroupKind::new(group, kind), served.clone());
                }
            }
        }
        apis
    }
}

fn groups(kinds: &BTreeSet<GroupKind>) -> BTreeSet<&str> {
    kinds.iter().map(|it| it.group.as_str()).collect()
}

impl Cluster {
    /// What the server has of the groups of some kinds, and kinds of which it did not say whether it has them.
    pub(crate) async fn discover(
        &self,
        kinds: &BTreeSet<GroupKind>,
    ) -> Result<(Apis, BTreeMap<GroupKind, String>)> {
        let before = self.discovery.lock().expect("nobody panics with it").clone();
        let warm = !before.resources.is_empty();
        let (known, unseen) = self.learn(before, kinds).await?;
        let apis = known.apis(kinds);
        let missing = kinds.iter().filter(|it| apis.versions(it).is_empty() && !unseen.contains_key(it));
        let missing: BTreeSet<_> = missing.map(|it| it.group.as_str()).collect();
        if !warm || missing.is_empty() {
            return Ok((apis, unseen));
        }
        // The kind may be younger than what was learned.
        missing.into_iter().for_each(|it| self.forget_group(it));
        let fewer = self.discovery.lock().expect("nobody panics with it").clone();
        let (known, unseen) = self.learn(fewer, kinds).await?;
        Ok((known.apis(kinds), unseen))
    }

    /// Forgets what it has learned of one group.
    pub(crate) fn forget_group(&self, group: &str) {
        let mut known = self.discovery.lock().expect("nobody panics with it");
        known.groups = None;
        known.resources.retain(|(it, _), _| it != group);
    }

    async fn learn(
        &self,
        mut known: Discovery,
        kinds: &BTreeSet<GroupKind>,
    ) -> Result<(Discovery, BTreeMap<GroupKind, String>)> {
        if known.groups.is_none() && kinds.iter().any(|it| !it.group.is_empty()) {
            let answer = self.get("/apis").await;
            let answer = answer.map_err(|it| it.into_error("asking for API groups".to_owned(), None))?;
            known.groups = Some(read_groups(&answer));
        }
        let versions: Vec<_> = groups(kinds)
            .into_iter()
            .flat_map(|group| known.versions(group).into_iter().map(|version| (group.to_owned(), version)))
            .filter(|it| !known.resources.contains_key(it))
            .collect();
        let answers = stream::iter(versions).map(|(group, version)| async move {
            let root = if group.is_empty() { "/api" } else { "/apis" };
            let answer = self.get(&format!("{root}/{}", api_version(&group, &version))).await;
            (group, version, answer)
        });
        let mut answers = std::pin::pin!(answers.buffer_unordered(16));
        let mut unseen = BTreeMap::new();
        while let Some((group, version, answer)) = answers.next().await {
            match answer {
                Ok(answer) => {
                    let resources = read_resources(&version, &answer);
                    known.resources.insert((group, version), resources);
                }
                Err(refused) if refused.code() == 404 => {}
                Err(refused) if refused.code() == 0 => {
                    return Err(refused.into_error(String::new(), None));
                }
                Err(refused) => {
                    let of_group = kinds.iter().filter(|it| it.group == group);
                    unseen.extend(of_group.map(|it| (it.clone(), format!("the API server says {refused}"))));
                }
            }
        }
        *self.discovery.lock().expect("nobody panics with it") = known.clone();
        Ok((known, unseen))
    }
}

fn items<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

fn read_groups(answer: &Value) -> BTreeMap<String, Vec<String>> {
    let group = |it: &Value| {
        let preferred = it["preferredVersion"]["version"].as_str().map(str::to_owned);
        let all = items(it, "versions").filter_map(|it| it["version"].as_str()).map(str::to_owned);
        let mut versions: Vec<String> = Vec::new();
        preferred.into_iter().chain(all).for_each(|it| {
            if !versions.contains(&it) {
                versions.push(it);
            }
        });
        Some((it["name"].as_str()?.to_owned(), versions))
    };
    items(answer, "groups").filter_map(group).collect()
}

fn read_resources(version: &str, answer: &Value) -> Vec<(String, Served)> {
    let resource = |it: &Value| {
        let (plural, kind) = (it["name"].as_str()?.to_owned(), it["kind"].as_str()?.to_owned());
        // `deployments/scale` and the like are no kinds of their own.
        let listed = !plural.contains('/') && items(it, "verbs").any(|it| it == "list");
        let served = Served { version: version.to_owned(), plural, namespaced: it["namespaced"] == true };
        listed.then_some((kind, served))
    };
    items(answer, "resources").filter_map(resource).collect()
}
