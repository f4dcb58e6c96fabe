//! Lists that are kept up to date by watching, so that a look at a cluster where nothing happened asks nothing.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::{Stream, StreamExt};
use http::Method;
use kube::core::WatchEvent;
use serde_json::Value;
use tokio::{
    sync::watch,
    task::AbortHandle,
    time::{Instant, timeout},
};

use super::{Cluster, Refused, escaped, request};
use crate::objects::{GroupKind, Served, identity::api_version, ownership::pack};

/// How long a list is believed without a word from the API server, which says at least once a minute that nothing happened.
const QUIET: Duration = Duration::from_secs(150);
/// How long it is believed at all, and how long nothing is watched that could not be.
const OLD: Duration = Duration::from_secs(600);
/// How long the API server may take to begin a watch.
const BEGIN: Duration = Duration::from_secs(10);

/// One list and what happened to it since.
#[derive(Debug)]
pub(super) struct Followed {
    path: String,
    listed: Instant,
    state: Arc<Mutex<State>>,
    task: AbortHandle,
}

/// How often what is followed was changed so far, and how often when the newest look at it began.
#[derive(Debug, Default)]
pub(super) struct News {
    told: watch::Sender<u64>,
    seen: AtomicU64,
}

struct State {
    items: BTreeMap<(String, String), Arc<Value>>,
    heard: Instant,
    /// Whether the watch has ended: nobody knows what happens.
    ended: bool,
    told: watch::Sender<u64>,
}

/// It may hold Secrets.
impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("items", &self.items.len()).finish_non_exhaustive()
    }
}

impl State {
    fn take(&mut self, event: WatchEvent<Value>) {
        self.heard = Instant::now();
        let news = match event {
            WatchEvent::Added(mut it) | WatchEvent::Modified(mut it) => {
                pack(&mut it);
                let (key, it) = (key(&it), Arc::new(it));
                let before = self.items.insert(key, it.clone());
                before.is_none_or(|before| !does_otherwise(&before, &it))
            }
            WatchEvent::Deleted(it) => self.items.remove(&key(&it)).is_some(),
            WatchEvent::Bookmark(_) => false,
            WatchEvent::Error(_) => return self.end(),
        };
        if news {
            self.told.send_modify(|it| *it += 1);
        }
    }

    /// Nobody knows what happens from now on, until the next look.
    fn end(&mut self) {
        if !std::mem::replace(&mut self.ended, true) {
            self.told.send_modify(|it| *it += 1);
        }
    }
}

/// Whether an object is the same and is only doing otherwise: nothing but its status has changed.
fn does_otherwise(before: &Value, after: &Value) -> bool {
    // The generation of a kind without a status of its own counts changes of the status too.
    const NOISE: [&str; 4] = ["status", "resourceVersion", "generation", "managedFields"];
    let same = |before: &Value, after: &Value, inside: &str| {
        let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else {
            return before == after;
        };
        let told = |it: &&String| !NOISE.contains(&it.as_str()) && *it != inside;
        before.keys().chain(after.keys()).filter(told).all(|key| before.get(key) == after.get(key))
    };
    same(before, after, "metadata") && same(&before["metadata"], &after["metadata"], "")
}

impl Followed {
    fn believed(&self, path: &str) -> Option<Vec<Arc<Value>>> {
        let state = self.state.lock().expect("nobody panics with it");
        let fresh = state.heard.elapsed() < QUIET && self.listed.elapsed() < OLD;
        (self.path == path && fresh && !state.ended).then(|| state.items.values().cloned().collect())
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn key(item: &Value) -> (String, String) {
    let text = |key: &str| item["metadata"][key].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

impl Cluster {
    /// Keeps lists of objects up to date by watching, from the next look on; for programs that look again and again.
    ///
    /// The first look asks twice as much, further ones hardly anything. A list is asked for anew after a change that this
    /// `Cluster` made to it, when its watch has ended or was silent for 150 s, and after 10 minutes. What others change is
    /// seen as soon as the API server has told it, which takes milliseconds. What cannot be watched is asked for in every look,
    /// and watching it is tried again after 10 minutes. Definitions are not followed, as they are long and few.
    #[must_use]
    pub fn following(mut self) -> Self {
        self.follows = true;
        self
    }

    /// Waits until, since the newest look began, somebody has changed, made or deleted an object that is followed, or a watch
    /// has ended, so that nobody knows what happens. How objects are doing, their `status`, changes all the time and does not
    /// count. Waits for ever if nothing is followed.
    pub async fn changed(&self) {
        let seen = self.news.seen.load(Ordering::SeqCst);
        let mut told = self.news.told.subscribe();
        // The sender is kept here, so there is no error.
        let _ = told.wait_for(|it| *it != seen).await;
    }

    /// What has happened so far is seen by the look that begins now.
    pub(crate) fn begin_look(&self) {
        self.news.seen.store(*self.news.told.borrow(), Ordering::SeqCst);
    }

    /// The objects of a kind by the address of their list; they are watched from then on, if the kind is followed.
    pub(crate) async fn items(
        &self,
        kind: &GroupKind,
        served: &Served,
        path: &str,
    ) -> Result<Vec<Arc<Value>>, Refused> {
        let follows = self.follows
            && *kind != GroupKind::new("apiextensions.k8s.io", "CustomResourceDefinition")
            && !self.is_unwatched(kind);
        if follows {
            let followed = self.followed.lock().expect("nobody panics with it");
            if let Some(items) = followed.get(kind).and_then(|it| it.believed(path)) {
                return Ok(items);
            }
        }
        self.unfollow(kind);
        let mut list = self.get(path).await?;
        // An item of a list says neither its kind nor its version, unlike one of a watch.
        let identified = |mut item: Value| {
            item["apiVersion"] = api_version(&kind.group, &served.version).into();
            item["kind"] = kind.kind.as_str().into();
            pack(&mut item);
            Arc::new(item)
        };
        let items: Vec<_> = match list["items"].take() {
            Value::Array(items) => items.into_iter().map(identified).collect(),
            _ => Vec::new(),
        };
        if let Some(version) = list["metadata"]["resourceVersion"].as_str().filter(|_| follows) {
            self.follow(kind, path, version, &items).await;
        }
        Ok(items)
    }

    /// Does not believe what is known of a kind any longer.
    pub(crate) fn unfollow(&self, kind: &GroupKind) {
        self.followed.lock().expect("nobody panics with it").remove(kind);
    }

    fn is_unwatched(&self, kind: &GroupKind) -> bool {
        let unwatched = self.unwatched.lock().expect("nobody panics with it");
        unwatched.get(kind).is_some_and(|it| it.elapsed() < OLD)
    }

    async fn follow(&self, kind: &GroupKind, path: &str, version: &str, items: &[Arc<Value>]) {
        let watch =
            format!("{path}&watch=true&allowWatchBookmarks=true&resourceVersion={}", escaped(version));
        let Ok(request) = request(&Method::GET, &watch, "application/json", &Value::Null) else { return };
        self.reads.fetch_add(1, Ordering::Relaxed);
        let Ok(Ok(events)) = timeout(BEGIN, self.client.request_events::<Value>(request)).await else {
            tracing::debug!(%kind, "cannot be watched");
            self.unwatched.lock().expect("nobody panics with it").insert(kind.clone(), Instant::now());
            return;
        };
        let items = items.iter().map(|it| (key(it), it.clone())).collect();
        let told = self.news.told.clone();
        let state = Arc::new(Mutex::new(State { items, heard: Instant::now(), ended: false, told }));
        let task = tokio::spawn(listen(state.clone(), events)).abort_handle();
        let followed = Followed { path: path.to_owned(), listed: Instant::now(), state, task };
        self.followed.lock().expect("nobody panics with it").insert(kind.clone(), followed);
    }
}

async fn listen<E>(state: Arc<Mutex<State>>, events: impl Stream<Item = Result<WatchEvent<Value>, E>>) {
    let mut events = std::pin::pin!(events);
    while let Some(Ok(event)) = events.next().await {
        let mut state = state.lock().expect("nobody panics with it");
        state.take(event);
        if state.ended {
            return;
        }
    }
    state.lock().expect("nobody panics with it").end();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn followed(item: Value) -> Followed {
        let items = [(key(&item), Arc::new(item))].into();
        let state = State { items, heard: Instant::now(), ended: false, told: watch::Sender::default() };
        let task = tokio::spawn(std::future::pending::<()>()).abort_handle();
        Followed { path: "/a".into(), listed: Instant::now(), state: Arc::new(Mutex::new(state)), task }
    }

    fn config(name: &str, value: u32) -> Value {
        json!({"metadata": {"namespace": "a", "name": name}, "value": value})
    }

    fn event(kind: &str, object: &Value) -> WatchEvent<Value> {
        serde_json::from_value(json!({"type": kind, "object": object})).unwrap()
    }

    #[tokio::test]
    async fn what_happens_to_a_list_is_known() {
        let list = followed(config("x", 1));
        let take = |kind, item: Value| list.state.lock().unwrap().take(event(kind, &item));
        take("MODIFIED", config("x", 2));
        take("ADDED", config("y", 1));
        assert_eq!(list.believed("/a").unwrap(), [Arc::new(config("x", 2)), Arc::new(config("y", 1))]);
        take("DELETED", config("x", 2));
        assert_eq!(list.believed("/a").unwrap(), [Arc::new(config("y", 1))]);
        assert_eq!(list.believed("/b"), None, "another version of the kind is asked for");
    }

    #[tokio::test]
    async fn what_somebody_changes_is_told_but_not_how_objects_are_doing() {
        let object = |spec: u32, version: &str, ready: u32| {
            json!({"metadata": {"namespace": "a", "name": "x", "resourceVersion": version, "generation": version.len() + ready as usize,
                "labels": {"a": "b"}},
                "spec": {"replicas": spec}, "status": {"ready": ready}})
        };
        let list = followed(object(1, "1", 0));
        let told = list.state.lock().unwrap().told.clone();
        let tells = |kind, item: &Value| {
            let before = *told.borrow();
            list.state.lock().unwrap().take(event(kind, item));
            *told.borrow() != before
        };
        assert!(!tells("MODIFIED", &object(1, "2", 1)));
        assert!(tells("MODIFIED", &object(2, "3", 1)));
        let mut labelled = object(2, "4", 1);
        labelled["metadata"]["labels"]["a"] = "c".into();
        assert!(tells("MODIFIED", &labelled));
        labelled["metadata"]["labels"] = Value::Null;
        assert!(tells("MODIFIED", &labelled));
        assert!(tells("DELETED", &labelled));
        assert!(!tells("DELETED", &labelled));
        assert!(tells("ADDED", &labelled));
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_is_not_believed_for_ever() {
        let ended = followed(config("x", 1));
        let gone = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old"});
        ended.state.lock().unwrap().take(event("ERROR", &gone));
        assert_eq!(ended.believed("/a"), None);

        let quiet = followed(config("x", 1));
        tokio::time::advance(QUIET - Duration::from_secs(1)).await;
        assert!(quiet.believed("/a").is_some());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(quiet.believed("/a"), None);

        let old = followed(config("x", 1));
        tokio::time::advance(OLD).await;
        let bookmark = json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}});
        old.state.lock().unwrap().take(event("BOOKMARK", &bookmark));
        assert_eq!(old.believed("/a"), None);
    }

    #[tokio::test]
    async fn a_watch_that_ends_is_told_and_not_believed() {
        let (state, event) = (followed(config("x", 1)).state.clone(), event("ADDED", &config("y", 1)));
        listen(state.clone(), futures::stream::iter([Ok::<_, ()>(event)])).await;
        let state = state.lock().unwrap();
        assert!(state.ended && state.items.len() == 2);
        assert_eq!(*state.told.borrow(), 2, "what it told, and that it ended");
    }
}
