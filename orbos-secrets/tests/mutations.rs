//! Changes sealed values in every way a writer of the repository could, and counts how many are refused.
//!
//! `cargo test -p orbos-secrets --test mutations -- --nocapture` prints the number;
//! `ORBOS_MUTATIONS=5000000` asks for more.
#![expect(clippy::print_stdout, reason = "the number is what this test is for")]

use orbos_secrets::{
    Cipher, Error, Keyring, OrbCipher, OrbKey, Passphrase, Place, Recipient, Sealed, Secret, Stretching,
    generate::OsRng,
};
use rand_core::RngCore;
use serde::{
    Deserialize,
    de::value::{Error as ValueError, MapDeserializer},
};
use std::{collections::BTreeMap, env, thread};

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A small generator with a seed, so that what fails can be repeated.
struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

struct Orb {
    cipher: OrbCipher,
    values: Vec<(Place, Sealed)>,
}

/// Values of all lengths in two files.
fn orb(name: &str) -> Orb {
    let cipher = OrbCipher::new(OrbKey::generate(&mut OsRng).expect("random numbers"), None);
    let values = (0..40).map(|number| {
        let file = if number % 2 == 0 { "orbiter.yml" } else { "boom.yml" };
        let place = Place::new(name, file, format!("spec.secret{number}"));
        let sealed = cipher.seal(&Secret::new(vec![number; usize::from(number) * 5]), &place);
        (place, sealed.expect("random numbers"))
    });
    let values = values.collect();
    Orb { cipher, values }
}

fn sealed(encryption: &str, encoding: &str, value: &str) -> Sealed {
    let fields = [("encryption", encryption), ("encoding", encoding), ("value", value)];
    Sealed::deserialize(MapDeserializer::<_, ValueError>::new(fields.into_iter()))
        .expect("the shape of a sealed value")
}

/// What was done, the value after it, and the place it is found at.
fn mutate(orb: &Orb, other: &Orb, random: &mut Xorshift) -> (&'static str, Sealed, Place) {
    let (place, value) = &orb.values[random.below(orb.values.len())];
    let (elsewhere, another) = &orb.values[random.below(orb.values.len())];
    let mut bytes = value.value().as_bytes().to_vec();
    let end = bytes.len() - bytes.iter().rev().take_while(|byte| **byte == b'=').count();
    let at = random.below(end);
    let letter = ALPHABET[random.below(ALPHABET.len())];
    let mut place = place.clone();
    let what = match random.below(12) {
        0 => {
            bytes[at] = letter;
            "a letter replaced"
        }
        1 => {
            bytes[random.below(98)] = letter;
            "a letter of the header replaced"
        }
        2 => {
            bytes.insert(at, letter);
            "a letter inserted"
        }
        3 => {
            bytes.remove(at);
            "a letter removed"
        }
        4 => {
            bytes.truncate(at / 4 * 4);
            "truncated"
        }
        5 => {
            bytes.rotate_left(4 * (1 + at / 4));
            "rotated"
        }
        6 => {
            let from = another.value().as_bytes();
            bytes.splice(at.min(from.len()).., from[at.min(from.len())..].iter().copied());
            "end exchanged"
        }
        7 => {
            bytes = another.value().as_bytes().to_vec();
            "two values swapped"
        }
        8 => {
            place = elsewhere.clone();
            "found elsewhere"
        }
        9 => {
            place.path.insert(random.below(place.path.len()), char::from(letter));
            "path changed"
        }
        10 => {
            let fields = [
                ("AES256", "Base64"),
                ("aes256-gcm", "Base64"),
                ("", "Base64"),
                ("AES256-GCM", "base64"),
                ("AES256-GCM", ""),
            ];
            let (encryption, encoding) = fields[random.below(fields.len())];
            return ("another encryption or encoding", sealed(encryption, encoding, value.value()), place);
        }
        _ => {
            let (place, value) = &other.values[random.below(other.values.len())];
            let orb_name = orb.values[0].0.orb.clone();
            return ("a value of another orb", value.clone(), Place { orb: orb_name, ..place.clone() });
        }
    };
    let text = String::from_utf8(bytes).expect("Base64 is ASCII");
    (what, sealed("AES256-GCM", "Base64", &text), place)
}

/// How many changes of each kind were refused.
fn refused(orb: &Orb, other: &Orb, count: usize, seed: u64) -> BTreeMap<&'static str, usize> {
    let mut random = Xorshift(seed);
    let mut refused = BTreeMap::new();
    while refused.values().sum::<usize>() < count {
        let (what, value, place) = mutate(orb, other, &mut random);
        // Now and then a letter is replaced by itself.
        if orb.values.contains(&(place.clone(), value.clone())) {
            continue;
        }
        match orb.cipher.open(&value, &place) {
            Ok(_) => panic!("{what} opened with seed {seed}: {value:?} at {place}"),
            Err(Error::Random(_) | Error::NotText) => panic!("{what} was refused for the wrong reason"),
            Err(_) => *refused.entry(what).or_default() += 1,
        }
    }
    refused
}

#[test]
fn no_change_of_a_sealed_value_opens() {
    let count: usize = env::var("ORBOS_MUTATIONS").map_or(1_000_000, |text| text.parse().expect("a number"));
    let (orb, other) = (orb("example/orb"), orb("example/other"));
    let seeds = [OsRng.next_u64() | 1, OsRng.next_u64() | 1];
    let refused = thread::scope(|scope| {
        let threads = seeds.map(|seed| {
            scope.spawn({
                let (orb, other) = (&orb, &other);
                move || refused(orb, other, count.div_ceil(2), seed)
            })
        });
        let mut total = BTreeMap::<_, usize>::new();
        for (what, count) in
            threads.into_iter().flat_map(|thread| thread.join().expect("no change makes it panic"))
        {
            *total.entry(what).or_default() += count;
        }
        total
    });
    let total: usize = refused.values().sum();
    println!("{total} mutations refused, 0 opened (seeds {seeds:?})");
    refused.iter().for_each(|(what, count)| println!("  {count:>8} {what}"));
    assert!(total >= count);
}

/// A keyring is YAML, so a change of its text may read as the same keyring; everything else must be refused,
/// and whatever opens must be the orb's key.
#[test]
fn no_change_of_a_keyring_opens_another_key() {
    let passphrase = Secret::from_text("of alice");
    let quick = Stretching { memory: 8, passes: 1 };
    let alice = Recipient::passphrase(&passphrase, quick, &mut OsRng).expect("a passphrase");
    let (keyring, key) = Keyring::create([("alice", alice)], &mut OsRng).expect("one recipient");
    let yaml = serde_yaml::to_string(&keyring).expect("a keyring is YAML");
    let identity = Passphrase::new(passphrase);

    let seed = OsRng.next_u64() | 1;
    let mut random = Xorshift(seed);
    let (mut refused, mut unread, mut same) = (0, 0, 0);
    for _ in 0..20_000 {
        let mut bytes = yaml.clone().into_bytes();
        let at = random.below(bytes.len());
        match random.below(3) {
            0 => bytes[at] = ALPHABET[random.below(ALPHABET.len())],
            1 => drop(bytes.remove(at)),
            _ => bytes.insert(at, ALPHABET[random.below(ALPHABET.len())]),
        }
        let text = String::from_utf8(bytes).expect("a keyring is ASCII");
        let Ok(changed) = serde_yaml::from_str::<Keyring>(&text) else {
            unread += 1;
            continue;
        };
        match changed.open(&[&identity]) {
            Ok(opened) if changed == keyring => same += usize::from(opened.id() == key.id()),
            Ok(_) => panic!("a changed keyring opened with seed {seed}: {text}"),
            Err(_) => refused += 1,
        }
    }
    println!(
        "{refused} changed keyrings refused, {unread} not even read, {same} the same after all (seed {seed})"
    );
    assert!(refused > 10_000);
}
