//! `orbctl secrets generate`.
#![expect(clippy::print_stdout, reason = "what was made is the answer")]

use std::{cell::RefCell, collections::BTreeMap};

use anyhow::Result;
use orbos::{
    Code, Session,
    secrets::{Inventory, Item, write_value},
};
use orbos_secrets::{Content, Generator, Place, SlotKind, Spot, generate::OsRng, list_slots};
use orbos_state::{Edit, Error, FieldPath, Limits, Segment, Snapshot, update};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which ones; all that are missing if none is named.
    paths: Vec<String>,
}

pub(crate) async fn run(session: &Session, args: &Args) -> Result<Code> {
    let made = RefCell::default();
    let revision = update(session.repository.as_ref(), &Limits::default(), |newest| {
        let (edit, paths) = generated(session, newest, &args.paths)?;
        made.replace(paths);
        Ok(edit)
    })
    .await?;
    for path in made.take() {
        println!("{path} is made");
    }
    match revision {
        Some(revision) => println!("in commit {}", revision.short()),
        None => println!("nothing is missing that can be made"),
    }
    Ok(Code::Done)
}

/// The commit, and the paths of what is made.
fn generated(
    session: &Session,
    newest: &Snapshot,
    names: &[String],
) -> Result<(Option<Edit>, Vec<String>), Error> {
    let inventory = Inventory::read(&session.orb, newest);
    inventory.complete()?;
    let wanted = wanted(&inventory, names)?;
    if wanted.is_empty() {
        return Ok((None, Vec::new()));
    }
    let unlocked = session.unlock(newest)?;
    let cipher = session.cipher_with(unlocked.key.clone());
    let (mut texts, mut paths) = (BTreeMap::new(), Vec::new());
    for item in wanted {
        let Place { file, .. } = &item.place;
        let text = texts
            .entry(file.as_str())
            .or_insert_with(|| newest.text(file).map(str::to_owned).unwrap_or_default());
        for (field, path, sealed) in make(item, &inventory, &cipher)? {
            *text = write_value(text, &field, None, &sealed)?;
            paths.push(path);
        }
    }
    let edit = Edit::new("Secrets generated");
    let edit = texts.into_iter().fold(edit, |edit, (file, text)| edit.write(file, text));
    let edit = if unlocked.created { unlocked.write(edit)? } else { edit };
    Ok((Some(edit), paths))
}

fn wanted<'a>(inventory: &'a Inventory, names: &[String]) -> Result<Vec<&'a Item>, Error> {
    let can_be_made = |it: &Item| matches!(it.slot.map(|it| it.kind), Some(SlotKind::Generated(_)));
    if names.is_empty() {
        let missing = |it: &&Item| it.content == Content::Missing && can_be_made(it);
        return Ok(inventory.items.iter().filter(missing).collect());
    }
    let named = names.iter().map(|name| {
        let item = inventory.find(name)?;
        match &item.content {
            _ if !can_be_made(item) => {
                Err(Error::unsupported(item.shown(), "it cannot be made; set it with `orbctl secrets set`"))
            }
            Content::Missing => Ok(item),
            _ => Err(Error::invalid(item.shown(), "something is there already; remove it first")),
        }
    });
    named.collect()
}

type Made = Vec<(FieldPath, String, orbos_secrets::Sealed)>;

fn make(item: &Item, inventory: &Inventory, cipher: &dyn orbos_secrets::Cipher) -> Result<Made, Error> {
    let slot = item.slot.expect("only slots are made");
    let sibling = match slot.kind {
        SlotKind::Generated(Generator::SshKeyPair { public }) => {
            item.field.parent().map(|it| it.join(public))
        }
        _ => None,
    };
    let beside = inventory.items.iter().find(|it| Some(&it.field) == sibling.as_ref());
    if let Some(beside) = beside.filter(|it| it.content != Content::Missing) {
        let why = "the public part is there, but its private part is missing; a new pair would shut ORBITER out of \
                   every machine that is in use. Put the private one back, or remove the public one";
        return Err(Error::invalid(beside.shown(), why));
    }
    // A document that has nothing but this slot.
    let last = item.field.segments().last().cloned();
    let name = match last {
        Some(Segment::Key(name)) => name,
        _ => return Err(Error::unsupported(item.shown(), "an item of a list cannot be made")),
    };
    let above = item.field.parent().expect("a slot stands below something");
    let path = item.place.path.strip_suffix(&format!(".{name}")).unwrap_or_default();
    let place = Place { path: path.to_owned(), ..item.place.clone() };
    let empty = orbos_secrets::Tree::Map(Vec::new());
    let alone = orbos_secrets::Slot { path: slot.path.rsplit('.').next().unwrap_or(slot.path), ..slot };
    let spot: Spot = list_slots(&[alone], &empty).remove(0);
    let failed =
        |error| Error::failed(format!("making {}", item.shown()), "nothing was written").because(error);
    let made = spot.generate(&place, cipher, &mut OsRng).map_err(failed)?;
    let field = |name: &str| above.join(name);
    let address = |name: &str| Item { place: place.below(name), ..item.clone() }.address();
    Ok(made.into_iter().map(|it| (field(&it.path), address(&it.path), it.sealed)).collect())
}
