//! A smart card: the chip is in software, and a library of our own stands where PC/SC would.

use std::{
    io::{Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    thread,
};

use orbos_secrets::{Secret, testing::SoftwareCard};
use tempfile::TempDir;

use crate::{
    fixture::{KUBECONFIG, Orb, run, text},
    gpg::Gpg,
    terminal::Terminal,
};

const PIN: &str = "123456";

/// A reader with a card in it, for as long as the test runs.
pub(crate) struct Reader {
    pub(crate) card: SoftwareCard,
    folder: TempDir,
}

impl Reader {
    pub(crate) fn with(gpg: &Gpg, pin: &str) -> Self {
        let private = Secret::from_text(gpg.private());
        let card = SoftwareCard::new(&private, Secret::from_text(pin)).expect("a key for Curve25519");
        let folder = TempDir::new().expect("a temporary folder");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/secrets/pcsc.c");
        let library = folder.path().join("libpcsclite.so.1");
        let options = ["-shared", "-fPIC", "-I/usr/include/PCSC", "-Wl,-soname,libpcsclite.so.1"];
        run("cc", &[&options, ["-o", text(&library), source].as_slice()].concat(), None);
        let socket = UnixListener::bind(folder.path().join("card")).expect("a new folder");
        let chip = card.clone();
        thread::spawn(move || socket.incoming().flatten().for_each(|it| answer(&chip, it)));
        Self { card, folder }
    }

    /// What a program is told so that it finds the reader.
    pub(crate) fn environment(&self) -> [(&'static str, String); 3] {
        let socket = text(&self.folder.path().join("card")).to_owned();
        let folder = text(self.folder.path()).to_owned();
        [("LD_LIBRARY_PATH", folder), ("CARD_SOCKET", socket), ("ORB_IDENTITY", "card".to_owned())]
    }
}

/// Until the program hangs up.
fn answer(card: &SoftwareCard, mut program: UnixStream) {
    let mut length = [0; 2];
    while program.read_exact(&mut length).is_ok() {
        let mut command = vec![0; usize::from(u16::from_be_bytes(length))];
        program.read_exact(&mut command).expect("a whole command");
        let said = card.answer(&command);
        let length = u16::try_from(said.len()).expect("answers are short").to_be_bytes();
        program.write_all(&[&length, said.as_slice()].concat()).expect("somebody waits for it");
    }
}

fn borrowed<'a>(environment: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    environment.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// An orb that only the card opens.
fn orb_of(gpg: &Gpg) -> Orb {
    let orb = Orb::new();
    orb.set(KUBECONFIG, "k");
    // Without a value of the original, which needs its master key.
    orb.orbctl(&["secrets", "rotate"]).ok();
    orb.orbctl_with(&["secrets", "recipients", "add", "alice", "-"], &[], Some(&gpg.public())).ok();
    orb.configure(&format!("url: {}\n", orb.url()));
    orb
}

#[test]
fn a_card_opens_the_secrets_with_its_pin_asked_for_once() {
    let gpg = Gpg::new("alice@example.com", "");
    let (orb, reader) = (orb_of(&gpg), Reader::with(&gpg, PIN));
    let environment = reader.environment();
    for (arguments, answered) in [
        (["secrets", "show", KUBECONFIG].as_slice(), "k"),
        (&["secrets", "recipients", "remove", "orbconfig"], "orbconfig is removed"),
    ] {
        let arguments = [&["--log", "trace"], arguments].concat();
        let mut terminal = Terminal::orbctl(&orb, &arguments, &borrowed(&environment));
        terminal.answer("PIN of the smart card, 3 tries left (not shown): ", PIN);
        let (code, screen) = terminal.end();
        assert!(code == Some(0) && screen.contains(answered), "{screen}");
        // What is said to the card has the PIN in it, and what it answers the key of the message.
        assert!(
            !screen.contains(PIN) && !screen.contains("APDU") && !screen.contains("31, 32, 33"),
            "{screen}"
        );
    }
    assert!(reader.card.count("decipher") >= 2 && reader.card.count("unknown") == 0);
}

#[test]
fn a_wrong_pin_costs_one_try_and_a_locked_card_is_left_alone() {
    let gpg = Gpg::new("alice@example.com", "");
    let (orb, reader) = (orb_of(&gpg), Reader::with(&gpg, PIN));
    let environment = reader.environment();
    let show = ["secrets", "show", KUBECONFIG];
    let before = orb.git(&["rev-parse", "main"]);
    for (left, told) in
        [("3 tries", "2 tries are left"), ("2 tries", "1 tries are left"), ("1 try", "it is locked")]
    {
        let mut terminal = Terminal::orbctl(&orb, &show, &borrowed(&environment));
        terminal.answer(&format!("PIN of the smart card, {left} left (not shown): "), "654321");
        let (code, screen) = terminal.end();
        assert!(code == Some(4) && screen.contains(told), "{screen}");
    }
    assert_eq!(reader.card.count("verify"), 3, "one try each");
    let (code, screen) = Terminal::orbctl(&orb, &show, &borrowed(&environment)).end();
    assert!(code == Some(4) && screen.contains("no tries are left for its PIN; unblock it"), "{screen}");
    let set = ["secrets", "set", KUBECONFIG, "--stdin"];
    let said = orb.orbctl_with(&set, &borrowed(&environment), Some("x"));
    assert!(said.code == Some(4) && said.stderr.contains("it is locked"), "{said:?}");
    assert_eq!(reader.card.count("verify"), 3, "nobody is asked for a PIN in vain");
    assert_eq!(orb.git(&["rev-parse", "main"]), before, "nothing is written");
}

#[test]
fn a_card_that_is_not_there_and_a_pin_that_nobody_types() {
    let gpg = Gpg::new("alice@example.com", "");
    let (orb, reader) = (orb_of(&gpg), Reader::with(&gpg, PIN));
    let [library, socket, identity] = reader.environment();
    let show = |environment: &[(&'static str, String)]| {
        let said = orb.orbctl_with(&["secrets", "show", KUBECONFIG], &borrowed(environment), None);
        assert!(said.code == Some(4) && said.stdout.is_empty(), "{said:?}");
        said.stderr
    };
    let said = show(&[library.clone(), identity.clone()]);
    assert!(said.contains("there is no reader, or the service `pcscd` does not run"), "{said}");
    let nobody = ("CARD_SOCKET", "/nobody".to_owned());
    assert!(show(&[library.clone(), nobody, identity.clone()]).contains("there is no card"));
    let said = show(&[library.clone(), socket.clone(), identity.clone()]);
    assert!(said.contains("no PIN was given"), "{said}");
    let other = Reader::with(&Gpg::new("bob@example.com", ""), PIN);
    let said = show(&other.environment());
    assert!(said.contains("none of its recipients opens"), "{said}");
    assert_eq!((reader.card.count("verify"), other.card.count("verify")), (0, 0));
}
