//! What can happen to an orb between two looks, in words.

use std::collections::BTreeMap;

use orbos_infra::{
    DrainReason, FileSeen, HostSeen, Inventory, MachineId, Member, Membership, Model, PoolRef, Purpose,
    Ready, bare_host,
};

type Happened = Result<(), String>;

/// Who does not answer at the moment, as they were when they were seen last.
#[derive(Default)]
pub(crate) struct Away {
    providers: BTreeMap<String, Inventory>,
    clusters: BTreeMap<String, Membership>,
    hosts: BTreeMap<MachineId, HostSeen>,
}

/// Makes an event come true; the words are listed in `tests/plans/README.md`.
pub(crate) fn happen(model: &mut Model, away: &mut Away, event: &str) -> Happened {
    let words: Vec<&str> = event.split_whitespace().collect();
    match words[..] {
        ["teardown"] => model.goal.purpose = Purpose::Teardown,
        ["a", "human", "wants", it, "nodes", "of", pool] => scale(model, pool, it)?,
        ["a", "human", "wants", version] => cluster(model)?.target = parse(version)?,
        ["a", "human", "reboots", machine] => request(model, machine, |it, id| it.reboot.insert(id))?,
        ["a", "human", "replaces", machine] => request(model, machine, |it, id| it.replace.insert(id))?,
        ["a", "human", "disables", "updates", "of", pool] => updates(model, pool, true)?,
        ["a", "human", "enables", "updates", "of", pool] => updates(model, pool, false)?,
        ["a", "human", "sets", setting] => set(model, setting)?,
        ["a", "human", "changes", component, "to", text] => {
            cluster(model)?.components.insert(component.into(), text.into());
        }
        ["a", "human", "removes", "the", "endpoint", name] => {
            model.goal.providers.values_mut().for_each(|it| drop(it.endpoints.remove(name)));
        }
        ["a", "human", "removes", "the", "pool", pool] => {
            let pool: PoolRef = parse(pool)?;
            cluster(model)?.pools.retain(|it| it.pool != pool);
        }
        ["a", "human", "lists", machine] => list(model, machine)?,
        ["the", "secret", path, "is", "missing"] => model.goal.missing_secrets.push(path.into()),
        ["access", "is", "stored", "already"] => cluster(model)?.founded_before = true,
        ["access", "is", "no", "longer", "stored"] => cluster(model)?.founded_before = false,
        ["provider", name, "does", "not", "answer"] => {
            let inventory = model.observed.providers.remove(name).ok_or("no such provider")?;
            away.providers.insert(name.into(), inventory);
            model.observed.unseen.insert(format!("provider {name}"), "it does not answer".into());
        }
        ["cluster", "k8s", "was", "not", "seen"] => {
            let membership = model.observed.clusters.remove("k8s").ok_or("it was not seen before")?;
            away.clusters.insert("k8s".into(), membership);
            model.observed.unseen.insert("cluster k8s".into(), "no control plane was seen".into());
        }
        ["cluster", "k8s", "does", "not", "answer"] => membership(model)?.answering = false,
        ["cluster", "k8s", "answers"] => membership(model)?.answering = true,
        ["machine", id, "is", "handed", "out"] => {
            let machine: MachineId = parse(id)?;
            let change = orbos_infra::ProviderChange::Create { machine: machine.clone() };
            model.apply(&orbos_infra::OrbChange::Provider { provider: machine.pool.provider, change });
        }
        ["machine", id, "is", "powered", "off"] => power_off(model, away, id)?,
        ["machine", id, "is", "powered", "on"] => power_on(model, away, id)?,
        ["machine", id, "loses", "its", "power"] => {
            power_off(model, away, id)?;
            unseen(model, id)?;
        }
        ["machine", id, "has", "power", "again"] => {
            let id: MachineId = parse(id)?;
            let inventory = model.observed.providers.get_mut(&id.pool.provider).ok_or("no such provider")?;
            inventory.unseen.remove(&id).ok_or("it was seen")?;
            let address = inventory.addresses.remove(&id);
            inventory.machines.insert(id.clone(), orbos_infra::Machine { id: id.clone(), address });
            power_on(model, away, &id.to_string())?;
        }
        ["everybody", "answers", "again"] => answer(model, away),
        ["machine", id, "does", "not", "answer", "at", "its", "provider"] => unseen(model, id)?,
        ["machine", id, "answers", "at", "its", "provider"] => seen_again(model, id)?,
        ["machine", id, "has", memory, "MiB", "of", "memory"] => host(model, id)?.memory_mib = parse(memory)?,
        ["machine", id, "runs", os] => host(model, id)?.os = os.into(),
        ["machine", id, "has", "a", "listener", "on", port] => {
            host(model, id)?.listening.insert(parse(port)?);
        }
        ["machine", id, "has", "no", "listener", "on", port] => {
            host(model, id)?.listening.remove(&parse::<u16>(port)?);
        }
        ["machine", id, "is", seconds, "s", "ahead"] => host(model, id)?.clock_ahead = parse(seconds)?,
        ["machine", id, "is", "busy"] => host(model, id)?.busy = Some("kubeadm init".into()),
        ["machine", id, "is", "not", "busy"] => host(model, id)?.busy = None,
        ["package", name, "is", "removed", "from", id] => drop(host(model, id)?.packages.remove(name)),
        ["file", path, "is", "edited", "on", id] => edit(host(model, id)?, path)?,
        ["sysctl", name, "is", "changed", "on", id] => {
            drop(host(model, id)?.sysctls.insert(name.into(), "0".into()))
        }
        ["firewall", "of", id, "is", "flushed"] => host(model, id)?.firewall = None,
        ["service", name, "is", "stopped", "on", id] => {
            host(model, id)?.services.get_mut(name).ok_or("no such service")?.active = false;
        }
        ["routes", "of", id, "are", "lost"] => host(model, id)?.routes.clear(),
        ["member", id, "is", "not", "ready"] => {
            member(model, id)?.ready = Ready::No("kubelet stopped posting".into())
        }
        ["member", id, "has", "no", "network"] => member(model, id)?.ready = Ready::NoNetwork,
        ["member", id, "is", "ready"] => member(model, id)?.ready = Ready::Yes,
        ["member", id, "was", "drained", "for", "updating"] => {
            let member = member(model, id)?;
            member.serving = false;
            member.drained_for = Some(DrainReason::Updating);
        }
        ["member", id, "was", "cordoned", "by", "a", "human"] => member(model, id)?.serving = false,
        ["member", id, "was", "uncordoned", "by", "a", "human"] => member(model, id)?.serving = true,
        ["a", "stranger", name, "works"] => {
            membership(model)?.strangers.insert(name.into(), true);
        }
        ["a", "stranger", name, "is", "gone"] => {
            membership(model)?.strangers.insert(name.into(), false);
        }
        ["the", "stranger", name, "is", "removed", "by", "a", "human"] => {
            membership(model)?.strangers.remove(name).ok_or("no such stranger")?;
        }
        _ => return Err("no such event".into()),
    }
    Ok(())
}

fn parse<T: std::str::FromStr>(text: &str) -> Result<T, String>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn cluster(model: &mut Model) -> Result<&mut orbos_infra::ClusterGoal, String> {
    model.goal.clusters.get_mut("k8s").ok_or("no cluster".into())
}

fn membership(model: &mut Model) -> Result<&mut orbos_infra::Membership, String> {
    model.observed.clusters.get_mut("k8s").ok_or("the cluster was not seen".into())
}

fn member<'a>(model: &'a mut Model, id: &str) -> Result<&'a mut Member, String> {
    membership(model)?.members.get_mut(&parse::<MachineId>(id)?).ok_or("no such member".into())
}

fn host<'a>(model: &'a mut Model, id: &str) -> Result<&'a mut HostSeen, String> {
    let (id, observed) = (parse::<MachineId>(id)?, &mut model.observed);
    let free = observed.providers.values().flat_map(|it| it.free.values().flatten()).any(|it| it.id == id);
    if free {
        return Ok(observed.candidates.entry(id.clone()).or_insert_with(|| bare_host(&id)));
    }
    observed.hosts.get_mut(&id).ok_or("no such host".into())
}

fn scale(model: &mut Model, pool: &str, nodes: &str) -> Happened {
    let (pool, nodes): (PoolRef, usize) = (parse(pool)?, parse(nodes)?);
    cluster(model)?.pools.iter_mut().find(|it| it.pool == pool).ok_or("no such pool")?.nodes = nodes;
    Ok(())
}

fn updates(model: &mut Model, pool: &str, disabled: bool) -> Happened {
    let pool: PoolRef = parse(pool)?;
    cluster(model)?.pools.iter_mut().find(|it| it.pool == pool).ok_or("no such pool")?.updates_disabled =
        disabled;
    Ok(())
}

fn set(model: &mut Model, setting: &str) -> Happened {
    let (name, value) = setting.split_once('=').ok_or("no value")?;
    for settings in cluster(model)?.settings.values_mut() {
        settings.insert(name.into(), value.into());
    }
    Ok(())
}

fn request(
    model: &mut Model,
    machine: &str,
    ask: impl Fn(&mut orbos_infra::ProviderGoal, MachineId) -> bool,
) -> Happened {
    let id: MachineId = parse(machine)?;
    ask(model.goal.providers.get_mut(&id.pool.provider).ok_or("no such provider")?, id);
    Ok(())
}

fn list(model: &mut Model, machine: &str) -> Happened {
    let id: MachineId = parse(machine)?;
    let inventory = model.observed.providers.get_mut(&id.pool.provider).ok_or("no such provider")?;
    let machine = orbos_infra::Machine { id: id.clone(), address: Some([10, 0, 1, 1].into()) };
    inventory.free.entry(id.pool.clone()).or_default().push(machine);
    Ok(())
}

/// The machine stays in the inventory, since the provider knows that it is there.
fn power_off(model: &mut Model, away: &mut Away, id: &str) -> Happened {
    let id: MachineId = parse(id)?;
    let host = model.observed.hosts.remove(&id).ok_or("no such host")?;
    away.hosts.insert(id.clone(), host);
    model.observed.unseen.insert(format!("machine {id}"), "it does not answer on port 22".into());
    if let Some(member) = membership(model)?.members.get_mut(&id) {
        member.ready = Ready::No("kubelet stopped posting".into());
    }
    Ok(())
}

fn power_on(model: &mut Model, away: &mut Away, id: &str) -> Happened {
    let id: MachineId = parse(id)?;
    let host = away.hosts.remove(&id).ok_or("it was not off")?;
    model.observed.unseen.remove(&format!("machine {id}"));
    model.observed.hosts.insert(id.clone(), host);
    if let Some(member) = membership(model)?.members.get_mut(&id) {
        member.ready = Ready::Yes;
    }
    Ok(())
}

fn answer(model: &mut Model, away: &mut Away) {
    let Away { providers, clusters, hosts } = std::mem::take(away);
    model.observed.unseen.clear();
    model.observed.providers.extend(providers);
    model.observed.clusters.extend(clusters);
    model.observed.hosts.extend(hosts);
}

fn unseen(model: &mut Model, id: &str) -> Happened {
    let id: MachineId = parse(id)?;
    let inventory = model.observed.providers.get_mut(&id.pool.provider).ok_or("no such provider")?;
    let address = inventory.machines.remove(&id).and_then(|it| it.address);
    inventory.addresses.extend(address.map(|it| (id.clone(), it)));
    if let Some(free) = inventory.free.get_mut(&id.pool) {
        free.retain(|it| it.id != id);
    }
    inventory.unseen.insert(id.clone(), "it does not answer on port 22".into());
    model.observed.hosts.remove(&id);
    Ok(())
}

fn seen_again(model: &mut Model, id: &str) -> Happened {
    let id: MachineId = parse(id)?;
    let inventory = model.observed.providers.get_mut(&id.pool.provider).ok_or("no such provider")?;
    inventory.unseen.remove(&id).ok_or("it was seen")?;
    inventory.addresses.remove(&id);
    let machine = orbos_infra::Machine { id: id.clone(), address: Some([10, 0, 0, 1].into()) };
    inventory.free.entry(id.pool.clone()).or_default().push(machine);
    Ok(())
}

fn edit(host: &mut HostSeen, path: &str) -> Happened {
    let FileSeen { fingerprint, changed, .. } = host.files.get_mut(path).ok_or("no such file")?;
    *fingerprint = "edited".into();
    *changed += 1;
    Ok(())
}
