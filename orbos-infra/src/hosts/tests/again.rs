//! Looks after the first one: what did not change is not read again, and what did change is seen.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tempfile::TempDir;

use super::{RECORDED, rich, set, snapshot};
use crate::{
    host::{FileGoal, HostGoal, HostSeen, Managed},
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
/// A kernel parameter of the place, besides those of this machine.
const PARAMETER: &str = "/proc/sys/orbos/ports";
const SWAPS: &str = "Filename\tType\tSize\tUsed\tPriority\n";
/// What writes down that it was started.
const PROGRAMS: [&str; 5] = ["awk", "date", "grep", "sha256sum", "stat"];

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
fn what_the_kernel_says_is_not_remembered() {
    let kept = recorded("1795377634.095990710").expect("nothing changed shortly before");
    assert!(kept.has_texts() && kept.said.contains("\n/etc/hostname:h2-named\n"));
    assert!(!kept.said.contains("\n/proc/"), "{}", kept.said);
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

#[test]
fn a_machine_that_is_the_same_still_has_to_say_what_the_kernel_says() {
    let clock = Clock { sent: SENT, round_trip: Duration::ZERO };
    let kept = recorded("1795377634.095990710").expect("nothing changed shortly before");
    let text: String = RECORDED.iter().map(|it| char::from(*it)).collect();
    let (begin, rest) = text.split_once("/proc/sys/kernel/random/boot_id:").expect("it has texts");
    let (_, rest) = rest.split_once("= disk 0\n").expect("it has a disk");
    let (middle, rest) = rest.split_once("0edf9c4b").expect("it has a boot");
    let (_, end) = rest.split_once("= hashes 1\n").expect("it has hashes");
    let read = |live: &str| {
        let text: Vec<u8> =
            format!("{begin}= same 0\n{live}{middle}{end}").chars().map(|it| it as u8).collect();
        parse::seen(&text, &rich(), &clock, Some(&kept)).map(|it| it.seen)
    };
    assert_eq!(read(""), Err("the part `live` is missing".into()));
    assert_eq!(read("= live 127\n"), Err("the part `live` failed with 127".into()));
    let why = read("= live 2\n").expect_err("it says nothing");
    assert_eq!(why, "it did not say what is in /proc/sys/kernel/random/boot_id");
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
        for folder in ["bin", "dpkg/updates", "sysinit.target.wants"] {
            fs::create_dir_all(place.path(folder)).expect("there is room");
        }
        for program in PROGRAMS {
            let name = format!("bin/{program}");
            let started = place.path("started").display().to_string();
            place.write(
                &name,
                &format!("#!/bin/sh\necho {program} $* >>{started}\nexec /usr/bin/{program} \"$@\"\n"),
            );
            fs::set_permissions(place.path(&name), fs::Permissions::from_mode(0o755)).expect("it is ours");
        }
        place.write("a", "one\n");
        place.write("b", "two\n");
        place.write("nft", TABLE);
        let stamp = format!("print {} {}\n", fingerprint(TABLE), fingerprint("as at boot\n"));
        for (real, text) in [
            (files::BOOT_ID, "first\n"),
            (files::HOSTNAME, "m1\n"),
            (files::SWAPS, SWAPS),
            (PARAMETER, "1024\t60999\n"),
            (files::BOOT_HOSTNAME, "m1\n"),
            (files::OS, "ID=debian\nVERSION_ID=\"12\"\n"),
            (files::FSTAB, "# none\n"),
            (files::SYSCTLS, "orbos.ports = 1024 60999\n"),
            (files::MANAGED, "service a.service\n"),
            (files::FIREWALL, &stamp),
            (files::FIREWALL_BOOT, "as at boot\n"),
        ] {
            place.put(real, text);
        }
        place.write("dpkg/status", &stanza("1.0"));
        symlink("/none", place.path("sysinit.target.wants/orbos-firewall.service")).expect("there is room");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where a file is that has its place on every machine.
    fn of(&self, real: &str) -> PathBuf {
        self.path(&real.replace('/', "_"))
    }

    fn put(&self, real: &str, text: &str) {
        fs::write(self.of(real), text).expect("there is room");
    }

    fn remove(&self, real: &str) {
        fs::remove_file(self.of(real)).expect("it is ours");
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("there is room");
    }

    fn goal(&self) -> HostGoal {
        let file = |name: &str| (self.path(name).display().to_string(), FileGoal::text(""));
        HostGoal {
            hostname: Some("m1".into()),
            packages: set(&["socat"]),
            files: ["a", "b", "none"].map(file).into(),
            sysctls: ["net.ipv4.ip_local_port_range", "net.ipv4.tcp_rmem", "orbos.none", "orbos.ports"]
                .map(|it| (it.to_owned(), "1024 60999".to_owned()))
                .into(),
            firewall: Some(Firewall::default()),
            ..HostGoal::default()
        }
    }

    /// The files of the place that have another path on a machine.
    fn moved(&self) -> Vec<(&'static str, String)> {
        let files = files::KERNEL.into_iter().chain(files::STORED).chain([files::FIREWALL_BOOT, PARAMETER]);
        files.map(|it| (it, self.of(it).display().to_string())).collect()
    }

    /// What was started since the last look began, of [those](PROGRAMS).
    fn started(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("started")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// A look by a clock that is far ahead, as if all files had been there for long; whether packages and files were
    /// read again.
    fn look(&mut self) -> (HostSeen, bool) {
        let goal = self.goal();
        let known = self.kept.as_ref().filter(|it| it.holds(&goal, SENT));
        let mut script = observe::script(&goal, known).expect("a script");
        self.write("started", "");
        let ahead = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970") + SENT / 100;
        let own = |name: &str| self.path(name).display().to_string();
        for (from, to) in [
            ("now=${now%% *}", format!("now={}.5", ahead.as_secs())),
            ("nft -s -n list table inet orbos", format!("cat {}", own("nft"))),
            ("/etc/systemd/system", self.folder.path().display().to_string()),
            ("/var/lib/dpkg", own("dpkg")),
            ("PATH=", format!("PATH={}:", own("bin"))),
        ]
        .into_iter()
        .chain(self.moved())
        {
            script = script.replace(from, &to);
        }
        let output = Command::new(self.shell).args(["-c", &script]).output().expect("there is a shell");
        let back = String::from_utf8(output.stdout).expect("it is text");
        let wants = ("/etc/systemd/system/sysinit.target.wants", own("sysinit.target.wants"));
        let back =
            self.moved().iter().chain([&wants]).fold(back, |back, (real, own)| back.replace(own, real));
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
    HostSeen { clock_ahead: 0, interfaces: Default::default(), ..seen.clone() }
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
    let drifts: [Drift; 19] = [
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
        ("another boot", |it| it.put(files::BOOT_ID, "second\n"), |_, seen| seen.boot_id == "second"),
        (
            "another name after boot",
            |it| it.put(files::BOOT_HOSTNAME, "m2\n"),
            |_, seen| seen.hostname == "m2",
        ),
        ("another system", |it| it.put(files::OS, "ID=debian\n"), |_, seen| seen.os == "debian"),
        ("swap after boot", |it| it.put(files::FSTAB, "/a none swap sw 0 0\n"), |_, seen| seen.swap),
        (
            "no kernel parameters after boot",
            |it| it.remove(files::SYSCTLS),
            |_, seen| seen.managed.sysctls.is_empty(),
        ),
        (
            "artifacts that are there now",
            |it| it.put(files::ARTIFACTS, "1 755 1 1 a v1 /usr/bin/a\n"),
            |_, seen| seen.managed.files.contains("/usr/bin/a"),
        ),
        (
            "nothing of ORBOS any more",
            |it| it.remove(files::MANAGED),
            |_, seen| seen.managed.services.is_empty() && !seen.listening.is_empty(),
        ),
        // Whether the kernel knows them too is not remembered anyway.
        ("modules after boot", |it| it.put(files::MODULES, "overlay\n"), |_, _| true),
        ("routes after boot", |it| it.put(files::ROUTES, "10.244.1.0/24 10.0.0.2\n"), |_, _| true),
        ("no firewall that we put there", |it| it.remove(files::FIREWALL), |_, seen| seen.firewall.is_none()),
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
    let drifts: [Drift; 8] = [
        ("another name", |it| it.put(files::HOSTNAME, "m2\n"), |_, seen| seen.hostname == "m2"),
        (
            "swap",
            |it| it.put(files::SWAPS, &format!("{SWAPS}/dev/b\tpartition\t1\t0\t-2\n/a b\tfile\t1\t0\t-3\n")),
            |_, seen| seen.swap,
        ),
        (
            "another kernel parameter",
            |it| it.put(PARAMETER, "32768\t60999\n"),
            |_, seen| seen.sysctls["orbos.ports"] == "32768 60999",
        ),
        (
            "a kernel parameter that is empty",
            |it| it.put(PARAMETER, "\n"),
            |_, seen| seen.sysctls["orbos.ports"].is_empty(),
        ),
        (
            "a kernel parameter that is gone",
            |it| it.remove(PARAMETER),
            |_, seen| !seen.sysctls.contains_key("orbos.ports"),
        ),
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

#[test]
fn a_look_that_reads_nothing_again_starts_hardly_a_process() {
    for shell in SHELLS {
        let (place, first) = Place::settled(shell);
        assert_eq!(first.sysctls["orbos.ports"], "1024 60999");
        assert!(first.sysctls["net.ipv4.ip_local_port_range"].contains(' '), "{first:?}");
        let started = place.started();
        let (stat, others) = started.split_first().expect("it asks for the files");
        assert!(stat.starts_with("stat -L "), "{shell}: {stat}");
        // A shell reads byte by byte, and of a number the kernel then gives the first digit: so one process reads for it.
        let stored =
            |it: &str| files::STORED.iter().any(|file| it.contains(&place.of(file).display().to_string()));
        assert_eq!(others.len(), 1, "{shell}: {others:?}");
        assert!(others.iter().all(|it| it.starts_with("grep ") && !stored(it)), "{shell}: {others:?}");
    }
}

#[test]
fn who_listens_and_free_disk_are_looked_at_until_something_is_on_the_machine() {
    for shell in SHELLS {
        let mut place = Place::new(shell);
        place.remove(files::MANAGED);
        let (before, _) = place.look();
        assert_eq!(before.managed.services, Managed::default().services);
        assert!(place.kept.as_ref().is_some_and(|it| !it.has_texts()));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let (after, everything) = place.look();
        assert!(!everything && after.listening.contains(&port), "{shell}: {:?}", after.listening);
        let started = place.started();
        assert!(started.iter().any(|it| it.starts_with("stat -f ")), "{shell}: {started:?}");

        place.put(files::MANAGED, "service a.service\n");
        let (after, everything) = place.look();
        assert!(everything && after.managed.services == set(&["a.service"]) && after.listening.is_empty());
    }
}
