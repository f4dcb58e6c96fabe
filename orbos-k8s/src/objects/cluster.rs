//! A running cluster's API: requests, each counted, bounded in time and repeated where that helps.

mod connection;
mod discovery;
mod follow;
mod refused;
mod watch;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::{HeaderValue, Method, Request, header};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use orbos_state::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use super::{Apis, GroupKind, ObjectRef, Served, identity::api_version};
use connection::client;
use discovery::Discovery;
use follow::{Followed, News};
pub(crate) use refused::Refused;
pub(crate) use watch::Watched;

/// Who asks, for the API server's own log.
const PROGRAM: &str = concat!("orbos-k8s/", env!("CARGO_PKG_VERSION"));
/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(60);
/// How often a request is tried, and how long to wait before the second time; each further wait is three times as long.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(100);
/// The longest pause that a server may ask for.
const LONGEST: Duration = Duration::from_secs(10);

/// A running cluster, reached by its API.
///
/// Keeps what it has learned of the cluster's kinds, so that one of them for a long time is better than a new one for each
/// round; [`following`](Self::following) goes further. The environment is not read: no proxy, no default paths.
pub struct Cluster {
    client: Client,
    discovery: Mutex<Discovery>,
    follows: bool,
    followed: Mutex<BTreeMap<GroupKind, Followed>>,
    news: News,
    /// Kinds that could not be watched, and when.
    unwatched: Mutex<BTreeMap<GroupKind, Instant>>,
    reads: AtomicU64,
    writes: AtomicU64,
}

/// How many requests were sent, repetitions included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// Those that change nothing.
    pub reads: u64,
    /// The others.
    pub writes: u64,
}

impl Cluster {
    /// A cluster by the text of a kubeconfig file and its current context.
    ///
    /// # Errors
    ///
    /// [`Invalid`](Error::Invalid) if the text is no kubeconfig file or its context is incomplete.
    pub async fn from_kubeconfig(text: &str) -> Result<Self> {
        let wrong = |why: String| Error::invalid("the kubeconfig file", why);
        let file: Kubeconfig = serde_yaml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let options = KubeConfigOptions::default();
        let mut config =
            Config::from_custom_kubeconfig(file, &options).await.map_err(|error| wrong(error.to_string()))?;
        config.proxy_url = None;
        Self::new(config)
    }

    /// The cluster in whose pod this program runs.
    ///
    /// # Errors
    ///
    /// [`Invalid`](Error::Invalid) if it does not run in a pod with a service account.
    pub fn around() -> Result<Self> {
        let config = Config::incluster()
            .map_err(|error| Error::invalid("the pod's service account", error.to_string()))?;
        Self::new(config)
    }

    fn new(mut config: Config) -> Result<Self> {
        config.headers.push((header::USER_AGENT, HeaderValue::from_static(PROGRAM)));
        let wrong = |error: Box<dyn std::error::Error + Send + Sync>| {
            Error::invalid("access to the cluster", causes(error.as_ref()))
        };
        let client = client(config).map_err(wrong)?;
        let (reads, writes) = (AtomicU64::default(), AtomicU64::default());
        let (discovery, followed, unwatched) = (Mutex::default(), Mutex::default(), Mutex::default());
        let news = News::default();
        Ok(Self { client, discovery, follows: false, followed, news, unwatched, reads, writes })
    }

    /// How many requests were sent so far.
    pub fn requests(&self) -> Requests {
        Requests { reads: self.reads.load(Ordering::Relaxed), writes: self.writes.load(Ordering::Relaxed) }
    }

    /// Which versions of some kinds the cluster serves; asks only for groups that it was not asked for before.
    ///
    /// # Errors
    ///
    /// If the API server does not answer, or does not say what is in a group.
    pub async fn apis(&self, kinds: &BTreeSet<GroupKind>) -> Result<Apis> {
        let (apis, unseen) = self.discover(kinds).await?;
        match unseen.into_iter().next() {
            Some((kind, why)) => Err(Error::failed(format!("asking for versions of {kind}"), why)),
            None => Ok(apis),
        }
    }

    /// Forgets what it has learned of the cluster's kinds and objects.
    pub fn forget(&self) {
        self.followed.lock().expect("nobody panics with it").clear();
        self.unwatched.lock().expect("nobody panics with it").clear();
        *self.discovery.lock().expect("nobody panics with it") = Discovery::default();
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Refused> {
        self.get_as(path).await
    }

    /// Only those fields that a type has: the rest is not kept.
    pub(crate) async fn get_as<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refused> {
        self.send(Method::GET, path, "application/json", &Value::Null).await
    }

    /// A list of which only names, labels and owners are wanted.
    pub(crate) async fn get_metadata(&self, path: &str) -> Result<Value, Refused> {
        let accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
        self.send(Method::GET, path, accept, &Value::Null).await
    }

    pub(crate) async fn delete(&self, path: &str, options: &Value) -> Result<Value, Refused> {
        self.send(Method::DELETE, path, "application/json", options).await
    }

    /// Creates an object; tried once, and a conflict is the caller's.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Refused> {
        self.send_once(&Method::POST, path, "application/json", body).await
    }

    /// Replaces an object of the version that the body states; tried once, and a conflict is the caller's.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> Result<Value, Refused> {
        self.send_once(&Method::PUT, path, "application/json", body).await
    }

    /// Server-side apply.
    pub(crate) async fn patch(
        &self,
        path: &str,
        manager: &str,
        force: bool,
        body: &Value,
    ) -> Result<Value, Refused> {
        let path = format!("{path}?fieldManager={}&force={force}", escaped(manager));
        self.send(Method::PATCH, &path, "application/apply-patch+yaml", body).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        content: &str,
        body: &Value,
    ) -> Result<T, Refused> {
        let (mut pause, patch) = (PAUSE, method == Method::PATCH);
        for left in (0..TRIES).rev() {
            let refused = match self.send_once(&method, path, content, body).await {
                // A kind that is established is served a moment later.
                Err(refused) if left > 0 && (refused.passes() || patch && refused.unserved()) => refused,
                result => return result,
            };
            tracing::debug!(%method, path, %refused, "trying again");
            sleep(refused.pause().max(pause).min(LONGEST)).await;
            pause *= 3;
        }
        Err(Refused::Silent("no try was left".to_owned()))
    }

    async fn send_once<T: DeserializeOwned>(
        &self,
        method: &Method,
        path: &str,
        content: &str,
        body: &Value,
    ) -> Result<T, Refused> {
        let count = if *method == Method::GET { &self.reads } else { &self.writes };
        count.fetch_add(1, Ordering::Relaxed);
        let request = request(method, path, content, body).map_err(Refused::Silent)?;
        match timeout(REQUEST, self.client.request_text(request)).await {
            Err(_) => Err(Refused::Silent(format!("no answer within {} s", REQUEST.as_secs()))),
            Ok(Err(kube::Error::Api(status))) => Err(Refused::Status(status)),
            Ok(Err(error)) => Err(Refused::Silent(causes(&error))),
            // What came back may be a Secret: it is in no message.
            Ok(Ok(text)) => serde_json::from_str(&text)
                .map_err(|_| Refused::Silent("what came back is not what was asked for".to_owned())),
        }
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("requests", &self.requests()).finish_non_exhaustive()
    }
}

/// Where the objects of a kind are: of one namespace, or of all.
pub(crate) fn collection(group: &str, served: &Served, namespace: Option<&str>) -> String {
    let Served { version, plural, namespaced: _ } = served;
    let root = if group.is_empty() { "/api" } else { "/apis" };
    let namespace = namespace.map(|it| format!("/namespaces/{}", escaped(it))).unwrap_or_default();
    format!("{root}/{}{namespace}/{plural}", api_version(group, version))
}

/// Where one object is.
pub(crate) fn address(object: &ObjectRef, served: &Served) -> String {
    format!("{}/{}", collection(&object.group, served, object.namespace.as_deref()), escaped(&object.name))
}

/// A text as a part of an address.
pub(crate) fn escaped(text: &str) -> String {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-._~".contains(&it);
    text.bytes().map(|it| if plain(it) { char::from(it).to_string() } else { format!("%{it:02X}") }).collect()
}

fn request(method: &Method, path: &str, content: &str, body: &Value) -> Result<Request<Vec<u8>>, String> {
    let (accept, content) = match *method == Method::GET {
        true => (content, "application/json"),
        false => ("application/json", content),
    };
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request = Request::builder().method(method).uri(path).header(header::ACCEPT, accept);
    request.header(header::CONTENT_TYPE, content).body(bytes).map_err(|error| error.to_string())
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
