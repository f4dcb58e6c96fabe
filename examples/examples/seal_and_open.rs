//! Secrets in a file of one's own: sealed for a passphrase, opened again, useless at any other place.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use anyhow::Result;
use orbos_secrets::{
    Cipher, Keyring, OrbCipher, Passphrase, Place, Recipient, Sealed, Secret, Stretching, generate::OsRng,
};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Settings {
    host: String,
    password: Sealed, // A `Secret` here would not compile: it cannot be serialised.
}

fn main() -> Result<()> {
    let passphrase = Secret::from_text("correct horse battery staple");
    let recipient = Recipient::passphrase(&passphrase, Stretching::default(), &mut OsRng)?;
    let (keyring, key) = Keyring::create([("me", recipient)], &mut OsRng)?;

    let place = Place::new("my-program", "settings.yml", "password");
    let cipher = OrbCipher::new(key, None);
    let password = cipher.seal(&Secret::from_text("hunter2"), &place)?;
    let file = serde_yaml::to_string(&Settings { host: "db.example.com".into(), password })?;
    let keys = serde_yaml::to_string(&keyring)?;
    println!("stored without the secret: {}", !file.contains("hunter2"));

    // Later, in another process: the two texts and the passphrase are enough.
    let keyring: Keyring = serde_yaml::from_str(&keys)?;
    let settings: Settings = serde_yaml::from_str(&file)?;
    let cipher = OrbCipher::new(keyring.open(&[&Passphrase::new(passphrase)])?, None);
    let secret = cipher.open(&settings.password, &place)?;
    println!("opened for {}: {} bytes, printed as {secret:?}", settings.host, secret.len());
    let elsewhere = Place::new("my-program", "settings.yml", "other");
    println!("elsewhere: {}", cipher.open(&settings.password, &elsewhere).is_err());
    Ok(())
}
