//! How the script's output is divided.

use std::collections::BTreeMap;

use super::super::{kernel::sysctl_path, observe::files};
use crate::host::HostGoal;

/// The lines before every `= NAME STATUS`.
pub(super) struct Sections<'a> {
    parts: BTreeMap<&'a str, (Vec<&'a str>, i32)>,
    probes: Vec<Option<String>>,
}

impl<'a> Sections<'a> {
    pub(super) fn read(output: &'a [u8]) -> Result<Self, String> {
        let mut rest = output;
        if line(&mut rest)? != "orbos-host 1" {
            return Err("the answer does not begin as expected".into());
        }
        let (mut parts, mut probes, mut lines) = (BTreeMap::new(), Vec::new(), Vec::new());
        while !parts.contains_key("end") {
            let text = line(&mut rest)?;
            if let Some(header) = text.strip_prefix("probe ") {
                probes.push(probe(header, probes.len(), &mut rest)?);
            } else if let Some(footer) = text.strip_prefix("= ") {
                let (name, status) =
                    footer.split_once(' ').ok_or_else(|| format!("the line `{text}` is cut off"))?;
                let status = status.parse().map_err(|_| format!("`{status}` is no status"))?;
                if parts.insert(name, (std::mem::take(&mut lines), status)).is_some() {
                    return Err(format!("the part `{name}` is there twice"));
                }
            } else {
                lines.push(text);
            }
        }
        if rest.is_empty() { Ok(Self { parts, probes }) } else { Err("there is more after its end".into()) }
    }

    /// A part that has to be there, with one of these statuses; none given: with any.
    pub(super) fn get(&self, name: &str, statuses: &[i32]) -> Result<&[&'a str], String> {
        let (lines, status) = self.parts.get(name).ok_or_else(|| format!("the part `{name}` is missing"))?;
        if statuses.is_empty() || statuses.contains(status) {
            return Ok(lines);
        }
        Err(format!("the part `{name}` failed with {status}"))
    }

    /// The same, but only if it was asked for.
    pub(super) fn wanted(&self, name: &str, wanted: bool, statuses: &[i32]) -> Result<&[&'a str], String> {
        if wanted { self.get(name, statuses) } else { Ok(&[]) }
    }

    /// The only line of a part.
    pub(super) fn single(&self, name: &str) -> Result<&'a str, String> {
        match self.get(name, &[0])? {
            [line] => Ok(line),
            lines => Err(format!("the part `{name}` has {} lines instead of one", lines.len())),
        }
    }

    /// What the probes said, in their order; `None`: it failed.
    pub(super) fn probes(&self, count: usize) -> Result<Vec<Option<String>>, String> {
        if self.probes.len() == count {
            return Ok(self.probes.clone());
        }
        Err(format!("it ran {} probes instead of {count}", self.probes.len()))
    }

    /// The small files.
    pub(super) fn texts(&self, goal: &HostGoal) -> Result<Texts<'a>, String> {
        let mut texts = BTreeMap::<String, Vec<&str>>::new();
        let sysctls = goal.sysctls.keys().map(|it| sysctl_path(it));
        let mut paths: Vec<String> = files::TEXTS.iter().map(|it| (*it).to_owned()).chain(sysctls).collect();
        // A path may have colons; then the longest that fits is meant.
        paths.sort_by_key(|it| std::cmp::Reverse(it.len()));
        for line in self.get("texts", &[0, 1, 2])? {
            let known = paths
                .iter()
                .find_map(|path| Some((path, line.strip_prefix(path.as_str())?.strip_prefix(':')?)));
            let (path, text) = known.ok_or_else(|| format!("the line `{line}` belongs to no file"))?;
            texts.entry(path.clone()).or_default().push(text);
        }
        Ok(Texts(texts))
    }
}

fn line<'a>(rest: &mut &'a [u8]) -> Result<&'a str, String> {
    let end = rest.iter().position(|it| *it == b'\n').ok_or("the answer is cut off")?;
    let (line, after) = rest.split_at(end);
    *rest = &after[1..];
    std::str::from_utf8(line).map_err(|_| format!("`{}` is not UTF-8", String::from_utf8_lossy(line)))
}

fn probe(header: &str, index: usize, rest: &mut &[u8]) -> Result<Option<String>, String> {
    let numbers: Vec<usize> = header.split(' ').filter_map(|it| it.parse().ok()).collect();
    let [number, status, length] = numbers[..] else {
        return Err(format!("the probe `{header}` is cut off"));
    };
    if number != index {
        return Err(format!("probe {number} is at the place of probe {index}"));
    }
    if rest.len() <= length || rest[length] != b'\n' {
        return Err(format!("the output of probe {index} is cut off"));
    }
    let said = String::from_utf8_lossy(&rest[..length]).into_owned();
    *rest = &rest[length + 1..];
    Ok((status == 0).then_some(said))
}

/// The lines of small files by path.
pub(super) struct Texts<'a>(BTreeMap<String, Vec<&'a str>>);

impl<'a> Texts<'a> {
    /// A file's lines; none if it is not there.
    pub(super) fn of(&self, path: &str) -> &[&'a str] {
        self.0.get(path).map_or(&[], Vec::as_slice)
    }

    /// The only line of a file that is on every machine.
    pub(super) fn line(&self, path: &str) -> Result<&'a str, String> {
        self.of(path).first().copied().ok_or_else(|| format!("it did not say what is in {path}"))
    }

    /// The wanted kernel parameters; a value that only differs in white space is the wanted one.
    pub(super) fn sysctls(&self, goal: &HostGoal) -> BTreeMap<String, String> {
        let plain = |it: &str| it.split_whitespace().collect::<Vec<_>>().join(" ");
        let value = |(key, wanted): (&String, &String)| {
            let seen = plain(self.of(&sysctl_path(key)).first()?);
            let value = if seen == plain(wanted) { wanted.clone() } else { seen };
            Some((key.clone(), value))
        };
        goal.sysctls.iter().filter_map(value).collect()
    }
}
