#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use cel::{Context, Program, Value};
use fleetscore_crds::FieldType;
use proptest::prelude::*;

use super::*;

const FIELDS: [(&str, FieldType); 6] = [
    ("v", FieldType::Number),
    ("w", FieldType::Number),
    ("tag", FieldType::Text),
    ("site", FieldType::Text),
    ("on", FieldType::Boolean),
    ("ts", FieldType::Time),
];

fn fields() -> Vec<KnownField<'static>> {
    let known = |(place, (name, kind))| KnownField { name, kind, place };
    FIELDS.into_iter().enumerate().map(known).collect()
}

/// What a field of a row holds.
#[derive(Clone, Debug, PartialEq)]
enum Held {
    Number(f64),
    Text(String),
    Boolean(bool),
    Time(i64),
    Bad,
}

#[derive(Clone, Debug, Default)]
struct Row(BTreeMap<&'static str, Held>);

impl Row {
    fn of<const N: usize>(fields: [(&'static str, Held); N]) -> Self {
        Self(fields.into_iter().collect())
    }

    fn at(&self, field: usize) -> Option<&Held> {
        self.0.get(FIELDS[field].0)
    }
}

impl Values for Row {
    fn number(&self, field: usize) -> Option<f64> {
        match self.at(field)? {
            Held::Number(number) => Some(*number),
            _ => None,
        }
    }

    fn text(&self, field: usize) -> Option<&str> {
        match self.at(field)? {
            Held::Text(text) => Some(text),
            _ => None,
        }
    }

    fn time(&self, field: usize) -> Option<i64> {
        match self.at(field)? {
            Held::Time(time) => Some(*time),
            _ => None,
        }
    }

    fn boolean(&self, field: usize) -> Option<bool> {
        match self.at(field)? {
            Held::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    fn is_there(&self, field: usize) -> Option<bool> {
        match self.at(field) {
            Some(Held::Bad) => None,
            other => Some(other.is_some()),
        }
    }
}

fn text(text: &str) -> Held {
    Held::Text(text.to_owned())
}

fn holds(expression: &str, row: &Row) -> Option<bool> {
    condition(expression, &fields()).unwrap().evaluate(row)
}

#[test]
fn conditions_hold_or_not() {
    let row = Row::of([
        ("v", Held::Number(2.5)),
        ("tag", text("pump-7")),
        ("on", Held::Boolean(true)),
        ("ts", Held::Time(1_000_000_000)),
    ]);
    for (expression, holds_) in [
        ("v > 2", true),
        ("v >= 2.5 && v <= 2.5 && v == 2.5", true),
        ("v != 2.5 || v < 2.5", false),
        ("v * 2 + 1 == 6", true),
        ("-v < -2u", true),
        ("5 / 2 == v", true),
        ("7 % 4 == 3 && -7 % 4 == -3", true),
        ("10 - 2 - 3 == 5", true),
        ("2 + 3 * 4 == 14", true),
        ("tag == 'pump-7'", true),
        ("tag < 'pump-8' && tag > \"pump\"", true),
        ("tag in ['a', 'pump-7']", true),
        ("!(tag in [])", true),
        ("v in [1, 2.5, -3]", true),
        ("-3 in [-3]", true),
        (
            "tag.startsWith('pump') && tag.endsWith('-7') && tag.contains('mp')",
            true,
        ),
        ("tag.startsWith('ump')", false),
        ("tag.matches('^pump-[0-9]$') && tag.matches('mp')", true),
        ("tag.matches('^mp')", false),
        ("on", true),
        ("!on", false),
        ("on == (v > 2)", true),
        ("on != true", false),
        ("has(v) && !has(w)", true),
        ("has( v )", true),
        ("ts == timestamp('1970-01-01T00:00:01Z')", true),
        ("ts > timestamp('1970-01-01T01:00:01+02:00')", true),
        ("true", true),
        ("tag == 'has(v)'", false),
        ("tag != '\\'has(v)' // has(x)", true),
        ("r'\\' != tag && has(v)", true),
    ] {
        assert_eq!(holds(expression, &row), Some(holds_), "{expression}");
    }
}

#[test]
fn unknown_is_neither() {
    let row = Row::of([("w", Held::Bad), ("tag", text("a"))]);
    for (expression, holds_) in [
        ("v > 1", None),
        ("!(v > 1)", None),
        ("v == v", None),
        ("w < 1", None),
        ("has(w)", None),
        ("has(v)", Some(false)),
        ("v > 1 && false", Some(false)),
        ("false && v > 1", Some(false)),
        ("v > 1 && true", None),
        ("v > 1 || true", Some(true)),
        ("true || v > 1", Some(true)),
        ("v > 1 || false", None),
        ("v in [1]", None),
        ("site in ['a']", None),
        ("site.startsWith('a')", None),
        ("tag.contains(site)", None),
        ("site.matches('a')", None),
        ("on", None),
        ("on == true", None),
        ("ts > timestamp('2020-01-01T00:00:00Z')", None),
        // What is not finite is unknown.
        ("1 / 0 > 1", None),
        ("0 / 0 != 1", None),
    ] {
        assert_eq!(holds(expression, &row), holds_, "{expression}");
    }
}

#[test]
fn expressions_yield_their_type() {
    let row = Row::of([("v", Held::Number(100.0)), ("tag", text("a"))]);
    let compiled = |text, kind| compile(text, kind, &fields());
    let Ok(Expression::Number(number)) = compiled("v * 0.0689476", FieldType::Number) else {
        panic!();
    };
    assert_eq!(number.evaluate(&row), Some(100.0 * 0.068_947_6));
    let Ok(Expression::Number(number)) = compiled("v / 0", FieldType::Number) else {
        panic!();
    };
    assert_eq!(number.evaluate(&row), Some(f64::INFINITY));
    assert!(matches!(
        compiled("'x'", FieldType::Text),
        Ok(Expression::Text(_))
    ));
    assert!(matches!(
        compiled("ts", FieldType::Time),
        Ok(Expression::Time(_))
    ));
    assert!(matches!(
        compiled("v > 1", FieldType::Boolean),
        Ok(Expression::Boolean(_))
    ));
    let error = compiled("v > 1", FieldType::Number).unwrap_err();
    assert!(error.message.contains("yields a Boolean"), "{error}");
}

#[test]
fn errors_say_where_and_what() {
    for (expression, column, part) in [
        ("v > 1 && vv > 2", 10, "did you mean v?"),
        ("has(x)", 5, "there is no field \"x\""),
        ("'x' == 'x' && x == 'x'", 15, "there are v, w, tag"),
        ("v > 'a'", 3, "`>` cannot compare a Number with a Text"),
        ("ts > 17000", 4, "timestamp("),
        ("v && on", 3, "`&&` takes a Boolean, not a Number"),
        ("tag + 'a' == 'b'", 5, "`+` takes a Number, not a Text"),
        ("on < true", 4, "no order"),
        ("v == null", 6, "has(v)"),
        ("on && size(tag) > 1", 7, "`size` cannot be used"),
        ("on ? true : false", 1, "`? :` cannot be used"),
        ("tag.matches('(')", 5, "the pattern cannot be used"),
        ("tag.matches('((a{100}){100}){100}')", 5, "size"),
        ("tag.matches(site)", 5, "written out"),
        ("tag in site", 5, "takes a list"),
        ("tag in ['a', 1]", 5, "takes a list"),
        ("values.v > 1", 8, "a field has no parts"),
        ("['a'].exists(x, x == tag)", 1, "cannot be used"),
        ("ts > timestamp('yesterday')", 6, "is no time"),
        ("v", 1, "a condition is true or false"),
        ("has(1)", 1, "has(v)"),
        ("v >", 4, ""),
        ("", 1, ""),
        ("1 +* 2", 4, ""),
    ] {
        let error = condition(expression, &fields()).unwrap_err();
        assert!(error.message.contains(part), "{expression}: {error}");
        assert_eq!(
            (error.line, error.column),
            (1, column),
            "{expression}: {error}"
        );
        assert_eq!(error.text, expression);
    }
    let error = condition("on &&\n  vv > 2", &fields()).unwrap_err();
    assert_eq!((error.line, error.column), (2, 3));
}

#[test]
fn long_and_deep_texts_are_refused() {
    let refused = |text: String| condition(&text, &fields()).unwrap_err();
    assert!(
        refused("on && ".repeat(1000) + "on")
            .message
            .contains("at most 4096")
    );
    for (open, middle, close) in [
        ("(", "on", ")"),
        ("!(", "on", ")"),
        ("v+", "v > 1", ""),
        ("-(", "v", ")"),
        ("[", "v", "]"),
    ] {
        let deep = open.repeat(1000) + middle + &close.repeat(1000);
        refused(deep.get(..4096).unwrap_or(&deep).to_owned());
    }
    let wide = "on && ".repeat(200) + "on";
    assert!(condition(&wide, &fields()).is_ok());
}

/// A random condition and number over the fields; numbers stay finite.
fn number(depth: u32) -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        Just("v".to_owned()),
        Just("w".to_owned()),
        (-20_i32..20).prop_map(|number| format!("{:.1}", f64::from(number) / 2.0)),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let inner = number(depth - 1);
    prop_oneof![
        leaf,
        (
            inner.clone(),
            prop::sample::select(vec!["+", "-", "*"]),
            inner.clone()
        )
            .prop_map(|(left, how, right)| format!("({left} {how} {right})")),
        (inner.clone(), 1_i32..9).prop_map(|(left, by)| format!("({left} / {by}.5)")),
        inner.prop_map(|number| format!("-({number})")),
    ]
    .boxed()
}

fn string() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("tag".to_owned()),
        Just("site".to_owned()),
        "[ab]{0,3}".prop_map(|text| format!("'{text}'")),
    ]
}

fn boolean(depth: u32) -> BoxedStrategy<String> {
    let compare = || prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        Just("on".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        (number(2), compare(), number(2))
            .prop_map(|(left, how, right)| format!("{left} {how} {right}")),
        (string(), compare(), string())
            .prop_map(|(left, how, right)| format!("{left} {how} {right}")),
        (string(), prop::collection::vec("[ab]{0,2}", 0..3))
            .prop_map(|(text, list)| format!("{text} in {list:?}")),
        (
            string(),
            prop::sample::select(vec!["startsWith", "endsWith", "contains"]),
            string()
        )
            .prop_map(|(text, how, other)| format!("{text}.{how}({other})")),
        (string(), "[ab.]{1,3}[*+?]?")
            .prop_map(|(text, pattern)| format!("{text}.matches('{pattern}')")),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let inner = boolean(depth - 1);
    prop_oneof![
        leaf,
        (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left}) && ({right})")),
        (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left}) || ({right})")),
        (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left}) == ({right})")),
        inner.prop_map(|inner| format!("!({inner})")),
    ]
    .boxed()
}

fn row() -> impl Strategy<Value = Row> {
    let number = || {
        prop::option::weighted(
            0.8,
            (-20_i32..20).prop_map(|n| Held::Number(f64::from(n) / 2.0)),
        )
    };
    let text = || prop::option::weighted(0.8, "[ab]{0,3}".prop_map(Held::Text));
    let value = prop::option::weighted(0.8, any::<bool>().prop_map(Held::Boolean));
    (number(), number(), text(), text(), value).prop_map(|(v, w, tag, site, on)| {
        let held = [("v", v), ("w", w), ("tag", tag), ("site", site), ("on", on)];
        Row(held
            .into_iter()
            .filter_map(|(name, held)| Some((name, held?)))
            .collect())
    })
}

/// What the parser's own interpreter says; none where it does not define it.
fn interpreted(expression: &str, row: &Row) -> Option<bool> {
    let mut context = Context::default();
    for (name, held) in &row.0 {
        let value: Value = match held {
            Held::Number(number) => Value::Float(*number),
            Held::Text(text) => Value::String(text.clone().into()),
            Held::Boolean(value) => Value::Bool(*value),
            Held::Time(_) | Held::Bad => continue,
        };
        context.add_variable_from_value(*name, value);
    }
    match Program::compile(expression).unwrap().execute(&context) {
        Ok(Value::Bool(value)) => Some(value),
        Ok(other) => panic!("{expression}: {other:?}"),
        Err(_) => None,
    }
}

proptest! {
    /// Where the interpreter defines a result, it is this one; with all fields there it always does.
    #[test]
    fn conditions_are_as_interpreted(expression in boolean(3), row in row()) {
        let ours = holds(&expression, &row);
        let theirs = interpreted(&expression, &row);
        if theirs.is_some() || row.0.len() == 5 {
            prop_assert_eq!(ours, theirs, "{} over {:?}", expression, row);
        }
    }

    /// Any text is compiled or refused.
    #[test]
    fn any_text_is_compiled_or_refused(text in any::<String>()) {
        let _ = condition(&text, &fields());
    }

    #[test]
    fn anything_like_an_expression_is_compiled_or_refused(
        tokens in prop::collection::vec(prop::sample::select(vec![
            "v", "tag", "on", "has", "(", ")", "[", "]", "'", "\"", "\\", ".", ",", "1", "-", "!", "&&", "||", "in", "==", "<",
            "matches", "startsWith", "timestamp", "r", "//", "\n", "é", "?", ":", "{", "}", "null", "1e999", "0x", "u", " ",
        ]), 0..24)
    ) {
        let _ = condition(&tokens.concat(), &fields());
    }
}
