use std::borrow::Cow;

/// Makes one word of a POSIX shell's command line out of any text.
///
/// The shell sees exactly `word` again, whatever is in it. A NUL character
/// cannot be in a command line and is left out.
///
/// # Examples
///
/// ```
/// use orbos_ssh::quote;
///
/// assert_eq!(quote("/etc/hosts"), "/etc/hosts");
/// assert_eq!(quote("it's $HOME"), r"'it'\''s $HOME'");
/// assert_eq!(quote(""), "''");
/// ```
#[must_use]
pub fn quote(word: &str) -> Cow<'_, str> {
    if !word.is_empty() && word.bytes().all(is_plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\0', "").replace('\'', r"'\''")))
}

/// Makes a command line of a program and its arguments.
///
/// # Examples
///
/// ```
/// assert_eq!(orbos_ssh::command_line(["rm", "--", "a b"]), "rm -- 'a b'");
/// ```
pub fn command_line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(quote).collect::<Vec<_>>().join(" ")
}

// `~` and `=` mean something at some places, so they are not here.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-./:,@%+".contains(&byte)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    fn through_sh(words: &[String]) -> Vec<String> {
        let script = format!("printf '%s\\0' {}", command_line(words.iter().map(String::as_str)));
        let output = Command::new("sh").arg("-c").arg(script).output().expect("there is a sh");
        assert!(output.status.success(), "{output:?}");
        let mut words: Vec<_> =
            output.stdout.split(|&it| it == 0).map(|it| String::from_utf8_lossy(it).into_owned()).collect();
        words.pop();
        words
    }

    #[test]
    fn words_that_trip_shells_arrive_unchanged() {
        let words = [
            "", "'", "''", "\"", "\\", "a b", "$(id)", "`id`", "~", "a=b", "*", "-n", "\n", "é", "!", "{a,b}",
        ]
        .map(str::to_owned);
        assert_eq!(through_sh(&words), words);
    }

    #[test]
    fn a_quoted_script_can_be_quoted_again() {
        let inner = format!("printf %s {}", quote("it's \"so\" \\ $x"));
        let outer = format!("sh -c {}", quote(&inner));
        let output = Command::new("sh").arg("-c").arg(outer).output().expect("there is a sh");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "it's \"so\" \\ $x");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn any_words_arrive_unchanged(words in prop::collection::vec("[^\0]{0,40}", 1..5)) {
            prop_assert_eq!(through_sh(&words), words);
        }
    }
}
