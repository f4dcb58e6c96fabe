//! Who may do what.

use serde_json::{Value, json};

use super::Parts;

const RBAC: &str = "rbac.authorization.k8s.io/v1";

impl Parts<'_> {
    /// Adds a ServiceAccount. Pods get its token only if their workload says so.
    pub fn account(&mut self, name: &str, component: &str) {
        self.object(
            "v1",
            "ServiceAccount",
            name,
            component,
            json!({ "automountServiceAccountToken": false }),
        );
    }

    /// Adds a ClusterRole and its binding to an account in this namespace, both of the same name.
    pub fn cluster_role(&mut self, name: &str, component: &str, account: &str, rules: Value) {
        self.cluster_object(RBAC, "ClusterRole", name, component, json!({ "rules": rules }));
        self.cluster_binding(name, component, "ClusterRole", name, account);
    }

    /// Adds a binding of a ClusterRole that somebody else made.
    pub fn cluster_binding(&mut self, name: &str, component: &str, kind: &str, role: &str, account: &str) {
        let body = json!({ "roleRef": reference(kind, role), "subjects": [self.subject(account)] });
        self.cluster_object(RBAC, "ClusterRoleBinding", name, component, body);
    }

    /// Adds a Role and its binding to an account in this namespace, both of the same name.
    pub fn role(&mut self, name: &str, component: &str, account: &str, rules: Value) {
        self.object(RBAC, "Role", name, component, json!({ "rules": rules }));
        let body = json!({ "roleRef": reference("Role", name), "subjects": [self.subject(account)] });
        self.object(RBAC, "RoleBinding", name, component, body);
    }

    fn subject(&self, account: &str) -> Value {
        json!({ "kind": "ServiceAccount", "name": account, "namespace": self.namespace() })
    }
}

fn reference(kind: &str, name: &str) -> Value {
    json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name })
}
