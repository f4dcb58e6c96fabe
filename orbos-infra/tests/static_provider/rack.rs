//! SSH servers as machines, and the document that lists them.

use std::{
    collections::BTreeMap,
    fs,
    net::{IpAddr, SocketAddr},
    os::unix::fs::PermissionsExt as _,
    sync::Arc,
};

use async_trait::async_trait;
use orbos_infra::{
    Provider,
    providers::{Connections, ProviderContext, builtin},
};
use orbos_secrets::{
    Cipher as _, OrbCipher, OrbKey, Place, Secret,
    generate::{KeyPair, OsRng, ssh_key_pair},
};
use orbos_ssh::{
    Connect, Error, HostKey, KnownHosts, PrivateKey, Privilege, Shell, SshConnect, Target,
    testing::{KeyKind, Sshd, SshdOptions, generate_key},
};
use orbos_state::{Document, Source};
use tempfile::TempDir;

/// Secrets of a provider, by the names of their fields.
pub(crate) type Secrets = BTreeMap<&'static str, Secret>;

/// Text that becomes a secret.
pub(crate) trait IntoSecret {
    /// The secret.
    fn into_secret(self) -> Secret;
}

impl IntoSecret for String {
    fn into_secret(self) -> Secret {
        Secret::from_text(self)
    }
}

/// The two keys.
pub(crate) struct Keys {
    pub(crate) bootstrap: KeyPair,
    pub(crate) maintenance: KeyPair,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let pair = |comment| ssh_key_pair(comment, &mut OsRng).expect("there are random numbers");
        Self { bootstrap: pair("bootstrap"), maintenance: pair("maintenance") }
    }

    pub(crate) fn with_rsa_bootstrap() -> Self {
        let directory = tempfile::tempdir().expect("there is room");
        generate_key(directory.path(), "rsa", KeyKind::Rsa);
        let read = |name| fs::read_to_string(directory.path().join(name)).expect("ssh-keygen made it");
        let public = read("rsa.pub").trim_end().to_owned();
        Self { bootstrap: KeyPair { private: read("rsa").into_secret(), public }, ..Self::new() }
    }

    pub(crate) fn both(&self) -> Secrets {
        self.secrets(&self.bootstrap, &self.maintenance)
    }

    pub(crate) fn bootstrap_only(&self) -> Secrets {
        Secrets::from([("bootstrapkeyprivate", self.bootstrap.private.clone())])
    }

    pub(crate) fn secrets(&self, bootstrap: &KeyPair, maintenance: &KeyPair) -> Secrets {
        Secrets::from([
            ("bootstrapkeyprivate", bootstrap.private.clone()),
            ("bootstrapkeypublic", bootstrap.public.clone().into_secret()),
            ("maintenancekeyprivate", maintenance.private.clone()),
            ("maintenancekeypublic", maintenance.public.clone().into_secret()),
        ])
    }
}

/// A private key that nobody can use without its passphrase.
pub(crate) fn private_key_with_passphrase() -> Secret {
    let directory = tempfile::tempdir().expect("there is room");
    let path = directory.path().join("key");
    let mut keygen = std::process::Command::new("ssh-keygen");
    let made = keygen.args(["-q", "-t", "ed25519", "-N", "secret", "-f"]).arg(&path).status();
    assert!(made.expect("ssh-keygen is installed").success());
    Secret::new(fs::read(path).expect("ssh-keygen made it"))
}

/// A machine: an SSH server whose user has a home of its own.
pub(crate) struct Server {
    pub(crate) sshd: Sshd,
    home: TempDir,
}

impl Server {
    /// One that accepts the bootstrap key.
    pub(crate) fn start(keys: &Keys) -> Self {
        Self::with(keys, &[])
    }

    pub(crate) fn with(keys: &Keys, config: &[&str]) -> Self {
        Self::start_with(keys, config, None)
    }

    pub(crate) fn at(keys: &Keys, port: u16) -> Self {
        Self::start_with(keys, &[], Some(port))
    }

    fn start_with(keys: &Keys, config: &[&str], port: Option<u16>) -> Self {
        let home = tempfile::tempdir().expect("there is room");
        let place = home.path().display();
        for folder in [".ssh", "bin"] {
            fs::create_dir(home.path().join(folder)).expect("it was just made");
        }
        let mut lines = vec![
            format!("AuthorizedKeysFile {place}/.ssh/authorized_keys"),
            format!("SetEnv PATH={place}/bin:/usr/local/bin:/usr/bin:/bin HOME={place}"),
        ];
        lines.extend(config.iter().map(|it| (*it).to_owned()));
        let sshd = Sshd::with(&SshdOptions { config: lines, port, ..SshdOptions::default() });
        let server = Self { sshd, home };
        server.set_home(&server.home.path().display().to_string());
        server.set_keys(&format!("{}\n", keys.bootstrap.public));
        server
    }

    /// What the machine says where users are at home.
    fn set_home(&self, home: &str) {
        self.command("getent", &format!("[ \"$1\" = passwd ] && echo \"$2:x:0:0::{home}:/bin/sh\""));
    }

    /// Lets the machine say another home than the one where sshd looks for keys.
    pub(crate) fn move_home(&self) {
        self.set_home(&self.home.path().join("elsewhere").display().to_string());
    }

    /// Puts a command on the machine that hides the real one.
    pub(crate) fn command(&self, name: &str, script: &str) {
        let path = self.home.path().join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("the folder is there");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }

    pub(crate) fn user(&self) -> String {
        self.sshd.target().user
    }

    pub(crate) fn keys(&self) -> String {
        self.read(".ssh/authorized_keys")
    }

    pub(crate) fn set_keys(&self, text: &str) {
        fs::write(self.home.path().join(".ssh/authorized_keys"), text).expect("the folder is there");
    }

    pub(crate) fn mode(&self) -> u32 {
        let file = fs::metadata(self.home.path().join(".ssh/authorized_keys")).expect("it is there");
        file.permissions().mode() & 0o777
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.home.path().join(path)).expect("it is there")
    }
}

/// Machines in a document, and connections to them: what is listed at port 22 is where the servers are.
pub(crate) struct Rack {
    machines: Vec<(String, String)>,
    user: String,
    privilege: Privilege,
    addresses: BTreeMap<IpAddr, SocketAddr>,
    hosts: Arc<KnownHosts>,
    connections: Arc<Connections>,
    orb: String,
}

impl Rack {
    pub(crate) fn new(servers: &[&Server]) -> Self {
        let names = ["a", "b"];
        let ips = (1..).map(|it| format!("127.0.1.{it}"));
        let listed: Vec<_> = names.into_iter().zip(ips).take(servers.len()).collect();
        let machines: Vec<_> = listed.iter().map(|(name, ip)| (*name, ip.as_str())).collect();
        let user = servers.first().expect("there is one").user();
        let mut rack = Self { user, ..Self::listing(&machines) };
        for ((_, ip), server) in machines.iter().zip(servers) {
            rack.addresses.insert(ip.parse().expect("an address"), server.sshd.address());
        }
        rack.without_connections()
    }

    /// Machines that nobody connects to; each with its address and more fields.
    pub(crate) fn listing(machines: &[(&str, &str)]) -> Self {
        let hosts = Arc::new(KnownHosts::new());
        Self {
            machines: machines.iter().map(|(name, ip)| ((*name).to_owned(), (*ip).to_owned())).collect(),
            user: "orbiter".to_owned(),
            privilege: Privilege::Login,
            addresses: BTreeMap::new(),
            connections: Arc::new(Connections::ssh(hosts.clone(), orbos_ssh::Timeouts::default())),
            hosts,
            orb: "test/orb".to_owned(),
        }
    }

    pub(crate) fn with_address(mut self, name: &str, address: SocketAddr) -> Self {
        let (_, ip) = self.machines.iter().find(|(it, _)| it == name).expect("it is listed");
        self.addresses.insert(ip.parse().expect("an address"), address);
        self.without_connections()
    }

    pub(crate) fn with_privilege(self, privilege: Privilege) -> Self {
        Self { privilege, ..self }.without_connections()
    }

    /// As if the program was started anew.
    pub(crate) fn without_connections(self) -> Self {
        let (addresses, privilege, hosts) = (self.addresses.clone(), self.privilege, self.hosts.clone());
        let make = move || -> Arc<dyn Connect> {
            let ssh = SshConnect::new(hosts.clone());
            Arc::new(Forwarded { addresses: addresses.clone(), privilege, ssh })
        };
        Self { connections: Arc::new(Connections::new(make)), ..self }
    }

    pub(crate) fn for_orb(self, orb: &str) -> Self {
        Self { orb: orb.to_owned(), ..self }
    }

    pub(crate) fn provider(&self, secrets: &Secrets) -> Box<dyn Provider> {
        self.make(secrets).unwrap_or_else(|error| panic!("{}", error.chain()))
    }

    pub(crate) fn make(&self, secrets: &Secrets) -> orbos_state::Result<Box<dyn Provider>> {
        let context = ProviderContext {
            id: "static".to_owned(),
            orb: self.orb.clone(),
            cipher: Arc::new(cipher()),
            connections: self.connections.clone(),
        };
        builtin().make(&self.document(secrets), &context)
    }

    pub(crate) fn document(&self, secrets: &Secrets) -> Document {
        let cipher = cipher();
        let keys = secrets.iter().map(|(name, secret)| {
            let place = Place::new("test/orb", "orbiter.yml", format!("providers.static.spec.keys.{name}"));
            let sealed = cipher.seal(secret, &place).expect("there are random numbers");
            format!("        {name}: {}\n", serde_json::to_string(&sealed).expect("it is JSON"))
        });
        let machines = self.machines.iter().map(|(name, ip)| format!("        - {{id: {name}, ip: {ip}}}\n"));
        let text = format!(
            "kind: orbiter.caos.ch/Orb\nversion: v0\nclusters: {{}}\nproviders:\n  static:\n    \
             kind: orbiter.caos.ch/StaticProvider\n    version: v0\n    spec:\n      user: {}\n      \
             externalinterfaces: [eth1]\n      keys:\n{}      pools:\n        masters:\n{}    loadbalancing:\n      \
             kind: orbiter.caos.ch/DynamicLoadBalancer\n      version: v2\n      spec:\n        masters:\n        \
             - ip: 127.0.2.1\n          transport:\n          - {{name: kubeapi, frontendport: 6443, backendport: \
             6666, backendpools: [masters]}}\n",
            self.user,
            keys.collect::<String>(),
            machines.collect::<String>(),
        );
        let orb =
            Document::parse(&Source::new("orbiter.yml", text)).unwrap_or_else(|wrong| panic!("{wrong}"));
        orb.child("providers.static").expect("it is a document").expect("it is there")
    }

    /// Logs in by itself, as somebody else would.
    pub(crate) async fn log_in(&self, name: &str, key: &KeyPair) -> Result<Arc<dyn Shell>, Error> {
        let (_, ip) = self.machines.iter().find(|(it, _)| it == name).expect("it is listed");
        let target = Target::new((ip.parse::<IpAddr>().expect("an address"), 22).into(), &self.user);
        self.connections.fresh(&target, &PrivateKey::new(key.private.clone())).await
    }

    pub(crate) fn only_host_key(&self) -> (String, HostKey) {
        let mut all = self.hosts.all().into_iter();
        let only = all.next().expect("it was pinned");
        assert!(all.next().is_none());
        only
    }
}

fn cipher() -> OrbCipher {
    let key = OrbKey::from_secret(&Secret::new([7; 32])).expect("it has 32 bytes");
    OrbCipher::new(key, None)
}

/// Real connections to where the servers are.
#[derive(Debug)]
struct Forwarded {
    addresses: BTreeMap<IpAddr, SocketAddr>,
    privilege: Privilege,
    ssh: SshConnect,
}

#[async_trait]
impl Connect for Forwarded {
    async fn connect(&self, target: &Target, key: &PrivateKey) -> Result<Arc<dyn Shell>, Error> {
        assert_eq!(target.address.port(), 22);
        let address = self.addresses[&target.address.ip()];
        let target = Target::new(address, &target.user).with_privilege(self.privilege);
        self.ssh.connect(&target, key).await
    }
}
