//! A directory with everything that machines would otherwise download.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    fs::File,
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

use orbos_state::{Document, Error, Kind, Mistake, Result, Source};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const INDEX: &str = "index.yml";

/// Binaries, images, manifests and packages in a directory, listed in its `index.yml`.
#[derive(Clone, Debug)]
pub struct Bundle {
    folder: PathBuf,
    entries: BTreeMap<(BundleKind, String, String, String), BundleEntry>,
}

/// One file of a [`Bundle`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct BundleEntry {
    /// What it is.
    pub kind: BundleKind,
    /// What it is called; for an image its repository including the registry.
    pub name: String,
    /// Its version; for an image its tag.
    pub version: String,
    /// Where it is, relative to the bundle's folder.
    pub path: String,
    /// What the file hashes to, in hex.
    pub sha256: String,
    /// How many bytes it has.
    pub size: u64,
    /// For packages the operating system that they are for, like `debian-12`; empty for all else.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub os: String,
}

/// What a file of a [`Bundle`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BundleKind {
    /// A program.
    Binary,
    /// A container image, as `docker save` writes it.
    Image,
    /// Kubernetes objects as YAML.
    Manifest,
    /// A package of an operating system.
    Package,
}

impl fmt::Display for BundleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Binary => "binary",
            Self::Image => "image",
            Self::Manifest => "manifest",
            Self::Package => "package",
        })
    }
}

impl fmt::Display for BundleEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.kind, self.name, self.version)?;
        if self.os.is_empty() { Ok(()) } else { write!(f, " for {}", self.os) }
    }
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Index {
    /// Every file of the bundle.
    artifacts: Vec<BundleEntry>,
}

impl Kind for Index {
    const KIND: &'static str = "orbiter.caos.ch/Bundle";
    const VERSION: &'static str = "v0";

    fn check(&self) -> Vec<Mistake> {
        let mut seen = BTreeSet::new();
        let mut wrong = Vec::new();
        for (index, entry) in self.artifacts.iter().enumerate() {
            let mut mistake = |field: &str, message: String| {
                wrong.push(Mistake::new(&format!("artifacts[{index}].{field}"), message));
            };
            let plain = entry.path.split('/').all(|it| !matches!(it, "" | "." | ".."));
            if !plain || !Path::new(&entry.path).components().all(|it| matches!(it, Component::Normal(_))) {
                mistake("path", format!("`{}` is not a path below the bundle's folder", entry.path));
            }
            let hex = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
            if entry.sha256.len() != 64 || !entry.sha256.bytes().all(hex) {
                mistake("sha256", "it has to be 64 hex digits in lower case".into());
            }
            if (entry.kind == BundleKind::Package) == entry.os.is_empty() {
                mistake("os", "packages are for an operating system, and only packages are".into());
            }
            if !seen.insert(key(entry)) {
                mistake("name", format!("{entry} is listed twice"));
            }
        }
        wrong
    }
}

fn key(entry: &BundleEntry) -> (BundleKind, String, String, String) {
    (entry.kind, entry.os.clone(), entry.name.clone(), entry.version.clone())
}

impl Bundle {
    /// Reads the index of the bundle in a folder; the files themselves are not looked at.
    ///
    /// # Errors
    ///
    /// If there is no index, or it is wrong, naming the entry.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        let path = folder.join(INDEX);
        let text = std::fs::read_to_string(&path).map_err(|it| {
            Error::failed(format!("reading {}", path.display()), "a bundle needs it").because(it)
        })?;
        let document = Document::parse(&Source::new(path.display().to_string(), text))?;
        if !Index::answers_to(document.kind()) {
            return Err(Error::invalid(
                path.display().to_string(),
                format!("its kind is `{}`, but has to be `{}`", document.kind(), Index::KIND),
            ));
        }
        let Index { artifacts } = document.read()?;
        Ok(Self { folder, entries: artifacts.into_iter().map(|it| (key(&it), it)).collect() })
    }

    /// Where the bundle is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Every file, by kind and name.
    pub fn entries(&self) -> impl Iterator<Item = &BundleEntry> {
        self.entries.values()
    }

    /// The program of that name and version.
    ///
    /// # Errors
    ///
    /// If the bundle does not have it; the message names the versions that it has.
    pub fn binary(&self, name: &str, version: &str) -> Result<&BundleEntry> {
        self.find(BundleKind::Binary, name, version)
    }

    /// The image with that reference, like `registry.example.com/pause:3.2`.
    ///
    /// # Errors
    ///
    /// If the bundle does not have it; the message names the tags that it has.
    pub fn image(&self, reference: &str) -> Result<&BundleEntry> {
        let (name, tag) = match reference.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (reference, "latest"),
        };
        self.find(BundleKind::Image, name, tag)
    }

    /// All images, by reference.
    pub fn images(&self) -> BTreeMap<String, &BundleEntry> {
        self.of(BundleKind::Image).map(|it| (format!("{}:{}", it.name, it.version), it)).collect()
    }

    /// The manifest of that name in its newest version, as far as digits tell.
    ///
    /// # Errors
    ///
    /// If the bundle does not have it.
    pub fn manifest(&self, name: &str) -> Result<&BundleEntry> {
        let newest =
            self.of(BundleKind::Manifest).filter(|it| it.name == name).max_by_key(|it| numbers(&it.version));
        newest.ok_or_else(|| self.missing(&format!("manifest {name}"), &[]))
    }

    /// The packages for an operating system like `debian-12`; none if it has none.
    pub fn packages(&self, os: &str) -> Vec<&BundleEntry> {
        self.of(BundleKind::Package).filter(|it| it.os == os).collect()
    }

    /// The operating systems for which it has packages.
    pub fn systems(&self) -> BTreeSet<&str> {
        self.of(BundleKind::Package).map(|it| it.os.as_str()).collect()
    }

    /// Where the file of an entry is on this side.
    pub fn path(&self, entry: &BundleEntry) -> PathBuf {
        self.folder.join(&entry.path)
    }

    /// The file of an entry, of which the size is right.
    ///
    /// # Errors
    ///
    /// If it is not there or has another size.
    pub fn checked(&self, entry: &BundleEntry) -> Result<PathBuf> {
        let path = self.path(entry);
        let wrong = |why: String| Error::failed(format!("bundle file {} ({entry})", path.display()), why);
        let seen =
            std::fs::metadata(&path).map_err(|it| wrong("it cannot be read".into()).because(it))?.len();
        if seen == entry.size {
            return Ok(path);
        }
        Err(wrong(format!("it has {seen} bytes, but the index says {}", entry.size)))
    }

    /// Reads every file and compares it with the index.
    ///
    /// # Errors
    ///
    /// The first file that is missing or differs.
    pub fn verify(&self) -> Result<()> {
        for entry in self.entries() {
            let path = self.checked(entry)?;
            let what = || format!("bundle file {} ({entry})", path.display());
            let seen = sha256(&path).map_err(|it| Error::failed(what(), "it cannot be read").because(it))?;
            if seen != entry.sha256 {
                return Err(Error::failed(
                    what(),
                    format!("it hashes to {seen}, but the index says {}", entry.sha256),
                ));
            }
        }
        Ok(())
    }

    fn of(&self, kind: BundleKind) -> impl Iterator<Item = &BundleEntry> {
        self.entries.values().filter(move |it| it.kind == kind)
    }

    fn find(&self, kind: BundleKind, name: &str, version: &str) -> Result<&BundleEntry> {
        let found = self.entries.get(&(kind, String::new(), name.to_owned(), version.to_owned()));
        found.ok_or_else(|| {
            let others: Vec<_> =
                self.of(kind).filter(|it| it.name == name).map(|it| it.version.as_str()).collect();
            self.missing(&format!("{kind} {name} {version}"), &others)
        })
    }

    fn missing(&self, what: &str, others: &[&str]) -> Error {
        let others = match others {
            [] => String::new(),
            some => format!("; it has {}", some.join(", ")),
        };
        Error::unsupported(what, format!("the bundle {} does not have it{others}", self.folder.display()))
    }
}

/// What a local file hashes to, in hex.
pub(crate) fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.finalize().iter().map(|it| format!("{it:02x}")).collect()),
            count => hash.update(&buffer[..count]),
        }
    }
}

fn numbers(version: &str) -> Vec<u64> {
    version.split(|it: char| !it.is_ascii_digit()).filter_map(|it| it.parse().ok()).collect()
}
