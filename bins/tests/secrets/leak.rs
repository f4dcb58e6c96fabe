//! Canary secrets through every command, log level and error path: found where they belong, and nowhere else.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

use crate::fixture::{BOOTSTRAP, KUBECONFIG, MAINTENANCE, Orb, Said, run, text};

const CANARY: &str = "canary-6f1d2c-in-the-value";
const TYPED: &str = "canary-93ab77-on-the-command-line";
const FILED: &str = "canary-1e55d0-in-the-file";
const MASTER: &str = "canary-master-84c1d2e7f0";
const NEXT_MASTER: &str = "canary-next-master-5d1a90";

/// Every form in which a secret could be found again.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let hex = |upper: bool| -> String {
        secret.bytes().map(|it| if upper { format!("{it:02X}") } else { format!("{it:02x}") }).collect()
    };
    let mut forms = vec![secret.to_owned(), hex(false), hex(true), format!("{:?}", secret.as_bytes())];
    // Wherever it begins within three bytes; what depends on its neighbours is cut off.
    for shift in 0..3 {
        let shifted = [vec![0; shift], secret.as_bytes().to_vec()].concat();
        let whole = shifted.len() / 3 * 4;
        let skip = if shift == 0 { 0 } else { 4 };
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            forms.push(engine.encode(&shifted)[skip..whole].to_owned());
        }
    }
    forms.into_iter().map(String::into_bytes).collect()
}

pub(crate) struct Canaries(Vec<(String, Vec<Vec<u8>>)>);

impl Canaries {
    fn search(&self, place: &str, bytes: &[u8]) {
        for (secret, forms) in &self.0 {
            for form in forms {
                let found = bytes.windows(form.len()).any(|it| it == form);
                assert!(!found, "{secret} stands in {place} as {}", String::from_utf8_lossy(form));
            }
        }
    }
}

/// What every test of this file shares: the orb, and everything that was said.
pub(crate) struct Traces {
    pub(crate) orb: Orb,
    pub(crate) heard: Vec<(String, Said)>,
}

impl Traces {
    pub(crate) fn hear(&mut self, arguments: &[&str], environment: &[(&str, &str)], stdin: Option<&str>) {
        for level in ["error", "debug", "trace"] {
            let said = self.orb.orbctl_with(&[&["--log", level], arguments].concat(), environment, stdin);
            self.heard.push((format!("{arguments:?} at {level}"), said));
        }
    }

    /// Searches what was said, every file that is not one of the allowed ones, and every object of Git.
    pub(crate) fn search(&self, secrets: &[&str], allowed: &[PathBuf]) {
        let canaries = Canaries(secrets.iter().map(|it| ((*it).to_owned(), forms(it))).collect());
        let mut searched = 0;
        for (command, said) in &self.heard {
            canaries.search(&format!("stdout of {command}"), &said.stdout);
            canaries.search(&format!("stderr of {command}"), said.stderr.as_bytes());
            searched += said.stdout.len() + said.stderr.len();
        }
        let mut files = Vec::new();
        files_below(self.orb.home.path(), &mut files);
        for file in files.iter().filter(|it| !allowed.contains(it)) {
            let bytes = fs::read(file).expect("it is ours");
            canaries.search(&file.display().to_string(), &bytes);
            searched += bytes.len();
        }
        // Git compresses what it keeps, so the files alone say little; also what nothing refers to any more.
        let heads = files.iter().filter(|it| it.ends_with("HEAD") && it.with_file_name("objects").is_dir());
        let repositories: Vec<&Path> = heads.filter_map(|it| it.parent()).collect();
        assert!(repositories.len() > 1, "the repository and the copy that orbctl keeps: {repositories:?}");
        let mut objects = 0;
        for repository in repositories {
            let all = ["-C", text(repository), "cat-file", "--batch", "--batch-all-objects", "--buffer"];
            let contents = run("git", &all, None);
            canaries.search(&format!("the objects of {}", repository.display()), contents.as_bytes());
            objects += contents.len();
        }
        let memory =
            fs::read_dir("/dev/shm").expect("it is there").filter_map(Result::ok).map(|it| it.path());
        for draft in memory.filter(|it| it.is_file()) {
            // Other programs take their files away meanwhile.
            canaries.search(&draft.display().to_string(), &fs::read(&draft).unwrap_or_default());
        }
        println!(
            "{} commands said nothing; {} files, {objects} bytes of objects and {searched} other bytes searched",
            self.heard.len(),
            files.len(),
        );
    }
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("it is ours").map(|it| it.expect("it is ours").path()) {
        if entry.is_dir() { files_below(&entry, found) } else { found.push(entry) }
    }
}

#[test]
fn no_canary_is_found_where_it_does_not_belong() {
    assert_eq!(forms("abc").len(), 10);
    let orb = Orb::new();
    orb.orbctl(&["secrets", "rotate"]).ok();
    orb.configure(&format!("url: {}\nmasterkey: {}\n", orb.url(), crate::fixture::MASTERKEY));
    orb.orbctl_with(&["configure"], &[("ORB_MASTERKEY", MASTER)], None).ok();
    let filed = orb.write("filed", FILED);
    let identity = text(&orb.path("id")).to_owned();
    run("age-keygen", &["-o", &identity], None);
    let age_key = fs::read_to_string(&identity).expect("it was made");
    let age_key =
        age_key.lines().find(|it| it.starts_with("AGE-SECRET-KEY-")).expect("it has a key").to_owned();

    let mut traces = Traces { orb, heard: Vec::new() };
    let none: [(&str, &str); 0] = [];
    traces.orb.set(KUBECONFIG, CANARY);
    traces.hear(&["secrets", "set", KUBECONFIG, "--stdin"], &none, Some(CANARY));
    traces.hear(&["secrets", "set", BOOTSTRAP, "--file", text(&filed)], &none, None);
    traces.hear(&["writesecret", "orbiter.rack.bootstrapkeypublic", "--value", TYPED], &none, None);
    traces.hear(&["secrets", "recipients", "add", "ci", &identity], &none, None);
    traces.hear(&["secrets", "generate"], &none, None);
    let store = ["secrets", "store", "--folder", "passwords"];
    let age_public = run("age-keygen", &["-y", &identity], None);
    traces.orb.commit(&[("passwords/.age-recipients", &age_public)]);
    for (arguments, environment) in [
        (["set", "a/b", "--stdin"].as_slice(), none.as_slice()),
        (&["set", "a/b", "--file", text(&filed)], &none),
        (&["set", "a/c", "--value", TYPED], &none),
        (&["set", "a/c", TYPED], &none),
        (&["set", "../c", "--value", TYPED], &none),
        (&["list"], &none),
        (&["show", "a/b"], &none),
        (&["show", "a/b", "--field", "x"], &[("ORB_IDENTITY", identity.as_str())]),
        (&["show", "a/b"], &[("ORB_IDENTITY", text(&filed))]),
        (&["remove", "a/c"], &none),
    ] {
        traces.hear(&[&store, arguments].concat(), environment, Some(CANARY));
    }
    let made = traces.orb.show(MAINTENANCE).lines().nth(2).expect("a key has lines").to_owned();
    for arguments in [
        &["secrets", "list"][..],
        &["secrets", "list", "--json"],
        &["secrets", "audit"],
        &["secrets", "rotate"],
        &["secrets", "recipients", "list"],
        &["secrets", "recipients", "remove", "nobody"],
        &["configure"],
        &["check"],
        &["plan"],
        &["plan", "--forecast"],
        &["status"],
        &["file", "print", "orbiter.yml"],
        &["nodes", "list"],
        &["--help"],
        &["secrets", "set", "--help"],
        // Ways to do it wrong.
        &["secrets", "set", KUBECONFIG, TYPED],
        &["writesecret", KUBECONFIG, TYPED, "--stdin"],
        &["secrets", "set", KUBECONFIG, "--value", TYPED, "--stdin"],
        &["secrets", "set", "no.such.path", "--value", TYPED],
        &["secrets", "set", "boom.yml:a", "--value", TYPED],
        &["secrets", "recipients", "add", "x", text(&filed)],
        &["--identity", text(&filed), "secrets", "show", KUBECONFIG],
        &["--identity", &identity, "secrets", "audit"],
        &["configure", "--repokey", text(&filed)],
        &["secrets", "recipients", "add", "x", &age_key],
        &["secrets", "recipients", "add", "x", "-"],
        &["secrets", "recipients", "add", "x", "--passphrase", TYPED],
        &["--identity", "card", "secrets", "show", KUBECONFIG],
    ] {
        traces.hear(arguments, &none, Some(CANARY));
    }
    traces.hear(&["secrets", "show", KUBECONFIG], &[("ORB_MASTERKEY", NEXT_MASTER)], None);
    traces.hear(&["secrets", "rotate"], &[("ORB_REPOKEY", FILED)], None);
    traces.hear(&["configure", "--repourl", "nowhere:x"], &[("ORB_MASTERKEY", NEXT_MASTER)], None);
    traces.hear(&["configure", "--repourl", &traces.orb.url().clone()], &[("ORB_MASTERKEY", MASTER)], None);
    traces.hear(&["secrets", "edit", KUBECONFIG], &[("EDITOR", "false")], None);
    traces.hear(&["secrets", "edit", KUBECONFIG], &[("EDITOR", "printf x >>")], None);
    let broken = traces.orb.file("orbiter.yml").replace("AES256-GCM", "ROT13");
    traces.orb.commit(&[("orbiter.yml", &broken)]);
    for arguments in
        [&["secrets", "show", KUBECONFIG][..], &["secrets", "rotate"], &["check"], &["kubeconfig"]]
    {
        traces.hear(arguments, &none, None);
    }
    // A secret that a human wrote without sealing it is in the repository already, but not in what is said.
    let clear =
        format!("{}\n      leaked: {{encryption: x, value: [{CANARY}]}}\n", traces.orb.file("orbiter.yml"));
    let unsealed = traces.orb.orbctl_with(&["secrets", "list"], &none, Some(&clear));
    traces.heard.push(("list".into(), unsealed));

    let secrets = [CANARY, TYPED, FILED, MASTER, NEXT_MASTER, &age_key, &made];
    traces.search(&secrets, &[traces.orb.path(".orb/config"), filed, identity.into()]);
    // They can be found: this is where they belong.
    let config = fs::read(traces.orb.path(".orb/config")).expect("it is ours");
    assert!(config.windows(MASTER.len()).any(|it| it == MASTER.as_bytes()));
}
