//! From the events of single steps to progress.

use std::{
    fmt,
    sync::{Mutex, PoisonError, Weak},
    time::Duration,
};

use orbos_infra::STEP;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    layer::{Context, Filter},
    registry::LookupSpan,
};

use super::{Shared, board::Step};

/// Who is shown; the subscriber is there before anybody is.
static SHOWN: Mutex<Weak<Shared>> = Mutex::new(Weak::new());

/// From now on steps are shown here.
pub(super) fn show(shared: Weak<Shared>) {
    *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = shared;
}

/// Hands steps to whoever shows progress.
pub(crate) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    Steps.with_filter(wanted())
}

fn wanted<S>() -> impl Filter<S> {
    Targets::new().with_target(STEP, Level::DEBUG)
}

struct Steps;

impl<S: Subscriber> Layer<S> for Steps {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        if let Some(shown) = shown {
            let mut read = Reading::default();
            event.record(&mut read);
            let ended = read.took.map(|took| (took, read.worked));
            shown.step(&Step { ended, ..read.step });
        }
    }
}

#[derive(Default)]
struct Reading {
    step: Step,
    took: Option<Duration>,
    worked: bool,
}

impl Visit for Reading {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "machine" => self.step.machine = format!("{value:?}"),
            "step" => self.step.what = format!("{value:?}"),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "number" => self.step.number = value,
            "of" => self.step.of = value,
            _ => {}
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "took" {
            self.took = Duration::try_from_secs_f64(value).ok();
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "worked" {
            self.worked = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn events_of_steps_get_to_who_is_shown() {
        let shared = Arc::new(Shared::plain());
        show(Arc::downgrade(&shared));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer()), || {
            let (machine, step) = ("rack.workers.w1", "install haproxy");
            shared.begin("~ host rack.workers.w1: 2 steps".into(), Some(machine.into()));
            tracing::debug!(target: STEP, machine = %machine, step = %step, number = 2_usize, of = 2_usize, "begun");
            let worked = true;
            tracing::debug!(target: STEP, machine = %machine, step = %step, number = 2_usize, of = 2_usize, took = 0.5, worked, "done");
            tracing::debug!("something else");
        });
        let names = shared.names();
        assert_eq!(names, ["~ host rack.workers.w1: 2 steps 2/2 install haproxy (0s)"]);
    }
}
