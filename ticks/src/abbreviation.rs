//! Abbreviations and long names of a zone's time, which are no names of zones: several places use the same.

/// An abbreviation, and the places whose time it may be.
const PLACES: [(&str, &[&str]); 71] = [
    ("ACDT", &["Australia/Adelaide"]),
    ("ACST", &["Australia/Adelaide", "Australia/Darwin"]),
    ("ADT", &["America/Halifax"]),
    ("AEDT", &["Australia/Sydney", "Australia/Melbourne"]),
    ("AEST", &["Australia/Sydney", "Australia/Brisbane"]),
    ("AKDT", &["America/Anchorage"]),
    ("AKST", &["America/Anchorage"]),
    ("ART", &["America/Argentina/Buenos_Aires"]),
    (
        "AST",
        &["America/Halifax", "America/Puerto_Rico", "Asia/Riyadh"],
    ),
    ("AWST", &["Australia/Perth"]),
    ("BRT", &["America/Sao_Paulo"]),
    ("BST", &["Europe/London", "Asia/Dhaka"]),
    ("CAT", &["Africa/Maputo"]),
    ("CDT", &["America/Chicago", "America/Havana"]),
    ("CEST", &["Europe/Berlin", "Europe/Paris", "Europe/Rome"]),
    ("CLST", &["America/Santiago"]),
    ("CLT", &["America/Santiago"]),
    ("COT", &["America/Bogota"]),
    (
        "CST",
        &["America/Chicago", "Asia/Shanghai", "America/Havana"],
    ),
    ("CT", &["America/Chicago"]),
    ("EAT", &["Africa/Nairobi"]),
    ("EDT", &["America/New_York", "America/Toronto"]),
    ("EEST", &["Europe/Athens", "Europe/Helsinki", "Europe/Kyiv"]),
    ("ET", &["America/New_York"]),
    ("GST", &["Asia/Dubai"]),
    ("HDT", &["America/Adak"]),
    ("HKT", &["Asia/Hong_Kong"]),
    ("ICT", &["Asia/Bangkok", "Asia/Ho_Chi_Minh"]),
    ("IDT", &["Asia/Jerusalem"]),
    ("IRST", &["Asia/Tehran"]),
    ("IST", &["Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem"]),
    ("JST", &["Asia/Tokyo"]),
    ("KST", &["Asia/Seoul"]),
    ("MDT", &["America/Denver"]),
    ("MESZ", &["Europe/Berlin"]),
    ("MEZ", &["Europe/Berlin"]),
    ("MSK", &["Europe/Moscow"]),
    ("MT", &["America/Denver"]),
    ("MYT", &["Asia/Kuala_Lumpur"]),
    ("NDT", &["America/St_Johns"]),
    ("NST", &["America/St_Johns"]),
    ("NZDT", &["Pacific/Auckland"]),
    ("NZST", &["Pacific/Auckland"]),
    ("PDT", &["America/Los_Angeles"]),
    ("PHT", &["Asia/Manila"]),
    ("PKT", &["Asia/Karachi"]),
    ("PST", &["America/Los_Angeles", "Asia/Manila"]),
    ("PT", &["America/Los_Angeles"]),
    ("SAST", &["Africa/Johannesburg"]),
    ("SGT", &["Asia/Singapore"]),
    ("SST", &["Pacific/Pago_Pago", "Asia/Singapore"]),
    ("TRT", &["Europe/Istanbul"]),
    ("UZT", &["Asia/Tashkent"]),
    ("WAT", &["Africa/Lagos"]),
    ("WEST", &["Europe/Lisbon"]),
    ("WIB", &["Asia/Jakarta"]),
    ("WIT", &["Asia/Jayapura"]),
    ("WITA", &["Asia/Makassar"]),
    ("Australian Central Standard Time", &["Australia/Adelaide"]),
    (
        "Australian Eastern Standard Time",
        &["Australia/Sydney", "Australia/Brisbane"],
    ),
    ("Australian Western Standard Time", &["Australia/Perth"]),
    ("Brasilia Standard Time", &["America/Sao_Paulo"]),
    ("British Standard Time", &["Europe/London"]),
    ("Coordinated Universal Time", &["Etc/UTC"]),
    (
        "Eastern European Standard Time",
        &["Europe/Athens", "Europe/Helsinki", "Europe/Kyiv"],
    ),
    ("Greenwich Mean Time", &["Etc/UTC", "Europe/London"]),
    ("Hong Kong Standard Time", &["Asia/Hong_Kong"]),
    ("Japan Standard Time", &["Asia/Tokyo"]),
    ("Korean Standard Time", &["Asia/Seoul"]),
    ("Moscow Standard Time", &["Europe/Moscow"]),
    ("Western European Standard Time", &["Europe/Lisbon"]),
];

/// Names that the database has and many take for another zone's, with what they are and the zone of a place.
const STIFF: [(&str, &str, &str); 2] = [
    ("EST", "UTC-5", "America/New_York"),
    ("MST", "UTC-7", "America/Denver"),
];

/// The places that `name`, in any case, may stand for; none where it is no abbreviation.
pub(crate) fn places(name: &str) -> &'static [&'static str] {
    PLACES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map_or(&[], |(_, places)| places)
}

/// What `name` means, where it is a name that many take for another zone's.
pub(crate) fn meaning(name: &str) -> Option<String> {
    let (known, offset, place) = STIFF
        .iter()
        .find(|(known, _, _)| known.eq_ignore_ascii_case(name))?;
    Some(format!(
        "{known} is {offset} all year round, without summer time; clocks that change are {place}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_exists_and_no_abbreviation_is_a_zone() {
        let zones = jiff::tz::TimeZoneDatabase::bundled();
        for (name, places) in PLACES {
            assert!(zones.get(name).is_err(), "{name}");
            for place in places {
                assert!(zones.get(place).is_ok(), "{place}");
            }
        }
        for (name, _, place) in STIFF {
            assert!(zones.get(name).is_ok() && zones.get(place).is_ok());
        }
    }
}
