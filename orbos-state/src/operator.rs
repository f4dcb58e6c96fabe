//! What turns one desired file into rounds.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use async_trait::async_trait;

use crate::{
    Author, Edit, Error, Limits, Listener, Outcome, Plan, Reconciler, Repository, Result, Revision, Round,
    Schedule, Snapshot, preview, update,
};

/// Reads one desired file, writes one current file, reconciles in between.
#[async_trait]
pub trait Operator: Send + Sync {
    /// What it reconciles.
    type Reconciler: Reconciler;

    /// The path of the file that a human writes.
    fn desired_path(&self) -> &str;

    /// Who signs its commits.
    fn author(&self) -> Author {
        Author::default()
    }

    /// Makes drivers and a goal out of files; touches nothing but files.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] with every mistake of the desired file at once.
    fn resolve(&self, files: &Snapshot) -> Result<Resolved<Self::Reconciler>>;

    /// The files that say what is, by path; nobody else writes them. The same round gives the same texts,
    /// without times.
    fn current(&self, ended: Ended<'_, Self::Reconciler>) -> BTreeMap<String, String>;

    /// Returns as soon as the world has told by itself that it changed since the newest look at it began: [`run`] looks again
    /// then, if nothing was to be done, see [`Schedule::pause`]. Never by default, as most of the world has to be asked.
    async fn world_changed(&self) {
        std::future::pending().await
    }
}

/// Drivers and what should be true.
#[derive(Debug)]
pub struct Resolved<R: Reconciler> {
    /// The drivers.
    pub reconciler: R,
    /// What should be true.
    pub goal: R::Goal,
}

/// How a round ended, for the current file.
#[derive(Debug)]
pub enum Ended<'a, R: Reconciler> {
    /// There was a plan.
    Round(&'a Round<R>),
    /// It did not get that far.
    Error(&'a Error),
}

/// What came of one round.
#[derive(Debug)]
pub struct Report<R: Reconciler> {
    /// The revision whose files were read.
    pub revision: Revision,
    /// The round.
    pub round: Round<R>,
    /// The revision that the current files were committed at; `None`: nothing had changed.
    ///
    /// An error does not undo the round: what is recorded is written again with the next one.
    pub recorded: Result<Option<Revision>>,
}

/// Reads, looks and decides; changes nothing, writes nothing.
///
/// # Errors
///
/// What the repository, [`Operator::resolve`] or [`Reconciler::observe`] report.
pub async fn look<O: Operator>(operator: &O, repository: &dyn Repository) -> Result<Look<O::Reconciler>> {
    let snapshot = repository.snapshot().await?;
    let Resolved { reconciler, goal } = operator.resolve(&snapshot)?;
    let (observed, plan) = preview(&reconciler, &goal).await?;
    Ok(Look { revision: snapshot.revision, reconciler, goal, observed, plan })
}

/// What was read, seen and decided.
#[derive(Debug)]
pub struct Look<R: Reconciler> {
    /// The revision whose files were read.
    pub revision: Revision,
    /// The drivers.
    pub reconciler: R,
    /// What should be true.
    pub goal: R::Goal,
    /// What is true.
    pub observed: R::Observed,
    /// What would be done next.
    pub plan: Plan<R::Change>,
}

/// Resolves, observes, plans, applies and records once.
///
/// # Errors
///
/// What the repository, [`Operator::resolve`] or [`Reconciler::observe`] report; the error stands in the
/// current file then. A failed change is no error here, see [`Round::failures`].
pub async fn run_once<O: Operator>(
    operator: &O,
    repository: &dyn Repository,
    listener: &dyn Listener<O::Reconciler>,
) -> Result<Report<O::Reconciler>> {
    run_from(operator, repository, repository.snapshot().await?, listener).await
}

async fn run_from<O: Operator>(
    operator: &O,
    repository: &dyn Repository,
    snapshot: Snapshot,
    listener: &dyn Listener<O::Reconciler>,
) -> Result<Report<O::Reconciler>> {
    let attempt = async {
        let Resolved { reconciler, goal } = operator.resolve(&snapshot)?;
        reconciler.pass(&goal, listener).await
    };
    match attempt.await {
        Ok(round) => {
            let files = operator.current(Ended::Round(&round));
            let recorded = record(operator, repository, &snapshot, &files, Outcome::of(&round)).await;
            if let Err(error) = &recorded {
                tracing::warn!(error = error.chain(), "the current files were not written");
            }
            Ok(Report { revision: snapshot.revision, round, recorded })
        }
        Err(error) => {
            let files = operator.current(Ended::Error(&error));
            if let Err(second) =
                record(operator, repository, &snapshot, &files, Outcome::of_error(&error)).await
            {
                tracing::warn!(error = second.chain(), "the current file was not written");
            }
            Err(error)
        }
    }
}

/// Commits the current files on the newest revision; they are ours alone, so losing a race means writing again.
async fn record<O: Operator>(
    operator: &O,
    repository: &dyn Repository,
    snapshot: &Snapshot,
    files: &BTreeMap<String, String>,
    outcome: Outcome,
) -> Result<Option<Revision>> {
    let news = |snapshot: &Snapshot| -> Vec<(&String, &String)> {
        files.iter().filter(|(path, text)| snapshot.text(path) != Some(text.as_str())).collect()
    };
    if news(snapshot).is_empty() {
        return Ok(None);
    }
    let subject = match outcome {
        Outcome::Failed(_) => "Current state changed: something failed",
        Outcome::Waiting => "Current state changed: waiting",
        Outcome::Moved => "Current state changed",
        Outcome::Settled => "Current state reconciled",
    };
    update(repository, &Limits::default(), |newest| {
        let news = news(newest);
        let mut edit = Edit::new(subject);
        edit.author = operator.author();
        let edit = news.iter().fold(edit, |edit, (path, text)| edit.write(path.as_str(), text.as_str()));
        Ok((!news.is_empty()).then_some(edit))
    })
    .await
}

/// Hears of rounds while an operator runs for ever. Every method has an empty default.
pub trait Watcher<R: Reconciler>: Listener<R> {
    /// A round has ended.
    fn ended(&self, report: Result<&Report<R>, &Error>, took: Duration) {
        let _ = (report, took);
    }
    /// The repository does not answer; rounds go on with what it said last, if it said something.
    fn repository_away(&self, error: &Error) {
        let _ = error;
    }
}

impl<R: Reconciler> Watcher<R> for () {}

/// Runs rounds until `stop` resolves; the round under way then is finished.
///
/// While the repository is away, rounds go on with the newest files that were read.
pub async fn run<O: Operator>(
    operator: &O,
    repository: &dyn Repository,
    schedule: Schedule,
    watcher: &dyn Watcher<O::Reconciler>,
    stop: impl Future<Output = ()> + Send,
) where
    O::Reconciler: 'static,
{
    let mut stop = std::pin::pin!(stop);
    let mut known: Option<Snapshot> = None;
    let mut failures = 0;
    let mut early = 0;
    loop {
        let begin = Instant::now();
        let snapshot = match repository.snapshot().await {
            Ok(snapshot) => {
                known = Some(snapshot.clone());
                Ok(snapshot)
            }
            Err(error) => {
                watcher.repository_away(&error);
                known.clone().ok_or(error)
            }
        };
        let (report, revision) = match snapshot {
            Ok(snapshot) => {
                let revision = snapshot.revision.clone();
                (run_from(operator, repository, snapshot, watcher).await, Some(revision))
            }
            Err(error) => (Err(error), None),
        };
        watcher.ended(report.as_ref(), begin.elapsed());
        let outcome = report.as_ref().map_or_else(Outcome::of_error, |it| Outcome::of(&it.round));
        failures = if matches!(outcome, Outcome::Failed(_)) { failures + 1 } else { 0 };
        let newest = report.ok().and_then(|it| it.recorded.ok().flatten()).or(revision);
        let wait = Wait {
            poll: schedule.poll,
            longest: schedule.wait(outcome, failures),
            world: schedule.pause(outcome, early),
        };
        tokio::select! {
            () = &mut stop => return,
            told = wait.for_news(operator, repository, newest) => match (told, outcome) {
                (true, _) => early += 1,
                // Only a wait in which it told nothing is peace.
                (false, Outcome::Settled) => early = 0,
                (false, _) => {}
            },
        }
    }
}

/// How long to wait for the next round.
struct Wait {
    /// How often the repository is asked.
    poll: Duration,
    longest: Duration,
    /// From when on the world is listened to; `None`: it is not.
    world: Option<Duration>,
}

impl Wait {
    /// Until the time is over, the repository has something new, or the world tells of a change; whether that was it.
    ///
    /// A question to the repository is not given up in the middle: it would hang on beside the next round's.
    async fn for_news<O: Operator>(
        &self,
        operator: &O,
        repository: &dyn Repository,
        newest: Option<Revision>,
    ) -> bool {
        let until = tokio::time::Instant::now() + self.longest;
        let world = async {
            match self.world {
                Some(pause) => tokio::time::sleep(pause).await,
                None => std::future::pending().await,
            }
            operator.world_changed().await;
        };
        let mut world = std::pin::pin!(world);
        loop {
            let next = (tokio::time::Instant::now() + self.poll).min(until);
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = &mut world => return true,
            }
            if next == until {
                return false;
            }
            if let (Ok(snapshot), Some(newest)) = (repository.snapshot().await, &newest)
                && snapshot.revision != *newest
            {
                return false;
            }
        }
    }
}
