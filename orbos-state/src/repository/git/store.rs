//! A bare repository on this disk: the remote itself, or the clone of one.

use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
};

use git2::{Commit, FileMode, ObjectType, Oid, Repository, Signature, Tree, build::TreeUpdateBuilder};

use super::{conflict, diagnose};
use crate::{Edit, Error, Result, Revision, Snapshot, repository::Content, yaml};

/// Where the remote's newest commit is remembered, so that it survives the process and Git's cleaning up.
const TRACKED: &str = "refs/orbos/newest";

/// Files in one repository that are still read.
const MAX_FILES: usize = 10_000;

/// Bytes of all files together that are still held in memory.
const MAX_TOTAL: usize = 64 << 20;

#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    /// The newest commit is what the remote had, not what HEAD names.
    clone: bool,
}

impl Store {
    /// The remote itself.
    pub(super) fn remote(path: PathBuf) -> Self {
        Self { path, clone: false }
    }

    /// The bare clone of a remote.
    pub(super) fn clone(path: PathBuf) -> Self {
        Self { path, clone: true }
    }

    /// The bare clone, made if it is not there.
    pub(super) fn clone_or_create(&self) -> Result<Repository> {
        if self.path.join("HEAD").exists() {
            return self.open();
        }
        let failed = |error: std::io::Error| {
            Error::failed("making a folder for the bare clone", self.path.display().to_string())
                .because(error)
        };
        std::fs::create_dir_all(&self.path).map_err(failed)?;
        Repository::init_bare(&self.path).map_err(|error| self.wrong(error))
    }

    fn open(&self) -> Result<Repository> {
        Repository::open(&self.path).map_err(|error| self.wrong(error))
    }

    fn wrong(&self, error: git2::Error) -> Error {
        diagnose::disk(error, &self.path)
    }

    /// The files of the newest commit, those that were read before if it is still the same.
    pub(super) fn snapshot(&self, last: Option<Snapshot>) -> Result<Snapshot> {
        let repository = self.open()?;
        let revision = self.newest(&repository)?;
        match last {
            Some(last) if last.revision == revision => Ok(last),
            _ => self.read(&repository, revision),
        }
    }

    pub(super) fn last_known(&self) -> Result<Option<Snapshot>> {
        if !self.path.join("HEAD").exists() {
            return Ok(None);
        }
        self.snapshot(None).map(|it| Some(it).filter(|it| !it.revision.is_empty()))
    }

    /// For every path and text, when the file began to hold the text, in seconds since 1970.
    pub(super) fn since(&self, wanted: &[(String, String)]) -> Result<Vec<Option<i64>>> {
        let repository = self.open()?;
        let newest = self.newest(&repository)?;
        let mut commit = self.find(&repository, &newest)?;
        let mut since = vec![None; wanted.len()];
        let mut open: Vec<usize> = (0..wanted.len()).collect();
        let mut known = BTreeMap::<(usize, Oid), bool>::new();
        while let Some(at) = commit.filter(|_| !open.is_empty()) {
            let tree = at.tree().map_err(|error| self.wrong(error))?;
            open.retain(|index| {
                let (path, text) = &wanted[*index];
                let Ok(entry) = tree.get_path(Path::new(path)) else { return false };
                let holds = *known.entry((*index, entry.id())).or_insert_with(|| {
                    let blob = repository.find_blob(entry.id());
                    blob.is_ok_and(|it| String::from_utf8_lossy(it.content()).contains(text))
                });
                if holds {
                    since[*index] = Some(at.time().seconds());
                }
                holds
            });
            commit = at.parent(0).ok();
        }
        Ok(since)
    }

    /// Fails if something else is the newest revision.
    pub(super) fn confirm(&self, base: &Revision) -> Result<()> {
        if self.newest(&self.open()?)? == *base { Ok(()) } else { Err(conflict()) }
    }

    fn newest(&self, repository: &Repository) -> Result<Revision> {
        let found = if self.clone { repository.find_reference(TRACKED) } else { repository.head() };
        match found.and_then(|it| it.peel_to_commit()) {
            Ok(commit) => Ok(Revision::new(commit.id().to_string())),
            Err(error)
                if matches!(error.code(), git2::ErrorCode::UnbornBranch | git2::ErrorCode::NotFound) =>
            {
                Ok(Revision::new(""))
            }
            Err(error) => Err(self.wrong(error)),
        }
    }

    fn read(&self, repository: &Repository, revision: Revision) -> Result<Snapshot> {
        let mut files = BTreeMap::new();
        if let Some(commit) = self.find(repository, &revision)? {
            let tree = commit.tree().map_err(|error| self.wrong(error))?;
            let mut room = MAX_TOTAL;
            self.read_tree(repository, &tree, "", &mut files, &mut room)?;
        }
        Ok(Snapshot::of(revision, files))
    }

    fn read_tree(
        &self,
        repository: &Repository,
        tree: &Tree<'_>,
        folder: &str,
        files: &mut BTreeMap<String, Content>,
        room: &mut usize,
    ) -> Result<()> {
        for entry in tree {
            // Names that are no text cannot be asked for anyway.
            let Ok(name) = entry.name() else { continue };
            let path = format!("{folder}{name}");
            match entry.kind() {
                Some(ObjectType::Tree) => {
                    let below = repository.find_tree(entry.id()).map_err(|error| self.wrong(error))?;
                    self.read_tree(repository, &below, &format!("{path}/"), files, room)?;
                }
                Some(ObjectType::Blob) if entry.filemode() != i32::from(FileMode::Link) => {
                    files.insert(path, self.read_blob(repository, entry.id(), room)?);
                }
                _ => {}
            }
            if files.len() > MAX_FILES {
                return Err(Error::invalid("the repository", format!("it has more than {MAX_FILES} files")));
            }
        }
        Ok(())
    }

    /// Its size is known before it is read.
    fn read_blob(&self, repository: &Repository, id: Oid, room: &mut usize) -> Result<Content> {
        let (size, _) =
            repository.odb().and_then(|it| it.read_header(id)).map_err(|error| self.wrong(error))?;
        if size > yaml::MAX_BYTES || size > *room {
            return Ok(Content::TooLarge(size as u64));
        }
        *room -= size;
        let blob = repository.find_blob(id).map_err(|error| self.wrong(error))?;
        Ok(Content::Bytes(blob.content().to_vec()))
    }

    fn find<'r>(&self, repository: &'r Repository, revision: &Revision) -> Result<Option<Commit<'r>>> {
        if revision.is_empty() {
            return Ok(None);
        }
        let id = Oid::from_str(revision.as_str()).map_err(|error| {
            Error::invalid(format!("revision {revision}"), "it is not the id of a commit").because(error)
        })?;
        // Whoever asks for a revision that is not here did not read it from here.
        repository.find_commit(id).map(Some).map_err(|_| conflict())
    }

    /// Makes the commit, but does not show it to anybody yet; absent if nothing would change.
    pub(super) fn write(&self, base: &Revision, edit: &Edit) -> Result<Option<Oid>> {
        let repository = self.open()?;
        let parent = self.find(&repository, base)?;
        let before = match &parent {
            Some(commit) => Some(commit.tree().map_err(|error| self.wrong(error))?),
            None => None,
        };
        let after = self.write_tree(&repository, before.as_ref(), edit)?;
        if before.as_ref().is_some_and(|it| it.id() == after) || (before.is_none() && edit.files.is_empty()) {
            return Ok(None);
        }
        let commit = || {
            let tree = repository.find_tree(after)?;
            let author = Signature::now(&edit.author.name, &edit.author.email)?;
            let parents: Vec<&Commit<'_>> = parent.iter().collect();
            repository.commit(None, &author, &author, &message(edit), &tree, &parents)
        };
        commit().map(Some).map_err(|error| self.wrong(error))
    }

    fn write_tree(&self, repository: &Repository, before: Option<&Tree<'_>>, edit: &Edit) -> Result<Oid> {
        edit.files.keys().try_for_each(|path| check_path(path))?;
        let update = || {
            let empty;
            let tree = match before {
                Some(tree) => tree,
                None => {
                    empty = repository.find_tree(repository.treebuilder(None)?.write()?)?;
                    &empty
                }
            };
            let mut updates = TreeUpdateBuilder::new();
            for (path, contents) in &edit.files {
                let there = tree.get_path(Path::new(path)).ok();
                match (contents, there) {
                    (Some(contents), there) => {
                        let executable =
                            there.is_some_and(|it| it.filemode() == i32::from(FileMode::BlobExecutable));
                        let mode = if executable { FileMode::BlobExecutable } else { FileMode::Blob };
                        updates.upsert(path.as_str(), repository.blob(contents)?, mode);
                    }
                    (None, Some(_)) => {
                        updates.remove(path.as_str());
                    }
                    (None, None) => {}
                }
            }
            updates.create_updated(repository, tree)
        };
        update().map_err(|error| self.wrong(error))
    }

    /// Shows a commit to everybody, if `base` is still the newest.
    pub(super) fn advance(&self, base: &Revision, new: Oid) -> Result<Revision> {
        let repository = self.open()?;
        let advance = || {
            let branch = head_of(&repository)?;
            let expected = if base.is_empty() { Oid::ZERO_SHA1 } else { Oid::from_str(base.as_str())? };
            repository.reference_matching(&branch, new, true, expected, "orbos: commit")
        };
        advance().map_err(|error| self.wrong(error))?;
        Ok(Revision::new(new.to_string()))
    }

    /// Remembers what the remote has; an absent commit stands for an empty repository.
    pub(super) fn track(&self, repository: &Repository, branch: &str, newest: Option<Oid>) -> Result<()> {
        let _alone = self.lock_as("orbos-seen.lock")?;
        // Whoever was killed here has left these behind; nobody holds them now, and Git would wait for ever.
        for left in [format!("{TRACKED}.lock"), "HEAD.lock".to_owned()] {
            // It usually is not there.
            let _ = std::fs::remove_file(self.path.join(left));
        }
        let track = || {
            if head_of(repository)? != branch {
                repository.set_head(branch)?;
            }
            match (newest, repository.find_reference(TRACKED)) {
                (Some(id), Ok(known)) if known.target() == Some(id) => Ok(()),
                (Some(id), _) => repository.reference(TRACKED, id, true, "orbos: seen").map(|_| ()),
                (None, Ok(mut known)) => known.delete(),
                (None, Err(_)) => Ok(()),
            }
        };
        track().map_err(|error| self.wrong(error))
    }

    /// Held until the file is dropped; other processes wait.
    pub(super) fn lock(&self) -> Result<File> {
        self.lock_as("orbos.lock")
    }

    fn lock_as(&self, name: &str) -> Result<File> {
        let path = self.path.join(name);
        let lock = || {
            let file = File::options().create(true).truncate(false).write(true).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(|error: std::io::Error| {
            Error::failed("locking", path.display().to_string()).because(error)
        })
    }

    pub(super) fn check_writable(&self) -> Result<()> {
        let repository = self.open()?;
        let written = repository.blob(b"").map(|_| ());
        written.map_err(|error| {
            Error::denied(format!("writing to {}", self.path.display()), "make it writable").because(error)
        })
    }
}

/// The branch that HEAD names, there or not.
pub(super) fn head_of(repository: &Repository) -> Result<String, git2::Error> {
    let head = repository.find_reference("HEAD")?;
    Ok(match head.symbolic_target() {
        Ok(Some(branch)) => branch.to_owned(),
        _ => "HEAD".to_owned(),
    })
}

fn message(edit: &Edit) -> String {
    let Edit { subject, body, author: _, files: _ } = edit;
    if body.trim().is_empty() {
        format!("{subject}\n")
    } else {
        format!("{subject}\n\n{}\n", body.trim_end())
    }
}

fn check_path(path: &str) -> Result<()> {
    let odd =
        |part: &str| part.is_empty() || part == "." || part == ".." || part.eq_ignore_ascii_case(".git");
    if path.split('/').any(odd) || path.contains(['\0', '\\', '\n']) {
        return Err(Error::invalid(format!("the path `{path}`"), "write folder/file"));
    }
    Ok(())
}
