//! `seal_and_open`, run as its users run it.

use std::{env, path::Path, process::Command};

#[test]
fn secrets_of_ones_own_program_are_sealed_and_opened() {
    let test = env::current_exe().expect("a test has a path");
    let folder = test.parent().and_then(Path::parent).expect("tests are in target/debug/deps");
    let ran = Command::new(folder.join("examples/seal_and_open"))
        .output()
        .expect("cargo builds it beside the tests");
    assert!(ran.status.success(), "{ran:?}");
    assert_eq!(
        String::from_utf8_lossy(&ran.stdout),
        "stored without the secret: true\nopened for db.example.com: 7 bytes, printed as [secret]\nelsewhere: true\n"
    );
}
