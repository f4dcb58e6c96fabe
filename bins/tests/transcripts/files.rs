//! `file print` and `file edit` with editors that are scripts.

use std::fs;

use crate::{
    fixture::{Orb, Said, text},
    orb::ORBITER,
};

fn edit(orb: &Orb, editor: &str) -> Said {
    orb.orbctl_with(&["file", "edit", "orbiter.yml"], &[("EDITOR", editor)], None)
}

fn kept(said: &Said) -> String {
    let place = said.out().lines().find_map(|it| Some(it.split_once("kept in ")?.1.to_owned()));
    fs::read_to_string(place.unwrap_or_else(|| panic!("nothing is kept: {said:?}"))).expect("it is there")
}

#[test]
fn an_edit_is_one_commit_and_nothing_else_is_none() {
    let orb = Orb::with(&[("orbiter.yml", ORBITER)]);
    assert_eq!(orb.orbctl(&["file", "print", "orbiter.yml"]).ok(), ORBITER);
    let before = orb.commits();
    assert_eq!(edit(&orb, "true").ok(), "unchanged\n");
    let failed = edit(&orb, "false");
    assert!(failed.code == Some(1) && failed.stderr.contains("nothing was committed"), "{failed:?}");
    assert_eq!(orb.commits(), before);
    edit(&orb, "sed -i s/v1.20.2/v1.20.4/").ok();
    assert_eq!(orb.file("orbiter.yml"), ORBITER.replace("v1.20.2", "v1.20.4"));
    assert_eq!(orb.commits(), before + 1);
}

#[test]
fn a_text_with_mistakes_is_kept_and_not_committed() {
    let orb = Orb::with(&[("orbiter.yml", ORBITER)]);
    let before = orb.commits();
    let said = edit(&orb, "sed -i s/v1.20.2/v1.12.0/");
    assert_eq!(said.code, Some(6), "{said:?}");
    assert_eq!(kept(&said), ORBITER.replace("v1.20.2", "v1.12.0"));
    assert_eq!(orb.commits(), before);
}

#[test]
fn whoever_is_slower_keeps_the_text() {
    let orb = Orb::with(&[("orbiter.yml", ORBITER)]);
    let work = orb.path("other");
    let who = "git -c user.name=o -c user.email=o@example.com";
    let meanwhile = |path: &str| {
        format!(
            "#!/bin/sh\nset -e\nexec >&2\nrm -rf {work}; git clone -q {repository} {work}\n\
             echo '# theirs' >> {work}/{path}; cd {work}; {who} add .; {who} commit -qm other; git push -q origin HEAD:main\n\
             sed -i s/v1.20.2/v1.20.4/ \"$1\"\n",
            work = text(&work),
            repository = text(&orb.repository()),
        )
    };
    let script = orb.write("editor.sh", &meanwhile("other.yml"));
    edit(&orb, &format!("sh {}", text(&script))).ok();
    assert!(orb.file("orbiter.yml").contains("v1.20.4"), "another file is no conflict");
    orb.write("editor.sh", &meanwhile("orbiter.yml").replace("v1.20.2/v1.20.4", "v1.20.4/v1.21.0"));
    let said = edit(&orb, &format!("sh {}", text(&script)));
    assert_eq!(said.code, Some(5), "{said:?}");
    assert_eq!(kept(&said), ORBITER.replace("v1.20.2", "v1.21.0"));
    assert!(orb.file("orbiter.yml").contains("# theirs"));
}
