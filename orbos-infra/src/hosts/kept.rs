//! What a machine need not read again: packages, small texts and files' contents, as long as nothing about their files
//! changed.
//!
//! Their names, inodes, sizes and times are asked for with every look, and the machine itself compares them with those
//! that ORBITER remembers. What the kernel and systemd know is never remembered, but for how much disk is free.

use std::{collections::BTreeSet, time::Duration};

use orbos_ssh::quote;

use super::{
    observe::{files, live_texts, words},
    parse::micros,
};
use crate::{
    host::{Fingerprint, HostGoal},
    plan::fingerprint,
};

/// How much older than a look a file's times have to be, so that every later change gives it other ones. Some file
/// systems know times to two seconds only.
const SETTLED: i64 = 2_000_000;
/// How long an answer counts. What is written through a mapping into memory may not change a file's times at once.
const LONGEST: Duration = Duration::from_secs(3600);
/// How long what is sent along may be, in bytes; a command has to fit into one argument of a program.
const MOST: usize = 32 << 10;

/// A file that the kernel makes up for every process, with the moment of the first question as its times: so `stat` tells the
/// machine's clock besides, to a few milliseconds.
const CLOCK: &str = "/proc/self/stat";

/// The parts of an answer that are remembered.
pub(super) const PARTS: [&str; 3] = ["stat", "tables", "hashes"];
/// Those that are remembered too of a machine on which ORBOS put something. Before that it matters who listens and how
/// much disk is free, and neither shows in a file's times.
pub(super) const PARTS_IN_USE: [&str; 2] = ["disk", "texts"];

/// What a machine said about packages, small texts and files, and by what it can tell that they are still the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    question: Fingerprint,
    /// Since 1970, by ORBITER's clock.
    asked: Duration,
    pub(super) said: Box<str>,
    print: usize,
}

impl Kept {
    /// What may be remembered of an answer; `None`: something changed so shortly before that its times prove nothing.
    ///
    /// `said` are those [parts](PARTS), and [these](PARTS_IN_USE) if they may be remembered; `clock` is the machine's
    /// time when it began to look, in microseconds since 1970, and `asked` ORBITER's.
    pub(super) fn of(said: String, goal: &HostGoal, clock: i64, asked: Duration) -> Option<Self> {
        let print = said.find("\n= stat ")?;
        let times = said[..print].lines().skip(1).flat_map(|it| it.split(' ').skip(3).take(2));
        let settled = |it: &str| micros(it).is_some_and(|it| it.saturating_add(SETTLED) <= clock);
        (print <= MOST && times.into_iter().all(settled)).then(|| Self {
            question: question(goal),
            asked,
            said: said.into_boxed_str(),
            print,
        })
    }

    /// Whether it still counts, and is the answer to the question of this goal.
    pub(super) fn holds(&self, goal: &HostGoal, now: Duration) -> bool {
        now.checked_sub(self.asked).is_some_and(|it| it < LONGEST) && self.question == question(goal)
    }

    /// Whether small texts and the free disk are remembered too.
    pub(super) fn has_texts(&self) -> bool {
        self.said.contains("\n= texts ")
    }

    fn print(&self) -> &str {
        &self.said[..self.print]
    }
}

/// What the answer depends on besides the machine.
fn question(goal: &HostGoal) -> Fingerprint {
    let Question { ask, tell } = Question::new(goal, None, "");
    fingerprint(&(ask + &tell))
}

/// How a machine is asked for all this, in two pieces of a script.
pub(super) struct Question {
    /// Sets `now`, the machine's clock, and what is compared.
    pub(super) ask: String,
    /// Prints those [parts](PARTS), or only a line that says that they are as they were; and small texts, or if they are
    /// remembered only what the kernel says.
    pub(super) tell: String,
}

impl Question {
    /// `texts` prints what small texts say.
    ///
    /// Files are asked for before any of them is read: what changes in between looks changed the next time.
    /// The boot's id is among what is compared: another machine, and another run of this one, tells everything.
    pub(super) fn new(goal: &HostGoal, known: Option<&Kept>, texts: &str) -> Self {
        let hashed: Vec<&str> = goal
            .firewall
            .iter()
            .map(|_| files::FIREWALL_BOOT)
            .chain(goal.files.keys().map(String::as_str))
            .collect();
        let stated = hashed.iter().copied().chain(goal.artifacts.keys().map(String::as_str));
        let stated = words(stated.chain(files::STORED));
        let ask = format!(
            "read -r boot <{}; read -r kernel </proc/sys/kernel/osrelease
print=$(stat -L -c '%d %i %a %.9Y %.9Z %s %F|%n' -- {CLOCK} {stated} \
         /var/lib/dpkg/status /var/lib/dpkg/updates /lib/modules/$kernel/modules.builtin 2>/dev/null); status=$?
clock=${{print%%\n*}}; now=${{clock#* * * * }}; now=${{now%% *}}
print=\"$boot${{print#\"$clock\"}}\"
",
            files::BOOT_ID,
        );
        let hashes =
            if hashed.is_empty() { ":" } else { &format!("sha256sum -- {} 2>/dev/null", words(&hashed)) };
        let all = format!(
            "printf '%s\\n' \"$print\"; echo \"= stat $status\"\n{}{hashes}; echo \"= hashes $?\"\n",
            tables_script(&goal.packages, &goal.modules)
        );
        let Some(known) = known else { return Self { ask, tell: texts.to_owned() + &all } };
        let same = format!("if [ \"$print\" = {} ]; then echo '= same 0'", quote(known.print()));
        let tell = if known.has_texts() {
            let live = words(live_texts(&goal.sysctls));
            format!("{same}\ngrep -asH '' {live}; echo \"= live $?\"\nelse\n{texts}{all}fi\n")
        } else {
            format!("{texts}{same}; else\n{all}fi\n")
        };
        Self { ask, tell }
    }
}

/// One process reads what the kernel and dpkg keep as tables: which modules are built in, and which packages there
/// are. Asking `dpkg-query` takes several times as long as all else together.
///
/// What dpkg has not yet merged into its table of packages lies beside it, and may be merged while it is read; then it
/// is read again.
fn tables_script(packages: &BTreeSet<String>, modules: &BTreeSet<String>) -> String {
    format!(
        r#"tables() {{
set --
for it in /lib/modules/$kernel/modules.builtin /var/lib/dpkg/status /var/lib/dpkg/updates/[0-9]*
do [ ! -r $it ] || set -- "$@" $it; done
awk -v packages={} -v modules={} '
BEGIN {{
  count = split(packages, list); for (at = 1; at <= count; at++) package[list[at]] = 1
  count = split(modules, list); for (at = 1; at <= count; at++) module[list[at]] = 1
}}
function stanza() {{ if (name != "") print "package", name, architecture, version, status; name = "" }}
FNR == 1 {{ stanza(); split(FILENAME, folder, "/") }}
folder[2] == "lib" {{ sub(/.*\//, ""); sub(/\.ko.*/, ""); gsub(/-/, "_"); if ($0 in module) print "module", $0; next }}
/^Package: / {{ stanza(); name = $2 in package ? $2 : ""; architecture = version = status = "-" }}
name == "" {{ next }}
/^Architecture: / {{ architecture = $2 }}
/^Status: / {{ status = $2 " " $3 " " $4 }}
/^Version: / {{ version = $2 }}
END {{ stanza() }}
' "$@"
}}
tables || tables; echo "= tables $?"
"#,
        quote(&packages.iter().map(String::as_str).collect::<Vec<_>>().join(" ")),
        quote(&super::observe::module_names(modules).collect::<Vec<_>>().join(" ")),
    )
}
