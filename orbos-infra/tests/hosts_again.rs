//! Looks at this machine over a real SSH server, one after the other.

use std::{
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use orbos_infra::{
    FileGoal, HostGoal, HostSeen,
    hosts::{self, Kept},
};
use orbos_ssh::{Connect as _, KnownHosts, Shell, SshConnect, testing::Sshd};
use tempfile::TempDir;

struct Place {
    folder: TempDir,
    shell: Arc<dyn Shell>,
    _sshd: Sshd,
}

impl Place {
    async fn new() -> Self {
        let sshd = Sshd::start();
        let ssh = SshConnect::new(Arc::new(KnownHosts::new()));
        let shell = ssh.connect(&sshd.target(), &sshd.key()).await.expect("it lets us in");
        let folder = tempfile::tempdir().expect("there is room");
        fs::write(folder.path().join("a"), "one\n").expect("there is room");
        Self { folder, shell, _sshd: sshd }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("a")
    }

    async fn look(&self, kept: &mut Option<Kept>) -> HostSeen {
        let files = [(self.path().display().to_string(), FileGoal::text(""))].into();
        let goal = HostGoal { files, ..HostGoal::default() };
        let look = hosts::observe_again(self.shell.as_ref(), &goal, SystemTime::now(), kept).await;
        look.expect("this machine can be looked at")
    }

    /// What is remembered as soon as nothing changed for long enough, also no package of this machine.
    async fn settled(&self) -> Kept {
        for _ in 0..240 {
            let mut kept = None;
            self.look(&mut kept).await;
            if let Some(kept) = kept {
                return kept;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        panic!("something changes all the time");
    }
}

#[tokio::test]
async fn a_file_that_was_just_written_is_read_again() {
    let place = Place::new().await;
    let mut kept = None;
    for text in ["1", "2", "3", "4"] {
        fs::write(place.path(), text).expect("it is ours");
        let seen = place.look(&mut kept).await;
        assert_eq!(kept, None, "its time proves nothing yet");
        fs::write(place.path(), "another").expect("it is ours");
        let after = place.look(&mut kept).await;
        assert_ne!(seen.files, after.files, "{text}");
    }
}

#[tokio::test]
async fn a_change_that_hides_its_size_and_time_is_seen() {
    let place = Place::new().await;
    let known = place.settled().await;
    let mut kept = Some(known.clone());
    let before = place.look(&mut kept).await;

    let modified = fs::metadata(place.path()).and_then(|it| it.modified()).expect("it is there");
    fs::write(place.path(), "ONE\n").expect("it is ours");
    let file = fs::File::options().write(true).open(place.path()).expect("it is ours");
    file.set_modified(modified).expect("it is ours");

    let after = place.look(&mut kept).await;
    let path = place.path().display().to_string();
    assert_eq!(before.files[&path].changed, after.files[&path].changed);
    assert_ne!(before.files[&path].fingerprint, after.files[&path].fingerprint);
    assert_ne!(kept, Some(known), "and forgotten");
}
