use askama::Template;
use fleetscore_scorer::drawing::format;
use jiff::Timestamp;

use super::{Page, Part};
use crate::history::{Index, Trouble, Unreadable};
use crate::server::assets::Assets;

/// The tabs on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// The first page.
    Overview,
    /// The list of runs.
    Runs,
    /// None of them.
    Other,
}

impl Tab {
    fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Runs => "Runs",
            Self::Other => "",
        }
    }
}

/// What is around every page.
#[derive(Template)]
#[template(path = "layout.html")]
pub struct Frame<'a> {
    title: &'a str,
    tab: &'static str,
    tabs: [(&'static str, &'static str); 2],
    crumbs: &'a [(String, String)],
    banner: String,
    content: String,
    json: &'a str,
    version: u64,
    now: String,
    assets: &'a Assets,
    software: &'static str,
}

/// What is wrong with all pages.
#[derive(Template)]
#[template(path = "banner.html")]
struct Banner<'a> {
    trouble: Option<&'a Trouble>,
    since: String,
    unreadable: &'a Unreadable,
    unreadable_text: String,
    left_out: usize,
}

/// The part with what is wrong with all pages.
pub fn banner(index: &Index) -> Result<Part, askama::Error> {
    let trouble = index.trouble.as_ref();
    let clock = |trouble: &Trouble| trouble.since.strftime("%H:%M:%S").to_string();
    let banner = Banner {
        trouble,
        since: trouble.map(clock).unwrap_or_default(),
        unreadable: &index.unreadable,
        unreadable_text: format::counted(index.unreadable.count as u64, "record"),
        left_out: index.left_out,
    };
    Ok(Part {
        id: "banner".into(),
        html: banner.render()?.trim().to_owned(),
    })
}

impl<'a> Frame<'a> {
    /// The whole of `page`.
    pub fn render_page(
        page: &'a Page,
        index: &Index,
        json: &'a str,
        assets: &'a Assets,
        now: Timestamp,
    ) -> Result<String, askama::Error> {
        let mut parts = page.parts(index)?;
        let banner = parts.remove(0);
        let content: Vec<_> = parts.into_iter().map(|part| part.html).collect();
        let frame = Frame {
            title: &page.title,
            tab: page.tab.name(),
            tabs: [("Overview", "/"), ("Runs", "/runs")],
            crumbs: &page.crumbs,
            banner: banner.html,
            content: content.join("\n"),
            json,
            version: index.version,
            now: now.strftime("%H:%M:%S").to_string(),
            assets,
            software: env!("CARGO_PKG_VERSION"),
        };
        frame.render()
    }
}
