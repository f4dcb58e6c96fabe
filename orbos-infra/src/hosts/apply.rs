//! Changes a machine.

use orbos_ssh::Shell;
use orbos_state::Result;

use super::{HostContext, artifacts, kernel, packages, permit, routes, services};
use crate::host::HostChange;

/// Carries out one step on a machine. Twice is the same as once.
///
/// # Errors
///
/// If it did not happen, or if that is not known.
pub async fn apply(shell: &dyn Shell, change: &HostChange, context: &HostContext<'_>) -> Result<()> {
    match change {
        HostChange::Name(name) => kernel::name(shell, name).await,
        HostChange::SwapOff => kernel::swap_off(shell).await,
        HostChange::Install(packages) => match &context.bundle {
            Some(bundle) => packages::install_from(shell, packages, bundle).await,
            None => packages::install(shell, packages).await,
        },
        HostChange::Load(modules) => kernel::load(shell, modules).await,
        HostChange::Tune(values) => kernel::tune(shell, values).await,
        HostChange::Fetch { path, artifact } => artifacts::fetch(shell, path, artifact, context).await,
        HostChange::Image { reference, artifact } => {
            artifacts::image(shell, reference, artifact, context).await
        }
        HostChange::Write { path, file } => services::write(shell, path, file).await,
        HostChange::Delete { path } => services::delete(shell, path).await,
        HostChange::Enable { service, goal } => services::enable(shell, service, goal).await,
        HostChange::Disable { service } => services::disable(shell, service).await,
        HostChange::Permit(firewall) => permit::permit(shell, firewall, context.reconnect).await,
        HostChange::Unprotect => permit::unprotect(shell).await,
        HostChange::Route { to, via } => routes::route(shell, *to, *via).await,
        HostChange::Unroute { to } => routes::unroute(shell, *to).await,
    }
}
