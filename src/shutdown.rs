//! Shutdown: the first signal drains, the second stops.
//!
//! A [`Shutdown`] is passed to everything that runs long; who waits on it decides what draining means there.

use std::future::Future;
use std::sync::Arc;
use tokio::sync::watch;

/// How far the shutdown has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Nobody asked to stop.
    Running,
    /// Take nothing new, finish what is in hand, leave with exit code 0.
    Draining,
    /// Stop now, exit code 130.
    Stopping,
}

/// The stop signal, as seen by those who must obey it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shutdown {
    stage: watch::Receiver<Stage>,
    // Kept so that a `Shutdown` without a trigger never reports "closed".
    _keep: Arc<watch::Sender<Stage>>,
}

/// The hand that raises the signal.
#[derive(Clone, Debug)]
pub struct Trigger(Arc<watch::Sender<Stage>>);

/// A connected pair.
pub fn channel() -> (Trigger, Shutdown) {
    let (sender, stage) = watch::channel(Stage::Running);
    let sender = Arc::new(sender);
    (Trigger(sender.clone()), Shutdown { stage, _keep: sender })
}

impl Trigger {
    /// How far the shutdown has come.
    pub fn stage(&self) -> Stage {
        *self.0.borrow()
    }
    /// One step further: running -> draining -> stopping. Returns the new stage.
    pub fn advance(&self) -> Stage {
        let mut now = Stage::Running;
        self.0.send_modify(|stage| {
            *stage = match *stage {
                Stage::Running => Stage::Draining,
                Stage::Draining | Stage::Stopping => Stage::Stopping,
            };
            now = *stage;
        });
        now
    }
}

impl Shutdown {
    /// A signal that never comes.
    pub fn never() -> Self {
        channel().1
    }
    /// How far the shutdown has come.
    pub fn stage(&self) -> Stage {
        *self.stage.borrow()
    }
    /// True once a first signal has come.
    pub fn is_requested(&self) -> bool {
        self.stage() > Stage::Running
    }
    /// Returns once the shutdown has reached `stage`; at once when it already has.
    pub fn reached(&self, stage: Stage) -> impl Future<Output = ()> + Send + 'static {
        let mut receiver = self.stage.clone();
        let keep = self._keep.clone();
        async move {
            let _keep = keep;
            // The sender is kept alive by us, so the only way out is the stage itself.
            let _ = receiver.wait_for(|now| *now >= stage).await;
        }
    }
    /// Returns once a first signal has come.
    pub fn requested(&self) -> impl Future<Output = ()> + Send + 'static {
        self.reached(Stage::Draining)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn first_signal_drains_second_stops() {
        let (trigger, shutdown) = channel();
        assert!(!shutdown.is_requested());
        assert_eq!(trigger.advance(), Stage::Draining);
        shutdown.requested().await;
        assert_eq!(trigger.advance(), Stage::Stopping);
        assert_eq!(trigger.advance(), Stage::Stopping);
        shutdown.reached(Stage::Stopping).await;
    }
}
