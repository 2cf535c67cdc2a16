//! Tests of whole reads, through memory and local files.

mod csv;
mod damage;
mod faults;
mod first;
mod hostile_pages;
mod kinds;
mod numbers;
mod parquet;
mod parquet_types;
mod row_groups;
mod times;
