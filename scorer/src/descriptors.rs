//! How many files and connections the process may have open.

/// Enough for any fleet, and few enough for programs that prepare for all that may come.
const WANTED: u64 = 65_536;

/// Raises the limit on open files to what a run may need, as far as the system allows without privileges. Debian's limit of 1,024
/// is for programs that cannot take more; what is needed at all does not grow with the sensors.
pub fn raise_limit() {
    let raised = rlimit::Resource::NOFILE.get().and_then(|(soft, hard)| {
        let wanted = WANTED.min(hard);
        if soft < wanted {
            rlimit::setrlimit(rlimit::Resource::NOFILE, wanted, hard)?;
        }
        Ok(())
    });
    if let Err(error) = raised {
        tracing::debug!("the limit on open files cannot be raised: {error}");
    }
}
