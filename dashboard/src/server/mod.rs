//! The web server: who may ask ([`Guard`]), what an address means, pages, and what changes on them.

mod answer;
mod events;
mod guard;
mod make;
mod route;
mod run;

use std::io;
use std::sync::Arc;

use axum::Router;
use fleetscore_cluster::{ClusterError, Person};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::history::History;
use crate::live::Live;
use crate::pages::Assets;
use crate::sight::{Access, Sight};

pub use guard::{Guard, Headers, Verdict};

/// Pages that are made at a time.
const PAGES: usize = 8;
/// Browsers' windows that are told of changes.
const STREAMS: usize = 128;

/// What the server answers from.
pub struct App {
    history: Arc<History>,
    live: Option<Arc<Live>>,
    access: Access,
    guard: Guard,
    assets: Assets,
    pages: Semaphore,
    streams: Arc<Semaphore>,
}

impl App {
    /// Shows `history` to whom `guard` lets in.
    pub fn new(history: Arc<History>, guard: Guard) -> Self {
        Self {
            history,
            live: None,
            access: Access::All,
            guard,
            assets: Assets::default(),
            pages: Semaphore::new(PAGES),
            streams: Arc::new(Semaphore::new(STREAMS)),
        }
    }

    /// Shows what goes on in a cluster, too, to each person what `access` says.
    #[must_use]
    pub fn with_cluster(self, live: Arc<Live>, access: Access) -> Self {
        Self {
            live: Some(live),
            access,
            ..self
        }
    }

    /// What a person sees now.
    async fn sight(&self, person: Option<&Person>) -> Result<Sight, ClusterError> {
        let index = self.history.index().await;
        let live = self.live.as_ref().map(|live| live.snapshot());
        self.access.sight(person, index, live).await
    }
}

/// Answers on `listener` until the task is dropped.
///
/// # Errors
///
/// The socket fails.
pub async fn serve(listener: TcpListener, app: App) -> io::Result<()> {
    let router = Router::new()
        .fallback(answer::answer)
        .with_state(Arc::new(app));
    axum::serve(listener, router).await
}
