use std::{
    env,
    ffi::OsStr,
    fs::{self, File},
    net::Ipv4Addr,
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::{Error, Machine, scripts};

/// A network with machines in it, apart from the computer's own and from every other lab's.
///
/// Dropping a lab that [`new`](Lab::new) made destroys it with all its machines. With `ORBOS_LAB_KEEP` set in the
/// environment it stays, to be looked at with the `orbos-lab` command.
#[derive(Debug)]
pub struct Lab {
    name: String,
    network: Ipv4Addr,
    disks: PathBuf,
    owned: bool,
}

impl Lab {
    /// Builds everything labs need and that is not there yet: the machine image, Kubernetes, the bundle.
    ///
    /// Takes some ten minutes with an empty cache and a tenth of a second afterwards. Of several callers, also in other
    /// processes, one builds and the others wait for it.
    ///
    /// # Errors
    ///
    /// [`Error::Script`] if this is not Debian 12, or the caller not root, or a package or compiler fails.
    pub fn prepare() -> Result<(), Error> {
        scripts::run(&mut scripts::script("prepare.sh", "lab")).map(drop)
    }

    /// As [`prepare`](Lab::prepare), with the scripts' own output going somewhere, for instance to the terminal.
    ///
    /// # Errors
    ///
    /// As `prepare`, but what the scripts said is not part of the error.
    pub fn prepare_telling(output: Stdio) -> Result<(), Error> {
        scripts::run(scripts::script("prepare.sh", "lab").stderr(output)).map(drop)
    }

    /// Makes a lab for this process, after [preparing](Lab::prepare). Its name begins with `stem` and is used by no other,
    /// its network neither.
    ///
    /// Labs whose process was killed before it could destroy them are taken down on this occasion.
    ///
    /// # Errors
    ///
    /// [`Error::Script`] if preparing fails, if `stem` is not made of lower case letters, digits and hyphens, or if 254
    /// labs are running.
    pub fn new(stem: &str) -> Result<Self, Error> {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        Self::prepare()?;
        scripts::run(scripts::script("lab.sh", "lab").arg("sweep"))?;
        let name = format!("{stem}-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        scripts::run(scripts::script("lab.sh", &name).arg("up").env("LAB_OWNER", process::id().to_string()))?;
        Self::read(name, true)
    }

    /// Makes the lab of exactly this name, or takes the one that is there. It outlives the process; only
    /// [`destroy`](Lab::destroy) ends it.
    ///
    /// # Errors
    ///
    /// As [`new`](Lab::new); nothing is prepared.
    pub fn lasting(name: &str) -> Result<Self, Error> {
        scripts::run(scripts::script("lab.sh", name).arg("up"))?;
        Self::read(name.to_owned(), false)
    }

    /// The lab of this name, which must be there. It outlives the process.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if there is no such lab.
    pub fn open(name: &str) -> Result<Self, Error> {
        Self::read(name.to_owned(), false)
    }

    fn read(name: String, owned: bool) -> Result<Self, Error> {
        let folder = Path::new(scripts::RUN).join(&name);
        let path = folder.join("net");
        let network = format!("{}.0", scripts::read(&path)?).parse();
        let network =
            network.map_err(|_| Error::Unreadable { path, expected: "three numbers of an address" })?;
        let disks = scripts::read(&folder.join("disks"))?.into();
        Ok(Self { name, network, disks, owned })
    }

    /// The lab's name, as `orbos-lab --lab` takes it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address of a /24 network that only this lab has.
    #[must_use]
    pub fn network(&self) -> Ipv4Addr {
        self.network
    }

    /// An address in the lab's network by its last number. 1 is the computer itself, 2 to 254 are for machines and for
    /// addresses that they share.
    #[must_use]
    pub fn address(&self, host: u8) -> Ipv4Addr {
        let [a, b, c, _] = self.network.octets();
        Ipv4Addr::new(a, b, c, host)
    }

    /// A machine of the lab, be it there or not; [`start`](Machine::start) creates it.
    #[must_use]
    pub fn machine(&self, name: &str, address: Ipv4Addr) -> Machine {
        Machine::new(&self.name, name, address, &self.disks)
    }

    /// The machines that were ever started and not destroyed, by name.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] or [`Error::Unreadable`] if the lab's files are not as the lab left them.
    pub fn machines(&self) -> Result<Vec<Machine>, Error> {
        let mut machines = Vec::new();
        for entry in fs::read_dir(&self.disks).map_err(Error::io(&self.disks))? {
            let entry = entry.map_err(Error::io(&self.disks))?;
            let path = entry.path().join("ip");
            if !path.exists() {
                continue; // It is just being created or destroyed.
            }
            let address = scripts::read(&path)?.parse();
            let address = address.map_err(|_| Error::Unreadable { path, expected: "an address" })?;
            machines.push(self.machine(&entry.file_name().to_string_lossy(), address));
        }
        machines.sort_by(|one, other| one.name().cmp(other.name()));
        Ok(machines)
    }

    /// A command that will run in the lab's network, where the machines are reachable and nothing else is.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace()]).arg(program);
        command
    }

    /// Moves the calling thread into the lab's network, and with it every thread that it starts from now on.
    ///
    /// For tests that reach machines from their own process: called before an async runtime is built, all of the
    /// runtime's threads are there. There is no way back, and other threads stay where they are.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the lab was destroyed, or without root.
    pub fn enter(&self) -> Result<(), Error> {
        let path = Path::new("/run/netns").join(self.namespace());
        let namespace = File::open(&path).map_err(Error::io(&path))?;
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
            .map_err(|errno| Error::io(&path)(errno.into()))
    }

    /// The folder with everything ORBOS would otherwise download, and its `index.yml`.
    #[must_use]
    pub fn bundle(&self) -> PathBuf {
        scripts::cache().join("bundle")
    }

    /// The private key, an OpenSSH file without passphrase, that opens every machine for `orbiter` and for root.
    #[must_use]
    pub fn bootstrap_key(&self) -> PathBuf {
        scripts::cache().join("id_ed25519")
    }

    /// The kubectl that belongs to a version of the bundle, such as `v1.20.2`, for use on this computer.
    #[must_use]
    pub fn kubectl(&self, version: &str) -> PathBuf {
        scripts::cache().join("bin").join(version).join("kubectl")
    }

    /// Destroys the lab with all its machines.
    ///
    /// # Errors
    ///
    /// [`Error::Script`] if something of it remains.
    pub fn destroy(mut self) -> Result<(), Error> {
        self.owned = false;
        self.take_down()
    }

    fn namespace(&self) -> String {
        format!("orbos-lab-{}", self.name)
    }

    fn take_down(&self) -> Result<(), Error> {
        scripts::run(scripts::script("lab.sh", &self.name).arg("down")).map(drop)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if !self.owned {
            return;
        }
        // Nobody hears an error here. What remains has a dead owner soon, and the next lab sweeps it away.
        if env::var_os("ORBOS_LAB_KEEP").is_some() {
            let _ = fs::remove_file(Path::new(scripts::RUN).join(&self.name).join("owner"));
        } else {
            let _ = self.take_down();
        }
    }
}
