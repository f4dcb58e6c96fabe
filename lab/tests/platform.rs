//! The whole platform on a real API server: applied, kept, changed by others, switched off, killed, doubled.
//!
//! Pods stay pending, as there is no node; everything else is real.
#![expect(clippy::unwrap_used, reason = "helpers of a test")]
#![expect(clippy::print_stdout, reason = "the figures are what this test is for")]

mod platform {
    pub(crate) mod programs;
    pub(crate) mod rounds;
    pub(crate) mod site;
}

use orbos_lab::Api;
use platform::{programs, rounds, site::Site};

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_becomes_and_stays_as_it_should_be() {
    let api = Api::start().unwrap();
    let site = Site::new(&api).await;
    rounds::all_tools_are_applied_to_an_empty_cluster_once(&site).await;
    rounds::a_field_that_is_changed_by_hand_costs_one_patch(&site).await;
    rounds::who_follows_asks_hardly_anything_and_misses_nothing(&site).await;
    rounds::another_programs_field_is_reported_and_not_taken(&site).await;
    rounds::a_tool_that_is_switched_off_goes_and_nothing_else(&site).await;
    rounds::a_tool_that_cannot_be_rendered_keeps_what_it_has(&site).await;
    rounds::a_cluster_that_is_too_old_for_a_tool_is_named(&site).await;
    rounds::what_a_human_adds_comes_before_and_after(&site).await;
    programs::killed_at_any_moment_it_ends_where_it_would_have(&site);
    programs::of_two_one_works(&site);
    programs::what_somebody_changes_is_repaired_before_the_next_round(&site);
    programs::an_example_installs_tools_from_a_pipeline(&site);
}
