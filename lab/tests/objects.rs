//! Objects on a real API server: applied, compared, repaired and taken away again.
//!
//! One API server for all of it, since starting one takes longer than what is done there; each part has its own namespace
//! and its own inventory.
#![expect(clippy::unwrap_used, reason = "helpers of a test")]
#![expect(clippy::print_stdout, reason = "the numbers of requests are what this test is for")]

mod objects {
    pub(crate) mod drift;
    pub(crate) mod failures;
    pub(crate) mod leases;
    pub(crate) mod pruning;
    pub(crate) mod site;
}

use objects::{drift, failures, leases, pruning};
use orbos_lab::Api;

#[tokio::test(flavor = "multi_thread")]
async fn objects_become_and_stay_as_they_should_be() {
    let api = Api::start().unwrap();
    drift::everything_is_applied_once_and_kept(&api).await;
    drift::a_foreign_field_manager_is_respected(&api).await;
    drift::immutable_fields_are_shown_and_recreated(&api).await;
    drift::what_was_there_before_is_taken_in_and_not_over(&api).await;
    drift::many_objects_cost_few_requests(&api).await;
    drift::many_missing_objects_cost_few_requests(&api).await;
    leases::of_several_holders_one_works_and_another_one_goes_on(&api).await;
    pruning::what_left_goes_and_nothing_else(&api).await;
    pruning::the_guard_refuses_what_would_be_lost(&api).await;
    failures::stopped_at_any_moment_it_ends_where_it_would_have(&api).await;
    failures::one_object_fails_and_the_others_go_on(&api).await;
    failures::a_namespace_that_is_being_deleted_is_waited_for(&api).await;
    failures::a_kind_that_is_never_served_is_named(&api).await;
    failures::no_permission_for_one_kind_concerns_that_kind(&api).await;
}
