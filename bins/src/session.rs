//! One orb at hand: its repository and what opens its secrets.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, Result, bail};
use orbos_secrets::{
    Cipher, Keyring, MasterKey, OrbCipher, OrbKey, Passphrase, Recipient, Secret, Stretching, generate::OsRng,
};
use orbos_state::{
    Edit, Error, FileHostKeys, GitRepository, Limits, OrbAccess, Orbconfig, Repository, Snapshot, update,
};

/// Which orb is meant.
#[derive(Clone, Debug, clap::Args)]
pub struct OrbArgs {
    /// The file that says where orbs are and how to get in.
    #[arg(
        short = 'f',
        long,
        env = "ORBCONFIG",
        global = true,
        default_value = "~/.orb/config",
        value_name = "FILE"
    )]
    pub orbconfig: String,
    /// The orb by its name in that file, if it holds several.
    #[arg(long, env = "ORB", global = true, value_name = "NAME")]
    pub orb: Option<String>,
    /// A directory with everything that machines would otherwise download.
    #[arg(long, env = "ORBOS_BUNDLE", global = true, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
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
}

/// The name under which the orbconfig's master key stands in the keyring.
const MASTERKEY: &str = "orbconfig";

impl Session {
    /// Reads the orbconfig; connects to nothing.
    ///
    /// # Errors
    ///
    /// If the orbconfig is not there, invalid, or lacks what is needed to connect.
    pub fn open(args: &OrbArgs) -> Result<Self> {
        let path = args.path()?;
        let config = Orbconfig::read(&path)?;
        let access = config.orb(args.orb.as_deref())?.clone();
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
        Ok(Self { access, orb, repository: Arc::new(repository) })
    }

    /// The files as they are now.
    ///
    /// # Errors
    ///
    /// If the repository cannot be read.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        Ok(self.repository.snapshot().await?)
    }

    /// What opens and seals the orb's secrets. An orb without a keyring gets one, in one commit.
    ///
    /// # Errors
    ///
    /// If there is no master key, or it does not open the keyring.
    pub async fn cipher(&self) -> Result<Arc<dyn Cipher>> {
        let snapshot = self.snapshot().await?;
        let key = match keyring(&snapshot)? {
            Some(keyring) => self.open_keyring(&keyring)?,
            None => self.create_keyring().await?,
        };
        Ok(self.cipher_with(key))
    }

    /// What opens the orb's secrets, without writing anything: an orb without a keyring gets none.
    ///
    /// # Errors
    ///
    /// If there is no master key, or it does not open the keyring.
    pub async fn reading_cipher(&self) -> Result<Arc<dyn Cipher>> {
        let snapshot = self.snapshot().await?;
        let key = match keyring(&snapshot)? {
            Some(keyring) => self.open_keyring(&keyring)?,
            // Nothing can be sealed with it yet; values of the original need only the master key.
            None => OrbKey::generate(&mut OsRng)?,
        };
        Ok(self.cipher_with(key))
    }

    fn cipher_with(&self, key: OrbKey) -> Arc<dyn Cipher> {
        let master =
            self.access.masterkey.as_ref().and_then(|it| MasterKey::new(it.expose_text().ok()?).ok());
        Arc::new(OrbCipher::new(key, master))
    }

    fn masterkey(&self) -> Result<&Secret> {
        let why = "the orbconfig has no `masterkey`; run `orbctl configure --masterkey …`";
        Ok(self.access.masterkey.as_ref().ok_or_else(|| Error::denied("opening the orb's secrets", why))?)
    }

    fn open_keyring(&self, keyring: &Keyring) -> Result<OrbKey> {
        let identity = Passphrase::new(self.masterkey()?.clone());
        let denied =
            || Error::denied("opening the orb's secrets", "the master key does not open the keyring");
        Ok(keyring.open(&[&identity]).map_err(|error| denied().because(error))?)
    }

    async fn create_keyring(&self) -> Result<OrbKey> {
        let recipient = Recipient::passphrase(self.masterkey()?, Stretching::default(), &mut OsRng)?;
        let (created, key) = Keyring::create([(MASTERKEY, recipient)], &mut OsRng)?;
        let text = serde_yaml::to_string(&created)?;
        let edit = || Edit::new("Keyring created").write(Keyring::FILE, text.clone());
        let won = update(self.repository.as_ref(), &Limits::default(), |newest| {
            Ok((!newest.contains(Keyring::FILE)).then(edit))
        })
        .await?;
        match won {
            Some(_) => Ok(key),
            // Somebody else was faster; theirs counts.
            None => {
                let snapshot = self.snapshot().await?;
                self.open_keyring(&keyring(&snapshot)?.context("the keyring is gone again")?)
            }
        }
    }
}

fn keyring(snapshot: &Snapshot) -> Result<Option<Keyring>> {
    let Some(text) = snapshot.text(Keyring::FILE) else { return Ok(None) };
    let invalid = |error: serde_yaml::Error| Error::invalid(Keyring::FILE, "it is no keyring").because(error);
    Ok(Some(serde_yaml::from_str(text).map_err(invalid)?))
}
