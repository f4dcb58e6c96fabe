use crate::Files;
use std::{
    fs,
    io::{Error, ErrorKind, Result, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicUsize, Ordering},
};

/// A store's files on disk. New files can be read by their owner only.
///
/// Links are not followed, since a repository could have one that leads out of it.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder with the store's `.gpg-id` or `.age-recipients`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The file's path on disk; an error if a link is on the way.
    fn resolve(&self, path: &str) -> Result<PathBuf> {
        let mut file = self.0.clone();
        for part in path.split('/') {
            if matches!(part, "" | "." | "..") {
                return Err(Error::new(ErrorKind::InvalidInput, "the path leads out of the store"));
            }
            file.push(part);
            if file.is_symlink() {
                return Err(Error::new(ErrorKind::InvalidInput, "links are not followed"));
            }
        }
        Ok(file)
    }
}

impl Files for Folder {
    fn list(&self) -> Result<Vec<String>> {
        let mut files = Vec::new();
        collect(&self.0, "", &mut files)?;
        files.sort();
        Ok(files)
    }

    fn read(&self, path: &str) -> Result<Option<Vec<u8>>> {
        match fs::read(self.resolve(path)?) {
            Ok(contents) => Ok(Some(contents)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, path: &str, contents: &[u8]) -> Result<()> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let file = self.resolve(path)?;
        let folder = file.parent().expect("a file below the store has a folder");
        fs::create_dir_all(folder)?;
        // Written beside and renamed, so that nobody ever sees half of it.
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let beside = folder.join(format!(".new-{}-{number}", process::id()));
        let written = create(&beside, contents).and_then(|()| fs::rename(&beside, &file));
        if written.is_err() {
            // The first error is the one to report.
            let _ = fs::remove_file(&beside);
        }
        written
    }

    fn remove(&mut self, path: &str) -> Result<()> {
        match fs::remove_file(self.resolve(path)?) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(()),
            removed => removed,
        }
    }
}

fn create(path: &Path, contents: &[u8]) -> Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(contents)?;
    file.sync_all()
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<String>) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        // A name that is not UTF-8 is none of an entry.
        let Ok(name) = entry.file_name().into_string() else { continue };
        let kind = entry.file_type()?;
        if kind.is_dir() && name != ".git" {
            collect(&entry.path(), &format!("{prefix}{name}/"), files)?;
        } else if kind.is_file() {
            files.push(format!("{prefix}{name}"));
        }
    }
    Ok(())
}
