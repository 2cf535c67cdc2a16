use fleetscore_scorer::drawing::format;
use schemars::JsonSchema;
use serde::Serialize;

use super::Query;

/// A page of a longer list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pager {
    /// Number of the page, from 1.
    pub page: usize,
    /// Number of pages, at least 1.
    pub pages: usize,
    /// Entries on all pages.
    pub total: usize,
    #[serde(skip)]
    per_page: usize,
}

impl Pager {
    /// The page that `query` asks for of a list of `total` entries.
    pub fn new(query: &Query, total: usize, per_page: usize) -> Self {
        let pages = total.div_ceil(per_page).max(1);
        Self {
            page: query.number("page").unwrap_or(1).min(pages),
            pages,
            total,
            per_page,
        }
    }

    /// Position of the page's first entry.
    pub fn first(&self) -> usize {
        (self.page - 1) * self.per_page
    }

    /// `51 – 100 of 1,234`.
    pub fn text(&self) -> String {
        let last = (self.first() + self.per_page).min(self.total);
        let number = |number: usize| format::count(number as u64);
        if self.total == 0 {
            return "none".into();
        }
        format!(
            "{} – {} of {}",
            number(self.first() + 1),
            number(last),
            number(self.total)
        )
    }

    /// The query of the page before.
    pub fn before(&self, query: &Query) -> Option<String> {
        (self.page > 1).then(|| query.with("page", &(self.page - 1).to_string()))
    }

    /// The query of the page after.
    pub fn after(&self, query: &Query) -> Option<String> {
        (self.page < self.pages).then(|| query.with("page", &(self.page + 1).to_string()))
    }
}
