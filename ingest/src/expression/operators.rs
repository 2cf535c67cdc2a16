use cel::common::ast::operators;

use super::{Arithmetic, Comparison};

impl Comparison {
    /// The one of an operator's name in the parser's tree.
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            operators::EQUALS => Self::Equal,
            operators::NOT_EQUALS => Self::NotEqual,
            operators::LESS => Self::Less,
            operators::LESS_EQUALS => Self::LessOrEqual,
            operators::GREATER => Self::Greater,
            operators::GREATER_EQUALS => Self::GreaterOrEqual,
            _ => return None,
        })
    }
}

impl Arithmetic {
    /// The one of an operator's name in the parser's tree.
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            operators::ADD => Self::Add,
            operators::SUBSTRACT => Self::Subtract,
            operators::MULTIPLY => Self::Multiply,
            operators::DIVIDE => Self::Divide,
            operators::MODULO => Self::Remainder,
            _ => return None,
        })
    }
}

/// How an operator or function is written, from its name in the parser's tree.
pub(super) fn written(name: &str) -> &str {
    match name {
        operators::IN => "in",
        operators::CONDITIONAL => "? :",
        operators::INDEX | operators::OPT_INDEX => "[]",
        super::source::HAS => "has",
        name => name.trim_matches('_'),
    }
}
