//! Files of publishers, over HTTPS.

use std::time::Duration;

use async_trait::async_trait;
use orbos_platform::Fetch;

/// No file is larger.
const LARGEST: u64 = 32 << 20;

/// Fetches over HTTPS, with the authorities that browsers trust; the environment's proxy is used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Https {
    /// Whether plain HTTP will do, which is for tests.
    pub plain: bool,
}

#[async_trait]
impl Fetch for Https {
    async fn fetch(&self, url: &str) -> Result<Vec<u8>, String> {
        let (plain, url) = (self.plain, url.to_owned());
        let fetched = tokio::task::spawn_blocking(move || get(&url, plain)).await;
        fetched.map_err(|error| error.to_string())?
    }
}

fn get(url: &str, plain: bool) -> Result<Vec<u8>, String> {
    let seconds = |it| Some(Duration::from_secs(it));
    let config = ureq::Agent::config_builder()
        .https_only(!plain)
        .timeout_connect(seconds(10))
        .timeout_global(seconds(120))
        .build();
    let failed = |error: ureq::Error| format!("{url}: {error}");
    let mut answer = ureq::Agent::from(config).get(url).call().map_err(failed)?;
    answer.body_mut().with_config().limit(LARGEST).read_to_vec().map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
    };

    use super::*;

    #[tokio::test]
    async fn what_a_server_says_is_fetched_and_what_it_refuses_is_said() {
        let server = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let port = server.local_addr().expect("it is bound").port();
        let answers = std::thread::spawn(move || {
            for answer in [
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nkind:",
                "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            ] {
                let (mut client, _) = server.accept().expect("somebody comes");
                let mut request = [0; 1024];
                let _ = client.read(&mut request).expect("it asks");
                client.write_all(answer.as_bytes()).expect("it listens");
            }
        });
        let url = format!("http://127.0.0.1:{port}/crds.yaml");
        assert_eq!(Https { plain: true }.fetch(&url).await.as_deref(), Ok(&b"kind:"[..]));
        let why = Https { plain: true }.fetch(&url).await.expect_err("it is not there");
        assert!(why.contains("404"), "{why}");
        answers.join().expect("it ended");
        let why = Https::default().fetch(&url).await.expect_err("it is not HTTPS");
        assert!(why.contains("https"), "{why}");
    }
}
