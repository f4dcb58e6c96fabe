//! What is wrong in a file, shown where it is.

use std::{collections::BTreeSet, error::Error as StdError, fmt};

use serde::Serialize;

use crate::{Error, FieldPath, Result};

/// One file of the repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Its path in the repository, `/` between folders.
    pub path: String,
    /// What it says.
    pub text: String,
}

impl Source {
    /// A file with this path and text.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, but somebody should look at it.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Mark {
    /// Counted from 1.
    pub(crate) line: usize,
    /// Counted from 1, in characters.
    pub(crate) column: usize,
    /// Characters to underline, at least 1.
    pub(crate) width: usize,
}

impl Mark {
    pub(crate) const START: Self = Self { line: 1, column: 1, width: 1 };
}

/// Something that is wrong in a document, said by a rule that knows fields but no files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The field, from the document's root; as far down as exists in the file is what gets shown.
    pub path: FieldPath,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What would be right; absent if the message says it already.
    pub hint: Option<String>,
    /// The code of the diagnostic it becomes.
    pub code: &'static str,
}

impl Mistake {
    /// A mistake at a path like `spec.pools.masters[0].ip`, with the code of broken rules.
    ///
    /// A path that cannot be read stands for the document itself.
    pub fn new(path: &str, message: impl Into<String>) -> Self {
        Self::at(path.parse().unwrap_or_default(), message)
    }

    /// A mistake at a path, with the code of broken rules.
    pub fn at(path: FieldPath, message: impl Into<String>) -> Self {
        Self { path, message: message.into(), hint: None, code: code::RULE }
    }

    /// Adds what would be right.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The codes of what can be wrong with files: `ORB-1…`.
pub mod code {
    /// The file is larger than the limit.
    pub const TOO_LARGE: &str = "ORB-1001";
    /// The file is not there.
    pub const NO_FILE: &str = "ORB-1002";
    /// The file is not text.
    pub const NOT_TEXT: &str = "ORB-1003";
    /// The file is not YAML.
    pub const SYNTAX: &str = "ORB-1101";
    /// A key stands twice in one mapping.
    pub const DUPLICATE: &str = "ORB-1102";
    /// The file would grow beyond the limit when its aliases are followed.
    pub const TOO_MANY_NODES: &str = "ORB-1103";
    /// The file is YAML, but in a form that has no place here.
    pub const FORM: &str = "ORB-1104";
    /// There are more mistakes than are shown.
    pub const TOO_MANY: &str = "ORB-1105";
    /// `kind` or `version` is missing.
    pub const NO_KIND: &str = "ORB-1201";
    /// Nobody knows this kind, or it has no place here.
    pub const KIND: &str = "ORB-1202";
    /// The kind is known, but not in this version.
    pub const VERSION: &str = "ORB-1203";
    /// A field that the kind does not have.
    pub const UNKNOWN_FIELD: &str = "ORB-1204";
    /// A field that has to be there.
    pub const MISSING_FIELD: &str = "ORB-1205";
    /// A mapping where a number should be, and the like.
    pub const TYPE: &str = "ORB-1206";
    /// The right type, but not a value that is allowed.
    pub const VALUE: &str = "ORB-1207";
    /// A rule that spans more than one field.
    pub const RULE: &str = "ORB-1301";
}

/// One thing that is wrong in a file.
///
/// Prints as the compiler does: code and message, file with line and column, the line itself, help.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Diagnostic {
    /// Stable name of what is wrong, see [`code`].
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// The file, by its path in the repository.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// Characters to underline, at least 1.
    pub width: usize,
    /// The field; the root if the whole file is meant.
    pub path: FieldPath,
    /// The line as it stands in the file, cut if it is very long; empty if the file has no such line.
    pub line_text: String,
    /// What would be right, or what to do.
    pub hint: Option<String>,
}

/// Characters of a line that are shown; the rest is cut.
const SHOWN: usize = 120;

impl Diagnostic {
    /// Something wrong with a file as a whole.
    pub fn of_file(code: &'static str, file: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(code, &Source::new(file, ""), Mark::START, FieldPath::root(), message)
    }

    pub(crate) fn new(
        code: &'static str,
        source: &Source,
        mark: Mark,
        path: FieldPath,
        message: impl Into<String>,
    ) -> Self {
        let line = source.text.split('\n').nth(mark.line.saturating_sub(1)).unwrap_or_default();
        let line = line.trim_end_matches('\r');
        let mut line_text: String = line.chars().take(SHOWN.max(mark.column + 20)).collect();
        if line_text.len() < line.len() {
            line_text.push('…');
        }
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            file: source.path.clone(),
            line: mark.line,
            column: mark.column,
            width: mark.width.max(1),
            path,
            line_text,
            hint: None,
        }
    }

    /// Adds what would be right.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Makes it a warning.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Hides the line from a column on, because a secret may stand there.
    pub(crate) fn veiled(mut self, column: usize) -> Self {
        let indent = self.line_text.chars().take_while(|it| it.is_whitespace()).count() + 1;
        let column = column.max(indent);
        let shown: String = self.line_text.chars().take(column - 1).collect();
        self.line_text = shown + "…";
        if self.column >= column {
            (self.column, self.width) = (column, 1);
        }
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}[{}]: {}", self.severity, self.code, self.message)?;
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        writeln!(f, "{gutter}--> {}:{}:{}", self.file, self.line, self.column)?;
        if !self.line_text.is_empty() {
            // Tabs stay tabs in front of the caret, so that it stands below what it means.
            let indent: String = self
                .line_text
                .chars()
                .take(self.column - 1)
                .map(|it| if it == '\t' { '\t' } else { ' ' })
                .collect();
            let room = self.line_text.chars().count().saturating_sub(self.column - 1).max(1);
            let carets = "^".repeat(self.width.min(room));
            writeln!(f, "{gutter} |\n{number} | {}\n{gutter} | {indent}{carets}", self.line_text)?;
        }
        if let Some(hint) = &self.hint {
            writeln!(f, "help: {hint}")?;
        }
        Ok(())
    }
}

/// Everything that is wrong in one or more files: sorted by place, nothing twice.
///
/// As an error it is made of at least one [`Diagnostic`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Nothing wrong so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one; the same at the same place is kept once.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.extend([diagnostic]);
    }

    /// Keeps the value, or notes what was wrong; so that the mistakes of several documents are
    /// reported at once.
    ///
    /// ```
    /// # use orbos_state::{Diagnostics, Document, Source};
    /// let mut wrong = Diagnostics::new();
    /// let one = wrong.keep(Document::parse(&Source::new("a.yml", "kind: A\nversion: v0\n")));
    /// let two = wrong.keep(Document::parse(&Source::new("b.yml", "kind: B\n")));
    /// assert!(one.is_some() && two.is_none());
    /// assert_eq!(wrong.into_result().unwrap_err().len(), 1);
    /// ```
    pub fn keep<T>(&mut self, result: Result<T, Diagnostics>) -> Option<T> {
        result.map_err(|wrong| self.extend(wrong)).ok()
    }

    /// Like [`keep`](Self::keep) for results that may have failed for another reason.
    ///
    /// # Errors
    ///
    /// The error, unless it is about files.
    pub fn absorb<T>(&mut self, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) => match Self::of(&error) {
                Some(wrong) => {
                    self.extend(wrong.clone());
                    Ok(None)
                }
                None => Err(error),
            },
        }
    }

    /// The mistakes inside an error, if it is about files.
    pub fn of(error: &Error) -> Option<&Self> {
        error.source()?.downcast_ref()
    }

    /// Fails if there is anything of severity [`Error`](Severity::Error).
    ///
    /// # Errors
    ///
    /// These.
    pub fn into_result(self) -> Result<(), Diagnostics> {
        if self.0.iter().any(|it| it.severity == Severity::Error) { Err(self) } else { Ok(()) }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One after the other, by file, line and column.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// One line about all of them.
    pub fn summary(&self) -> String {
        let Some(first) = self.0.first() else {
            return "nothing is wrong".to_owned();
        };
        let Diagnostic { file, line, column, message, .. } = first;
        match self.len() - 1 {
            0 => format!("{message} at {file}:{line}:{column}"),
            1 => format!("{message} at {file}:{line}:{column} and 1 more mistake"),
            more => format!("{message} at {file}:{line}:{column} and {more} more mistakes"),
        }
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, more: I) {
        self.0.extend(more);
        self.0.sort_by(|a, b| place(a).cmp(&place(b)));
        self.0.dedup();
    }
}

fn place(it: &Diagnostic) -> (&str, usize, usize, &FieldPath, &str, &str) {
    (&it.file, it.line, it.column, &it.path, it.code, &it.message)
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(diagnostics: I) -> Self {
        let mut all = Self::new();
        all.extend(diagnostics);
        all
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, diagnostic) in self.iter().enumerate() {
            if position > 0 {
                writeln!(f)?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl StdError for Diagnostics {}

impl From<Diagnostics> for Error {
    fn from(diagnostics: Diagnostics) -> Self {
        let files: BTreeSet<&str> = diagnostics.iter().map(|it| it.file.as_str()).collect();
        let files = files.into_iter().collect::<Vec<_>>().join(", ");
        Self::invalid(files, diagnostics.summary()).because(diagnostics)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_and_the_caret_stays_below() {
        let source = Source::new("a.yml", format!("\tkey: {}", "x".repeat(1000)));
        let mark = Mark { line: 1, column: 2, width: 3 };
        let text = Diagnostic::new(code::VALUE, &source, mark, FieldPath::root(), "no").to_string();
        assert!(text.contains("x…\n"), "{text}");
        assert!(text.contains("  | \t^^^\n"), "{text}");
        assert!(text.len() < 300, "{text}");
    }
}
