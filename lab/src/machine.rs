use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Error, scripts};

/// A bare Debian server in a [`Lab`](crate::Lab): systemd, sshd, a disk of its own, and a user `orbiter` who may use sudo.
///
/// This is a name for the machine, not the machine: copies are equal, and dropping one changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    lab: String,
    name: String,
    address: Ipv4Addr,
    folder: PathBuf,
}

/// What can be seen of a machine from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It was never started, or destroyed.
    Absent,
    /// It has a disk and is switched off.
    Off,
    /// It runs.
    On,
}

impl Machine {
    pub(crate) fn new(lab: &str, name: &str, address: Ipv4Addr, disks: &Path) -> Self {
        Self { lab: lab.to_owned(), name: name.to_owned(), address, folder: disks.join(name) }
    }

    /// Its name in the lab, which is also its host name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address in the lab's network.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Boots the machine, with a new disk the first time. Returns when `orbiter` can log in and use sudo, usually after a
    /// second or two.
    ///
    /// # Errors
    ///
    /// [`Error::Script`] if it runs already, if its name or address cannot be used in the lab, or if it does not boot.
    pub fn start(&self) -> Result<(), Error> {
        scripts::run(self.script("start").arg(self.address.to_string())).map(drop)
    }

    /// Shuts the machine down in order, within 30 seconds. The disk stays.
    ///
    /// # Errors
    ///
    /// [`Error::Script`] if there is no such machine. None if it is switched off already.
    pub fn stop(&self) -> Result<(), Error> {
        scripts::run(&mut self.script("stop")).map(drop)
    }

    /// Ends every process of the machine at once, without a word to any of them. The disk stays, with all that was
    /// written: only processes are lost, not what the kernel still had in memory.
    ///
    /// # Errors
    ///
    /// As [`stop`](Machine::stop).
    pub fn power_cut(&self) -> Result<(), Error> {
        scripts::run(&mut self.script("kill")).map(drop)
    }

    /// Lets the network swallow every packet from and to the machine. Connections neither end nor are refused, they stall.
    /// Lasts until [`rejoin`](Machine::rejoin), also when the machine is restarted.
    ///
    /// # Errors
    ///
    /// [`Error::Script`] if there is no such machine.
    pub fn isolate(&self) -> Result<(), Error> {
        scripts::run(&mut self.script("isolate")).map(drop)
    }

    /// Ends an isolation.
    ///
    /// # Errors
    ///
    /// [`Error::Script`] if there is no such machine. None if it was not isolated.
    pub fn rejoin(&self) -> Result<(), Error> {
        scripts::run(&mut self.script("rejoin")).map(drop)
    }

    /// Cuts the power and deletes the disk. Started again, it is a new machine with the same name, but another host key.
    ///
    /// # Errors
    ///
    /// [`Error::Script`] if something of it remains. None if it is absent.
    pub fn destroy(&self) -> Result<(), Error> {
        scripts::run(&mut self.script("destroy")).map(drop)
    }

    /// Runs a shell command as `orbiter`, over ssh, and returns what it printed.
    ///
    /// # Errors
    ///
    /// [`Error::Script`] if it cannot be reached, or the command fails.
    pub fn ssh(&self, command: &str) -> Result<String, Error> {
        scripts::run(self.script("ssh").arg(command))
    }

    /// An ssh client that is about to log in as `user`, without a command yet.
    #[must_use]
    pub fn ssh_command(&self, user: &str) -> Command {
        let mut command = self.script("ssh");
        command.env("LAB_USER", user);
        command
    }

    /// The public key by which the machine can be recognised, as a line of `/etc/ssh/ssh_host_ed25519_key.pub`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the machine is absent.
    pub fn host_key(&self) -> Result<String, Error> {
        scripts::read(&self.folder.join("host_key.pub"))
    }

    /// Whether the machine is there and running.
    #[must_use]
    pub fn state(&self) -> State {
        if !self.folder.join("ip").exists() {
            return State::Absent;
        }
        // The process that holds its namespaces; the number alone may be another process's by now.
        let running = scripts::read(&self.folder.join("pid")).is_ok_and(|pid| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm == "unshare\n")
        });
        if running { State::On } else { State::Off }
    }

    /// Whether the network [swallows](Machine::isolate) the machine's packets.
    #[must_use]
    pub fn is_isolated(&self) -> bool {
        self.folder.join("isolated").exists()
    }

    fn script(&self, verb: &str) -> Command {
        let mut command = scripts::script("machine.sh", &self.lab);
        command.args([verb, &self.name]);
        command
    }
}
