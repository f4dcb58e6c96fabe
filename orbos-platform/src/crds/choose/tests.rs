use super::*;

const fn kind(kind: &'static str, plural: &'static str) -> DefinedKind {
    DefinedKind { group: "example.com", kind, plural, version: "v1", namespaced: true }
}

static BUNDLE: CrdBundle = CrdBundle {
    name: "pages",
    version: "2.0.0",
    url: "https://example.com/crds.yaml",
    sha256: None,
    kinds: &[kind("Book", "books"), kind("Page", "pages")],
};

/// What a test has; by default nothing.
#[derive(Default)]
struct World {
    installed: BTreeMap<String, Installed>,
    vendored: BTreeMap<String, Manifests>,
    fetched: BTreeMap<String, Vec<u8>>,
    allow_permissive: bool,
}

impl World {
    fn has(mut self, plural: &str, ours: bool, versions: &[&str]) -> Self {
        let versions = versions.iter().map(|it| (*it).to_owned()).collect();
        self.installed.insert(format!("{plural}.example.com"), Installed { ours, versions, release: None });
        self
    }

    fn vendored(mut self, file: &str) -> Self {
        let file = Manifests::parse(&[Source::new("pages.yaml", file)]).expect("it is right");
        self.vendored.insert("pages".to_owned(), file);
        self
    }

    fn fetched(mut self, file: &str) -> Self {
        self.fetched.insert("pages".to_owned(), file.as_bytes().to_vec());
        self
    }

    fn permissive(mut self) -> Self {
        self.allow_permissive = true;
        self
    }

    fn choose<'a>(&self, bundle: &'a CrdBundle) -> Chosen<'a> {
        let Self { installed, vendored, fetched, allow_permissive } = self;
        let sources =
            Sources { installed, vendored, fetched, minor: 35, allow_permissive: *allow_permissive };
        choose(&[bundle, bundle], &sources).remove(0)
    }
}

/// Definitions as a file of the repository has them, and one object that is none.
fn file(definitions: &[(&str, &str)]) -> String {
    let definition = |(plural, version): &(&str, &str)| {
        format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
             metadata: {{ name: {plural}.example.com }}\n\
             spec: {{ versions: [{{ name: {version}, served: true, storage: true }}] }}\n---\n",
        )
    };
    let all: String = definitions.iter().map(definition).collect();
    format!("{all}apiVersion: v1\nkind: Namespace\nmetadata: {{ name: pages }}\n")
}

fn both() -> String {
    file(&[("books", "v1"), ("pages", "v1")])
}

fn names(chosen: &Chosen<'_>) -> Vec<String> {
    chosen.apply.iter().map(|it| it.object().name.clone()).collect()
}

fn missing(chosen: Chosen<'_>) -> String {
    assert!(chosen.apply.is_empty(), "nothing is applied for a tool that waits");
    match chosen.choice {
        Choice::Missing(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_somebody_else_defined_is_kept_whatever_else_is_at_hand() {
    let world = World::default().has("books", false, &["v1"]).has("pages", false, &["v1", "v2"]);
    let chosen = world.vendored(&both()).permissive().choose(&BUNDLE);
    assert_eq!((chosen.choice.clone(), names(&chosen), chosen.keep.len()), (Choice::Kept, vec![], 0));
}

#[test]
fn what_somebody_else_defined_in_another_version_makes_the_tool_wait() {
    let world = World::default().has("books", false, &["v1beta1"]).has("pages", false, &["v1"]);
    assert_eq!(
        missing(world.vendored(&both()).choose(&BUNDLE)),
        "somebody else defined books.example.com as v1beta1, but it is needed as v1",
    );
}

#[test]
fn the_repository_goes_before_what_was_fetched() {
    let chosen = World::default().vendored(&both()).fetched("nonsense").choose(&BUNDLE);
    assert_eq!(chosen.choice, Choice::Vendored);
    assert_eq!(names(&chosen), ["books.example.com", "pages.example.com"]);
    assert_eq!(chosen.apply[0].value()["metadata"]["labels"][VERSION], "2.0.0");
}

#[test]
fn what_is_ours_is_applied_again_from_the_repository() {
    let world = World::default().has("books", true, &["v1"]).has("pages", true, &["v1"]);
    let chosen = world.vendored(&both()).choose(&BUNDLE);
    assert_eq!((chosen.choice.clone(), names(&chosen).len(), chosen.keep.len()), (Choice::Vendored, 2, 0));
}

#[test]
fn what_is_ours_and_no_longer_in_the_repository_is_kept_and_not_pruned() {
    let world =
        World::default().has("books", true, &["v1"]).has("pages", true, &["v1"]).has("more", true, &["v1"]);
    let chosen = world.permissive().choose(&BUNDLE);
    assert_eq!((chosen.choice.clone(), names(&chosen)), (Choice::Kept, vec![]));
    let keep: Vec<_> = chosen.keep.iter().collect();
    assert_eq!(keep, ["books.example.com", "more.example.com", "pages.example.com"]);
}

#[test]
fn what_is_ours_stays_while_the_tool_waits() {
    let chosen = World::default().has("books", true, &["v1"]).choose(&BUNDLE);
    assert!(chosen.keep.contains("books.example.com"));
    assert!(
        missing(chosen)
            .starts_with("the cluster has no pages.example.com; put https://example.com/crds.yaml")
    );
}

#[test]
fn a_file_lends_only_what_is_not_somebody_elses() {
    let world = World::default().has("books", false, &["v1"]);
    let chosen = world.vendored(&both()).choose(&BUNDLE);
    assert_eq!(
        (chosen.choice.clone(), names(&chosen)),
        (Choice::Vendored, vec!["pages.example.com".to_owned()])
    );
}

#[test]
fn a_file_that_lacks_a_kind_or_its_version_makes_the_tool_wait() {
    for written in [file(&[("books", "v1")]), file(&[("books", "v1"), ("pages", "v1beta1")])] {
        let why = missing(World::default().vendored(&written).permissive().choose(&BUNDLE));
        assert_eq!(why, format!("{} does not define pages.example.com as v1", BUNDLE.vendored_path()));
    }
}

#[test]
fn what_is_ours_never_becomes_older() {
    let world = World::default().has("books", true, &["v1", "v2"]).has("pages", true, &["v1"]);
    let chosen = world.vendored(&both()).choose(&BUNDLE);
    assert_eq!(names(&chosen), ["pages.example.com"]);
    assert!(chosen.keep.contains("books.example.com"));
}

#[test]
fn what_is_ours_and_too_old_is_replaced_from_the_repository_only() {
    let world = || World::default().has("books", true, &["v1"]).has("pages", true, &["v1alpha1", "v1beta1"]);
    assert_eq!(names(&world().vendored(&both()).choose(&BUNDLE)).len(), 2);
    let why = missing(world().permissive().choose(&BUNDLE));
    assert!(
        why.starts_with("pages.example.com is defined as v1alpha1, v1beta1, but it is needed as v1; put"),
        "{why}"
    );
}

#[test]
fn what_was_fetched_has_to_be_what_was_pinned() {
    let digest: String = Sha256::digest(both()).iter().map(|it| format!("{it:02x}")).collect();
    let digest: &'static str = digest.leak();
    let pinned = CrdBundle { sha256: Some(digest), ..BUNDLE };
    let chosen = World::default().fetched(&both()).choose(&pinned);
    assert_eq!((chosen.choice.clone(), names(&chosen).len()), (Choice::Fetched, 2));
    let why = missing(World::default().fetched("other").permissive().choose(&pinned));
    let other = "d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa";
    assert!(why.contains(other) && why.contains(digest), "{why}");
    let why = missing(World::default().fetched(&both()).choose(&BUNDLE));
    assert!(why.contains(digest) && why.contains("none is pinned"), "{why}");
}

#[test]
fn what_the_cluster_lacks_is_defined_without_a_schema_if_a_human_allows_it() {
    let chosen = World::default().has("books", true, &["v1"]).permissive().choose(&BUNDLE);
    assert_eq!(
        (chosen.choice.clone(), names(&chosen)),
        (Choice::Permissive, vec!["pages.example.com".to_owned()])
    );
    assert!(chosen.keep.contains("books.example.com"), "it may have a schema");
}

#[test]
fn only_what_is_pinned_and_lacking_or_of_another_version_is_fetched() {
    let pinned = CrdBundle { sha256: Some("0"), ..BUNDLE };
    let fetches =
        |bundle: &CrdBundle, world: &World| to_fetch(&[bundle], &world.installed, &world.vendored).len();
    let has = |ours| World::default().has("books", ours, &["v1"]).has("pages", ours, &["v1"]);
    assert_eq!(fetches(&BUNDLE, &World::default()), 0, "nobody could tell whether it is right");
    assert_eq!(fetches(&pinned, &World::default()), 1);
    assert_eq!(fetches(&pinned, &World::default().vendored(&both())), 0);
    assert_eq!(fetches(&pinned, &has(false)), 0);
    assert_eq!(fetches(&pinned, &has(true)), 1, "it is of another version");
    let mut world = has(true);
    world.installed.values_mut().for_each(|it| it.release = Some("2.0.0".to_owned()));
    assert_eq!(fetches(&pinned, &world), 0);
}

#[test]
fn versions_are_ordered_as_kubernetes_does() {
    let mut versions = ["v1", "v2alpha1", "v10", "v1beta2", "v2", "v1beta10"];
    versions.sort_by_key(|it| rank(it));
    assert_eq!(versions, ["v2alpha1", "v1beta2", "v1beta10", "v1", "v2", "v10"]);
}
