//! Every mistake a file can have, and what a human reads then.

use orbos_state::{Diagnostics, Document, Revision, Snapshot, Source};

use proptest::prelude::*;

use crate::kinds::{Provider, parse};

const GOOD: &str = "\
kind: example.com/Provider
version: v1
spec:
  pools:
    masters:
    - id: first
      ip: 10.0.0.1
";

#[test]
fn what_is_right_is_read() {
    parse(GOOD).and_then(|it| it.read::<Provider>()).expect("nothing is wrong");
}

fn wrong(text: &str) -> Diagnostics {
    parse(text).and_then(|it| it.read::<Provider>()).expect_err("something is wrong")
}

macro_rules! bad_input {
    ($($name:ident: $text:expr;)*) => {$(
        #[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), wrong($text));
        }
    )*};
}

/// The good file with a field more below `spec`.
fn with(field: &str) -> String {
    GOOD.replace("spec:\n", &format!("spec:\n  {field}\n"))
}

bad_input! {
    an_empty_file: "";
    only_comments: "# later\n";
    not_a_mapping: "- kind: x\n";
    a_plain_text: "hello";
    two_documents: "kind: a\nversion: v0\n---\nkind: b\nversion: v0\n";
    no_kind_and_no_version: "spec: {}\n";
    a_kind_that_is_no_text: "kind: [a]\nversion:\n";
    another_kind: "kind: example.com/Other\nversion: v1\n";
    another_version: "kind: example.com/Provider\nversion: v9\nspec: {}\n";
    a_tab: "kind: example.com/Provider\nversion: v1\nspec:\n\tpools: {}\n";
    a_bracket_that_does_not_end: "kind: example.com/Provider\nversion: v1\nspec: {pools: [}\n";
    a_colon_that_is_missing: "kind: example.com/Provider\nversion v1\nspec: {}\n";
    an_alias_without_anchor: "kind: example.com/Provider\nversion: v1\nspec: *nowhere\n";
    an_alias_within_itself: "kind: example.com/Provider\nversion: v1\nspec: &a\n  pools: *a\n";
    a_tag: "kind: example.com/Provider\nversion: v1\nspec: !secret x\n";
    a_list_as_key: "kind: example.com/Provider\nversion: v1\n? [a, b]\n: c\n";
    a_merge_of_nothing: "kind: example.com/Provider\nversion: v1\nspec:\n  <<: text\n  pools: {}\n";
    keys_that_stand_twice: "kind: example.com/Provider\nversion: v1\nspec:\n  pools: {}\n  port: 1\n  port: 2\n  pools: {}\nspec: {}\n";
    an_unknown_field: &with("prot: 80");
    an_unknown_field_like_no_other: &with("something: 1");
    a_field_in_another_case: &with("Port: 80");
    a_missing_field: "kind: example.com/Provider\nversion: v1\nspec:\n  pools:\n    masters:\n    - disks: []\n";
    a_missing_section: "kind: example.com/Provider\nversion: v1\n";
    a_required_field_without_value: "kind: example.com/Provider\nversion: v1\nspec:\n  pools:\n    masters:\n    - id: a\n      ip:\n";
    a_mapping_where_a_list_belongs: "kind: example.com/Provider\nversion: v1\nspec:\n  pools:\n    masters:\n      id: first\n      ip: 10.0.0.1\n";
    a_list_where_a_mapping_belongs: "kind: example.com/Provider\nversion: v1\nspec:\n  pools:\n  - masters\n";
    a_text_where_a_number_belongs: &with("port: eighty");
    a_number_in_quotes: &with("port: \"80\"");
    a_number_that_is_too_large: &with("port: 70000");
    a_number_below_zero: &with("port: -1");
    a_fraction: &with("port: 8.5");
    not_a_number: &with("ratio: .nan");
    not_a_boolean: &with("active: maybe");
    a_boolean_in_quotes: &with("active: 'true'");
    a_word_that_is_not_known: &with("protocol: tpc");
    a_text_of_the_wrong_form: &with("image: Debian 12");
    a_list_that_is_too_long: &with("zones: [a, b, c]");
    a_tag_that_is_not_known: &with("health: {type: htp, path: /, code: 200}");
    a_field_of_another_variant: &with("health: {type: http, path: /, comand: [], code: x}");
    a_variant_without_its_tag: &with("health: {path: /, code: 200}");
    a_secret_in_the_clear: &with("token: very-secret");
    a_secret_in_an_unknown_field: &with("token: {encryption: AES256, value: x, plain: very-secret}");
    a_value_the_type_refuses: "kind: example.com/Provider\nversion: v1\nspec:\n  pools:\n    masters:\n    - {id: First, ip: 10.0.0.1}\n    - {id: ok, ip: 10.0.0.2}\n    - {id: no good, ip: 10.0.0.3}\n    workers:\n    - {id: '', ip: 10.0.0.4}\n";
    a_rule_that_spans_fields: "kind: example.com/Provider\nversion: v1\nspec:\n  pools:\n    masters:\n    - id: one\n      ip: 10.0.0.1\n    workers:\n    - id: two\n      ip: 10.0.0.1\n";
    everything_at_once: "kind: example.com/Provider\nversion: v1\nspek: {}\nspec:\n  port: 70000\n  protocol: tpc\n  active: maybe\n  pools:\n    masters:\n    - id: Wrong\n      ip: [10, 0, 0, 1]\n      disks: [a, 1, -1]\n    - idd: x\n";
}

#[test]
fn a_bomb_is_refused_before_it_goes_off() {
    let mut text =
        "kind: example.com/Provider\nversion: v1\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        text += &format!("a{level}: &a{level} [{below}]\n");
    }
    let began = std::time::Instant::now();
    insta::assert_snapshot!("a_bomb", wrong(&text));
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
}

#[test]
fn deep_nesting_is_refused() {
    let flow = format!("kind: a\nversion: v0\nx: {}", "[".repeat(100_000));
    assert_eq!(wrong(&flow).len(), 1);
    let block: String = (0..200).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    insta::assert_snapshot!("deep_nesting", wrong(&format!("kind: a\nversion: v0\n{block}")));
}

#[test]
fn a_file_of_100_mb_is_refused_before_it_is_parsed() {
    let source = Source::new("orbiter.yml", "a".repeat(100 << 20));
    let began = std::time::Instant::now();
    insta::assert_snapshot!("a_file_of_100_mb", Document::parse(&source).expect_err("it is too large"));
    assert!(began.elapsed().as_millis() < 1000, "{:?}", began.elapsed());
}

#[test]
fn thousands_of_mistakes_are_cut_short() {
    let machines: String = (0..3000).map(|it| format!("    - {{idd: m{it}, ip: 10.0.0.1}}\n")).collect();
    let wrong = wrong(&GOOD.replace("    - id: first\n      ip: 10.0.0.1\n", &machines));
    assert_eq!(wrong.len(), 201);
    let last = wrong.iter().last().expect("there are many");
    assert_eq!((last.code, last.message.as_str()), ("ORB-1105", "2800 more mistakes follow from here on"));
}

#[test]
fn files_that_cannot_be_read_are_said_so() {
    let files = Snapshot::new(
        Revision::new("1"),
        [("binary.yml", vec![0xff, 0xfe]), ("large.yml", vec![b' '; 5 << 20])],
    );
    let mut all = Diagnostics::new();
    for path in ["binary.yml", "large.yml", "missing.yml"] {
        all.keep(files.source(path));
    }
    insta::assert_snapshot!("unreadable_files", all);
}

#[test]
fn secrets_are_never_shown() {
    for text in [
        with("token: very-secret"),
        with("token: {encryption: AES256, value: x, plain: very-secret}"),
        with("token:\n    encryption: AES256\n    valu: very-secret"),
        with("token: [very-secret]"),
        with("token: {plain: very-secret, encryption: x}"),
        with("token: {value: [very-secret], encryption: x}"),
        with("token: |\n    very-secret\n    very-secret"),
        "kind: example.com/Provider\nversion: v1\nspec: {token: very-secret, prot: 1, pools: {}}\n"
            .to_owned(),
    ] {
        let shown = wrong(&text);
        assert!(!shown.to_string().contains("very-secret"), "{shown}");
        let error = orbos_state::Error::from(shown);
        assert!(
            !error.chain().contains("very-secret") && !format!("{error:?}").contains("very-secret"),
            "{error:?}"
        );
    }
}

#[test]
fn windows_line_ends_and_marks_change_nothing() {
    let text = with("prot: 80");
    let expected = wrong(&text).to_string();
    assert_eq!(wrong(&text.replace('\n', "\r\n")).to_string(), expected);
    assert_eq!(wrong(&format!("\u{feff}{text}")).to_string(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_text_makes_it_panic(text in "[a-z:\\-\\[\\]{}&*!|>'\"%@`#,? \\n\\t<]{0,60}") {
        let _ = wrong_or_right(&text);
    }

    #[test]
    fn no_change_of_a_good_file_makes_it_panic(at in any::<proptest::sample::Index>(), cut in 0usize..20, new in "[a-z:\\-\\[\\]{}&*!|>'\"0-9 \\n\\t]{0,6}") {
        let good = with("health: {type: http, path: /, code: 200}\n  token: {encryption: a, value: b}\n  zones: [a, b]");
        let begin = at.index(good.len());
        let end = (begin + cut).min(good.len());
        let text = format!("{}{new}{}", &good[..begin], &good[end..]);
        if let Err(wrong) = wrong_or_right(&text) {
            prop_assert!(!wrong.is_empty());
            for it in &wrong {
                prop_assert!(it.line >= 1 && it.line <= text.lines().count().max(1) + 1, "{}", it);
            }
            let _ = wrong.to_string();
        }
    }
}

fn wrong_or_right(text: &str) -> Result<Provider, Diagnostics> {
    parse(text).and_then(|it| it.read::<Provider>())
}
