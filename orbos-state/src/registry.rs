//! From the name of a kind to what handles it.

use std::{collections::BTreeMap, fmt, sync::Arc};

use crate::{Diagnostic, Diagnostics, Document, Mistake, Result, diagnostic::code, nearest::nearest};

type Make<T, C> = Arc<dyn Fn(&Document, &C) -> Result<Box<T>> + Send + Sync>;

/// Knows how to make a driver out of a document, by kind.
///
/// `C` is what drivers are given beside their document: secrets, connections, clocks.
///
/// ```
/// use orbos_state::{Document, Registry, Source};
///
/// let registry = Registry::<dyn ToString, u16>::empty()
///     .with("example.com/A", |document, port| Ok(Box::new(format!("{} on {port}", document.kind()))));
/// let document = Document::parse(&Source::new("a.yml", "kind: example.com/A\nversion: v0\n"))?;
/// assert_eq!(registry.make(&document, &80)?.to_string(), "example.com/A on 80");
/// # Ok::<(), orbos_state::Error>(())
/// ```
pub struct Registry<T: ?Sized, C> {
    makers: BTreeMap<String, Make<T, C>>,
}

impl<T: ?Sized, C> Registry<T, C> {
    /// Knows nothing yet.
    pub fn empty() -> Self {
        Self { makers: BTreeMap::new() }
    }

    /// Adds a kind; the same kind again replaces the one before.
    #[must_use]
    pub fn with(
        mut self,
        kind: impl Into<String>,
        make: impl Fn(&Document, &C) -> Result<Box<T>> + Send + Sync + 'static,
    ) -> Self {
        self.makers.insert(kind.into(), Arc::new(make));
        self
    }

    /// The kinds it knows, sorted.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.makers.keys().map(String::as_str)
    }

    /// Whether it knows a kind.
    pub fn knows(&self, kind: &str) -> bool {
        self.makers.contains_key(kind)
    }

    /// Makes what handles this document.
    ///
    /// # Errors
    ///
    /// If nobody knows its kind: then the known ones are listed. Otherwise what making it reports.
    pub fn make(&self, document: &Document, context: &C) -> Result<Box<T>> {
        let make =
            self.makers.get(document.kind()).ok_or_else(|| Diagnostics::from(self.unknown(document)))?;
        make(document, context)
    }

    fn unknown(&self, document: &Document) -> Diagnostic {
        let kind = document.kind();
        let mut known: Vec<&str> = self.kinds().collect();
        let like = nearest(kind, known.iter().copied());
        known.sort_by_key(|it| Some(*it) != like);
        let hint = match (like, known.as_slice()) {
            (_, []) => "no kind is known here".to_owned(),
            (Some(like), [_]) => format!("did you mean `{like}`?"),
            (Some(like), [_, rest @ ..]) => format!("did you mean `{like}`? Also known: {}", listed(rest)),
            (None, all) => format!("known kinds: {}", listed(all)),
        };
        let mistake = Mistake::new("kind", format!("nobody knows the kind `{kind}` here")).hint(hint);
        document.diagnostic(Mistake { code: code::KIND, ..mistake })
    }
}

fn listed(kinds: &[&str]) -> String {
    kinds.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")
}

impl<T: ?Sized, C> Default for Registry<T, C> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T: ?Sized, C> Clone for Registry<T, C> {
    fn clone(&self) -> Self {
        Self { makers: self.makers.clone() }
    }
}

impl<T: ?Sized, C> fmt::Debug for Registry<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.kinds()).finish()
    }
}
