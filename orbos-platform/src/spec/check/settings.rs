//! What is said about all tools, and BOOM itself.

use orbos_state::FieldPath;

use super::{Wrong, shapes, words};
use crate::spec::{BoomSettings, BoomSpec, Folder, GuardSettings, ImageSettings};

pub(super) fn check(spec: &BoomSpec, at: &FieldPath, wrong: &mut Wrong) {
    if let Some(it) = &spec.boom {
        boom(it, &at.join("boom"), wrong);
    }
    if let Some(why) = spec.current_state_path.as_deref().and_then(words::not_in_the_repository) {
        let hint = "it is a folder of the repository, like `caos-internal/boom`";
        wrong.add(at.join("currentStatePath"), format!("the path cannot be used: {why}"), hint);
    }
    for (key, it) in [("preApply", &spec.pre_apply), ("postApply", &spec.post_apply)] {
        if let Some(it) = it {
            folder(it, &at.join(key), wrong);
        }
    }
    if let Some(it) = &spec.images {
        images(it, &at.join("images"), wrong);
    }
    if let Some(it) = &spec.guard {
        guard(it, &at.join("guard"), wrong);
    }
}

fn boom(it: &BoomSettings, at: &FieldPath, wrong: &mut Wrong) {
    let BoomSettings {
        version,
        node_selector: _,
        tolerations,
        resources,
        custom_image_registry,
        self_reconciling,
    } = it;
    shapes::tolerations(tolerations, at, wrong);
    shapes::resources(resources.as_ref(), at, wrong);
    if *self_reconciling && version.as_deref().is_none_or(str::is_empty) {
        let hint = "add the `version` that BOOM shall have, or remove `selfReconciling`";
        wrong.add(at.join("selfReconciling"), "BOOM cannot replace itself by no version", hint);
    }
    registry(custom_image_registry.as_deref(), at.join("customImageRegistry"), wrong);
}

fn folder(Folder { deploy, folder }: &Folder, at: &FieldPath, wrong: &mut Wrong) {
    if *deploy && folder.is_empty() {
        wrong.add(
            at.clone(),
            "`folder` is missing",
            "name a folder of the repository, or remove `deploy: true`",
        );
    }
    if let Some(why) = words::not_in_the_repository(folder) {
        let hint = "it is a folder of the repository, like `manifests/first`";
        wrong.add(at.join("folder"), format!("the path cannot be used: {why}"), hint);
    }
}

fn images(ImageSettings { mirror, pull_secrets }: &ImageSettings, at: &FieldPath, wrong: &mut Wrong) {
    registry(mirror.as_deref(), at.join("mirror"), wrong);
    wrong.words(&at.join("pullSecrets"), pull_secrets);
}

fn registry(it: Option<&str>, at: FieldPath, wrong: &mut Wrong) {
    if let Some(what) = it.and_then(words::not_of_a_repository) {
        let hint = "it is a registry, maybe with a path, like `registry.example.com/mirror`";
        wrong.add(at, format!("the registry has {what}"), hint);
    }
}

fn guard(GuardSettings { share, allow }: &GuardSettings, at: &FieldPath, wrong: &mut Wrong) {
    if let Some(share) = share.filter(|it| !(0.0..=1.0).contains(it)) {
        wrong.add(
            at.join("share"),
            format!("{share} is no share"),
            "it is from 0 to 1; `0.5` is half of all objects",
        );
    }
    wrong.words(&at.join("allow"), allow);
}
