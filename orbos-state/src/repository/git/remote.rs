//! Talking to a server.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use git2::{
    AutotagOption, CertificateCheckStatus, Cred, Direction, FetchOptions, Oid, PushOptions, Remote,
    RemoteCallbacks, Repository,
};
use orbos_secrets::Secret;

use super::{
    Address, HostKey, HostKeys, Store, conflict, diagnose, diagnose::Talk, host_keys, store::head_of,
};
use crate::{Error, Result, Revision};

/// Everything that is needed to connect.
pub(super) struct Session {
    pub(super) address: Arc<Address>,
    pub(super) key: Option<Arc<Secret>>,
    pub(super) host_keys: Arc<dyn HostKeys>,
}

/// The branch that is made in an empty repository.
const FIRST_BRANCH: &str = "refs/heads/main";

/// Characters of a server's words that are kept.
const MAX_WORDS: usize = 2000;

/// What the remote says it has.
struct Head {
    branch: String,
    /// Absent in an empty repository.
    newest: Option<Oid>,
}

impl Session {
    /// Asks for the newest commit and fetches it if it is not here; one connection.
    pub(super) fn fetch(&self, store: &Store) -> Result<()> {
        let repository = store.clone_or_create()?;
        let talk = Rc::default();
        let head = self.fetch_head(&repository, &talk);
        let head = head.map_err(|error| diagnose::remote(error, &self.address, &mut talk.borrow_mut()))?;
        store.track(&repository, &head.branch, head.newest)
    }

    fn fetch_head(&self, repository: &Repository, talk: &Rc<RefCell<Talk>>) -> Result<Head, git2::Error> {
        let mut remote = repository.remote_anonymous(&self.address.to_string())?;
        let mut connection = remote.connect_auth(Direction::Fetch, Some(self.callbacks(talk)), None)?;
        let head = read_head(connection.remote())?;
        if let Some(newest) = head.newest.filter(|it| repository.find_commit(*it).is_err()) {
            tracing::debug!(%newest, "fetching");
            let mut options = FetchOptions::new();
            options.remote_callbacks(self.callbacks(talk)).download_tags(AutotagOption::None);
            connection.remote().download(&[head.branch.as_str()], Some(&mut options))?;
        }
        Ok(head)
    }

    /// Sends a commit, if `base` is still what the server has.
    pub(super) fn push(&self, store: &Store, base: &Revision, new: Oid) -> Result<Revision> {
        let repository = store.clone_or_create()?;
        let talk: Rc<RefCell<Talk>> = Rc::default();
        let branch = self.push_commit(&repository, base, new, &talk);
        let branch =
            branch.map_err(|error| diagnose::remote(error, &self.address, &mut talk.borrow_mut()))?;
        let Talk { reason, words, refusal } = talk.take();
        match (reason, refusal) {
            (Some(reason), _) => Err(reason),
            (None, Some(refusal)) => Err(diagnose::refused(&refusal, &branch, &words)),
            (None, None) => {
                store.track(&repository, &branch, Some(new))?;
                Ok(Revision::new(new.to_string()))
            }
        }
    }

    fn push_commit(
        &self,
        repository: &Repository,
        base: &Revision,
        new: Oid,
        talk: &Rc<RefCell<Talk>>,
    ) -> Result<String, git2::Error> {
        let mut remote = repository.remote_anonymous(&self.address.to_string())?;
        let mut connection = remote.connect_auth(Direction::Push, Some(self.callbacks(talk)), None)?;
        // To writers a server does not say what HEAD names; fetching has written it down.
        let branch = head_of(repository)?;
        let newest = connection.list()?.iter().find(|it| it.name() == branch).map(|it| it.oid().to_string());
        // Whatever happens between here and the end, the server compares with what it said here.
        if newest.unwrap_or_default() != base.as_str() {
            talk.borrow_mut().reason = Some(conflict());
            return Ok(branch);
        }
        let mut callbacks = self.callbacks(talk);
        let notes = Rc::clone(talk);
        callbacks.push_update_reference(move |_, status| {
            notes.borrow_mut().refusal = status.map(str::to_owned);
            Ok(())
        });
        let mut options = PushOptions::new();
        options.remote_callbacks(callbacks);
        connection.remote().push(&[format!("{new}:{branch}")], Some(&mut options))?;
        Ok(branch)
    }

    /// Connects as if to push, and sends nothing.
    pub(super) fn check_writable(&self, store: &Store) -> Result<()> {
        let repository = store.clone_or_create()?;
        let talk: Rc<RefCell<Talk>> = Rc::default();
        let check = || {
            let mut remote = repository.remote_anonymous(&self.address.to_string())?;
            remote.connect_auth(Direction::Push, Some(self.callbacks(&talk)), None).map(|_| ())
        };
        check().map_err(|error| diagnose::remote(error, &self.address, &mut talk.borrow_mut()))
    }

    fn callbacks(&self, talk: &Rc<RefCell<Talk>>) -> RemoteCallbacks<'static> {
        let mut callbacks = RemoteCallbacks::new();
        let (key, notes, address) = (self.key.clone(), Rc::clone(talk), Arc::clone(&self.address));
        let mut tries = 0;
        callbacks.credentials(move |_, user, allowed| {
            let user = user.unwrap_or("git");
            if allowed.is_username() {
                return Cred::username(user);
            }
            tries += 1;
            // libgit2 asks again and again after a refusal.
            let signed_in =
                if tries == 1 { sign_in(key.as_deref(), user, &address) } else { Err(key_refused(&address)) };
            signed_in.map_err(|error| give_up(&notes, error))
        });
        let (host_keys, notes, host) = (Arc::clone(&self.host_keys), Rc::clone(talk), self.address.host());
        callbacks.certificate_check(move |certificate, _| {
            let offered = certificate.as_hostkey().and_then(HostKey::offered);
            let offered = offered
                .ok_or_else(|| Error::denied(format!("connecting to {host}"), "it offers no host key"));
            let checked = offered.and_then(|it| host_keys::check(&*host_keys, &host, &it));
            checked.map(|()| CertificateCheckStatus::CertificateOk).map_err(|error| give_up(&notes, error))
        });
        let notes = Rc::clone(talk);
        callbacks.sideband_progress(move |words| {
            let mut talk = notes.borrow_mut();
            if talk.words.len() < MAX_WORDS {
                talk.words.push_str(&String::from_utf8_lossy(words));
            }
            true
        });
        callbacks
    }
}

fn give_up(talk: &Rc<RefCell<Talk>>, reason: Error) -> git2::Error {
    let error = git2::Error::from_str(&reason.to_string());
    talk.borrow_mut().reason = Some(reason);
    error
}

fn sign_in(key: Option<&Secret>, user: &str, address: &Address) -> Result<Cred> {
    let what = format!("signing in at the repository {address}");
    let Some(key) = key else {
        return Err(Error::denied(what, "no key is given; set `repokey` in the orbconfig"));
    };
    let why = "the repokey is no private key in PEM or OpenSSH form without passphrase";
    let pem = key.expose_text().map_err(|error| Error::denied(&what, why).because(error))?;
    Cred::ssh_key_from_memory(user, None, pem, None).map_err(|error| Error::denied(&what, why).because(error))
}

fn key_refused(address: &Address) -> Error {
    let why = "the key is not known there; add the public half of the repokey to the repository";
    Error::denied(format!("signing in at the repository {address}"), why)
}

/// The branch that HEAD names; `main` if there is none yet.
fn read_head(remote: &Remote<'_>) -> Result<Head, git2::Error> {
    let heads = remote.list()?;
    let branches = || heads.iter().filter(|it| it.name().starts_with("refs/heads/"));
    let at = |name: &str| heads.iter().find(|it| it.name() == name).map(|it| it.oid());
    let target = heads.iter().find(|it| it.name() == "HEAD").and_then(|it| it.symref_target());
    let named = target.map(str::to_owned).or_else(|| {
        // A server that does not say what HEAD names: a branch at the same place, best the usual one.
        let head = at("HEAD")?;
        let same = |name: &str| at(name) == Some(head);
        let usual = [FIRST_BRANCH, "refs/heads/master"].into_iter().find(|it| same(it)).map(str::to_owned);
        usual.or_else(|| branches().find(|it| it.oid() == head).map(|it| it.name().to_owned()))
    });
    let branch = named.or_else(|| at(FIRST_BRANCH).map(|_| FIRST_BRANCH.to_owned()));
    match branch {
        Some(branch) => Ok(Head { newest: at(&branch), branch }),
        None => Ok(Head { branch: FIRST_BRANCH.to_owned(), newest: None }),
    }
}
