//! Looks after the first one: what did not change is not read again, and what did change is seen.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tempfile::TempDir;

use super::{RECORDED, rich, set, snapshot};
use crate::{
    host::{FileGoal, HostGoal, HostSeen},
    hosts::{
        kept::Kept,
        observe::{self, files},
        parse::{self, Clock, News},
    },
    network::Firewall,
    plan::fingerprint,
};

const SENT: Duration = Duration::from_secs(1_795_376_000);
const TABLE: &str = "table inet orbos {\n}\n";

fn recorded(clock: &str) -> Option<Kept> {
    let text: Vec<u8> = RECORDED.to_vec();
    let end = text.iter().enumerate().filter(|it| *it.1 == b'\n').nth(1).expect("there are lines").0;
    let text = [b"orbos-host 1\n", clock.as_bytes(), &text[end..]].concat();
    let clock = Clock { sent: SENT, round_trip: Duration::from_millis(200) };
    match parse::seen(&text, &rich(), &clock, None).expect("a whole answer").news {
        News::All(kept) => kept,
        News::Same => panic!("nobody said what it should be the same as"),
    }
}

#[test]
fn a_machine_is_told_what_is_known() {
    let kept = recorded("1795377634.095990710").expect("nothing changed shortly before");
    snapshot("look-again", &observe::script(&rich(), Some(&kept)).expect("a script"));
}

#[test]
fn what_changed_less_than_two_seconds_before_proves_nothing() {
    // The newest of its files is of 1795377270.615462229.
    assert_eq!(recorded("1795377272.615461"), None);
    assert!(recorded("1795377272.615462").is_some());
    assert_eq!(recorded("1795377200.0"), None, "the clock went back");
}

#[test]
fn what_is_known_counts_for_an_hour_and_one_question() {
    let kept = recorded("1795377634.095990710").expect("nothing changed shortly before");
    let later = |seconds| SENT + Duration::from_secs(seconds);
    assert!(kept.holds(&rich(), SENT) && kept.holds(&rich(), later(3599)));
    assert!(!kept.holds(&rich(), later(3600)) && !kept.holds(&rich(), SENT - Duration::from_secs(1)));
    let others: [fn(&mut HostGoal); 4] = [
        |it| it.packages = set(&["another"]),
        |it| drop(it.files.insert("/another".into(), FileGoal::text(""))),
        |it| it.modules = set(&["another"]),
        |it| it.firewall = None,
    ];
    for (number, change) in others.iter().enumerate() {
        let mut goal = rich();
        change(&mut goal);
        assert!(!kept.holds(&goal, SENT), "{number}");
    }
    let other_contents = HostGoal { hostname: None, ..rich() };
    assert!(kept.holds(&other_contents, SENT), "this does not depend on it");
}

#[test]
fn a_machine_that_was_told_nothing_cannot_say_that_it_is_the_same() {
    let clock = Clock { sent: SENT, round_trip: Duration::ZERO };
    let text: String = RECORDED.iter().map(|it| char::from(*it)).collect();
    let same = text.replace("\n= links 0\n", "\n= links 0\n= same 0\n");
    let same: Vec<u8> = same.chars().map(|it| it as u8).collect();
    let why = parse::seen(&same, &rich(), &clock, None).expect_err("it was not told");
    assert_eq!(why, "it was not told what it should be the same as");
    let kept = recorded("1795377634.095990710");
    let why = parse::seen(&same, &rich(), &clock, kept.as_ref()).expect_err("it says both");
    assert_eq!(why, "the part `stat` is there twice");
}

/// A machine of which some files are in a folder of this one.
struct Place {
    folder: TempDir,
    shell: &'static str,
    kept: Option<Kept>,
}

impl Place {
    fn new(shell: &'static str) -> Self {
        let place = Self { folder: tempfile::tempdir().expect("there is room"), shell, kept: None };
        for folder in ["dpkg/updates", "sysinit.target.wants"] {
            fs::create_dir_all(place.path(folder)).expect("there is room");
        }
        place.write("a", "one\n");
        place.write("b", "two\n");
        place.write("boot", "first\n");
        place.write("nft", TABLE);
        place.write("boot.nft", "as at boot\n");
        place.write("stamp", &format!("print {} {}\n", fingerprint(TABLE), fingerprint("as at boot\n")));
        place.write("dpkg/status", &stanza("1.0"));
        symlink("/none", place.path("sysinit.target.wants/orbos-firewall.service")).expect("there is room");
        place
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("there is room");
    }

    fn goal(&self) -> HostGoal {
        let file = |name: &str| (self.path(name).display().to_string(), FileGoal::text(""));
        HostGoal {
            packages: set(&["socat"]),
            files: ["a", "b", "none"].map(file).into(),
            firewall: Some(Firewall::default()),
            ..HostGoal::default()
        }
    }

    /// A look by a clock that is far ahead, as if all files had been there for long; whether packages and files were
    /// read again.
    fn look(&mut self) -> (HostSeen, bool) {
        let goal = self.goal();
        let known = self.kept.as_ref().filter(|it| it.holds(&goal, SENT));
        let mut script = observe::script(&goal, known).expect("a script");
        let ahead = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970") + SENT / 100;
        let own = |name: &str| self.path(name).display().to_string();
        for (from, to) in [
            ("${now:-$(date +%s.%N)}", format!("{}.5", ahead.as_secs())),
            ("nft -s -n list table inet orbos", format!("cat {}", own("nft"))),
            ("/etc/systemd/system", self.folder.path().display().to_string()),
            ("/var/lib/dpkg", own("dpkg")),
            (files::FIREWALL_BOOT, own("boot.nft")),
            (files::FIREWALL, own("stamp")),
            (files::BOOT_ID, own("boot")),
        ] {
            script = script.replace(from, &to);
        }
        let output = Command::new(self.shell).args(["-c", &script]).output().expect("there is a shell");
        let back = String::from_utf8(output.stdout).expect("it is text");
        let back = [
            (own("boot.nft"), files::FIREWALL_BOOT),
            (own("stamp"), files::FIREWALL),
            (format!("{}:", own("boot")), &format!("{}:", files::BOOT_ID)),
            (own("sysinit.target.wants"), "/etc/systemd/system/sysinit.target.wants"),
        ]
        .iter()
        .fold(back, |back, (own, real)| back.replace(own, real));
        let clock = Clock { sent: SENT, round_trip: Duration::ZERO };
        let answer =
            parse::seen(back.as_bytes(), &goal, &clock, known).unwrap_or_else(|it| panic!("{it}: {back}"));
        match answer.news {
            News::Same => (answer.seen, false),
            News::All(kept) => {
                self.kept = kept;
                (answer.seen, true)
            }
        }
    }

    /// The first look, and one after it that reads nothing again.
    fn settled(shell: &'static str) -> (Self, HostSeen) {
        let mut place = Self::new(shell);
        let (first, everything) = place.look();
        assert!(everything && place.kept.is_some());
        let (second, everything) = place.look();
        assert!(!everything, "nothing changed");
        assert_eq!(unmoved(&second), unmoved(&first));
        (place, first)
    }
}

fn stanza(version: &str) -> String {
    format!("Package: socat\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n")
}

/// Without what changes by itself.
fn unmoved(seen: &HostSeen) -> HostSeen {
    let moved = HostSeen { disk_mib: 0, clock_ahead: 0, swap: false, ..seen.clone() };
    HostSeen { listening: Default::default(), interfaces: Default::default(), ..moved }
}

fn times(path: &Path) -> fs::FileTimes {
    let before = fs::metadata(path).expect("it is there");
    fs::FileTimes::new().set_modified(before.modified().expect("it has times"))
}

const SHELLS: [&str; 2] = ["dash", "bash"];

/// What happens to a machine between two looks, and what the next look has to say.
type Drift = (&'static str, fn(&Place), fn(&Place, &HostSeen) -> bool);

fn print_of<'a>(place: &Place, seen: &'a HostSeen, name: &str) -> Option<&'a str> {
    seen.files.get(&place.path(name).display().to_string()).map(|it| it.fingerprint.as_str())
}

#[test]
fn what_changed_is_read_again() {
    let drifts: [Drift; 10] = [
        (
            "a file of the same size, time and inode",
            |it| {
                let times = times(&it.path("a"));
                it.write("a", "ONE\n");
                fs::File::options()
                    .write(true)
                    .open(it.path("a"))
                    .and_then(|it| it.set_times(times))
                    .expect("it is ours");
            },
            |it, seen| print_of(it, seen, "a") == Some(&fingerprint("ONE\n")),
        ),
        (
            "another file of the same size and time in its place",
            |it| {
                let times = times(&it.path("a"));
                it.write("new", "ONE\n");
                fs::File::options()
                    .write(true)
                    .open(it.path("new"))
                    .and_then(|it| it.set_times(times))
                    .expect("it is ours");
                fs::rename(it.path("new"), it.path("a")).expect("it is ours");
            },
            |it, seen| print_of(it, seen, "a") == Some(&fingerprint("ONE\n")),
        ),
        (
            "two files that changed places",
            |it| {
                fs::rename(it.path("a"), it.path("new")).expect("it is ours");
                fs::rename(it.path("b"), it.path("a")).expect("it is ours");
                fs::rename(it.path("new"), it.path("b")).expect("it is ours");
            },
            |it, seen| print_of(it, seen, "a") == Some(&fingerprint("two\n")),
        ),
        (
            "a link in its place",
            |it| {
                fs::remove_file(it.path("a")).expect("it is ours");
                symlink(it.path("b"), it.path("a")).expect("there is room");
            },
            |it, seen| print_of(it, seen, "a") == Some(&fingerprint("two\n")),
        ),
        (
            "a file that is gone",
            |it| fs::remove_file(it.path("b")).expect("it is ours"),
            |it, seen| print_of(it, seen, "b").is_none(),
        ),
        (
            "a file that is there now",
            |it| it.write("none", ""),
            |it, seen| print_of(it, seen, "none") == Some(&fingerprint("")),
        ),
        (
            "another mode",
            |it| fs::set_permissions(it.path("a"), fs::Permissions::from_mode(0o600)).expect("it is ours"),
            |it, seen| seen.files[&it.path("a").display().to_string()].mode == 0o600,
        ),
        (
            "a package of another version",
            |it| it.write("dpkg/status", &stanza("1.1")),
            |_, seen| seen.packages["socat"] == "1.1",
        ),
        (
            "a package of which dpkg wrote beside its table",
            |it| {
                it.write(
                    "dpkg/updates/0001",
                    &stanza("1.0").replace("install ok installed", "deinstall ok config-files"),
                )
            },
            |_, seen| seen.packages.is_empty(),
        ),
        ("another boot", |it| it.write("boot", "second\n"), |_, seen| seen.boot_id == "second"),
    ];
    for (shell, (what, change, is_seen)) in
        SHELLS.iter().flat_map(|shell| drifts.iter().map(move |it| (shell, it)))
    {
        let (mut place, _) = Place::settled(shell);
        change(&place);
        let (seen, everything) = place.look();
        assert!(is_seen(&place, &seen), "{what} by {shell}: {seen:?}");
        assert!(everything, "{what} by {shell}");
        assert!(!place.look().1, "{what} by {shell}: once is enough");
    }
}

#[test]
fn what_the_kernel_knows_is_looked_at_although_no_file_changed() {
    let drifts: [Drift; 3] = [
        (
            "a table with another rule",
            |it| it.write("nft", "table inet orbos {\n\tdrop\n}\n"),
            |_, seen| seen.firewall.is_none(),
        ),
        ("no table", |it| it.write("nft", ""), |_, seen| seen.firewall.is_none()),
        (
            "a firewall that does not come back after boot",
            |it| fs::remove_file(it.path("sysinit.target.wants/orbos-firewall.service")).expect("it is ours"),
            |_, seen| seen.firewall.is_none(),
        ),
    ];
    for (shell, (what, change, is_seen)) in
        SHELLS.iter().flat_map(|shell| drifts.iter().map(move |it| (shell, it)))
    {
        let (mut place, before) = Place::settled(shell);
        assert_eq!(before.firewall.as_deref(), Some("print"));
        change(&place);
        let (seen, everything) = place.look();
        assert!(is_seen(&place, &seen) && !everything, "{what} by {shell}: {seen:?}");
    }
}
