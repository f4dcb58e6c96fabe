use std::{
    env, fs,
    io::ErrorKind,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{self, Command},
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::{Error, Lab, scripts};

/// A folder's name begins like this and goes on with the owner's process id and a number.
const PREFIX: &str = "orbos-lab-api-";

/// A Kubernetes API on loopback: etcd, API server, controller manager and scheduler as plain processes, no machine.
///
/// Enough for everything that reads and writes objects. There is no node, so that pods stay pending. Takes about ten
/// seconds to start and half a gigabyte of memory; one for many tests with a namespace each is the usual way. Dropping it
/// stops it and deletes its state.
#[derive(Debug)]
pub struct Api {
    folder: PathBuf,
    port: u16,
}

impl Api {
    /// Starts an API after [preparing](Lab::prepare), on ports that are free, and returns when it is ready.
    ///
    /// # Errors
    ///
    /// [`Error::Script`] if it does not get ready, [`Error::Io`] if there is no room in the temporary folder.
    pub fn start() -> Result<Self, Error> {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        Lab::prepare()?;
        sweep();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("{PREFIX}{}-{number}", process::id()));
        fs::create_dir(&folder).map_err(Error::io(&folder))?;
        // From here on dropping it cleans up, also if the script fails half way.
        let api = Self { folder, port: free_ports()? };
        scripts::run(script("up", &api.folder).arg(api.port.to_string()))?;
        Ok(api)
    }

    /// A kubeconfig file of an administrator. It is deleted when the API is dropped.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("admin.conf")
    }

    /// The API server's address, such as `https://127.0.0.1:30412`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The kubectl of the same version.
    #[must_use]
    pub fn kubectl(&self) -> PathBuf {
        scripts::cache().join("bin/v1.20.2/kubectl")
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        stop(&self.folder);
    }
}

fn script(verb: &str, folder: &Path) -> Command {
    let mut command = scripts::script("api.sh", "lab");
    command.arg(verb).arg(folder);
    command
}

/// Nobody hears an error here; a process that remains keeps its files in a folder that is gone.
fn stop(folder: &Path) {
    let _ = scripts::run(&mut script("down", folder));
    let _ = fs::remove_dir_all(folder);
}

/// Stops what processes started that were killed before they could stop it.
fn sweep() {
    for entry in fs::read_dir(env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner =
            name.to_str().and_then(|name| name.strip_prefix(PREFIX)).and_then(|rest| rest.split_once('-'));
        if owner.is_some_and(|(owner, _)| !Path::new("/proc").join(owner).exists()) {
            stop(&entry.path());
        }
    }
}

/// The first of three ports in a row that nobody listens on: the API server's, and two for etcd.
///
/// Below the range from which the kernel takes ports for outgoing connections, and beginning at another place for each
/// process, so that two that look at the same time do not choose the same.
fn free_ports() -> Result<u16, Error> {
    let begin = u16::try_from(process::id() % 1_000).expect("below 1000 fits") * 12;
    let candidates = (begin..begin + 12_000).step_by(3).map(|offset| 20_000 + offset % 12_000);
    let free =
        |port: &u16| (*port..port + 3).all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
    candidates.into_iter().find(free).ok_or_else(|| Error::io("127.0.0.1")(ErrorKind::AddrInUse.into()))
}
