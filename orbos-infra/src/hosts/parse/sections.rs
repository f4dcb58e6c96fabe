//! How the script's output is divided.

use std::{collections::BTreeMap, fmt::Write as _};

use super::super::{
    kept::{self, Kept},
    kernel::sysctl_path,
    observe::{files, live_texts},
};
use crate::host::HostGoal;

/// The lines before every `= NAME STATUS`.
pub(super) struct Sections<'a> {
    parts: BTreeMap<&'a str, (Vec<&'a str>, i32)>,
    probes: Vec<Option<String>>,
    firewall: Option<&'a [u8]>,
}

impl<'a> Sections<'a> {
    /// Where the machine says that it is all the same, what it said before stands instead.
    pub(super) fn read(output: &'a [u8], known: Option<&'a Kept>) -> Result<Self, String> {
        let mut rest = output;
        if line(&mut rest)? != "orbos-host 1" {
            return Err("the answer does not begin as expected".into());
        }
        let mut sections = Self { parts: BTreeMap::new(), probes: Vec::new(), firewall: None };
        let mut lines = Vec::new();
        while !sections.parts.contains_key("end") {
            let text = line(&mut rest)?;
            if let Some(header) = text.strip_prefix("probe ") {
                sections.probes.push(probe(header, sections.probes.len(), &mut rest)?);
            } else if let Some(header) = text.strip_prefix("firewall ") {
                sections.read_firewall(header, &mut rest)?;
            } else if let Some(footer) = text.strip_prefix("= ") {
                sections.end(footer, &mut lines)?;
            } else {
                lines.push(text);
            }
        }
        if sections.is_same() {
            let known = known.ok_or("it was not told what it should be the same as")?;
            sections.recall(known)?;
        }
        if rest.is_empty() { Ok(sections) } else { Err("there is more after its end".into()) }
    }

    fn read_firewall(&mut self, header: &str, rest: &mut &'a [u8]) -> Result<(), String> {
        let length = header.parse().map_err(|_| format!("`{header}` is no length"))?;
        let said = counted(length, rest).ok_or("the firewall is cut off")?;
        let before = self.firewall.replace(said);
        if before.is_none() { Ok(()) } else { Err("the firewall is there twice".into()) }
    }

    fn recall(&mut self, known: &'a Kept) -> Result<(), String> {
        let mut lines = Vec::new();
        for text in known.said.lines() {
            match text.strip_prefix("= ") {
                Some(footer) => self.end(footer, &mut lines)?,
                None => lines.push(text),
            }
        }
        if known.has_texts() {
            let live = self.get("live", &[0, 1, 2])?.to_vec();
            if let Some((texts, _)) = self.parts.get_mut("texts") {
                texts.extend(live);
            }
        }
        Ok(())
    }

    fn end(&mut self, footer: &'a str, lines: &mut Vec<&'a str>) -> Result<(), String> {
        let (name, status) =
            footer.split_once(' ').ok_or_else(|| format!("the line `{footer}` is cut off"))?;
        let status = status.parse().map_err(|_| format!("`{status}` is no status"))?;
        if self.parts.insert(name, (std::mem::take(lines), status)).is_some() {
            return Err(format!("the part `{name}` is there twice"));
        }
        Ok(())
    }

    /// Whether packages, small texts and files are as they were.
    pub(super) fn is_same(&self) -> bool {
        self.parts.contains_key("same")
    }

    /// What may be remembered, as it said it; nothing that the kernel makes up.
    pub(super) fn said(&self) -> String {
        let managed = format!("{}:", files::MANAGED);
        let texts = self.parts.get("texts").map_or(&[][..], |it| &it.0);
        let in_use = texts.iter().any(|it| it.starts_with(&managed));
        let more: &[&str] = if in_use { &kept::PARTS_IN_USE } else { &[] };
        let mut said = String::new();
        for name in kept::PARTS.iter().chain(more) {
            if let Some((lines, status)) = self.parts.get(name) {
                for line in lines.iter().filter(|it| !it.starts_with("/proc/")) {
                    let _ = writeln!(said, "{line}");
                }
                let _ = writeln!(said, "= {name} {status}");
            }
        }
        said
    }

    /// Our table as `nft` prints it, without the end of its last line; `None`: nobody asked for it, or it is not UTF-8.
    pub(super) fn firewall(&self, goal: &HostGoal) -> Result<Option<&'a str>, String> {
        match (&goal.firewall, self.firewall) {
            (Some(_), None) => Err("the firewall is missing".into()),
            (Some(_), Some(said)) => Ok(std::str::from_utf8(said).ok()),
            (None, _) => Ok(None),
        }
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
        let others = files::STORED.iter().chain(&files::SOCKETS).map(|it| (*it).to_owned());
        let mut paths: Vec<String> = others.chain(live_texts(&goal.sysctls)).collect();
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
    let said = counted(length, rest).ok_or_else(|| format!("the output of probe {index} is cut off"))?;
    Ok((status == 0).then(|| String::from_utf8_lossy(said).into_owned()))
}

/// As many bytes, and the end of a line.
fn counted<'a>(length: usize, rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (said, after) = rest.split_at_checked(length)?;
    *rest = after.strip_prefix(b"\n")?;
    Some(said)
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
