//! The spine with failures: nobody answers, a change fails half-way, a change took effect unheard.

use orbos_infra::{
    Inventory, OrbChange, PoolRef, Purpose,
    testing::{Fails, SimWorld, Sketch, provider_suite, software_suite},
};
use orbos_state::{Reconciler, round};

const ORB: &str = "
version: v1.20.2
controlplane: {pool: p.masters, nodes: 3}
workers: [{pool: p.workers, nodes: 2}]
providers:
  p: {lists: {masters: [a, b, c], workers: [d, e]}, endpoints: {kubeapi: masters}}
";

fn world() -> SimWorld {
    let sketch: Sketch = serde_yaml::from_str(ORB).expect("a valid sketch");
    SimWorld::new(sketch.model())
}

async fn settle(world: &SimWorld) -> usize {
    let orb = world.orb();
    for number in 0..60 {
        let goal = orb.goal(Purpose::Run, Vec::new());
        if round(&orb, &goal, &()).await.expect("the world can be seen").is_settled() {
            return number;
        }
    }
    panic!("not settled:\n{}", world.model().plan());
}

#[tokio::test]
async fn the_simulated_drivers_pass_their_suites() {
    let world = world();
    let orb = world.orb();
    provider_suite(orb.provider("p").expect("it is there"), &PoolRef::new("p", "workers")).await;
    software_suite(&orb, 60).await;
}

#[tokio::test]
async fn a_simulated_elastic_provider_passes_the_suite() {
    let text = ORB.replace("lists: {masters: [a, b, c], workers: [d, e]}, ", "");
    let sketch: Sketch = serde_yaml::from_str(&text).expect("a valid sketch");
    let world = SimWorld::new(sketch.model());
    provider_suite(world.orb().provider("p").expect("it is there"), &PoolRef::new("p", "workers")).await;
}

#[tokio::test]
async fn any_change_may_fail_once_before_or_after_it_took_effect() {
    let smooth = world();
    settle(&smooth).await;
    for begins in
        ["machine p.masters.a", "host p.workers.d", "k8s: bootstrap", "k8s: join p.masters.b", "secret"]
    {
        for fails in [Fails::Before, Fails::After] {
            let world = world();
            world.fail(begins, fails);
            settle(&world).await;
            assert_eq!(
                world.model().observed.clusters,
                smooth.model().observed.clusters,
                "{begins} {fails:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_failed_stage_ends_the_round() {
    let world = world();
    let orb = world.orb();
    world.fail("machine p.masters.a", Fails::Before);
    let goal = orb.goal(Purpose::Run, Vec::new());
    let ended = round(&orb, &goal, &()).await.expect("the world can be seen");
    assert_eq!(ended.failures().count(), 1);
    let of_first_stage = ended.plan.stages()[0].len();
    assert_eq!(ended.applied.len(), of_first_stage, "what was decided for a better world was not tried");
}

#[tokio::test]
async fn who_does_not_answer_is_not_gone() {
    for subject in ["provider p", "cluster k8s"] {
        let world = world();
        settle(&world).await;
        let before = world.model();
        world.silence(subject, "no route to host");
        let orb = world.orb();
        let goal = orb.goal(Purpose::Run, Vec::new());
        let ended = round(&orb, &goal, &()).await.expect("the world can be seen");
        assert_eq!(world.model(), before, "{subject}: nothing was changed");
        assert!(
            ended.plan.waiting().iter().any(|it| it.to_string().contains("no route to host")),
            "{}",
            ended.plan
        );
        world.answer(subject);
        assert_eq!(settle(&world).await, 0, "{subject}");
    }
}

#[tokio::test]
async fn a_machine_that_does_not_answer_is_named_and_kept() {
    let world = world();
    settle(&world).await;
    let before = world.model();
    world.silence("machine p.workers.e", "connection timed out");
    let orb = world.orb();
    let goal = orb.goal(Purpose::Run, Vec::new());
    let observed = orb.observe(&goal).await.expect("the rest can be seen");
    let plan = orbos_infra::plan(&goal, &observed);
    assert!(plan.is_empty(), "{plan}");
    assert!(
        plan.to_string().contains("p.workers.e") && plan.to_string().contains("connection timed out"),
        "{plan}"
    );
    assert_eq!(world.model(), before);
}

#[tokio::test]
async fn a_teardown_ends_where_it_began() {
    let world = world();
    let fresh: Inventory = world.model().observed.providers["p"].clone();
    settle(&world).await;
    let orb = world.orb();
    for _ in 0..40 {
        let goal = orb.goal(Purpose::Teardown, Vec::new());
        let ended = round(&orb, &goal, &()).await.expect("the world can be seen");
        if ended.is_settled() {
            break;
        }
    }
    assert_eq!(world.model().observed.providers["p"], fresh);
    assert!(!world.model().goal.clusters["k8s"].founded_before, "access is forgotten");
    let goal = orb.goal(Purpose::Run, Vec::new());
    let observed = orb.observe(&goal).await.expect("the world can be seen");
    let again = orbos_infra::plan(&goal, &observed);
    assert!(
        again.changes().any(|it| matches!(it, OrbChange::Provider { .. })),
        "it can take off again: {again}"
    );
}
