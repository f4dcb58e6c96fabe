//! Waiting for one object.

use std::{sync::atomic::Ordering, time::Duration};

use futures::StreamExt;
use http::Method;
use kube::core::WatchEvent;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::{Cluster, Refused, escaped, request};

/// How long to wait before a watch that has ended early is begun again; each further wait is twice as long, up to the longest.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// How watching an object ended.
#[derive(Debug, PartialEq)]
pub(crate) enum Watched {
    /// It became as wanted; what it was then, `None`: gone.
    Became(Option<Value>),
    /// It did not in time.
    Not,
}

impl Cluster {
    /// Watches one object until it is as wanted, or for a time, all of which is over if the answer is
    /// [`Not`](Watched::Not). `None` is asked once it is gone.
    ///
    /// # Errors
    ///
    /// Why it cannot be looked at.
    pub(crate) async fn watch(
        &self,
        collection: &str,
        name: &str,
        since: Option<&str>,
        at_most: Duration,
        done: impl Fn(Option<&Value>) -> bool + Send,
    ) -> Result<Watched, Refused> {
        let end = Instant::now() + at_most;
        let (mut since, mut pause) = (since.map(str::to_owned), PAUSE);
        loop {
            let watch = self.watch_once(collection, name, since.as_deref(), end, &done);
            if let Ok(Some(there)) = timeout_at(end, watch).await {
                return Ok(Watched::Became(there));
            }
            // It may have happened before, or while nobody looked.
            let there = match self.get(&format!("{collection}/{}", escaped(name))).await {
                Ok(object) => Some(object),
                Err(refused) if refused.code() == 404 => None,
                Err(refused) => return Err(refused),
            };
            if done(there.as_ref()) {
                return Ok(Watched::Became(there));
            }
            if Instant::now() >= end {
                return Ok(Watched::Not);
            }
            // Servers end watches when they like, and some let nobody watch.
            sleep(pause.min(end - Instant::now())).await;
            pause = (pause * 2).min(LONGEST);
            since = there.and_then(|it| it["metadata"]["resourceVersion"].as_str().map(str::to_owned));
        }
    }

    /// What it became, if it was as wanted before the watch ended.
    async fn watch_once(
        &self,
        collection: &str,
        name: &str,
        since: Option<&str>,
        end: Instant,
        done: &(impl Fn(Option<&Value>) -> bool + Send),
    ) -> Option<Option<Value>> {
        let since = since.map(|it| format!("&resourceVersion={}", escaped(it))).unwrap_or_default();
        let selector = escaped(&format!("metadata.name={name}"));
        let seconds = (end - Instant::now()).as_secs() + 1;
        let path =
            format!("{collection}?watch=true&fieldSelector={selector}&timeoutSeconds={seconds}{since}");
        let request = request(&Method::GET, &path, "application/json", &Value::Null).ok()?;
        self.reads.fetch_add(1, Ordering::Relaxed);
        let events = self.client.request_events::<Value>(request).await.ok()?;
        let mut events = std::pin::pin!(events);
        while let Some(Ok(event)) = events.next().await {
            let there = match event {
                WatchEvent::Added(it) | WatchEvent::Modified(it) => Some(it),
                WatchEvent::Deleted(_) => None,
                WatchEvent::Bookmark(_) => continue,
                WatchEvent::Error(_) => return None,
            };
            if done(there.as_ref()) {
                return Some(there);
            }
        }
        None
    }
}
