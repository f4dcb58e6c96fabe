//! How long a rotation takes: 1,000 secrets in 20 files, one commit, at most two seconds as released.

use std::{fmt::Write, time::Instant};

use orbos_secrets::{Cipher, Keyring, OrbCipher, Place, Recipient, Secret, Stretching, generate::OsRng};

use crate::fixture::{MASTERKEY, Orb};

const FILES: usize = 20;
const VALUES: usize = 50;

#[test]
fn a_thousand_secrets_are_rotated_in_one_commit() {
    let orb = Orb::new();
    let (id, random) = (orbos_state::orb_id(&orb.url()), &mut OsRng);
    let masterkey = Secret::from_text(MASTERKEY);
    let recipient = Recipient::passphrase(&masterkey, Stretching::default(), random).expect("it is fit");
    let (keyring, key) = Keyring::create([("orbconfig", recipient)], random).expect("one recipient");
    let cipher = OrbCipher::new(key, None);
    let file = |number: usize| {
        let (path, mut text) = (format!("apps/{number}.yml"), "# by hand\nspec:\n".to_owned());
        for value in 0..VALUES {
            let place = Place::new(&id, &path, format!("spec.password{value}"));
            let sealed =
                cipher.seal(&Secret::from_text(format!("{number} {value}")), &place).expect("it seals");
            let (encryption, value_text) = (sealed.encryption(), sealed.value());
            writeln!(
                text,
                "  password{value}: # the {value}th\n    encryption: {encryption}\n    encoding: Base64\n    value: {value_text}"
            )
            .expect("a text takes everything");
        }
        (path, text)
    };
    let mut files: Vec<(String, String)> = (0..FILES).map(file).collect();
    files.push((Keyring::FILE.to_owned(), serde_yaml::to_string(&keyring).expect("it is YAML")));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    orb.commit(&files);
    let commits = orb.commits();

    let begin = Instant::now();
    let said = orb.orbctl(&["secrets", "rotate"]).ok();
    let took = begin.elapsed();
    assert!(said.starts_with("1001 values in 21 files are sealed with a new key"), "{said}");
    assert_eq!(orb.commits(), commits + 1);
    assert_eq!(orb.show("apps/7.yml:spec.password31"), "7 31");
    println!("1,000 secrets in {FILES} files rotated in {:.2} s", took.as_secs_f32());
    if !cfg!(debug_assertions) {
        assert!(took.as_secs_f32() <= 2.0, "{took:?}");
    }
}
