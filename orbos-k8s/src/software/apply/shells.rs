//! Shells on machines, and how their failures become errors.

use std::sync::Arc;

use orbos_infra::{MachineId, providers::failure};
use orbos_ssh::Shell;
use orbos_state::{Error, Result};

use super::Applier;
use crate::software::script::CONFIG;

/// A machine whose API server answered in this round.
pub(super) struct Plane {
    pub(super) machine: MachineId,
    pub(super) shell: Arc<dyn Shell>,
}

impl Applier<'_> {
    /// A machine whose API server answers; another one than `not` if there is one.
    pub(super) async fn plane(&self, not: Option<&MachineId>) -> Result<Plane> {
        let mut planes: Vec<&MachineId> = self
            .traces
            .iter()
            .filter(|(_, it)| it.answer.is_some() && it.unfinished.is_none())
            .map(|it| it.0)
            .collect();
        planes.sort_by_key(|it| Some(*it) == not);
        let mut error = Error::unreachable(format!("the control plane of {}", self.cluster.id));
        for machine in planes {
            match self.world.shell(machine).await {
                Ok(shell) => return Ok(Plane { machine: machine.clone(), shell }),
                Err(it) => error = it,
            }
        }
        Err(error)
    }

    /// Like [`plane`](Self::plane), but only another one; `None`: there is no other.
    pub(super) async fn other_plane(&self, not: &MachineId) -> Result<Option<Plane>> {
        let others =
            self.traces.iter().any(|(id, it)| id != not && it.answer.is_some() && it.unfinished.is_none());
        if !others {
            return Ok(None);
        }
        self.plane(Some(not)).await.map(Some)
    }
}

/// Runs a script; says what it printed.
pub(super) async fn run(shell: &dyn Shell, what: &str, script: &str) -> Result<String> {
    let output = shell.run(script).await.and_then(|it| it.checked(what));
    output.map(|it| it.stdout_text()).map_err(|it| failure(what, it))
}

/// Like [`run`], with input.
pub(super) async fn run_with_input(
    shell: &dyn Shell,
    what: &str,
    script: &str,
    input: &[u8],
) -> Result<String> {
    let output = shell.run_with_input(script, input).await.and_then(|it| it.checked(what));
    output.map(|it| it.stdout_text()).map_err(|it| failure(what, it))
}

/// Writes kubeadm's configuration, which holds secrets; it is taken away by whoever uses it.
pub(super) async fn write_config(shell: &dyn Shell, what: &str, text: &str) -> Result<()> {
    shell.write(CONFIG, text.as_bytes(), 0o600).await.map_err(|it| failure(what, it))
}
