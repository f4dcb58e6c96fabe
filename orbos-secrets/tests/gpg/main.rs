//! Against the real programs: Debian's `gpg`, `pass` and `age`.

#[cfg(feature = "openpgp-card")]
mod card;
mod home;
#[cfg(feature = "openpgp")]
mod keys;
mod store;
