//! Against the real programs: Debian's `gpg`, `pass` and `age`.

#[cfg(feature = "testing")]
mod card;
mod home;
#[cfg(feature = "openpgp")]
mod keys;
mod store;
