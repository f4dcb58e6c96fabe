//! Installs a set of tools on a cluster from a pipeline: `platform_in_ci BOOM.YML KUBECONFIG`. Shows what it will do first.
#![expect(clippy::print_stdout, reason = "a pipeline shows what is printed")]

use std::{env, fs, sync::Arc};

use anyhow::{Context, Result, ensure};
use orbos_k8s::objects::Cluster;
use orbos_platform::{Boom, BoomSettings};
use orbos_state::{MemoryRepository, look, run_once};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut words = env::args().skip(1);
    let (file, kubeconfig) =
        words.next().zip(words.next()).context("usage: platform_in_ci BOOM.YML KUBECONFIG")?;
    let cluster = Cluster::from_kubeconfig(&fs::read_to_string(kubeconfig)?).await?;
    let files = MemoryRepository::new([("boom.yml", fs::read_to_string(file)?)]);
    let boom = Boom::new(BoomSettings::new("pipeline"), Arc::new(cluster));

    print!("{}", look(&boom, &files).await?.plan);
    loop {
        let round = run_once(&boom, &files, &()).await?.round;
        let failed: Vec<_> = round.failures().map(|(it, why)| format!("{it}: {}", why.chain())).collect();
        ensure!(failed.is_empty(), "{}", failed.join("\n"));
        if round.applied.is_empty() {
            round.plan.waiting().iter().for_each(|it| println!("{it}"));
            ensure!(round.plan.is_settled(), "something waits");
            return Ok(());
        }
    }
}
