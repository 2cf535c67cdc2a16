//! Scores a fleet of sensors: every sensor's readings with its own one-class SVM.
//!
//! A run is three steps, each a function in [`steps`]: `plan` lists the sensors, `score` scores one shard of them, `collect`
//! sums up. A pod runs one of them (the binary `scorer`); `fleetscore run` calls all three in one process.
//!
//! What a step works with: [`location`] (URLs and their placeholders), [`apart`] (what is written lies apart from what is
//! read), [`place`] (who owns an output location), [`models`] (reading a model, its decision function), `fleetscore_storage`
//! (objects behind a URL), `fleetscore_readings` (reading rows), [`predictions`] (writing results), [`ledger`] (what happened to each sensor),
//! [`report`] (the ledger summed up), [`drawing`] (numbers as words, series as charts) and [`history`] (what of each run is kept for those
//! who look back).

pub mod apart;
pub mod descriptors;
pub mod drawing;
pub mod history;
pub mod ledger;
pub mod location;
pub mod log;
pub mod models;
pub mod outputs;
pub mod place;
pub mod predictions;
pub mod report;
pub mod run;
pub mod steps;
pub mod worker;
