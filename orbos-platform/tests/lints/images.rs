//! Images: pinned, and from the mirror if there is one.

use orbos_platform::versions::IMAGES;
use serde_json::Value;

use crate::{
    known,
    world::{World, containers, id, list, template, text},
};

/// Every image of the set has a tag that stays what it is.
#[track_caller]
pub(crate) fn pinned() {
    for (tool, image) in IMAGES {
        let digits = image.tag.trim_start_matches('v');
        assert!(
            digits.starts_with(|it: char| it.is_ascii_digit()),
            "{tool}: {image:?} can become another one"
        );
        assert!(
            image.digest.is_none_or(|it| it.len() == 71 && it.starts_with("sha256:")),
            "{tool}: {image:?}"
        );
    }
}

/// Everything that looks like an image is one of the set, as it is called in this world.
pub(crate) fn found(world: &World) -> Vec<String> {
    let expected: Vec<_> = IMAGES.iter().map(|(_, it)| world.context.image(it)).collect();
    let free: Vec<_> = known::IMAGES.iter().map(|it| world.context.images.repository(it.0)).collect();
    let known = |it: &str| {
        expected.iter().any(|image| image == it)
            || free.iter().any(|free| it.starts_with(&format!("{free}:")))
    };
    let mut found = Vec::new();
    for object in world.objects.iter().filter(|it| it["kind"] != "Secret") {
        let mut images = Vec::new();
        mentioned(object, &registries(world), &mut images);
        let pod = template(object).map(|it| &it["spec"]).into_iter();
        images.extend(pod.flat_map(containers).map(|it| text(&it["image"]).to_owned()));
        found.extend(images.iter().filter(|it| !known(it)).map(|it| format!("{}: {it}", id(object))));
    }
    found
}

/// What the name of an image begins with.
fn registries(world: &World) -> Vec<String> {
    let own = IMAGES.iter().filter_map(|(_, it)| it.repository.split_once('/')).map(|it| it.0);
    let all = own.chain(["docker.io", "gcr.io", "ghcr.io", "k8s.gcr.io", "quay.io", "registry.k8s.io"]);
    all.map(str::to_owned).chain(world.context.images.mirror.clone()).map(|it| format!("{it}/")).collect()
}

/// Every image in the texts of an object: also in arguments, and where repository and tag are two fields.
fn mentioned(value: &Value, registries: &[String], images: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let words = text.split(|it: char| !it.is_ascii_alphanumeric() && !"._/:@-".contains(it));
            let image = |it: &&str| registries.iter().any(|registry| it.starts_with(registry));
            images.extend(words.filter(image).map(str::to_owned));
        }
        Value::Array(_) => list(value).for_each(|it| mentioned(it, registries, images)),
        Value::Object(fields) => {
            let two = ["repository", "tag"].map(|it| fields.get(it).and_then(Value::as_str));
            if let [Some(repository), Some(tag)] = two {
                images.push(format!("{repository}:{tag}"));
            }
            let rest = fields.iter().filter(|(key, _)| two[1].is_none() || *key != "repository");
            rest.for_each(|(_, it)| mentioned(it, registries, images));
        }
        _ => {}
    }
}
