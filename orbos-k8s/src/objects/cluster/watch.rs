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

impl Cluster {
    /// Watches one object until it is as wanted, or for a time, all of which is over if the answer is no. `None` is asked once
    /// it is gone.
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
    ) -> Result<bool, Refused> {
        let end = Instant::now() + at_most;
        let (mut since, mut pause) = (since.map(str::to_owned), PAUSE);
        loop {
            if timeout_at(end, self.watch_once(collection, name, since.as_deref(), end, &done)).await
                == Ok(true)
            {
                return Ok(true);
            }
            // It may have happened before, or while nobody looked.
            let there = match self.get(&format!("{collection}/{}", escaped(name))).await {
                Ok(object) => Some(object),
                Err(refused) if refused.code() == 404 => None,
                Err(refused) => return Err(refused),
            };
            if done(there.as_ref()) {
                return Ok(true);
            }
            if Instant::now() >= end {
                return Ok(false);
            }
            // Servers end watches when they like, and some let nobody watch.
            sleep(pause.min(end - Instant::now())).await;
            pause = (pause * 2).min(LONGEST);
            since = there.and_then(|it| it["metadata"]["resourceVersion"].as_str().map(str::to_owned));
        }
    }

    /// Whether it became as wanted before the watch ended.
    async fn watch_once(
        &self,
        collection: &str,
        name: &str,
        since: Option<&str>,
        end: Instant,
        done: &(impl Fn(Option<&Value>) -> bool + Send),
    ) -> bool {
        let since = since.map(|it| format!("&resourceVersion={}", escaped(it))).unwrap_or_default();
        let selector = escaped(&format!("metadata.name={name}"));
        let seconds = (end - Instant::now()).as_secs() + 1;
        let path =
            format!("{collection}?watch=true&fieldSelector={selector}&timeoutSeconds={seconds}{since}");
        let Ok(request) = request(&Method::GET, &path, "application/json", &Value::Null) else {
            return false;
        };
        self.reads.fetch_add(1, Ordering::Relaxed);
        let Ok(events) = self.client.request_events::<Value>(request).await else { return false };
        let mut events = std::pin::pin!(events);
        while let Some(Ok(event)) = events.next().await {
            let fine = match &event {
                WatchEvent::Added(it) | WatchEvent::Modified(it) => done(Some(it)),
                WatchEvent::Deleted(_) => done(None),
                WatchEvent::Bookmark(_) => false,
                WatchEvent::Error(_) => return false,
            };
            if fine {
                return true;
            }
        }
        false
    }
}
