use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue};
use cel::parser::Parser;
use fleetscore_crds::FieldType;

use super::operators::written;
use super::source::{HAS, Source};
use super::{Condition, Expression, ExpressionError, Number, Text, Time};

/// How deep an expression may be.
const MAX_DEPTH: usize = 64;

const SUBSET: &str = "an expression may hold numbers, texts, true, false, fields, == != < <= > >=, && || !, + - * / %, in [..], \
                      has(field), .startsWith(), .endsWith(), .contains(), .matches() and timestamp(\"2026-11-28T09:00:00Z\")";

/// A field that an expression may speak of.
#[derive(Clone, Copy, Debug)]
pub struct KnownField<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is.
    pub kind: FieldType,
    /// Its place in a row.
    pub place: usize,
}

/// Compiles an expression that yields `kind`.
pub fn compile(
    text: &str,
    kind: FieldType,
    fields: &[KnownField<'_>],
) -> Result<Expression, ExpressionError> {
    let source = Source::new(text)?;
    let tree = parse(&source)?;
    let compiler = Compiler { source, fields };
    let expression = compiler.expression(&tree, 0)?;
    if expression.kind() != kind {
        let message = format!(
            "it yields a {:?}, where type: {kind:?} is asked for",
            expression.kind()
        );
        return Err(compiler.source.error_at(0, message));
    }
    Ok(expression)
}

/// Compiles a condition.
pub fn condition(text: &str, fields: &[KnownField<'_>]) -> Result<Condition, ExpressionError> {
    let source = Source::new(text)?;
    let tree = parse(&source)?;
    let compiler = Compiler { source, fields };
    match compiler.expression(&tree, 0)? {
        Expression::Boolean(condition) => Ok(condition),
        other => {
            let kind = other.kind();
            let message = format!(
                "a condition is true or false, but this yields a {kind:?}; compare it, as in v > 0.5"
            );
            Err(compiler.source.error_at(0, message))
        }
    }
}

fn parse(source: &Source<'_>) -> Result<IdedExpr, ExpressionError> {
    let parsed = Parser::new().parse(&source.for_parser());
    parsed.map_err(|errors| match errors.errors.first() {
        Some(error) => {
            let from_one = |number: isize| usize::try_from(number).unwrap_or(1).max(1);
            let message = error.msg.replace(HAS, "has");
            source.error(from_one(error.pos.0), from_one(error.pos.1), message)
        }
        None => source.error_at(0, "it is no expression in CEL".to_owned()),
    })
}

pub(super) struct Compiler<'a> {
    source: Source<'a>,
    fields: &'a [KnownField<'a>],
}

pub(super) type Result<T, E = ExpressionError> = std::result::Result<T, E>;

impl Compiler<'_> {
    pub(super) fn expression(&self, tree: &IdedExpr, depth: usize) -> Result<Expression> {
        if depth > MAX_DEPTH {
            let message =
                format!("it is nested more than {MAX_DEPTH} deep; split it, or set parentheses");
            return Err(self.source.error_at(0, message));
        }
        match &tree.expr {
            Expr::Literal(literal) => self.literal(literal),
            Expr::Ident(name) => self.field(name),
            Expr::Call(call) => self.call(call, depth + 1),
            Expr::Select(select) => Err(self.source.error_at_word(
                &select.field,
                format!(
                    "a field has no parts: declare a field whose path leads to {:?}",
                    select.field
                ),
            )),
            Expr::List(_) => Err(self.unusable("a list stands behind `in` only")),
            _ => Err(self.unusable("this cannot be used here")),
        }
    }

    fn literal(&self, literal: &LiteralValue) -> Result<Expression> {
        Ok(match literal {
            LiteralValue::Boolean(value) => Expression::Boolean(Condition::Literal(*value.inner())),
            LiteralValue::Double(number) => Expression::Number(Number::Literal(*number.inner())),
            LiteralValue::Int(number) => {
                Expression::Number(Number::Literal(*number.inner() as f64))
            }
            LiteralValue::UInt(number) => {
                Expression::Number(Number::Literal(*number.inner() as f64))
            }
            LiteralValue::String(text) => Expression::Text(Text::Literal(text.inner().to_owned())),
            LiteralValue::Null => {
                let message = "null is no value here: has(v) says whether v is there";
                return Err(self.source.error_at_word("null", message.to_owned()));
            }
            LiteralValue::Bytes(_) => return Err(self.unusable("bytes are no type of a field")),
        })
    }

    fn field(&self, name: &str) -> Result<Expression> {
        let field = self.known(name)?;
        Ok(match field.kind {
            FieldType::Number => Expression::Number(Number::Field(field.place)),
            FieldType::Text => Expression::Text(Text::Field(field.place)),
            FieldType::Time => Expression::Time(Time::Field(field.place)),
            FieldType::Boolean => Expression::Boolean(Condition::Field(field.place)),
        })
    }

    pub(super) fn known(&self, name: &str) -> Result<&KnownField<'_>> {
        if let Some(field) = self.fields.iter().find(|field| field.name == name) {
            return Ok(field);
        }
        let near = |field: &&KnownField<'_>| {
            strsim::damerau_levenshtein(&field.name.to_lowercase(), &name.to_lowercase())
        };
        let meant = (self.fields.iter())
            .min_by_key(near)
            .filter(|field| near(field) <= 1 + name.len() / 4)
            .map_or_else(String::new, |field| {
                format!("; did you mean {}?", field.name)
            });
        let names: Vec<_> = self
            .fields
            .iter()
            .map(|field| field.name)
            .take(20)
            .collect();
        let message = format!(
            "there is no field {name:?} that it may speak of{meant} (there are {})",
            names.join(", ")
        );
        Err(self.source.error_at_word(name, message))
    }

    fn call(&self, call: &CallExpr, depth: usize) -> Result<Expression> {
        let name = call.func_name.as_str();
        match (call.target.as_deref(), call.args.as_slice()) {
            (Some(target), [argument]) => self.method(name, target, argument, depth),
            (None, [argument]) => self.unary(name, argument, depth),
            (None, [left, right]) => self.binary(name, left, right, depth),
            _ => Err(self.unknown(name)),
        }
    }

    pub(super) fn number(&self, name: &str, tree: &IdedExpr, depth: usize) -> Result<Number> {
        match self.expression(tree, depth)? {
            Expression::Number(number) => Ok(number),
            other => Err(self.other_type(name, FieldType::Number, &other)),
        }
    }

    pub(super) fn text(&self, name: &str, tree: &IdedExpr, depth: usize) -> Result<Text> {
        match self.expression(tree, depth)? {
            Expression::Text(text) => Ok(text),
            other => Err(self.other_type(name, FieldType::Text, &other)),
        }
    }

    pub(super) fn condition(&self, name: &str, tree: &IdedExpr, depth: usize) -> Result<Condition> {
        match self.expression(tree, depth)? {
            Expression::Boolean(condition) => Ok(condition),
            other => Err(self.other_type(name, FieldType::Boolean, &other)),
        }
    }

    fn other_type(&self, name: &str, wanted: FieldType, found: &Expression) -> ExpressionError {
        let message = format!(
            "`{}` takes a {wanted:?}, not a {:?}",
            written(name),
            found.kind()
        );
        self.wrong(name, &message)
    }

    pub(super) fn unknown(&self, name: &str) -> ExpressionError {
        self.wrong(
            name,
            &format!("`{}` cannot be used like this: {SUBSET}", written(name)),
        )
    }

    fn unusable(&self, what: &str) -> ExpressionError {
        self.source.error_at(0, format!("{what}: {SUBSET}"))
    }

    pub(super) fn wrong(&self, name: &str, message: &str) -> ExpressionError {
        self.source
            .error_at_operator(written(name), message.to_owned())
    }
}
