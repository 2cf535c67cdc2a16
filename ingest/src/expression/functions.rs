use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};
use fleetscore_crds::FieldType;
use jiff::Timestamp;
use regex::RegexBuilder;

use super::compile::{Compiler, Result};
use super::operators::written;
use super::source::HAS;
use super::{Arithmetic, Comparison, Condition, Expression, Number, Text, Time};

/// Bytes that a compiled pattern may take.
const MAX_PATTERN: usize = 1 << 20;

impl Compiler<'_> {
    pub(super) fn unary(
        &self,
        name: &str,
        argument: &IdedExpr,
        depth: usize,
    ) -> Result<Expression> {
        match name {
            operators::LOGICAL_NOT => {
                let condition = self.condition(name, argument, depth)?;
                Ok(Expression::Boolean(Condition::Not(Box::new(condition))))
            }
            operators::NEGATE => Ok(Expression::Number(
                match self.number(name, argument, depth)? {
                    Number::Literal(number) => Number::Literal(-number),
                    number => Number::Negative(Box::new(number)),
                },
            )),
            HAS => match &argument.expr {
                Expr::Ident(field) => Ok(Expression::Boolean(Condition::Has(
                    self.known(field)?.place,
                ))),
                _ => Err(self.wrong(name, "has() asks for a field by its name, as in has(v)")),
            },
            "timestamp" => match &argument.expr {
                Expr::Literal(LiteralValue::String(text)) => self.timestamp(text.inner()),
                _ => Err(self.wrong(
                    name,
                    "timestamp() takes a text such as \"2026-11-28T09:00:00Z\"",
                )),
            },
            _ => Err(self.unknown(name)),
        }
    }

    fn timestamp(&self, text: &str) -> Result<Expression> {
        let time: Option<Timestamp> = text.parse().ok();
        let nanos = time.and_then(|time| i64::try_from(time.as_nanosecond()).ok());
        let wrong = || {
            let message = format!(
                "{text:?} is no time such as 2026-11-28T09:00:00Z, of the years 1678 to 2262"
            );
            self.wrong("timestamp", &message)
        };
        Ok(Expression::Time(Time::Literal(nanos.ok_or_else(wrong)?)))
    }

    pub(super) fn binary(
        &self,
        name: &str,
        left: &IdedExpr,
        right: &IdedExpr,
        depth: usize,
    ) -> Result<Expression> {
        if let Some(how) = Comparison::of(name) {
            let (left, right) = (
                self.expression(left, depth)?,
                self.expression(right, depth)?,
            );
            return self
                .compared(how, name, left, right)
                .map(Expression::Boolean);
        }
        if let Some(how) = Arithmetic::of(name) {
            let (left, right) = (
                self.number(name, left, depth)?,
                self.number(name, right, depth)?,
            );
            return Ok(Expression::Number(Number::Arithmetic(
                how,
                Box::new(left),
                Box::new(right),
            )));
        }
        if name == operators::IN {
            return self.is_in(left, right, depth).map(Expression::Boolean);
        }
        let both: fn(Box<Condition>, Box<Condition>) -> Condition = match name {
            operators::LOGICAL_AND => Condition::And,
            operators::LOGICAL_OR => Condition::Or,
            _ => return Err(self.unknown(name)),
        };
        let (left, right) = (
            self.condition(name, left, depth)?,
            self.condition(name, right, depth)?,
        );
        Ok(Expression::Boolean(both(Box::new(left), Box::new(right))))
    }

    fn compared(
        &self,
        how: Comparison,
        name: &str,
        left: Expression,
        right: Expression,
    ) -> Result<Condition> {
        Ok(match (left, right) {
            (Expression::Number(left), Expression::Number(right)) => {
                Condition::Numbers(how, left, right)
            }
            (Expression::Text(left), Expression::Text(right)) => Condition::Texts(how, left, right),
            (Expression::Time(left), Expression::Time(right)) => Condition::Times(how, left, right),
            (Expression::Boolean(left), Expression::Boolean(right)) => {
                let same = Condition::Same(Box::new(left), Box::new(right));
                match how {
                    Comparison::Equal => same,
                    Comparison::NotEqual => Condition::Not(Box::new(same)),
                    _ => {
                        return Err(self.wrong(
                            name,
                            "true and false have no order: compare them with == or !=",
                        ));
                    }
                }
            }
            (left, right) => {
                let hint = if [left.kind(), right.kind()].contains(&FieldType::Time) {
                    "; a time is written timestamp(\"2026-11-28T09:00:00Z\")"
                } else {
                    ""
                };
                let message = format!(
                    "`{}` cannot compare a {:?} with a {:?}{hint}",
                    written(name),
                    left.kind(),
                    right.kind()
                );
                return Err(self.wrong(name, &message));
            }
        })
    }

    fn is_in(&self, item: &IdedExpr, list: &IdedExpr, depth: usize) -> Result<Condition> {
        let unlike = || {
            self.wrong("in", "`in` takes a list of texts or of numbers that are written out, as in tag in [\"a\", \"b\"]")
        };
        let Expr::List(list) = &list.expr else {
            return Err(unlike());
        };
        let items = list
            .elements
            .iter()
            .map(|item| self.expression(item, depth));
        match self.expression(item, depth)? {
            Expression::Number(number) => {
                let literal = |item| match item {
                    Expression::Number(Number::Literal(number)) => Ok(number),
                    _ => Err(unlike()),
                };
                let items: Result<_> = items.map(|item| item.and_then(literal)).collect();
                Ok(Condition::NumberIn(number, items?))
            }
            Expression::Text(text) => {
                let literal = |item| match item {
                    Expression::Text(Text::Literal(text)) => Ok(text),
                    _ => Err(unlike()),
                };
                let items: Result<_> = items.map(|item| item.and_then(literal)).collect();
                Ok(Condition::TextIn(text, items?))
            }
            _ => Err(unlike()),
        }
    }

    pub(super) fn method(
        &self,
        name: &str,
        target: &IdedExpr,
        argument: &IdedExpr,
        depth: usize,
    ) -> Result<Expression> {
        let both: fn(Text, Text) -> Condition = match name {
            "startsWith" => Condition::StartsWith,
            "endsWith" => Condition::EndsWith,
            "contains" => Condition::Contains,
            "matches" => {
                let text = self.text(name, target, depth)?;
                let pattern = self.pattern(argument)?;
                return Ok(Expression::Boolean(Condition::Matches(text, pattern)));
            }
            _ => return Err(self.unknown(name)),
        };
        let (text, other) = (
            self.text(name, target, depth)?,
            self.text(name, argument, depth)?,
        );
        Ok(Expression::Boolean(both(text, other)))
    }

    fn pattern(&self, argument: &IdedExpr) -> Result<regex::Regex> {
        let Expr::Literal(LiteralValue::String(pattern)) = &argument.expr else {
            return Err(self.wrong("matches", "matches() takes a pattern that is written out"));
        };
        RegexBuilder::new(pattern.inner())
            .size_limit(MAX_PATTERN)
            .dfa_size_limit(MAX_PATTERN)
            .nest_limit(64)
            .build()
            .map_err(|error| self.wrong("matches", &format!("the pattern cannot be used: {error}")))
    }
}
