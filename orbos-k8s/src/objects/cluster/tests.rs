use std::{io, sync::Arc};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::{
    super::{Live, Manifests, Observed, Options, sketch},
    *,
};

#[test]
fn addresses_are_those_of_the_api() {
    let served = |version: &str, plural: &str| Served {
        version: version.into(),
        plural: plural.into(),
        namespaced: true,
    };
    let object = ObjectRef::new(&GroupKind::new("apps", "Deployment"), Some("a"), "web");
    assert_eq!(address(&object, &served("v1", "deployments")), "/apis/apps/v1/namespaces/a/deployments/web");
    let object = ObjectRef::of_namespace("a");
    assert_eq!(address(&object, &served("v1", "namespaces")), "/api/v1/namespaces/a");
    assert_eq!(escaped("system:node a/b"), "system%3Anode%20a%2Fb");
}

/// What a server answers, one request after the other; 0: it hangs up.
async fn server(answers: &'static [u16]) -> (Cluster, JoinHandle<io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        for code in answers {
            let (stream, _) = listener.accept().await?;
            answer(stream, *code).await?;
        }
        Ok(())
    });
    let kubeconfig = format!(
        "clusters: [{{name: a, cluster: {{server: 'http://{address}'}}}}]\nusers: [{{name: a, user: {{}}}}]\n\
         contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\ncurrent-context: a\n"
    );
    (Cluster::from_kubeconfig(&kubeconfig).await.unwrap(), serving)
}

async fn answer(mut stream: TcpStream, code: u16) -> io::Result<()> {
    let mut request = [0; 4096];
    assert!(stream.read(&mut request).await? > 0);
    if code == 0 {
        return Ok(());
    }
    let reason = if code == 409 { "Conflict" } else { "Reason" };
    let body = match code {
        200 => json!({"fine": true, "metadata": {"resourceVersion": "7"}, "items": []}),
        _ => {
            json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": "why"})
        }
    };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {code} A\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await?;
    stream.shutdown().await
}

#[tokio::test]
async fn what_passes_is_tried_again_and_counted() {
    for answers in [&[429, 500, 200][..], &[503, 0, 200], &[409, 409, 200]] {
        let (cluster, serving) = server(answers).await;
        let answer = cluster.patch("/api/v1/a", "boom", false, &json!({})).await.unwrap();
        assert_eq!(answer["fine"], true);
        assert_eq!(cluster.requests(), Requests { reads: 0, writes: 3 }, "{answers:?}");
        serving.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn what_does_not_pass_is_tried_once() {
    for answers in [&[400][..], &[403], &[404], &[422]] {
        let (cluster, serving) = server(answers).await;
        assert_eq!(cluster.get("/api/v1/a").await.unwrap_err().code(), answers[0]);
        assert_eq!(cluster.requests(), Requests { reads: 1, writes: 0 });
        serving.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_unreachable() {
    let (cluster, serving) = server(&[0, 0, 0, 0, 0]).await;
    let refused = cluster.get("/api/v1/a").await.unwrap_err();
    assert!(matches!(refused.into_error("reading".into(), None), Error::Unreachable { .. }));
    assert_eq!(cluster.requests().reads, 5);
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_cannot_be_watched_is_asked_for_and_watching_is_not_tried_every_time() {
    let (cluster, serving) = server(&[200, 403, 200]).await;
    let cluster = cluster.following();
    let (kind, served) =
        (GroupKind::new("", "A"), Served { version: "v1".into(), plural: "a".into(), namespaced: true });
    for asked in [2, 3] {
        assert!(cluster.items(&kind, &served, "/api/v1/a?labelSelector=x").await.unwrap().is_empty());
        assert_eq!(cluster.requests().reads, asked);
    }
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_is_not_seen_is_not_empty_also_for_who_follows() {
    let (cluster, serving) = server(&[403]).await;
    let served = Served { version: "v1".into(), plural: "a".into(), namespaced: true };
    let seen =
        cluster.following().items(&GroupKind::new("", "A"), &served, "/api/v1/a?labelSelector=x").await;
    assert_eq!(seen.unwrap_err().code(), 403);
    serving.await.unwrap().unwrap();
}

fn done_when_gone(object: Option<&Value>) -> bool {
    object.is_none()
}

#[tokio::test]
async fn a_watch_that_ends_early_is_begun_again() {
    // Watched and read, watched and read again: gone.
    let (cluster, serving) = server(&[200, 200, 200, 404]).await;
    let at_most = Duration::from_secs(30);
    let watched = cluster.watch("/api/v1/a", "x", None, at_most, done_when_gone).await.unwrap();
    assert_eq!(watched, Watched::Became(None));
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_watch_lasts_as_long_as_it_should() {
    let (cluster, serving) = server(&[200; 100]).await;
    let (begin, at_most) = (std::time::Instant::now(), Duration::from_secs(1));
    let watched = cluster.watch("/api/v1/a", "x", None, at_most, done_when_gone).await.unwrap();
    assert_eq!(watched, Watched::Not);
    assert!(begin.elapsed() >= at_most, "{:?}", begin.elapsed());
    serving.abort();
}

#[tokio::test]
async fn what_may_not_be_looked_at_is_not_waited_for() {
    let (cluster, serving) = server(&[403, 403]).await;
    let refused = cluster.watch("/api/v1/a", "x", None, Duration::from_secs(30), done_when_gone).await;
    assert_eq!(refused.unwrap_err().code(), 403);
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_home_that_may_not_be_read_is_not_missing() {
    // The inventory is not there, its namespace may not be seen.
    let (cluster, serving) = server(&[404, 403]).await;
    let seen = cluster.look(&Manifests::new(), &Options::new(sketch::owner())).await;
    let why = seen.unwrap_err();
    assert!(matches!(why, Error::Denied { .. }), "{}", why.chain());
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn health_cannot_be_told_if_nobody_answers() {
    let (cluster, serving) = server(&[0, 0, 0, 0, 0]).await;
    let web = sketch::placed(sketch::deployment("web", 1));
    let mut live = Live::default();
    let stored = sketch::stored(&web.resolved(&sketch::owner()));
    live.objects.insert(web.object.clone(), Arc::new(stored));
    let observed =
        Observed { live, wanted: [(web.object.clone(), web)].into(), options: Options::new(sketch::owner()) };
    let health = cluster.health(&observed).await;
    assert!(matches!(health, Err(Error::Unreachable { .. })), "{health:?}");
    serving.await.unwrap().unwrap();
}
