//! The rule of the cron text in the API and the timetable accept the same, but for ranges that end before they start, which no
//! regular expression sees.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::LazyLock;

use fleetscore_ticks::{CronProblem, Timetable, TimetableError};
use proptest::prelude::*;
use regex::Regex;
use serde_json::Value;

/// The regular expressions of the rule, all of which a text must match.
static RULE: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let schema: Value =
        serde_json::from_str(include_str!("../../crds/schemas/scoringschedule.json")).unwrap();
    let path = "/properties/spec/properties/schedule/x-kubernetes-validations/0/rule";
    let rule = schema.pointer(path).and_then(Value::as_str).unwrap();
    let parts = rule.split(" && ").map(|part| {
        let pattern = part
            .strip_prefix("self.matches('")
            .and_then(|part| part.strip_suffix("')"));
        Regex::new(pattern.unwrap()).unwrap()
    });
    parts.collect()
});

fn allowed(text: &str) -> bool {
    RULE.iter().all(|pattern| pattern.is_match(text))
}

fn agree(text: &str) -> Result<(), String> {
    let (rule, parsed) = (allowed(text), Timetable::parse(text, "Etc/UTC"));
    let backwards = matches!(
        parsed,
        Err(TimetableError::Cron {
            problem: CronProblem::Backwards { .. },
            ..
        })
    );
    if rule == parsed.is_ok() || backwards {
        return Ok(());
    }
    Err(format!("{text:?}: rule {rule}, {parsed:?}"))
}

#[test]
fn the_rule_is_the_schedules() {
    assert_eq!(RULE.len(), 2);
    assert!(allowed("*/5 0 L,lw jan-MAR 5L,mon#2"));
    assert!(!allowed("* * * *"));
}

const ITEM: &str = "(\\*|[0-9]{1,2}|[0-9]{1,2}-[0-9]{1,2}|L|lw|[0-9]L|[0-7]#[0-6]|[a-zA-Z]{3}|mon|FRI|jan|dec|sun-sat|\\*/[0-9]{1,2}|[0-9]/[0-9]{1,2})";

fn matching(pattern: &str) -> impl Strategy<Value = String> + use<> {
    prop::string::string_regex(pattern).unwrap()
}

/// Items that are mostly right in one field or another.
fn field() -> impl Strategy<Value = String> {
    matching(&format!("{ITEM}(,{ITEM}){{0,2}}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn they_agree_on_what_looks_like_cron(fields in prop::collection::vec(field(), 4..7), blank in "[ \t]{1,2}", end in "[ \t]?") {
        agree(&format!("{end}{}{end}", fields.join(&blank))).map_err(TestCaseError::fail)?;
    }

    /// One field at a time, where the others are right.
    #[test]
    fn they_agree_on_one_field(place in 0_usize..5, field in prop_oneof![field(), matching("[-*0-9/,LW#?+a-c]{0,5}")]) {
        let mut fields = ["*"; 5];
        fields[place] = &field;
        agree(&fields.join(" ")).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn they_agree_on_any_text(text in "(?s:.{0,12})|@[a-zA-Z]{0,9}|@(hourly|daily|midnight|weekly|monthly|yearly|annually|reboot)|[*0-9 ,/-]{0,20}") {
        agree(&text).map_err(TestCaseError::fail)?;
    }
}
