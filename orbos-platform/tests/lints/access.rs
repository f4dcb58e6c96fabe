//! Who may do what.

use serde_json::Value;

use crate::{
    known,
    world::{World, id, list, text},
};

/// Roles with `*`, but for those that have a reason.
pub(crate) fn rules(world: &World) -> Vec<String> {
    let roles = world.objects.iter().filter(|it| ["Role", "ClusterRole"].contains(&text(&it["kind"])));
    let everything = roles.filter(|it| list(&it["rules"]).any(everything));
    known::without_allowed(world, known::EVERYTHING, everything.map(|it| (id(it), "everything")).collect())
}

fn everything(rule: &Value) -> bool {
    let fields = ["apiGroups", "resources", "verbs", "nonResourceURLs"];
    fields.iter().any(|field| list(&rule[*field]).any(|it| text(it).contains('*')))
}

/// Bindings of roles that are not there, or to accounts that are not there.
pub(crate) fn bindings(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    for kind in ["RoleBinding", "ClusterRoleBinding"] {
        for binding in world.of_kind(kind) {
            let (kind, name) = (text(&binding["roleRef"]["kind"]), text(&binding["roleRef"]["name"]));
            let role = match kind {
                "Role" => format!("Role {}/{name}", text(&binding["metadata"]["namespace"])),
                _ => format!("{kind} {name}"),
            };
            if !world.has(&role) && !known::ROLES.contains(&name) {
                found.push(format!("{} binds {role}", id(binding)));
            }
            for subject in list(&binding["subjects"]).filter(|it| it["kind"] == "ServiceAccount") {
                let account =
                    format!("ServiceAccount {}/{}", text(&subject["namespace"]), text(&subject["name"]));
                if !world.has(&account) && !known::ACCOUNTS.contains(&account.as_str()) {
                    found.push(format!("{} is for {account}", id(binding)));
                }
            }
        }
    }
    found
}
