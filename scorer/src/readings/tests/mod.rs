//! Tests of whole reads, through memory and local files.

mod csv;
mod damage;
mod numbers;
mod parquet;
pub(crate) mod support;
mod times;
