//! Seals a secret into a YAML document and opens it again; `cargo run -p orbos-secrets --example sealed_document`.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use orbos_secrets::{
    Cipher, Keyring, OrbCipher, Passphrase, Place, Recipient, Sealed, Secret, Stretching, generate::OsRng,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Once per repository: a key, sealed for everybody who may open it.
    let passphrase = Secret::from_text("correct horse battery staple");
    let ops = Recipient::passphrase(&passphrase, Stretching::default(), &mut OsRng)?;
    let (keyring, _) = Keyring::create([("ops", ops)], &mut OsRng)?;
    let keyring_yml = serde_yaml::to_string(&keyring)?;

    // Later: open the keyring, seal a secret for its place, write it down.
    let keyring: Keyring = serde_yaml::from_str(&keyring_yml)?;
    let cipher = OrbCipher::new(keyring.open(&[&Passphrase::new(passphrase)])?, None);
    let place = Place::new("example/orb", "boom.yml", "spec.monitoring.admin.password");
    let sealed = cipher.seal(&Secret::from_text("hunter2"), &place)?;
    let yaml = serde_yaml::to_string(&sealed)?;
    println!("{yaml}");

    // It opens at its place, and nowhere else.
    let sealed: Sealed = serde_yaml::from_str(&yaml)?;
    assert_eq!(cipher.open(&sealed, &place)?.expose_text()?, "hunter2");
    let elsewhere = Place { file: "orbiter.yml".into(), ..place };
    println!("{}", cipher.open(&sealed, &elsewhere).expect_err("it was moved"));
    Ok(())
}
