use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};

use tokio::sync::Notify;

use super::*;
use crate::{
    Edit, Effect, Ended, MemoryRepository, Operator, Report, Repository, Resolved, Revision, Schedule,
    Snapshot, Watcher, run, run_once,
};

/// A house in which lamps are switched on, room by room.
#[derive(Debug, Default)]
struct House {
    broken: BTreeSet<&'static str>,
    tried: Mutex<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Lamp(String);

impl fmt::Display for Lamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lamp {}\n    off -> on", self.0)
    }
}

impl Change for Lamp {
    fn effect(&self) -> Effect {
        Effect::Update
    }
}

#[async_trait]
impl Reconciler for House {
    type Goal = Vec<Vec<&'static str>>;
    type Observed = ();
    type Change = Lamp;

    async fn observe(&self, _: &Self::Goal) -> Result<()> {
        Ok(())
    }

    fn plan(goal: &Self::Goal, (): &()) -> Plan<Lamp> {
        let mut plan = Plan::new();
        goal.iter().for_each(|stage| plan.stage(stage.iter().map(|it| Lamp((*it).to_owned()))));
        plan
    }

    async fn apply(&self, (): &(), change: &Lamp) -> Result<()> {
        self.tried.lock().expect("nobody panics with it").push(change.0.clone());
        match self.broken.contains(change.0.as_str()) {
            true => Err(Error::failed(change.0.clone(), "it is broken")),
            false => Ok(()),
        }
    }

    async fn pass(&self, goal: &Self::Goal, listener: &dyn Listener<Self>) -> Result<Round<Self>> {
        round_with(self, goal, listener, &same_floor).await
    }
}

/// A lamp hangs on the fuse of its floor, `attic.desk` on `attic`.
fn same_floor((): &(), failed: &[&Lamp], next: &Lamp) -> Option<String> {
    let floor = next.0.split('.').next().unwrap_or_default();
    failed.iter().find(|it| it.0.split('.').next() == Some(floor)).map(|it| format!("lamp {}", it.0))
}

fn house() -> (House, Vec<Vec<&'static str>>) {
    let house = House { broken: BTreeSet::from(["attic"]), ..House::default() };
    (house, vec![vec!["attic", "cellar"], vec!["attic.desk", "cellar.shelf"], vec!["attic.desk.left"]])
}

fn failures(round: &Round<House>) -> Vec<String> {
    round.failures().map(|(_, why)| why.chain()).collect()
}

#[tokio::test]
async fn a_round_ends_after_a_stage_with_a_failure() {
    let (house, goal) = house();
    let ended = round(&house, &goal, &()).await.expect("a house can be seen");
    assert_eq!(failures(&ended), ["attic: it is broken"]);
    assert_eq!(*house.tried.lock().expect("nobody panics with it"), ["attic", "cellar"]);
}

#[tokio::test]
async fn a_round_goes_on_with_what_no_failure_blocks() {
    let (house, goal) = house();
    let ended = round_with(&house, &goal, &(), &same_floor).await.expect("a house can be seen");
    let expected = [
        "attic: it is broken",
        "lamp attic.desk: not tried, since lamp attic failed",
        "lamp attic.desk.left: not tried, since lamp attic failed",
    ];
    assert_eq!(failures(&ended), expected);
    assert_eq!(*house.tried.lock().expect("nobody panics with it"), ["attic", "cellar", "cellar.shelf"]);
    assert_eq!(ended.applied.len(), 5, "everything is recorded");
}

/// Counts what it hears and stops after a number of stages.
#[derive(Default)]
struct Ear {
    heard: Mutex<Vec<String>>,
    asked: Mutex<usize>,
    stages: usize,
}

impl Listener<House> for Ear {
    fn started(&self, change: &Lamp) {
        self.heard.lock().expect("nobody panics with it").push(change.0.clone());
    }

    fn stop(&self) -> bool {
        let mut asked = self.asked.lock().expect("nobody panics with it");
        *asked += 1;
        *asked > self.stages
    }
}

#[tokio::test]
async fn a_listener_does_not_hear_of_what_is_not_tried_and_can_stop() {
    let (house, goal) = house();
    let ear = Ear { stages: 2, ..Ear::default() };
    let ended = round_with(&house, &goal, &ear, &same_floor).await.expect("a house can be seen");
    assert_eq!(*ear.heard.lock().expect("nobody panics with it"), ["attic", "cellar", "cellar.shelf"]);
    assert_eq!(ended.applied.len(), 4, "the third stage was not begun");
}

struct Keeper;

impl Operator for Keeper {
    type Reconciler = House;

    fn desired_path(&self) -> &str {
        "house.yml"
    }

    fn resolve(&self, _: &Snapshot) -> Result<Resolved<House>> {
        let (reconciler, goal) = house();
        Ok(Resolved { reconciler, goal })
    }

    fn current(&self, _: Ended<'_, House>) -> BTreeMap<String, String> {
        BTreeMap::new()
    }
}

#[tokio::test]
async fn an_operator_goes_on_if_its_reconciler_does() {
    let repository = MemoryRepository::new([("house.yml", "")]);
    let report = run_once(&Keeper, &repository, &()).await.expect("a house can be seen");
    assert_eq!(report.round.applied.len(), 5);
}

/// A house at which somebody can ring.
struct Bell {
    rung: Notify,
    lamps: fn() -> (House, Vec<Vec<&'static str>>),
}

#[async_trait]
impl Operator for Bell {
    type Reconciler = House;

    fn desired_path(&self) -> &str {
        "house.yml"
    }

    fn resolve(&self, _: &Snapshot) -> Result<Resolved<House>> {
        let (reconciler, goal) = (self.lamps)();
        Ok(Resolved { reconciler, goal })
    }

    fn current(&self, _: Ended<'_, House>) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    async fn world_changed(&self) {
        self.rung.notified().await
    }
}

#[derive(Default)]
struct Rounds {
    ended: AtomicU32,
    without_repository: AtomicU32,
}

impl Listener<House> for Rounds {}

impl Watcher<House> for Rounds {
    fn ended(&self, _: Result<&Report<House>, &Error>, _: Duration) {
        self.ended.fetch_add(1, Ordering::SeqCst);
    }

    fn repository_away(&self, _: &Error) {
        self.without_repository.fetch_add(1, Ordering::SeqCst);
    }
}

/// How many rounds there were when somebody rings, 10 s after the beginning; 1 s later, when they ring again; 2.5 s and 3.5 s
/// after that.
async fn rounds_of(lamps: fn() -> (House, Vec<Vec<&'static str>>)) -> Vec<u32> {
    let (bell, rounds) = (Bell { rung: Notify::new(), lamps }, Rounds::default());
    let hour = Duration::from_secs(3600);
    let schedule =
        Schedule { interval: hour, back_off: hour, longest: hour, poll: hour, ..Schedule::default() };
    let mut counted = Vec::new();
    let stop = async {
        for (millis, rings) in [(10_000, true), (1000, true), (2500, false), (1000, false)] {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            counted.push(rounds.ended.load(Ordering::SeqCst));
            if rings {
                bell.rung.notify_one();
            }
        }
    };
    let repository = MemoryRepository::new([("house.yml", "")]);
    run(&bell, &repository, schedule, &rounds, stop).await;
    counted
}

#[tokio::test(start_paused = true)]
async fn a_settled_world_that_tells_of_a_change_is_looked_at_soon() {
    let settled = || (House::default(), Vec::new());
    assert_eq!(rounds_of(settled).await, [1, 2, 2, 3], "the second time after 4 s at the earliest");
    assert_eq!(rounds_of(house).await, [1, 1, 1, 1], "failures back off");
}

/// Answers after 3 s, and refuses a question while one is under way, as a real one does.
#[derive(Debug)]
struct Slow(MemoryRepository, Arc<AtomicBool>);

#[async_trait]
impl Repository for Slow {
    async fn snapshot(&self) -> Result<Snapshot> {
        if self.1.swap(true, Ordering::SeqCst) {
            return Err(Error::unreachable("the repository"));
        }
        let under_way = Arc::clone(&self.1);
        let answered = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(3)).await;
            under_way.store(false, Ordering::SeqCst);
        });
        answered.await.map_err(|it| Error::failed("asking", it.to_string()))?;
        self.0.snapshot().await
    }

    async fn commit(&self, base: &Revision, edit: &Edit) -> Result<Revision> {
        self.0.commit(base, edit).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_world_that_tells_cuts_no_question_to_the_repository() {
    let repository = Slow(MemoryRepository::new([("house.yml", "")]), Arc::default());
    let lamps = || (House::default(), Vec::new());
    let (bell, rounds) = (Bell { rung: Notify::new(), lamps }, Rounds::default());
    // The first round ends after 3 s, and the repository is asked again from 13 s to 16 s.
    let stop = async {
        tokio::time::sleep(Duration::from_secs(14)).await;
        bell.rung.notify_one();
        tokio::time::sleep(Duration::from_secs(6)).await;
    };
    run(&bell, &repository, Schedule::default(), &rounds, stop).await;
    assert_eq!(rounds.ended.load(Ordering::SeqCst), 2);
    assert_eq!(rounds.without_repository.load(Ordering::SeqCst), 0);
}
