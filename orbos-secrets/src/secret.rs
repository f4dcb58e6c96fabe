use crate::{Error, Result};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A secret in the clear, in memory.
///
/// It is wiped on drop, `Debug` prints `[secret]`, there is no `Display`, comparing takes the same time
/// wherever two secrets of one length differ, and it cannot be serialised:
///
/// ```compile_fail
/// fn write<T: serde::Serialize>(_: T) {}
/// write(orbos_secrets::Secret::from_text("hunter2")); // the trait bound `Secret: Serialize` is not satisfied
/// ```
///
/// ```compile_fail
/// println!("{}", orbos_secrets::Secret::from_text("hunter2")); // `Secret` doesn't implement `Display`
/// ```
///
/// The same lines compile with a [`Sealed`](crate::Sealed) value, so it is the secret that is refused:
///
/// ```
/// fn write<T: serde::Serialize>(_: T) {}
/// # let sealed: orbos_secrets::Sealed =
/// #     serde_yaml::from_str("{encryption: AES256, encoding: Base64, value: AA==}").unwrap();
/// write(sealed);
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes bytes over. A borrowed slice or string is copied, and wiping the original is up to its owner.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// Takes text over.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self::new(text.into())
    }

    /// The bytes in the clear. Whoever copies them is responsible for the copy.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The text in the clear.
    ///
    /// # Errors
    ///
    /// [`NotText`](Error::NotText) if the secret is not UTF-8.
    pub fn expose_text(&self) -> Result<&str> {
        std::str::from_utf8(&self.0).map_err(|_| Error::NotText)
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has no bytes at all, which the original treats as "not set".
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[secret]")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose().ct_eq(other.expose()).into()
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_a_secret() {
        let secret = Secret::from_text("hunter2");
        assert_eq!(format!("{secret:?} {:?} {:#?}", Some(&secret), [&secret]).matches("hunter2").count(), 0);
        assert_eq!(format!("{secret:?}"), "[secret]");
    }

    #[test]
    fn secrets_are_equal_when_their_bytes_are() {
        assert_eq!(Secret::from_text("a"), Secret::new(*b"a"));
        assert_ne!(Secret::from_text("a"), Secret::from_text("b"));
        assert_ne!(Secret::from_text("a"), Secret::from_text("ab"));
    }

    #[test]
    fn bytes_that_are_no_text_are_reported_as_such() {
        assert!(matches!(Secret::new([0xff]).expose_text(), Err(Error::NotText)));
    }
}
