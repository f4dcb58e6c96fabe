//! Secrets by the names that humans and scripts give them.

use orbos_infra::DESIRED;
use orbos_secrets::Place;
use orbos_state::{Error, FieldPath};

use super::{Inventory, Item, boom};

impl Inventory {
    /// The secret of this name: a path in `orbiter.yml`, `FILE:PATH`, or as the original named it:
    /// `orbiter.<provider or cluster>.<key>` or `boom.…`, with or without `.encrypted`.
    ///
    /// # Errors
    ///
    /// [`Invalid`](Error::Invalid) if there is none; [`Unsupported`](Error::Unsupported) for names of the
    /// original that mean a secret in Kubernetes.
    pub fn find(&self, name: &str) -> Result<&Item, Error> {
        if let Some(item) = self.items.iter().find(|it| it.is_called(name)) {
            return Ok(item);
        }
        if name.ends_with(".existing") {
            let why = match name.starts_with("boom.") {
                true => {
                    "what stands in Kubernetes comes with BOOM; `orbctl secrets list` shows what it refers to"
                }
                false => "secrets of ORBITER stand in its file; leave `.existing` away",
            };
            return Err(Error::unsupported(name, why));
        }
        if name.starts_with("boom.") && of_boom(name).is_none() {
            return Err(Error::unsupported(name, "this secret of BOOM is named `boom.yml:PATH`"));
        }
        let key = last(name);
        let like: Vec<String> =
            self.items.iter().filter(|it| last(&it.place.path) == key).map(Item::address).collect();
        let why = match like.as_slice() {
            [] => "there is no such secret; `orbctl secrets list` shows all".to_owned(),
            like => format!("there is no such secret; did you mean {}?", like.join(" or ")),
        };
        Err(Error::invalid(name, why))
    }

    /// The secret of this name, or a new one for a file that no known kind describes.
    ///
    /// # Errors
    ///
    /// As for [`find`](Inventory::find).
    pub fn find_or_new(&self, orb: &str, name: &str) -> Result<Item, Error> {
        let refused = match self.find(name) {
            Ok(item) => return Ok(item.clone()),
            Err(error) => error,
        };
        let name = &*of_boom(name).unwrap_or_else(|| name.to_owned());
        let Some((file, path)) = split(name) else { return Err(refused) };
        let field: FieldPath =
            path.parse().map_err(|error| Error::invalid(name, "it is no path").because(error))?;
        if field.is_root() || file == DESIRED {
            return Err(refused);
        }
        Ok(Item {
            place: Place::new(orb, file, path),
            field,
            line: None,
            content: orbos_secrets::Content::Missing,
            slot: None,
            owner: None,
        })
    }
}

impl Item {
    fn is_called(&self, name: &str) -> bool {
        let Place { file, path, .. } = &self.place;
        let name = &*of_boom(name).unwrap_or_else(|| name.to_owned());
        let (of, rest) = split(name).unwrap_or((DESIRED, name));
        if of == file && (rest == path || rest == self.field.to_string()) {
            return true;
        }
        let short = name.strip_suffix(".encrypted").unwrap_or(name);
        let (Some(owner), Some(_)) = (&self.owner, self.slot) else { return false };
        short.strip_prefix("orbiter.").and_then(|it| it.strip_prefix(owner.as_str()))
            == Some(&format!(".{}", last(path)))
    }

    /// As the original named it; absent for secrets that it did not know.
    pub fn original_name(&self) -> Option<String> {
        if self.place.file == boom::FILE {
            return boom::name_of(&self.place.path).map(|it| format!("{it}.encrypted"));
        }
        let owner = self.owner.as_ref()?;
        Some(format!("orbiter.{owner}.{}.encrypted", last(&self.place.path)))
    }
}

/// `boom.yml:PATH` for what the original named `boom.…`.
fn of_boom(name: &str) -> Option<String> {
    let path = boom::path_of(name.strip_suffix(".encrypted").unwrap_or(name))?;
    Some(format!("{}:{path}", boom::FILE))
}

fn split(name: &str) -> Option<(&str, &str)> {
    let (file, path) = name.split_once(':')?;
    [".yml", ".yaml", ".json"].iter().any(|it| file.ends_with(it)).then_some((file, path))
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}
