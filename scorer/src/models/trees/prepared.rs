use std::fmt;
use std::sync::OnceLock;

use super::full::Full;
use super::steps::Steps;

/// What a forest is turned into to be scored fast, once that pays off. It is no part of what the forest is: forests are equal
/// without it, and a copy makes its own.
#[derive(Default)]
pub(super) struct Prepared {
    /// Of a forest over one feature.
    pub(super) steps: OnceLock<Box<Steps>>,
    /// Of small trees over few features; None where they are not.
    pub(super) full: OnceLock<Option<Full>>,
}

impl Clone for Prepared {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Prepared {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Prepared")
    }
}
