//! The original's vectors: what it wrote is read, byte for byte; what it refused is refused.

use orbos_secrets::{Cipher, Error, MasterKey, OrbCipher, OrbKey, Place, Sealed, generate::OsRng};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
    negative: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    masterkey: String,
    #[serde(default)]
    plaintext: String,
    value: String,
    #[serde(default)]
    yaml: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("data/secrets.json")).expect("the vectors are JSON")
}

fn place() -> Place {
    Place::new("orb", "orbiter.yml", "clusters.k8s.spec.kubeconfig")
}

fn cipher(master_key: Option<&str>) -> OrbCipher {
    let master_key = master_key.map(|text| MasterKey::new(text).expect("a valid master key"));
    OrbCipher::new(OrbKey::generate(&mut OsRng).expect("random numbers"), master_key)
}

fn original(value: &str) -> Sealed {
    serde_yaml::from_str(&format!("encryption: AES256\nencoding: Base64\nvalue: {value:?}\n"))
        .expect("the shape of a sealed value")
}

#[test]
fn every_value_of_the_original_opens_and_its_yaml_stays_the_same() {
    let vectors = vectors().vectors;
    assert_eq!(vectors.len(), 7);
    for vector in vectors {
        let sealed: Sealed = serde_yaml::from_str(&vector.yaml).unwrap();
        assert!(sealed.is_original());
        let secret = cipher(Some(&vector.masterkey)).open(&sealed, &place()).unwrap();
        assert_eq!(secret.expose_text().unwrap(), vector.plaintext, "{}", vector.name);
        assert_eq!(serde_yaml::to_string(&sealed).unwrap(), vector.yaml, "{}", vector.name);
    }
}

#[test]
fn what_the_original_refused_is_refused() {
    let negative = vectors().negative;
    assert_eq!(negative.len(), 4);
    for vector in negative {
        let opened = MasterKey::new(&vector.masterkey).and_then(|master_key| {
            let orb_key = OrbKey::generate(&mut OsRng)?;
            OrbCipher::new(orb_key, Some(master_key)).open(&original(&vector.value), &place())
        });
        let as_expected = match vector.name.as_str() {
            "wrong-key" => matches!(opened, Err(Error::WrongMasterKey { .. })),
            "too-short" => matches!(opened, Err(Error::Altered { .. })),
            "key-too-long" => matches!(opened, Err(Error::MasterKeySize { bytes: 33 })),
            "key-empty" => matches!(opened, Err(Error::MasterKeySize { bytes: 0 })),
            _ => false,
        };
        assert!(as_expected, "{}: {opened:?}", vector.name);
    }
}

#[test]
fn values_of_the_original_need_the_master_key() {
    let sealed = original(&vectors().vectors[0].value);
    let error = cipher(None).open(&sealed, &place()).unwrap_err();
    assert!(error.to_string().contains("add `masterkey` to the orbconfig"), "{error}");
}

#[test]
fn an_empty_value_of_the_original_is_an_empty_secret() {
    assert!(cipher(Some("k")).open(&original(""), &place()).unwrap().is_empty());
}

#[test]
fn the_standard_alphabet_is_refused_as_the_original_did() {
    let url_safe = &vectors().vectors[0].value;
    assert!(url_safe.contains('_'));
    let error = cipher(Some("masterkey-example")).open(&original(&url_safe.replace('_', "/")), &place());
    assert!(matches!(error, Err(Error::Altered { .. })), "{error:?}");
}

#[test]
fn a_value_folded_over_lines_opens_as_it_did_in_the_original() {
    let vector = &vectors().vectors[0];
    let (start, end) = vector.value.split_at(20);
    let secret = cipher(Some(&vector.masterkey)).open(&original(&format!("{start}\r\n{end}\n")), &place());
    assert_eq!(secret.unwrap().expose_text().unwrap(), vector.plaintext);
}

#[test]
fn what_the_original_wrote_is_sealed_again_in_our_format() {
    let vector = &vectors().vectors[0];
    let cipher = cipher(Some(&vector.masterkey));
    let secret = cipher.open(&original(&vector.value), &place()).unwrap();
    let sealed = cipher.seal(&secret, &place()).unwrap();
    assert_eq!(sealed.encryption(), "AES256-GCM");
    assert_eq!(cipher.open(&sealed, &place()).unwrap(), secret);
}
