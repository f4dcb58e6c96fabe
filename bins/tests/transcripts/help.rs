//! Help that can be read at once.

use crate::fixture::Orb;

const COMMANDS: [&[&str]; 19] = [
    &["boom", "plan"],
    &["boom", "diff"],
    &["boom", "apply"],
    &["boom", "render"],
    &["boom", "status"],
    &["boom", "vendor"],
    &["takeoff"],
    &["plan"],
    &["status"],
    &["kubeconfig"],
    &["check"],
    &["api"],
    &["teardown"],
    &["nodes", "list"],
    &["nodes", "exec"],
    &["nodes", "shell"],
    &["file", "print"],
    &["file", "edit"],
    &["configure"],
];

#[test]
fn short_help_fits_on_a_screen_and_begins_with_examples() {
    let orb = Orb::with(&[("orbiter.yml", "")]);
    for command in COMMANDS {
        let short = orb.orbctl(&[command, &["-h"]].concat()).ok();
        let lines: Vec<&str> = short.lines().collect();
        assert!(lines.len() <= 24, "{} lines: {short}", lines.len());
        assert!(lines.iter().all(|it| it.chars().count() <= 110), "{short}");
        let place = |text: &str| lines.iter().position(|it| it.starts_with(text));
        assert!(place("Example").is_some_and(|it| it <= 5), "{short}");
        let long = orb.orbctl(&[command, &["--help"]].concat()).ok();
        assert!(long.contains("--orbconfig <FILE>") && long.len() > short.len(), "{long}");
    }
}

#[test]
fn every_command_says_what_it_does() {
    let orb = Orb::with(&[("orbiter.yml", "")]);
    insta::assert_snapshot!("help", orb.orbctl(&["-h"]).ok());
    insta::assert_snapshot!("help_plan", orb.orbctl(&["plan", "--help"]).ok());
}

#[test]
fn wrong_usage_ends_with_2() {
    let orb = Orb::with(&[("orbiter.yml", "")]);
    for wrong in
        [&["plam"][..], &["plan", "--outptu", "json"], &["nodes", "exec"], &["takeoff", "--timeout", "soon"]]
    {
        let said = orb.orbctl(wrong);
        assert_eq!((said.code, said.out().as_str()), (Some(2), ""), "{wrong:?}: {said:?}");
    }
    assert!(orb.orbctl(&["plam"]).stderr.contains("'plan'"));
}
