use std::collections::BTreeSet;

use askama::Template;
use fleetscore_scorer::drawing::format;
use jiff::Timestamp;

use super::{Assets, Page, Part};
use crate::history::{Trouble, Unreadable};
use crate::sight::Sight;

/// The tabs on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// The first page.
    Overview,
    /// The list of runs.
    Runs,
    /// The nodes of a cluster.
    Nodes,
    /// None of them.
    Other,
}

impl Tab {
    fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Runs => "Runs",
            Self::Nodes => "Nodes",
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
    tabs: Vec<(&'static str, &'static str)>,
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
    /// Why the cluster cannot be asked.
    away: Option<&'a Trouble>,
    away_since: String,
    unasked: Vec<&'a str>,
    unreadable: &'a Unreadable,
    unreadable_text: String,
    left_out: usize,
}

/// The part with what is wrong with all pages.
pub fn banner(sight: &Sight) -> Result<Part, askama::Error> {
    let index = &sight.index;
    let trouble = index.trouble.as_ref();
    let away = (sight.live.as_ref()).and_then(|live| live.trouble.as_ref());
    let clock = |trouble: &Trouble| trouble.since.strftime("%H:%M:%S").to_string();
    let unasked = index.unasked.iter().map(|unasked| unasked.reason.as_str());
    // The same storage may be that of several namespaces.
    let unasked: BTreeSet<_> = unasked.collect();
    let banner = Banner {
        trouble,
        since: trouble.map(clock).unwrap_or_default(),
        away,
        away_since: away.map(clock).unwrap_or_default(),
        unasked: unasked.into_iter().collect(),
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
        sight: &Sight,
        json: &'a str,
        assets: &'a Assets,
        now: Timestamp,
    ) -> Result<String, askama::Error> {
        let mut parts = page.parts(sight)?;
        let banner = parts.remove(0);
        let content: Vec<_> = parts.into_iter().map(|part| part.html).collect();
        let mut tabs = vec![("Overview", "/"), ("Runs", "/runs")];
        if sight.live.is_some() {
            tabs.push(("Nodes", "/nodes"));
        }
        let frame = Frame {
            title: &page.title,
            tab: page.tab.name(),
            tabs,
            crumbs: &page.crumbs,
            banner: banner.html,
            content: content.join("\n"),
            json,
            version: sight.version(),
            now: now.strftime("%H:%M:%S").to_string(),
            assets,
            software: env!("CARGO_PKG_VERSION"),
        };
        frame.render()
    }
}
