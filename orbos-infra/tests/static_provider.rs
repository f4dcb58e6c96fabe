//! Machines that a human lists, against real SSH servers.

#[path = "static_provider/rack.rs"]
mod rack;

use std::{net::TcpListener, sync::Arc};

use orbos_infra::{
    Balancing, Connection, Endpoint, Inventory, MachineId, PoolRef, Provider, ProviderChange, Request,
    Supply,
    providers::{Connections, builtin, consume_edits, generate_secrets, missing_secrets},
};
use orbos_ssh::{Error as SshError, Privilege};
use orbos_state::{Advice, Error, FieldPath};

use rack::{IntoSecret as _, Keys, Rack, Server};

fn machine(name: &str) -> MachineId {
    PoolRef::new("static", "masters").machine(name)
}

fn create(name: &str) -> ProviderChange {
    ProviderChange::Create { machine: machine(name) }
}

fn destroy(name: &str) -> ProviderChange {
    ProviderChange::Destroy { machine: machine(name) }
}

fn reboot(name: &str) -> ProviderChange {
    ProviderChange::Reboot { machine: machine(name) }
}

/// In use, free and unseen machines by name.
fn names(inventory: &Inventory) -> (Vec<String>, Vec<String>, Vec<String>) {
    let name = |it: &MachineId| it.name.clone();
    let free = inventory.free.values().flatten().map(|it| name(&it.id)).collect();
    (inventory.machines.keys().map(name).collect(), free, inventory.unseen.keys().map(name).collect())
}

async fn unseen(provider: &dyn Provider) -> String {
    let inventory = provider.observe().await.expect("it can be said which machines there are");
    assert!(inventory.machines.is_empty() && inventory.free.is_empty(), "{inventory:?}");
    inventory.unseen[&machine("a")].clone()
}

#[tokio::test]
async fn a_machine_is_taken_into_use_and_given_back() {
    let keys = Keys::new();
    let (a, b) = (Server::start(&keys), Server::start(&keys));
    let rack = Rack::new(&[&a, &b]);
    let provider = rack.provider(&keys.both());

    let observed = provider.observe().await.expect("both answer");
    assert_eq!(names(&observed), (vec![], vec!["a".into(), "b".into()], vec![]));
    assert_eq!(a.keys(), format!("{}\n", keys.bootstrap.public), "observing changes nothing");

    for _ in 0..2 {
        provider.apply(&create("a")).await.expect("the bootstrap key gets in");
        assert_eq!(a.keys(), format!("{}\n", keys.maintenance.public));
        assert_eq!(a.mode(), 0o600);
    }
    let refused = rack.log_in("a", &keys.bootstrap).await.expect_err("the bootstrap key is gone");
    assert!(matches!(refused, SshError::Denied { .. }), "{refused}");

    let observed = provider.observe().await.expect("both answer");
    assert_eq!(names(&observed), (vec!["a".into()], vec!["b".into()], vec![]));
    let connections = a.sshd.connections();
    assert_eq!(provider.observe().await.expect("both answer"), observed);
    let shell =
        provider.shell(&observed.machines[&machine("a")], Connection::Shared).await.expect("it lets us in");
    assert_eq!(shell.run("echo hello").await.expect("it runs").stdout_text(), "hello");
    assert_eq!(a.sshd.connections(), connections, "the connection is kept");
    provider.shell(&observed.machines[&machine("a")], Connection::Fresh).await.expect("it lets us in");
    assert_eq!(a.sshd.connections(), connections + 1);

    for _ in 0..2 {
        provider.apply(&destroy("a")).await.expect("the maintenance key gets in");
        assert_eq!(a.keys(), format!("{}\n", keys.bootstrap.public));
    }
    let observed = provider.observe().await.expect("both answer");
    assert_eq!(names(&observed), (vec![], vec!["a".into(), "b".into()], vec![]));
    assert_eq!(b.keys(), format!("{}\n", keys.bootstrap.public), "nobody touched the other one");
}

#[cfg(feature = "testing")]
#[tokio::test]
async fn it_keeps_the_contract_of_providers() {
    let keys = Keys::new();
    let (a, b) = (Server::start(&keys), Server::start(&keys));
    a.command("systemctl", ":");
    let provider = Rack::new(&[&a, &b]).provider(&keys.both());
    orbos_infra::testing::provider_suite(&*provider, &PoolRef::new("static", "masters")).await;
}

#[tokio::test]
async fn a_key_on_trial_that_nobody_took_over_counts_for_nothing() {
    let keys = Keys::new();
    let a = Server::start(&keys);
    let trial =
        format!("{}\nexpiry-time=\"20200101000000\" {}\n", keys.bootstrap.public, keys.maintenance.public);
    a.set_keys(&trial);
    let provider = Rack::new(&[&a]).provider(&keys.both());
    assert_eq!(names(&provider.observe().await.expect("it answers")).1, ["a"]);
    provider.apply(&create("a")).await.expect("it is tried again");
    assert_eq!(a.keys(), format!("{}\n", keys.maintenance.public));
}

#[tokio::test]
async fn a_machine_that_refuses_the_new_key_keeps_the_old_one() {
    let keys = Keys::with_rsa_bootstrap();
    let a = Server::with(&keys, &["PubkeyAcceptedAlgorithms rsa-sha2-256,rsa-sha2-512"]);
    let provider = Rack::new(&[&a]).provider(&keys.both());
    let before = a.keys();
    let error = provider.apply(&create("a")).await.expect_err("the new key does not get in");
    assert_eq!(error.advice(), Advice::AskHuman);
    assert!(error.chain().starts_with("taking static.masters.a into use was refused"), "{}", error.chain());
    assert_eq!(a.keys(), before);
    assert_eq!(names(&provider.observe().await.expect("it answers")).1, ["a"]);
}

#[tokio::test]
async fn a_machine_whose_sshd_looks_elsewhere_for_keys_is_left_as_it_was() {
    let keys = Keys::new();
    let a = Server::start(&keys);
    a.move_home();
    let provider = Rack::new(&[&a]).provider(&keys.both());
    provider.apply(&create("a")).await.expect_err("the new key does not get in");
    assert_eq!(a.keys(), format!("{}\n", keys.bootstrap.public));
    assert_eq!(names(&provider.observe().await.expect("it answers")).1, ["a"]);
}

#[tokio::test]
async fn if_everything_breaks_half_way_the_new_key_expires_and_the_old_one_stays() {
    let keys = Keys::new();
    let a = Server::start(&keys);
    // Reading and the first writing go well, then neither going on nor putting back.
    let count = "n=$(cat \"$HOME/calls\" 2>/dev/null || echo 0); echo $((n + 1)) >\"$HOME/calls\"";
    let refuse = "[ \"$n\" -lt 2 ] || { echo 'sudo: a password is required' >&2; exit 1; }";
    a.command("sudo", &format!("{count}\n{refuse}\nshift 2; exec \"$@\""));
    let rack = Rack::new(&[&a]).with_privilege(Privilege::Sudo);
    rack.provider(&keys.both()).apply(&create("a")).await.expect_err("it could not be finished");
    assert_eq!(a.read("calls"), "4\n");
    let text = a.keys();
    let (first, second) = text.trim_end().split_once('\n').expect("there are two keys");
    assert_eq!(first, keys.bootstrap.public);
    let trial =
        second.strip_prefix("expiry-time=\"").and_then(|it| it.strip_suffix(&keys.maintenance.public));
    let until = trial.and_then(|it| it.strip_suffix("\" ")).expect("the new key is on trial");
    let date = |ahead: &str| {
        let output = std::process::Command::new("date").args(["-d", ahead, "+%Y%m%d%H%M%S"]).output();
        String::from_utf8(output.expect("there is `date`").stdout).expect("digits").trim_end().to_owned()
    };
    assert!(date("now").as_str() < until && until <= date("120 seconds").as_str(), "{until}");
}

#[tokio::test]
async fn a_machine_that_accepts_neither_key_is_unseen() {
    let keys = Keys::new();
    let a = Server::start(&keys);
    a.set_keys(&format!("{}\n", Keys::new().bootstrap.public));
    let reason = unseen(&*Rack::new(&[&a]).provider(&keys.both())).await;
    assert_eq!(
        reason,
        format!(
            "127.0.1.1:22 accepts neither the maintenance key ({}) nor the bootstrap key ({}) for user {}; add the \
             bootstrap key to the user's authorized_keys",
            keys.maintenance.public,
            keys.bootstrap.public,
            a.user()
        )
    );
}

#[tokio::test]
async fn a_machine_that_does_not_answer_is_unseen_and_hides_no_other() {
    let keys = Keys::new();
    let b = Server::start(&keys);
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        listener.local_addr().expect("it is bound")
    };
    let rack = Rack::new(&[&b, &b]).with_address("a", closed);
    let provider = rack.provider(&keys.both());
    let observed = provider.observe().await.expect("it can be said which machines there are");
    assert_eq!(names(&observed), (vec![], vec!["b".into()], vec!["a".into()]));
    let reason = &observed.unseen[&machine("a")];
    assert!(reason.starts_with(&format!("connecting to {closed}: Connection refused")), "{reason}");
    let error = provider.apply(&create("a")).await.expect_err("it does not answer");
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_machine_with_another_host_key_is_unseen_and_both_are_shown() {
    let keys = Keys::new();
    let a = Server::start(&keys);
    let rack = Rack::new(&[&a]);
    rack.provider(&keys.both()).observe().await.expect("it answers");
    let (host, pinned) = rack.only_host_key();
    let port = a.sshd.address().port();
    drop(a);
    let again = Server::at(&keys, port);
    let rack = rack.without_connections();
    let provider = rack.provider(&keys.both());
    let reason = unseen(&*provider).await;
    assert!(reason.contains(&host) && reason.contains(&pinned.fingerprint()), "{reason}");
    assert_eq!(reason.matches("SHA256:").count(), 2, "{reason}");
    assert!(reason.contains("forget its pinned host key"), "{reason}");
    let error = provider.apply(&create("a")).await.expect_err("it may be another machine");
    assert_eq!(error.advice(), Advice::AskHuman);
    assert_eq!(again.keys(), format!("{}\n", keys.bootstrap.public));
}

#[tokio::test]
async fn without_a_maintenance_key_only_the_bootstrap_key_is_tried() {
    let keys = Keys::new();
    let a = Server::start(&keys);
    let provider = Rack::new(&[&a]).provider(&keys.bootstrap_only());
    assert_eq!(names(&provider.observe().await.expect("it answers")).1, ["a"]);
    assert_eq!(a.sshd.connections(), 1);
    let error = provider.apply(&create("a")).await.expect_err("there is no key to give it");
    assert_eq!(
        error.to_string(),
        "providers.static.spec.keys.maintenancekeyprivate is invalid: it has not been generated yet"
    );
    a.set_keys("");
    let reason = unseen(&*Rack::new(&[&a]).provider(&keys.bootstrap_only())).await;
    assert!(reason.contains("there is no maintenance key yet"), "{reason}");
}

#[tokio::test]
async fn a_user_who_may_not_use_sudo_is_told_so() {
    let keys = Keys::new();
    let a = Server::start(&keys);
    a.command("sudo", "echo 'sudo: a password is required' >&2; exit 1");
    let rack = Rack::new(&[&a]).with_privilege(Privilege::Sudo);
    let provider = rack.provider(&keys.both());
    let reason = unseen(&*provider).await;
    assert!(reason.contains("wants a password") && reason.contains("NOPASSWD"), "{reason}");
    let error = provider.apply(&create("a")).await.expect_err("it could not write the key");
    assert!(matches!(error, Error::Denied { .. }), "{error}");
    assert_eq!(a.keys(), format!("{}\n", keys.bootstrap.public));
}

#[tokio::test]
async fn a_reboot_is_asked_for_and_not_waited_for() {
    let keys = Keys::new();
    let a = Server::start(&keys);
    let provider = Rack::new(&[&a]).provider(&keys.both());
    provider.apply(&create("a")).await.expect("the bootstrap key gets in");
    a.command("systemctl", "echo \"$@\" >>\"$HOME/reboots\"");
    provider.apply(&reboot("a")).await.expect("it is accepted");
    assert_eq!(a.read("reboots"), "--no-block reboot\n");
    a.command("systemctl", "echo gone >>\"$HOME/reboots\"; kill -KILL $PPID");
    provider.apply(&reboot("a")).await.expect("the machine was faster than its answer");
    assert_eq!(a.read("reboots"), "--no-block reboot\ngone\n");
    a.command("systemctl", "echo 'not booted with systemd' >&2; exit 1");
    let error = provider.apply(&reboot("a")).await.expect_err("it is not accepted");
    assert!(error.chain().contains("not booted with systemd"), "{}", error.chain());
    assert_eq!(names(&provider.observe().await.expect("it answers")).0, ["a"]);
}

#[tokio::test]
async fn generated_keys_are_used() {
    let keys = Keys::new();
    let a = Server::start(&keys);
    let rack = Rack::new(&[&a]);
    let document = rack.document(&keys.bootstrap_only());
    let path: FieldPath = "providers.static.spec.keys.maintenancekeyprivate".parse().expect("a path");
    assert_eq!(missing_secrets(&document).expect("it can be read"), std::slice::from_ref(&path));
    let made =
        generate_secrets(&document, "test/orb", &mut orbos_secrets::generate::OsRng).expect("random numbers");
    let public = path.parent().expect("not the root").join("maintenancekeypublic");
    let line = made[&public].expose_text().expect("text").to_owned();
    assert_eq!(made.keys().collect::<Vec<_>>(), [&path, &public]);

    let mut all = keys.bootstrap_only();
    all.insert("maintenancekeyprivate", made[&path].clone());
    all.insert("maintenancekeypublic", made[&public].clone());
    assert!(missing_secrets(&rack.document(&all)).expect("it can be read").is_empty());
    rack.provider(&all).apply(&create("a")).await.expect("the bootstrap key gets in");
    assert_eq!(a.keys(), format!("{line}\n"));
    assert!(line.ends_with("orbos maintenance test/orb"), "{line}");
}

#[test]
fn the_goal_is_what_the_document_says() {
    let keys = Keys::new();
    let goal = Rack::listing(&[
        ("a", "127.0.1.1, rebootrequired: true"),
        ("b", "127.0.1.2, replacementrequired: true"),
    ])
    .provider(&keys.both())
    .goal();
    assert_eq!((goal.supply, goal.balancing), (Supply::Fixed, Balancing::OnMachines));
    assert_eq!(
        (goal.interfaces.private.as_str(), goal.interfaces.external),
        ("eth0", vec!["eth1".to_owned()])
    );
    assert_eq!(goal.reboot.into_iter().collect::<Vec<_>>(), [machine("a")]);
    assert_eq!(goal.replace.into_iter().collect::<Vec<_>>(), [machine("b")]);
    let Endpoint { name, balancers, frontend_port, .. } = goal.endpoints["kubeapi"].clone();
    assert_eq!(
        (name.as_str(), balancers.to_string().as_str(), frontend_port),
        ("kubeapi", "static.masters", 6443)
    );
}

#[test]
fn a_request_that_was_carried_out_is_taken_out_of_the_file() {
    let rack = Rack::listing(&[
        ("a", "127.0.1.1, rebootrequired: true"),
        ("b", "127.0.1.2, replacementrequired: true"),
    ]);
    let document = rack.document(&Keys::new().both());
    let edits =
        |name: &str, request| consume_edits(&document, &machine(name), request).expect("it can be read");
    assert!(edits("a", Request::Replace).is_empty(), "nobody asked for it");
    assert!(edits("z", Request::Reboot).is_empty(), "nobody listed it");
    let both = [edits("a", Request::Reboot), edits("b", Request::Replace)].concat();
    let text = orbos_state::edit::apply(&document.source().text, &both).expect("it can be edited");
    let lines = text.lines().filter(|it| it.contains("required")).map(str::trim).collect::<Vec<_>>();
    assert_eq!(
        lines,
        [
            "- {id: a, ip: 127.0.1.1, rebootrequired: false}",
            "- {id: b, ip: 127.0.1.2, replacementrequired: false}"
        ]
    );
}

#[tokio::test]
async fn what_a_list_of_machines_cannot_do_is_said() {
    let keys = Keys::new();
    let provider = Rack::listing(&[("a", "127.0.1.1")]).provider(&keys.both());
    let change = ProviderChange::Withdraw { endpoint: "kubeapi".into() };
    let error = provider.apply(&change).await.expect_err("there are no load balancers");
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    let error = provider.apply(&create("z")).await.expect_err("nobody listed it");
    assert_eq!(error.to_string(), "static.masters.z is invalid: it is not listed in provider static");
}

#[test]
fn keys_that_cannot_be_used_are_shown_where_they_are() {
    let keys = Keys::new();
    let rack = Rack::listing(&[("a", "127.0.1.1")]);
    let blob = keys.maintenance.public.split(' ').nth(1).expect("a key has two words").to_owned();
    let mut all = String::new();
    let mut wrong = |what: &str, secrets: &rack::Secrets| {
        let error = rack.make(secrets).expect_err(what);
        let diagnostics = orbos_state::Diagnostics::of(&error).expect("it is about the file");
        for it in diagnostics {
            let hint = it.hint.as_deref().unwrap_or("-").replace(&blob, "AAAA…");
            all += &format!("{what}\n    {}\n    {}\n    help: {hint}\n", it.path, it.message);
        }
    };
    wrong("no key", &rack::Secrets::new());
    wrong("one key for both", &keys.secrets(&keys.bootstrap, &keys.bootstrap));
    let mut mixed = keys.both();
    mixed.insert("maintenancekeypublic", keys.bootstrap.public.clone().into_secret());
    wrong("public part of another key", &mixed);
    let mut garbage = keys.both();
    garbage.insert("bootstrapkeyprivate", "hunter2".to_owned().into_secret());
    garbage.insert("maintenancekeypublic", "ssh-ed25519 hunter2\nssh-rsa AAAA".to_owned().into_secret());
    wrong("garbage", &garbage);
    let mut locked = keys.both();
    locked.insert("bootstrapkeyprivate", rack::private_key_with_passphrase());
    locked.remove("bootstrapkeypublic");
    wrong("passphrase", &locked);
    insta::assert_snapshot!(all);
    assert!(!all.contains("hunter2"));
}

#[test]
fn a_secret_from_elsewhere_does_not_open() {
    let keys = Keys::new();
    let error =
        Rack::listing(&[("a", "127.0.1.1")]).for_orb("another/orb").make(&keys.both()).expect_err("moved");
    assert!(error.chain().contains("sealed for another place"), "{}", error.chain());
}

#[test]
fn the_built_in_providers_are_known_by_their_kinds() {
    assert_eq!(builtin().kinds().collect::<Vec<_>>(), ["orbiter.caos.ch/StaticProvider"]);
    let hosts = Arc::new(orbos_ssh::KnownHosts::new());
    assert!(format!("{:?}", Connections::ssh(hosts, orbos_ssh::Timeouts::default())).contains("machines: 0"));
}
