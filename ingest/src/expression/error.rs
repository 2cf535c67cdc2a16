/// Why an expression cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?}, line {line}, column {column}: {message}")]
pub struct ExpressionError {
    /// The expression, cut to 256 bytes.
    pub text: String,
    /// The line of what is wrong, from 1.
    pub line: usize,
    /// The character in this line, from 1.
    pub column: usize,
    /// What is wrong, and the way out.
    pub message: String,
}
