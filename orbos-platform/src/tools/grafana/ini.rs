//! The text of `grafana.ini`.

use std::fmt::Write;

use super::auth::SignIn;
use crate::{Error, spec::Monitoring};

/// The whole configuration; secrets are named by their files, not in it.
pub(super) fn configuration(
    settings: &Monitoring,
    domain: Option<&str>,
    sign_in: &SignIn,
) -> Result<String, Error> {
    let mut ini = Ini::default();
    // Nothing is said to anybody outside, and nothing is asked of them.
    ini.section("analytics");
    for key in
        ["reporting_enabled", "check_for_updates", "check_for_plugin_updates", "feedback_links_enabled"]
    {
        ini.line(key, "false");
    }
    ini.section("news");
    ini.line("news_feed_enabled", "false");
    ini.section("snapshots");
    ini.line("external_enabled", "false");
    ini.section("security");
    ini.line("disable_gravatar", "true");
    if domain.is_some() {
        ini.line("cookie_secure", "true");
    }
    ini.section("log");
    // Its default would write into the image too.
    ini.line("mode", "console");
    ini.section("log.console");
    ini.line("format", "text");
    ini.section("plugins");
    plugins(&mut ini, &settings.plugins)?;
    if let Some(domain) = domain {
        ini.section("server");
        ini.line("domain", &checked("spec.monitoring.network.domain", domain)?);
        ini.line("root_url", &format!("https://{domain}/"));
    }
    for (section, lines) in &sign_in.sections {
        ini.section(section);
        lines.iter().for_each(|(key, value)| ini.line(key, value));
    }
    Ok(ini.0)
}

/// Grafana's own data sources are plugins in its image, which it would like to replace by newer ones: it removes the old
/// ones first, which fails on a file system that cannot be written, and leaves dashboards without data.
fn plugins(ini: &mut Ini, plugins: &[String]) -> Result<(), Error> {
    if plugins.is_empty() {
        ini.line("preinstall_disabled", "true");
        return Ok(());
    }
    let mut names = Vec::new();
    for (position, plugin) in plugins.iter().enumerate() {
        let field = format!("spec.monitoring.plugins.{position}");
        let plugin = plugin.trim();
        if plugin.is_empty() || plugin.contains([',', ' ']) {
            return Err(Error::invalid(field, "it has to be one plugin, like `name` or `name@1.0.0`"));
        }
        names.push(checked(&field, plugin)?);
    }
    ini.line("preinstall_auto_update", "false");
    ini.line("preinstall_sync", &names.join(","));
    Ok(())
}

/// A human's text as a value: none that ends the line, begins a comment, or is replaced by something else.
pub(super) fn checked(field: &str, text: &str) -> Result<String, Error> {
    let odd = |it: char| it.is_control() || "#;`\"'\\".contains(it);
    if text.contains(odd) || text.contains("%(") || text.contains("$_") || text.contains("${") {
        let why = "it can have no line breaks, quotes, `\\`, `#`, `;`, `%(`, `$_` and `${`";
        return Err(Error::invalid(field, why));
    }
    Ok(text.to_owned())
}

#[derive(Default)]
struct Ini(String);

impl Ini {
    fn section(&mut self, name: &str) {
        let gap = if self.0.is_empty() { "" } else { "\n" };
        self.write(format_args!("{gap}[{name}]\n"));
    }

    fn line(&mut self, key: &str, value: &str) {
        self.write(format_args!("{key} = {value}\n"));
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        self.0.write_fmt(text).expect("a text takes everything");
    }
}
