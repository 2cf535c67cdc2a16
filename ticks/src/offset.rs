//! Distances from UTC, which people write where a zone's name belongs.

/// Zones whose clocks differ from UTC by a part of an hour and do not change; as minutes.
const BROKEN: [(i32, &str); 8] = [
    (-570, "Pacific/Marquesas"),
    (210, "Asia/Tehran"),
    (270, "Asia/Kabul"),
    (330, "Asia/Kolkata"),
    (345, "Asia/Kathmandu"),
    (390, "Asia/Yangon"),
    (525, "Australia/Eucla"),
    (570, "Australia/Darwin"),
];

/// What to write in place of a distance from UTC such as `GMT+2`, `UTC-05:00`, `+0530` or `(UTC+01:00) Berlin`.
pub(crate) fn advice(text: &str) -> Option<String> {
    let text = match text.strip_prefix('(').and_then(|text| text.split_once(')')) {
        Some((inside, _)) => inside,
        None => text,
    };
    let lower = text.to_ascii_lowercase();
    if let Some(rest) = lower.strip_prefix("etc/gmt") {
        return minutes(rest).map(|_| turned_round());
    }
    let prefixes = ["etc/utc", "utc", "gmt", "z"];
    let rest = prefixes
        .iter()
        .find_map(|prefix| lower.strip_prefix(prefix))
        .unwrap_or(&lower);
    if rest.is_empty() && !lower.is_empty() {
        return Some("write Etc/UTC".to_owned());
    }
    minutes(rest).map(zone)
}

/// What a name such as `Etc/GMT+2` means, where it is one.
pub(crate) fn meaning(name: &str) -> Option<String> {
    let hours: i32 = name
        .to_ascii_lowercase()
        .strip_prefix("etc/gmt")?
        .parse()
        .ok()?;
    (hours != 0).then(|| {
        format!(
            "{name} is {}: the sign of these names is turned round",
            utc(-hours * 60)
        )
    })
}

fn turned_round() -> String {
    "the sign of these names is turned round: Etc/GMT-2 is UTC+2, Etc/GMT+2 is UTC-2; there are Etc/GMT-14 to Etc/GMT+12"
        .to_owned()
}

/// The minutes of `+2`, `-05`, `+0530` or `+5:30`.
fn minutes(text: &str) -> Option<i32> {
    let text = text.trim();
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' | '\u{2212}' => -1,
        _ => return None,
    };
    let digits = text.get(text.chars().next()?.len_utf8()..)?.trim();
    let (hours, minutes) = match digits.split_once([':', '.']) {
        Some(parts) => parts,
        None if digits.len() > 2 => digits.split_at_checked(digits.len() - 2)?,
        None => (digits, "0"),
    };
    let number = |text: &str| {
        let sound = !text.is_empty() && text.len() <= 2;
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        (sound && digits).then(|| text.parse::<i32>().ok())?
    };
    Some(sign * (number(hours)? * 60 + number(minutes)?))
}

/// The zone that is `minutes` ahead of UTC.
fn zone(minutes: i32) -> String {
    const PLACE: &str = "where clocks change, name the place, such as Europe/Berlin";
    let offset = utc(minutes);
    let hours = minutes / 60;
    if minutes == 0 {
        return "write Etc/UTC".to_owned();
    }
    if minutes % 60 == 0 && (-12..=14).contains(&hours) {
        return format!(
            "{offset} all year round is Etc/GMT{:+} (the sign of these names is turned round); {PLACE}",
            -hours
        );
    }
    match BROKEN.iter().find(|(found, _)| *found == minutes) {
        Some((_, zone)) => format!("{offset} all year round is {zone}; {PLACE}"),
        None => {
            format!("no zone is {offset} all year round; name the place, such as Europe/Berlin")
        }
    }
}

/// `UTC+2`, `UTC-9:30`.
fn utc(minutes: i32) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    match (minutes.abs() / 60, minutes.abs() % 60) {
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
    }
}
