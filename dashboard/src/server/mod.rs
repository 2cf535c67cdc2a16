//! The web server: who may ask ([`Guard`]), what an address means, pages, and what changes on them.

mod answer;
pub mod assets;
mod events;
mod guard;
mod route;

use std::io;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::history::History;
use assets::Assets;

pub use guard::{Guard, Verdict};

/// Pages that are made at a time.
const PAGES: usize = 8;
/// Browsers' windows that are told of changes.
const STREAMS: usize = 32;

/// What the server answers from.
pub struct App {
    history: Arc<History>,
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
            guard,
            assets: Assets::default(),
            pages: Semaphore::new(PAGES),
            streams: Arc::new(Semaphore::new(STREAMS)),
        }
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
