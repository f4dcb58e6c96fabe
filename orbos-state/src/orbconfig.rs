//! The file that says where an orb is and how to get in.

use std::{collections::BTreeMap, fs, io, path::Path};

use orbos_secrets::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Diagnostics, Error, Result, Source, document::read_plain, yaml};

/// How to get at one orb.
#[derive(Clone, Debug, Default)]
pub struct OrbAccess {
    /// Where its repository is, like `git@github.com:me/my-orb.git`; empty if not set.
    pub url: String,
    /// The private key that may read and write the repository.
    pub repokey: Option<Secret>,
    /// What the secrets in the repository are sealed with.
    pub masterkey: Option<Secret>,
}

impl OrbAccess {
    /// The orb's id, see [`orb_id`].
    pub fn id(&self) -> String {
        orb_id(&self.url)
    }

    /// Whether the repository can be opened.
    pub fn is_connectable(&self) -> bool {
        !self.url.is_empty() && self.repokey.is_some()
    }

    /// Whether secrets can be opened, too.
    pub fn is_complete(&self) -> bool {
        self.is_connectable() && self.masterkey.is_some()
    }
}

/// The file that says where orbs are and how to get in; by habit `~/.orb/config`.
///
/// It holds one orb, as in the original, or several by name, or both:
///
/// ```
/// use orbos_state::{Orbconfig, Source};
///
/// let file = Source::new("~/.orb/config", "\
/// url: git@github.com:me/my-orb.git
/// current: prod
/// orbs:
///   prod:
///     url: git@github.com:me/prod.git
/// ");
/// let config = Orbconfig::parse(&file)?;
/// assert_eq!(config.orb(None)?.id(), "github-com-me-prod");
/// assert_eq!(config.orb(Some("github-com-me-my-orb"))?.url, "git@github.com:me/my-orb.git");
/// # Ok::<(), orbos_state::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Orbconfig {
    /// The orb without a name, as in the original.
    pub unnamed: Option<OrbAccess>,
    /// Which orb is meant if none is asked for.
    pub current: Option<String>,
    /// Orbs by name.
    pub orbs: BTreeMap<String, OrbAccess>,
}

/// As it stands in the file.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
struct File {
    #[serde(flatten)]
    unnamed: Access,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    current: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    orbs: BTreeMap<String, Access>,
}

#[derive(Default, Serialize, Deserialize, JsonSchema)]
struct Access {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    repokey: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("writeOnly" = true))]
    masterkey: Option<String>,
}

impl Orbconfig {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`Denied`](Error::Denied) if it is not there, or others than its owner may read or write it;
    /// [`Invalid`](Error::Invalid) if it says something else than an orbconfig can say.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        let denied = |error: io::Error| {
            Error::denied(format!("reading the orbconfig {shown}"), hint(&error)).because(error)
        };
        check_mode(path, &fs::metadata(path).map_err(denied)?)?;
        let text = fs::read_to_string(path).map_err(denied)?;
        Ok(Self::parse(&Source::new(shown, text))?)
    }

    /// Reads what a file says.
    ///
    /// # Errors
    ///
    /// Everything that is wrong in it; lines are not shown, because they hold keys.
    pub fn parse(source: &Source) -> Result<Self, Diagnostics> {
        let file: File = read_plain(source)
            .map_err(|wrong| wrong.into_iter().map(|it| it.veiled(1)).collect::<Diagnostics>())?;
        let File { unnamed, current, orbs } = file;
        let unnamed = Some(OrbAccess::from(unnamed))
            .filter(|it| !it.url.is_empty() || it.repokey.is_some() || it.masterkey.is_some());
        Ok(Self { unnamed, current, orbs: orbs.into_iter().map(|(name, it)| (name, it.into())).collect() })
    }

    /// The orb with this name or id; if none is asked for the current one, the one without a name, or
    /// the only one.
    ///
    /// # Errors
    ///
    /// If there is none, or more than one it could be; then their names are listed.
    pub fn orb(&self, name: Option<&str>) -> Result<&OrbAccess> {
        let found = match name.or(self.current.as_deref()) {
            Some(name) => self.orbs.get(name).or_else(|| self.all().find(|it| it.id() == name)),
            None => {
                self.unnamed.as_ref().or_else(|| self.orbs.values().next().filter(|_| self.orbs.len() == 1))
            }
        };
        found.ok_or_else(|| {
            let names: Vec<&str> = self.orbs.keys().map(String::as_str).collect();
            let what =
                name.or(self.current.as_deref()).map_or("the orb".to_owned(), |it| format!("the orb `{it}`"));
            let why = match names.as_slice() {
                [] => "the orbconfig names no such orb; add `url` and `repokey`".to_owned(),
                names => format!("the orbconfig knows {}", names.join(", ")),
            };
            Error::invalid(what, why)
        })
    }

    fn all(&self) -> impl Iterator<Item = &OrbAccess> {
        self.unnamed.iter().chain(self.orbs.values())
    }

    /// Writes the file, for its owner only; whoever reads meanwhile sees the old one or the new one.
    ///
    /// # Errors
    ///
    /// If it cannot be written, or a key is no text.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = self.render()?;
        let failed = |error: io::Error| {
            Error::failed("writing the orbconfig", path.display().to_string()).because(error)
        };
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.new", std::process::id()));
        let beside = folder.join(name);
        let written = write_private(&beside, &text).and_then(|()| fs::rename(&beside, path));
        written.map_err(|error| {
            // Whatever became of it, keys do not stay behind in it.
            let _ = fs::remove_file(&beside);
            failed(error)
        })
    }

    fn render(&self) -> Result<String> {
        let orbs: Result<BTreeMap<String, Access>> =
            self.orbs.iter().map(|(name, it)| Ok((name.clone(), Access::of(it)?))).collect();
        let unnamed = self.unnamed.as_ref().map(Access::of).transpose()?.unwrap_or_default();
        yaml::render(&File { unnamed, current: self.current.clone(), orbs: orbs? })
    }
}

impl From<Access> for OrbAccess {
    fn from(access: Access) -> Self {
        let secret = |text: Option<String>| text.filter(|it| !it.is_empty()).map(Secret::from_text);
        let Access { url, repokey, masterkey } = access;
        Self { url: url.unwrap_or_default(), repokey: secret(repokey), masterkey: secret(masterkey) }
    }
}

impl Access {
    fn of(access: &OrbAccess) -> Result<Self> {
        let OrbAccess { url, repokey, masterkey } = access;
        let text = |name: &str, secret: &Option<Secret>| {
            let text = secret.as_ref().map(|it| it.expose_text().map(str::to_owned)).transpose();
            text.map_err(|error| Error::invalid(name, "it has to be a text").because(error))
        };
        Ok(Self {
            url: Some(url.clone()).filter(|it| !it.is_empty()),
            repokey: text("repokey", repokey)?,
            masterkey: text("masterkey", masterkey)?,
        })
    }
}

fn hint(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is none; make one with `url` and `repokey`".to_owned(),
        _ => "it has to belong to you".to_owned(),
    }
}

#[cfg(unix)]
fn check_mode(path: &Path, metadata: &fs::Metadata) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let path = path.display();
    let why = format!("others may get at the keys in it, its mode is {mode:04o}; run `chmod 600 {path}`");
    Err(Error::denied(format!("reading the orbconfig {path}"), why))
}

#[cfg(not(unix))]
fn check_mode(_: &Path, _: &fs::Metadata) -> Result<()> {
    Ok(())
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The name of an orb in labels, tags and places, made from the address of its repository as in the
/// original: without `git@` and `.git`, and `-` for everything that is no letter or digit.
///
/// ```
/// assert_eq!(orbos_state::orb_id("git@github.com:me/my-orb.git"), "github-com-me-my-orb");
/// ```
pub fn orb_id(url: &str) -> String {
    let url = url.strip_prefix("git@").unwrap_or(url);
    let url = url.strip_suffix(".git").unwrap_or(url);
    let mut id = String::new();
    for letter in url.chars() {
        match letter {
            _ if letter.is_ascii_alphanumeric() => id.push(letter),
            _ if id.ends_with('-') => {}
            _ => id.push('-'),
        }
    }
    id
}
