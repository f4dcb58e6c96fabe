//! The plugin `getSecrets`: manifests with secrets from stores of gopass. It runs beside what renders manifests, in an
//! image that a human names, with what it needs: sh, awk, flock, grep, git, ssh, gopass, kustomize, and gpg or
//! age-keygen.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{part_of_a_name, servers::mount};
use crate::{
    Error, ToolContext,
    parts::{Container, Parts, SecretFiles},
    spec::{CustomImage, GopassStore, Reconciling},
};

const FIELD: &str = "spec.reconciling.customImage";
const NAME: &str = "argocd-plugin";
/// Opens the stores, then waits for work.
const START: &str = include_str!("plugin/start.sh");
/// Asks for changes; never sends any.
const PULL: &str = include_str!("plugin/pull.sh");
const CONFIGURATION: &str = "/home/argocd/cmp-server/config";
const HOME: &str = "/home/plugin";
const GENERATE: &str =
    "kustomize build . && if [ -e secrets.yaml.sh ]; then echo '---' && ./secrets.yaml.sh; fi";

/// The plugin.
#[derive(Debug)]
pub(super) struct Plugin {
    image: String,
    /// Each store's keys, by its name.
    stores: Vec<(String, SecretFiles)>,
    /// Names and URLs, a line for each store.
    list: String,
}

impl Plugin {
    /// `None`: it is not wanted.
    pub(super) fn new(settings: &Reconciling, context: &ToolContext) -> Result<Option<Self>, Error> {
        let Some(CustomImage { image, gopass_stores, .. }) =
            settings.custom_image.as_ref().filter(|it| it.enabled)
        else {
            return Ok(None);
        };
        let Some(image) = image.as_deref().map(str::trim).filter(|it| !it.is_empty()) else {
            let why = "it is missing; it has to name an image with gopass, git and kustomize, since ORBOS ships none";
            return Err(Error::invalid(format!("{FIELD}.image"), why));
        };
        let mut plugin = Self { image: image.to_owned(), stores: Vec::new(), list: String::new() };
        let mut names = BTreeSet::new();
        for (position, it) in gopass_stores.iter().enumerate() {
            let place = format!("{FIELD}.gopassStores.{position}");
            if !names.insert(&it.store_name) {
                let why = format!("there is another one that is called `{}`", it.store_name);
                return Err(Error::invalid(format!("{place}.storeName"), why));
            }
            plugin.store(&place, it, context)?;
        }
        Ok(Some(plugin))
    }

    fn store(&mut self, place: &str, it: &GopassStore, context: &ToolContext) -> Result<(), Error> {
        let GopassStore {
            ssh_key,
            existing_ssh_key_secret,
            gpg_key,
            existing_gpg_key_secret,
            directory,
            store_name,
        } = it;
        part_of_a_name(&format!("{place}.storeName"), store_name)?;
        // Both stand in a line of a file that a shell reads.
        let url = directory.trim();
        if url.is_empty() || url.starts_with('-') || url.contains(char::is_whitespace) {
            return Err(Error::invalid(
                format!("{place}.directory"),
                "it has to be the URL of a Git repository",
            ));
        }
        let mut files = SecretFiles::new(format!("argocd-store-{store_name}"));
        let field = format!("{place}.sshKey");
        if let Some(supply) = context.supply(&field, ssh_key.as_ref(), existing_ssh_key_secret.as_ref())? {
            files.add("ssh", &field, supply)?;
        }
        let field = format!("{place}.gpgKey");
        let key = context.supply(&field, gpg_key.as_ref(), existing_gpg_key_secret.as_ref())?;
        let Some(key) = key else {
            let why = "it is missing; nothing of the store can be read without it";
            return Err(Error::Secret { field, why: why.to_owned() });
        };
        files.add("key", &field, key)?;
        self.list.push_str(&format!("{store_name} {url}\n"));
        self.stores.push((store_name.clone(), files));
        Ok(())
    }

    pub(super) fn objects(&self, parts: &mut Parts<'_>, component: &str) {
        parts.config_map(NAME, component, self.files());
        for (_, files) in &self.stores {
            parts.secret_files(files, component);
        }
    }

    /// Changes with all that it reads when it starts.
    pub(super) fn fingerprint(&self) -> Value {
        self.files()
    }

    fn files(&self) -> Value {
        // One after the other, since Git does not share a working folder.
        let pull = ["flock", &format!("{HOME}/lock"), "sh", &format!("{CONFIGURATION}/pull.sh")];
        let plugin = json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "ConfigManagementPlugin",
            "metadata": { "name": "getSecrets" },
            "spec": {
                "init": { "command": pull },
                "generate": { "command": ["sh", "-c", GENERATE] },
                // What it runs stands in the repository, and has to be executable.
                "preserveFileMode": true,
            },
        });
        let plugin = serde_yaml::to_string(&plugin).expect("JSON can always be written as YAML");
        json!({ "plugin.yaml": plugin, "pull.sh": PULL, "start.sh": START, "stores": self.list })
    }

    pub(super) fn volumes(&self) -> Vec<Value> {
        let mut volumes = vec![
            json!({ "name": "plugin", "configMap": { "name": NAME } }),
            // Not the `tmp` of what it runs beside: neither shall see what the other one unpacks.
            json!({ "name": "plugin-tmp", "emptyDir": {} }),
            json!({ "name": "plugin-home", "emptyDir": { "medium": "Memory" } }),
        ];
        let sources: Vec<_> =
            self.stores.iter().flat_map(|(name, files)| files.sources(&format!("{name}/"))).collect();
        if !sources.is_empty() {
            volumes.push(json!({ "name": "plugin-keys", "projected": { "sources": sources } }));
        }
        volumes
    }

    pub(super) fn container(&self) -> Container {
        let read_only = |(name, path)| json!({ "name": name, "mountPath": path, "readOnly": true });
        let keys = (!self.stores.is_empty()).then(|| mount("plugin-keys", "/etc/stores"));
        let read = [
            mount("plugin", CONFIGURATION),
            mount("var-files", "/var/run/argocd"),
            mount("ssh-known-hosts", "/app/config/ssh"),
        ];
        let mut mounts: Vec<_> = read.into_iter().chain(keys).map(read_only).collect();
        mounts.extend([
            json!({ "name": "plugins", "mountPath": "/home/argocd/cmp-server/plugins" }),
            json!({ "name": "plugin-home", "mountPath": HOME }),
            json!({ "name": "plugin-tmp", "mountPath": "/tmp" }),
        ]);
        Container {
            name: "get-secrets".to_owned(),
            image: self.image.clone(),
            command: vec!["sh".to_owned(), format!("{CONFIGURATION}/start.sh")],
            env: vec![json!({ "name": "HOME", "value": HOME })],
            needs: ["50m", "128Mi", "512Mi"],
            more: json!({ "volumeMounts": mounts }),
            ..Container::default()
        }
    }
}
