//! Storage as a run uses it: one suite over memory, files and Azurite; refused credentials; outages; full and killed disks.
//!
//! Azurite comes from `scripts/azurite.sh start`, which prints `FLEETSCORE_AZURITE_ENDPOINT`; without that variable the tests
//! that need it say that they are skipped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod conformance;
mod credentials;
mod files;
mod outage;
mod place;
