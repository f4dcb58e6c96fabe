//! The two keys of a provider whose machines are listed, checked against each other.

use orbos_secrets::{Sealed, Secret};
use orbos_ssh::PrivateKey;
use orbos_state::{Diagnostics, Document, FieldPath, Mistake, Result, code};

use super::key::{PublicKey, is_locked};
use crate::{
    providers::ProviderContext,
    spec::{StaticKeys, present},
};

/// A key to log in with.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) private: PrivateKey,
    /// Absent if it is neither written down nor readable from the private part.
    pub(super) public: Option<PublicKey>,
}

/// The keys that machines accept before they are in use, and while they are.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    pub(super) bootstrap: Key,
    /// Absent until it is generated.
    pub(super) maintenance: Option<Key>,
}

const BOOTSTRAP: [&str; 2] = ["bootstrapkeyprivate", "bootstrapkeypublic"];
const MAINTENANCE: [&str; 2] = ["maintenancekeyprivate", "maintenancekeypublic"];

impl Keys {
    pub(super) fn open(keys: &StaticKeys, document: &Document, context: &ProviderContext) -> Result<Self> {
        let mut opener = Opener { document, context, wrong: Diagnostics::new() };
        let StaticKeys {
            bootstrapkeyprivate,
            bootstrapkeypublic,
            maintenancekeyprivate,
            maintenancekeypublic,
        } = keys;
        let bootstrap = opener.key(BOOTSTRAP, bootstrapkeyprivate.as_ref(), bootstrapkeypublic.as_ref())?;
        let maintenance =
            opener.key(MAINTENANCE, maintenancekeyprivate.as_ref(), maintenancekeypublic.as_ref())?;
        if present(bootstrapkeyprivate.as_ref()).is_none() {
            opener.bootstrap_missing();
        }
        if let (Some(one), Some(other)) = (&bootstrap, &maintenance)
            && (one.private == other.private || one.public.is_some() && one.public == other.public)
        {
            let hint = "take both parts of the maintenance key out to have a new pair made";
            opener.wrong(MAINTENANCE[0], "the maintenance key is the same as the bootstrap key", hint);
        }
        if maintenance.as_ref().is_some_and(|it| it.public.is_none()) && opener.wrong.is_empty() {
            let hint = "set the public part, as one line of an `authorized_keys` file";
            opener.wrong(MAINTENANCE[1], "the public part cannot be read from the private one", hint);
        }
        match bootstrap {
            Some(bootstrap) if opener.wrong.is_empty() => Ok(Self { bootstrap, maintenance }),
            _ => Err(opener.wrong.into()),
        }
    }
}

struct Opener<'a> {
    document: &'a Document,
    context: &'a ProviderContext,
    wrong: Diagnostics,
}

impl Opener<'_> {
    fn key(
        &mut self,
        [private_name, public_name]: [&'static str; 2],
        private: Option<&Sealed>,
        public: Option<&Sealed>,
    ) -> Result<Option<Key>> {
        let Some(private) = self.open(private_name, private)? else { return Ok(None) };
        let Some(text) = private.expose_text().ok().filter(|it| it.contains("PRIVATE KEY-----")) else {
            let hint = "set it to the text of a private key file; it begins with `-----BEGIN …`";
            self.wrong(private_name, "this is not a private key", hint);
            return Ok(None);
        };
        if is_locked(text) {
            let hint = "take the passphrase away with `ssh-keygen -p`; what is set is sealed anyway";
            self.wrong(private_name, "the private key needs a passphrase", hint);
        }
        let derived = PublicKey::of_private(text);
        let written = self.open(public_name, public)?.and_then(|it| self.public(public_name, &it));
        let public = match (written, derived) {
            (Some(written), Some(derived)) if written != derived => {
                let hint = format!("take it out, or set it to `{derived}`");
                self.wrong(public_name, "this public key does not belong to the private one", &hint);
                Some(derived)
            }
            (written, derived) => written.or(derived),
        };
        Ok(Some(Key { public, private: PrivateKey::new(private) }))
    }

    fn open(&mut self, name: &str, sealed: Option<&Sealed>) -> Result<Option<Secret>> {
        let Some(sealed) = present(sealed) else { return Ok(None) };
        let opened = self.context.open(self.document, &path(name), sealed);
        opened.map(|it| Some(it).filter(|it| !it.is_empty()))
    }

    fn public(&mut self, name: &str, text: &Secret) -> Option<PublicKey> {
        let parsed = text.expose_text().map_err(|_| "it is not text").and_then(PublicKey::parse);
        let hint = "set it to the one line of a public key file";
        parsed.map_err(|why| self.wrong(name, &format!("this is not a public key: {why}"), hint)).ok()
    }

    fn bootstrap_missing(&mut self) {
        let full = self.document.path().append(&path(BOOTSTRAP[0]));
        let hint =
            format!("set it to the private key that the listed machines accept: `orbctl secrets set {full}`");
        let mistake = Mistake::at(path(BOOTSTRAP[0]), "the bootstrap key is missing").hint(hint);
        self.wrong.push(self.document.diagnostic(Mistake { code: code::MISSING_FIELD, ..mistake }));
    }

    fn wrong(&mut self, name: &str, message: &str, hint: &str) {
        self.wrong.push(self.document.diagnostic(Mistake::at(path(name), message).hint(hint)));
    }
}

fn path(name: &str) -> FieldPath {
    ["spec", "keys", name].into_iter().collect()
}
