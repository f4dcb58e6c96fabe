//! One orb at hand: its repository and what opens its secrets.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result, bail};
use orbos_secrets::{
    Cipher, Identity, Keyring, MasterKey, OrbCipher, OrbKey, Passphrase, Recipient, Secret, Stretching,
    generate::OsRng,
};
use orbos_state::{
    CipherSource, Edit, Error, FileHostKeys, GitRepository, Limits, OrbAccess, Orbconfig, Repository,
    Snapshot, render, update,
};

use crate::identity::{KeySource, PrivateKey};

/// Which orb is meant.
#[derive(Clone, Debug, clap::Args)]
pub struct OrbArgs {
    /// The file that says where orbs are and how to get in.
    #[arg(
        short = 'f',
        long,
        env = "ORBCONFIG",
        global = true,
        hide_short_help = true,
        default_value = "~/.orb/config",
        value_name = "FILE"
    )]
    pub orbconfig: String,
    /// The orb by its name in that file, if it holds several.
    #[arg(long, env = "ORB", global = true, hide_short_help = true, value_name = "NAME")]
    pub orb: Option<String>,
    /// A file with the private key that opens the secrets instead of the master key: SSH, age or OpenPGP; or the
    /// word `card` for a smart card. Its passphrase is asked for, or stands in ORB_IDENTITY_PASSPHRASE.
    #[arg(long, env = "ORB_IDENTITY", global = true, hide_short_help = true, value_name = "FILE")]
    pub identity: Option<PathBuf>,
    /// A directory with everything that machines would otherwise download.
    #[arg(long, env = "ORBOS_BUNDLE", global = true, hide_short_help = true, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
    /// Plain lines of progress, as in logs, also on a terminal.
    #[arg(
        long,
        env = "ORBCTL_PLAIN",
        global = true,
        hide_short_help = true,
        value_parser = clap::builder::FalseyValueParser::new()
    )]
    pub plain: bool,
}

impl OrbArgs {
    /// The orbconfig's path with `~` replaced.
    ///
    /// # Errors
    ///
    /// If there is a `~` and no home directory.
    pub fn path(&self) -> Result<PathBuf> {
        let Some(rest) = self.orbconfig.strip_prefix('~') else { return Ok(self.orbconfig.clone().into()) };
        let home = std::env::home_dir().context("there is no home directory; use --orbconfig")?;
        Ok(home.join(rest.trim_start_matches('/')))
    }
}

/// One orb at hand.
#[derive(Debug)]
pub struct Session {
    /// How to get in.
    pub access: OrbAccess,
    /// Its id, part of the place that secrets are bound to.
    pub orb: String,
    /// Its repository.
    pub repository: Arc<GitRepository>,
    identity: KeySource,
    /// Stretching a passphrase takes a while; once is enough.
    last: Mutex<Option<OrbKey>>,
}

/// The name under which the orbconfig's master key stands in the keyring.
pub const MASTERKEY: &str = "orbconfig";

const OPENING: &str = "opening the orb's secrets";

impl Session {
    /// Reads the orbconfig; connects to nothing.
    ///
    /// # Errors
    ///
    /// If the orbconfig is not there, invalid, or lacks what is needed to connect.
    pub fn open(args: &OrbArgs) -> Result<Self> {
        let path = args.path()?;
        let access = overridden(args, &path)?;
        if access.url.is_empty() {
            bail!(Error::invalid("url", "the orbconfig does not say where the repository is"));
        }
        let orb = access.id();
        let folder = path.parent().map(PathBuf::from).unwrap_or_default();
        let cache = folder.join("cache").join(&orb);
        let mut repository = GitRepository::open(&access.url, cache)?
            .with_host_keys(FileHostKeys::new(folder.join("known_hosts")));
        if let Some(key) = &access.repokey {
            repository = repository.with_key(key.clone());
        }
        let identity =
            KeySource::new(args.identity.clone(), variable("ORB_IDENTITY_PASSPHRASE").map(Secret::from_text));
        Ok(Self { access, orb, repository: Arc::new(repository), identity, last: Mutex::default() })
    }

    /// The same orb with another master key; for trying one out.
    #[must_use]
    pub fn with_masterkey(&self, masterkey: Secret) -> Self {
        Self {
            access: OrbAccess { masterkey: Some(masterkey), ..self.access.clone() },
            orb: self.orb.clone(),
            repository: Arc::clone(&self.repository),
            identity: KeySource::default(),
            last: Mutex::default(),
        }
    }

    /// The files as they are now.
    ///
    /// # Errors
    ///
    /// If the repository cannot be read.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        Ok(self.repository.snapshot().await?)
    }

    /// Opens the orb's keyring. An orb without one gets one, in one commit.
    ///
    /// # Errors
    ///
    /// If nothing at hand opens the keyring.
    pub async fn ensure_keyring(&self) -> Result<()> {
        let snapshot = self.snapshot().await?;
        if snapshot.contains(Keyring::FILE) {
            self.unlock(&snapshot)?;
            return Ok(());
        }
        let fresh = self.create_keyring()?;
        let edit = || fresh.write(Edit::new("Keyring created"));
        let won = update(self.repository.as_ref(), &Limits::default(), |newest| {
            if newest.contains(Keyring::FILE) { Ok(None) } else { edit().map(Some) }
        })
        .await?;
        match won {
            Some(_) => *self.last() = Some(fresh.key),
            // Somebody else was faster; theirs counts.
            None => drop(self.unlock(&self.snapshot().await?)?),
        }
        Ok(())
    }

    fn last(&self) -> MutexGuard<'_, Option<OrbKey>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What opens the secrets of one revision.
    ///
    /// # Errors
    ///
    /// If nothing at hand opens its keyring.
    pub fn cipher_at(&self, files: &Snapshot) -> Result<OrbCipher, Error> {
        if files.contains(Keyring::FILE) {
            return Ok(self.cipher_with(self.unlock(files)?.key));
        }
        // Nothing can be sealed with it yet; values of the original need only the master key.
        let failed = || Error::failed("making a key", "there are no random numbers");
        Ok(self.cipher_with(OrbKey::generate(&mut OsRng).map_err(|error| failed().because(error))?))
    }

    /// Opens what was sealed with this key, and what the original sealed.
    pub fn cipher_with(&self, key: OrbKey) -> OrbCipher {
        let master =
            self.access.masterkey.as_ref().and_then(|it| MasterKey::new(it.expose_text().ok()?).ok());
        OrbCipher::new(key, master)
    }

    /// Opens the keyring of a revision, or makes one if it has none.
    ///
    /// # Errors
    ///
    /// If nothing at hand opens it, or there is no master key to make one for.
    pub fn unlock(&self, files: &Snapshot) -> Result<Unlocked, Error> {
        let Some(keyring) = keyring(files)? else { return self.create_keyring() };
        let mut last = self.last();
        if let Some(key) = last.as_ref().filter(|it| keyring.verify(it).is_ok()) {
            return Ok(Unlocked { key: key.clone(), keyring, created: false });
        }
        let key = self.open_keyring(&keyring)?;
        *last = Some(key.clone());
        Ok(Unlocked { key, keyring, created: false })
    }

    /// Opens a keyring with what is at hand: the identity file, then the master key.
    ///
    /// # Errors
    ///
    /// If neither opens it, or there is none.
    pub fn open_keyring(&self, keyring: &Keyring) -> Result<OrbKey, Error> {
        let keys = self.private_keys()?;
        let master = self.access.masterkey.clone().map(Passphrase::new);
        let own = keys.iter().map(PrivateKey::as_identity);
        let identities: Vec<&dyn Identity> = own.chain(master.iter().map(|it| it as &dyn Identity)).collect();
        let why = match (self.identity.name(), &master) {
            (None, None) => {
                return Err(Error::denied(
                    OPENING,
                    "the orbconfig has no `masterkey`; run `orbctl configure --masterkey …`, or use --identity",
                ));
            }
            (None, Some(_)) => "the master key does not open the keyring".to_owned(),
            (Some(name), None) => format!("{name} does not open the keyring"),
            (Some(name), Some(_)) => format!("neither {name} nor the master key opens the keyring"),
        };
        keyring.open(&identities).map_err(|error| match error {
            orbos_secrets::Error::KeyringAltered => {
                Error::invalid(Keyring::FILE, "it is not what the orb's key sealed").because(error)
            }
            error => Error::denied(OPENING, why).because(error),
        })
    }

    /// The private keys of whoever runs this; none if the master key is all there is.
    pub(crate) fn private_keys(&self) -> Result<Vec<PrivateKey>, Error> {
        self.identity.keys()
    }

    fn create_keyring(&self) -> Result<Unlocked, Error> {
        let why = "the orb has no keyring yet, and the orbconfig no `masterkey` to make one for; run \
                   `orbctl configure --masterkey …`";
        let masterkey = self.access.masterkey.as_ref().ok_or_else(|| Error::denied(OPENING, why))?;
        let failed = |error| Error::failed("making a keyring", "nothing was written").because(error);
        let recipient =
            Recipient::passphrase(masterkey, Stretching::default(), &mut OsRng).map_err(failed)?;
        let (keyring, key) = Keyring::create([(MASTERKEY, recipient)], &mut OsRng).map_err(failed)?;
        Ok(Unlocked { key, keyring, created: true })
    }
}

/// By the keyring of the revision.
impl CipherSource for Session {
    fn cipher_of(&self, files: &Snapshot) -> Result<Arc<dyn Cipher>, Error> {
        // Sealed with a key that stands nowhere, a secret would be lost.
        if !files.contains(Keyring::FILE) && self.last().is_some() {
            let why = "it is not there any more, and nothing can be sealed without it; take it back from the history";
            return Err(Error::invalid(Keyring::FILE, why));
        }
        Ok(Arc::new(self.cipher_at(files)?))
    }
}

/// An orb's key with the keyring that it stands in.
#[derive(Debug)]
pub struct Unlocked {
    /// The orb's key.
    pub key: OrbKey,
    /// The keyring.
    pub keyring: Keyring,
    /// Whether both are new and not written yet.
    pub created: bool,
}

impl Unlocked {
    /// Adds the keyring to a commit.
    ///
    /// # Errors
    ///
    /// If it has no form in YAML, which does not happen.
    pub fn write(&self, edit: Edit) -> Result<Edit, Error> {
        Ok(edit.write(Keyring::FILE, render(&self.keyring)?))
    }
}

/// The keyring of a revision; absent if it has none.
///
/// # Errors
///
/// If the file is no keyring.
pub fn keyring(files: &Snapshot) -> Result<Option<Keyring>, Error> {
    if !files.contains(Keyring::FILE) {
        return Ok(None);
    }
    let invalid = || Error::invalid(Keyring::FILE, "it is no keyring; restore it from the history");
    let text = files.text(Keyring::FILE).ok_or_else(invalid)?;
    serde_yaml::from_str(text).map(Some).map_err(|error| invalid().because(error))
}

/// What the orbconfig says, and what the environment says instead; with `ORB_URL` no orbconfig is needed.
fn overridden(args: &OrbArgs, path: &std::path::Path) -> Result<OrbAccess> {
    let url = variable("ORB_URL");
    let mut access = match Orbconfig::read(path) {
        Ok(config) => match config.orb(args.orb.as_deref()) {
            Ok(access) => access.clone(),
            Err(_) if url.is_some() && args.orb.is_none() => OrbAccess::default(),
            Err(error) => return Err(error.into()),
        },
        Err(_) if url.is_some() && !path.exists() => OrbAccess::default(),
        Err(error) => return Err(error.into()),
    };
    access.url = url.unwrap_or(access.url);
    access.repokey = variable("ORB_REPOKEY").map(Secret::from_text).or(access.repokey);
    access.masterkey = variable("ORB_MASTERKEY").map(Secret::from_text).or(access.masterkey);
    Ok(access)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|it| !it.is_empty())
}
