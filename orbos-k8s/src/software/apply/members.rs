//! What is set on members, and how they leave.

use orbos_infra::MachineId;
use orbos_state::{Error, Result};
use serde_json::json;

use super::{Applier, DRAINED, NodeTaint, TAINTS, Taint, TaintEffect, run, script};

impl Applier<'_> {
    pub(super) async fn set(&self, machine: &MachineId, name: &str, value: &str) -> Result<()> {
        let what = format!("setting {name} on {machine}");
        if name == TAINTS {
            let wanted =
                parse_taints(value).ok_or_else(|| Error::invalid(&what, "it is not a list of taints"))?;
            return self.patch(machine, &what, false, |it| it.is_automatic(), &wanted).await;
        }
        let label =
            name.strip_prefix("label ").ok_or_else(|| Error::unsupported(&what, "labels and taints are"))?;
        let plane = self.plane(None).await?;
        run(&*plane.shell, &what, &script::label(&machine.name, label, value)).await.map(drop)
    }

    pub(super) async fn resume(&self, machine: &MachineId) -> Result<()> {
        let what = format!("resuming {machine}");
        self.patch(machine, &what, true, |it| !it.key.starts_with(DRAINED), &[]).await
    }

    /// Takes a member out of the cluster; if its machine does not answer, at least the cluster forgets it.
    pub(super) async fn remove(&self, machine: &MachineId) -> Result<()> {
        let what = format!("removing {machine}");
        match self.world.shell(machine).await {
            Ok(shell) => drop(run(&*shell, &what, &script::locked(&what, &script::leave())).await?),
            Err(Error::Unreachable { .. }) => {}
            Err(error) => return Err(error),
        }
        self.forget(&machine.name, Some(machine)).await
    }

    pub(super) async fn forget(&self, name: &str, machine: Option<&MachineId>) -> Result<()> {
        let what = format!("forgetting {name}");
        let plane = match machine {
            None => self.plane(None).await?,
            Some(machine) => match self.other_plane(machine).await? {
                Some(plane) => plane,
                // The cluster went with its last machine.
                None => return Ok(()),
            },
        };
        run(&*plane.shell, &what, &script::forget(name)).await.map(drop)
    }

    /// Replaces a node's taints, and lets it take work again if wanted. The API refuses it if somebody else
    /// changed the node in between.
    async fn patch(
        &self,
        machine: &MachineId,
        what: &str,
        schedulable: bool,
        keep: impl Fn(&NodeTaint) -> bool,
        wanted: &[Taint],
    ) -> Result<()> {
        let plane = self.plane(None).await?;
        let said = run(&*plane.shell, what, &script::get_node(&machine.name)).await?;
        let patch = patch(&said, schedulable, keep, wanted)
            .ok_or_else(|| Error::failed(what, "its node is unreadable"))?;
        run(&*plane.shell, what, &script::patch_node(&machine.name, &patch)).await.map(drop)
    }
}

fn patch(
    said: &str,
    schedulable: bool,
    keep: impl Fn(&NodeTaint) -> bool,
    wanted: &[Taint],
) -> Option<String> {
    let (version, taints) = said.split_once('\t').unwrap_or((said, ""));
    let taints: Vec<serde_json::Value> =
        if taints.is_empty() { Vec::new() } else { serde_json::from_str(taints).ok()? };
    let mut all = Vec::new();
    for taint in taints {
        if keep(&serde_json::from_value(taint.clone()).ok()?) {
            all.push(taint);
        }
    }
    for Taint { key, value, effect } in wanted {
        all.push(json!({ "key": key, "value": value, "effect": effect }));
    }
    let mut spec = json!({ "taints": all });
    if schedulable {
        spec["unschedulable"] = json!(null);
    }
    Some(json!({ "metadata": { "resourceVersion": version }, "spec": spec }).to_string())
}

/// The reverse of how taints are compared: `key=value:effect`, joined by commas.
fn parse_taints(text: &str) -> Option<Vec<Taint>> {
    let one = |text: &str| {
        let (rest, effect) = text.rsplit_once(':')?;
        let (key, value) = rest.split_once('=')?;
        let effect: TaintEffect = serde_json::from_value(json!(effect)).ok()?;
        Some(Taint { key: key.into(), value: value.into(), effect })
    };
    text.split(',').filter(|it| !it.is_empty()).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "41\t[{\"effect\":\"NoSchedule\",\"key\":\"node.orbos.ch/Updating\"},\
        {\"effect\":\"NoSchedule\",\"key\":\"team\",\"value\":\"a\"},\
        {\"effect\":\"NoExecute\",\"key\":\"node.kubernetes.io/not-ready\",\"timeAdded\":\"2021-01-01T00:00:00Z\"}]";

    #[test]
    fn setting_taints_keeps_automatic_ones() {
        let wanted = parse_taints("b=:NoSchedule").expect("taints");
        let patch = patch(SAID, false, NodeTaint::is_automatic, &wanted).expect("readable");
        insta::assert_snapshot!(patch, @r#"{"metadata":{"resourceVersion":"41"},"spec":{"taints":[{"effect":"NoSchedule","key":"node.orbos.ch/Updating"},{"effect":"NoExecute","key":"node.kubernetes.io/not-ready","timeAdded":"2021-01-01T00:00:00Z"},{"key":"b","value":"","effect":"NoSchedule"}]}}"#);
    }

    #[test]
    fn resuming_takes_only_the_reason_of_the_drain_away() {
        let patch = patch(SAID, true, |it| !it.key.starts_with(DRAINED), &[]).expect("readable");
        assert!(
            !patch.contains("Updating") && patch.contains("team") && patch.contains("\"unschedulable\":null"),
            "{patch}"
        );
    }

    #[test]
    fn a_node_without_taints_can_be_patched() {
        let patch = patch("7", true, |_| true, &[]).expect("readable");
        insta::assert_snapshot!(patch, @r#"{"metadata":{"resourceVersion":"7"},"spec":{"taints":[],"unschedulable":null}}"#);
    }
}
