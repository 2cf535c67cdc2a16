//! The reasons for which sensors fail, as whoever counts them knows them.

/// What a reason that is none of [`SENSOR_REASONS`] is counted as.
pub const OTHER_REASON: &str = "Other";

/// The reasons for which sensors fail. Those that pods tell become labels of metrics only if they are in this list: a pod is not
/// trusted to make up labels.
pub const SENSOR_REASONS: [&str; 15] = [
    "ModelNotFound",
    "ModelUnreadable",
    "ModelMismatch",
    "ReadingsNotFound",
    "ReadingsUnreadable",
    "ColumnMissing",
    "InvalidReading",
    "NoReadings",
    "DuplicateSensor",
    "KeyMissing",
    "OutputCollision",
    "OutputUnwritable",
    "AccessDenied",
    "StorageUnavailable",
    "NotScored",
];

/// The reason, if it is known, or else [`OTHER_REASON`].
pub fn known_reason(reason: &str) -> &'static str {
    let mut known = SENSOR_REASONS.into_iter();
    known.find(|known| *known == reason).unwrap_or(OTHER_REASON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_up_is_other() {
        assert_eq!(known_reason("ModelNotFound"), "ModelNotFound");
        for made_up in ["", "modelnotfound", "ModelNotFound ", "x{y=\"z\"}", "Other"] {
            assert_eq!(known_reason(made_up), OTHER_REASON, "{made_up}");
        }
    }
}
