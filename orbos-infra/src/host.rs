//! A machine's operating system as something to converge: goal, seen, changes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
    sync::Arc,
};

use orbos_state::{Change, Effect};
use serde::{Deserialize, Serialize};

use crate::network::{Cidr, Firewall};

/// What should be true on a machine. What is not mentioned is left alone, except for what ORBOS itself
/// put there before: files and services that it no longer wants are taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostGoal {
    /// The host name; `None`: leave it.
    pub hostname: Option<String>,
    /// Packages of the operating system by name.
    pub packages: BTreeSet<String>,
    /// Verified files by their path on the machine.
    pub artifacts: BTreeMap<String, Artifact>,
    /// Container images by reference, to be loaded into the container runtime.
    pub images: BTreeMap<String, Artifact>,
    /// Kernel modules, loaded now and at boot.
    pub modules: BTreeSet<String>,
    /// Kernel parameters, set now and at boot.
    pub sysctls: BTreeMap<String, String>,
    /// Files by path.
    pub files: BTreeMap<String, FileGoal>,
    /// Services of systemd that run, now and after boot.
    pub services: BTreeMap<String, ServiceGoal>,
    /// Whether swap is turned off, now and after boot; `false`: leave it.
    pub swap_off: bool,
    /// What is let in; `None`: no firewall of ours.
    pub firewall: Option<Firewall>,
    /// Routes to ranges behind other machines.
    pub routes: BTreeMap<Cidr, IpAddr>,
    /// Commands whose output is wanted with every look, by name.
    pub probes: BTreeMap<String, String>,
    /// What the machine must offer before it is changed.
    pub needs: Needs,
}

/// What a machine must offer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// Memory in MiB; 0: any.
    pub memory_mib: u64,
    /// Free disk space in MiB below `/var/lib`; 0: any.
    pub disk_mib: u64,
    /// Ports that nobody else may listen on before the machine joins.
    pub free_ports: BTreeSet<u16>,
}

/// A file of which every byte is known beforehand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Artifact {
    /// What it is called where it comes from, for example `kubeadm`.
    pub name: String,
    /// Its version, for example `v1.20.2`.
    pub version: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The permission bits of the file on the machine.
    pub mode: u32,
}

/// Where an artifact comes from, and how it is verified.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A file of a bundle directory on ORBITER's side, uploaded over SSH.
    Bundle {
        /// Path on ORBITER's side.
        path: String,
        /// What the bytes hash to, in hex.
        sha256: String,
    },
    /// A file that the machine itself downloads.
    Url {
        /// Where it is.
        url: String,
        /// Where its SHA-256 in hex is published, as text that begins with it.
        checksum_url: String,
    },
}

/// A file as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileGoal {
    /// The text. `${machine.name}`, `${machine.address}` and `${member.subnet}` stand for the machine's
    /// own values; a file that needs a value which is not known yet is not written yet. Shared, since many machines have
    /// the same files.
    pub contents: Arc<str>,
    /// The permission bits.
    pub mode: u32,
}

impl FileGoal {
    /// A file that everybody may read and root may write.
    pub fn text(contents: impl Into<Arc<str>>) -> Self {
        Self { contents: contents.into(), mode: 0o644 }
    }
}

/// A service as it should be: enabled and active.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceGoal {
    /// Files that the service reads only when it starts: it is restarted when one of them is newer.
    pub reads: BTreeSet<String>,
    /// Whether `reload` is enough instead of a restart.
    pub reload: bool,
    /// Whether it only has to be enabled, because something else starts it.
    pub only_enabled: bool,
}

/// What was seen on a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostSeen {
    /// Distribution and its version as in `/etc/os-release`, for example `debian-12`.
    pub os: String,
    /// As `uname -m` says.
    pub architecture: String,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Free disk space in MiB below `/var/lib`.
    pub disk_mib: u64,
    /// How many seconds its clock is ahead of ORBITER's.
    pub clock_ahead: i64,
    /// Changes with every boot.
    pub boot_id: String,
    /// The host name.
    pub hostname: String,
    /// Those of the wanted packages that are installed, with their versions.
    pub packages: BTreeMap<String, String>,
    /// Those of the wanted artifacts that are there and verified, as `name version`, by path.
    pub artifacts: BTreeMap<String, String>,
    /// The container images that the runtime has, of those wanted.
    pub images: BTreeSet<String>,
    /// Those of the wanted kernel modules that are loaded and will be at boot.
    pub modules: BTreeSet<String>,
    /// The wanted kernel parameters as they are.
    pub sysctls: BTreeMap<String, String>,
    /// The wanted files that are there.
    pub files: BTreeMap<String, FileSeen>,
    /// The wanted services that exist.
    pub services: BTreeMap<String, ServiceSeen>,
    /// Whether swap is in use or would be after boot.
    pub swap: bool,
    /// What our firewall lets in, by [`Fingerprint`]; `None`: it is not there, or somebody changed it.
    pub firewall: Option<Fingerprint>,
    /// Our routes.
    pub routes: BTreeMap<Cidr, IpAddr>,
    /// What ORBOS put there before.
    pub managed: Managed,
    /// TCP ports with a listener, as long as ORBOS manages nothing on the machine; then nobody asks any more.
    pub listening: BTreeSet<u16>,
    /// Addresses by network interface.
    pub interfaces: BTreeMap<String, BTreeSet<IpAddr>>,
    /// What the probes printed, by name; a probe that failed is missing.
    pub probes: BTreeMap<String, String>,
    /// What a former run left running, if it still does.
    pub busy: Option<String>,
}

/// What text hashes to: SHA-256 in hex.
pub type Fingerprint = String;

/// A file as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSeen {
    /// What its contents hash to.
    pub fingerprint: Fingerprint,
    /// The permission bits.
    pub mode: u32,
    /// When it was changed last, in seconds since 1970 by the machine's clock.
    pub changed: i64,
}

/// A service as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceSeen {
    /// Whether it starts at boot.
    pub enabled: bool,
    /// Whether it runs.
    pub active: bool,
    /// When it was started or reloaded last, in seconds since 1970 by the machine's clock; 0: never.
    pub since: i64,
}

/// What ORBOS put on a machine before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Managed {
    /// Paths of files and artifacts.
    pub files: BTreeSet<String>,
    /// Names of services.
    pub services: BTreeSet<String>,
    /// Kernel parameters, of which the file for boot is ours.
    pub sysctls: BTreeMap<String, String>,
}

/// One step on one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostChange {
    /// Gives it its name.
    Name(String),
    /// Turns swap off.
    SwapOff,
    /// Installs packages of the operating system.
    Install(BTreeSet<String>),
    /// Loads kernel modules, now and at boot.
    Load(BTreeSet<String>),
    /// Sets kernel parameters, now and at boot.
    Tune(BTreeMap<String, String>),
    /// Brings an artifact to a path and verifies it.
    Fetch {
        /// Where it goes.
        path: String,
        /// What it is.
        artifact: Artifact,
    },
    /// Loads a container image into the runtime.
    Image {
        /// Its reference.
        reference: String,
        /// What it is.
        artifact: Artifact,
    },
    /// Writes a file.
    Write {
        /// Where it goes.
        path: String,
        /// What it holds.
        file: FileGoal,
    },
    /// Takes a file away that ORBOS wrote and no longer wants.
    Delete {
        /// Where it is.
        path: String,
    },
    /// Enables a service and starts it, or restarts it so that it reads its files again.
    Enable {
        /// Its name.
        service: String,
        /// How it is wanted.
        goal: ServiceGoal,
    },
    /// Stops and disables a service that ORBOS enabled and no longer wants.
    Disable {
        /// Its name.
        service: String,
    },
    /// Replaces the firewall in one step; kept only if a second connection still gets through.
    Permit(Firewall),
    /// Takes our firewall away.
    Unprotect,
    /// Adds or corrects a route.
    Route {
        /// Where to.
        to: Cidr,
        /// By which machine.
        via: IpAddr,
    },
    /// Takes a route away.
    Unroute {
        /// Where to.
        to: Cidr,
    },
}

impl fmt::Display for HostChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: Vec<&String>| names.into_iter().cloned().collect::<Vec<_>>().join(", ");
        match self {
            Self::Name(name) => write!(f, "name {name}"),
            Self::SwapOff => write!(f, "swap off"),
            Self::Install(packages) => write!(f, "install {}", list(packages.iter().collect())),
            Self::Load(modules) => write!(f, "load {}", list(modules.iter().collect())),
            Self::Tune(values) => {
                let values: Vec<_> = values.iter().map(|(key, value)| format!("{key}={value}")).collect();
                write!(f, "tune {}", values.join(", "))
            }
            Self::Fetch { path, artifact } => {
                write!(f, "fetch {} {} to {path}", artifact.name, artifact.version)
            }
            Self::Image { reference, .. } => write!(f, "image {reference}"),
            Self::Write { path, .. } => write!(f, "write {path}"),
            Self::Delete { path } => write!(f, "delete {path}"),
            Self::Enable { service, .. } => write!(f, "enable {service}"),
            Self::Disable { service } => write!(f, "disable {service}"),
            Self::Permit(firewall) => {
                let rules: Vec<_> = firewall.rules.iter().map(|it| it.name.as_str()).collect();
                write!(f, "permit {}", rules.join(", "))
            }
            Self::Unprotect => write!(f, "remove the firewall"),
            Self::Route { to, via } => write!(f, "route {to} by {via}"),
            Self::Unroute { to } => write!(f, "remove the route to {to}"),
        }
    }
}

impl Change for HostChange {
    fn effect(&self) -> Effect {
        match self {
            Self::Delete { .. } | Self::Disable { .. } | Self::Unprotect | Self::Unroute { .. } => {
                Effect::Delete
            }
            _ => Effect::Update,
        }
    }
}
