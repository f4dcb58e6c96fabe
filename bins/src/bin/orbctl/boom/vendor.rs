//! `orbctl boom vendor`: definitions of kinds into the repository.
#![expect(clippy::print_stdout, reason = "what is written is the answer")]

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context, Result, bail};
use orbos::{Code, Https, OrbArgs, Platform, PlatformArgs};
use orbos_platform::{Fetch, crds};
use orbos_state::{Edit, Limits, update};
use sha2::{Digest, Sha256};

/// Put the definitions of the tools' kinds into the repository, so that nobody has to fetch them later.
///
/// Without descriptions, which nobody needs there and which are most of it. Exit codes: 0 done; 1 a file cannot be fetched or
/// is not what it should be; 4 no access; 6 a file is invalid.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orbctl boom vendor --dry-run         say what would be fetched, and from where
  orbctl boom vendor                   fetch it, and commit it
  orbctl boom vendor --from ./crds     from files that were brought here, named like prometheus-operator.yaml")]
pub(crate) struct Args {
    #[command(flatten)]
    platform: PlatformArgs,
    /// A folder with the files, instead of the internet.
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
    /// Only say what would be fetched.
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(orb: &OrbArgs, args: Args) -> Result<Code> {
    let platform = Platform::open(orb, &args.platform)?;
    let goal = platform.settings.goal_without_secrets(&platform.repository.snapshot().await?)?;
    let needed: BTreeMap<_, _> =
        crds::needed(&goal.tools, &goal.context).into_iter().map(|it| (it.1.name, it.1)).collect();
    let mut files = BTreeMap::new();
    for (name, bundle) in needed {
        if args.dry_run {
            println!("{name} {}: {}", bundle.version, bundle.url);
            continue;
        }
        let bytes = match &args.from {
            Some(folder) => {
                let file = folder.join(format!("{name}.yaml"));
                fs::read(&file).with_context(|| format!("reading {}", file.display()))?
            }
            None => Https::default().fetch(bundle.url).await.map_err(anyhow::Error::msg)?,
        };
        let digest: String = Sha256::digest(&bytes).iter().map(|it| format!("{it:02x}")).collect();
        println!("{name} {}: sha256 {digest}", bundle.version);
        files.insert(bundle.vendored_path(), bundle.vendor(&bytes)?);
    }
    if files.is_empty() {
        return Ok(Code::Done);
    }
    match &args.platform.file {
        Some(file) => write_beside(file, &files)?,
        None => commit(&platform, &files).await?,
    }
    Ok(Code::Done)
}

async fn commit(platform: &Platform, files: &BTreeMap<String, String>) -> Result<()> {
    let committed = update(platform.repository.as_ref(), &Limits::default(), |newest| {
        let news = || files.iter().filter(|(path, text)| newest.text(path) != Some(text.as_str()));
        let edit = Edit::new("Definitions of tools vendored");
        let edit = news().fold(edit, |edit, (path, text)| edit.write(path.as_str(), text.as_str()));
        Ok((news().count() > 0).then_some(edit))
    })
    .await?;
    match committed {
        Some(revision) => println!("committed {}", revision.short()),
        None => println!("nothing is new"),
    }
    Ok(())
}

fn write_beside(file: &std::path::Path, files: &BTreeMap<String, String>) -> Result<()> {
    let Some(folder) = file.parent() else { bail!("{} is no file", file.display()) };
    for (path, text) in files {
        let path = folder.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        println!("wrote {}", path.display());
    }
    Ok(())
}
