//! What the kernels ask of a processor: arithmetic on many numbers at once.

/// Arithmetic on the `L` lanes of a tile. A value of the implementing type is the proof that this processor can do it.
pub(super) trait Lanes<const L: usize>: Copy {
    /// A number a lane, in the processor's registers.
    type Vector: Copy;

    /// The same number in every lane.
    fn all(self, number: f64) -> Self::Vector;

    /// Lanes from memory.
    fn load(self, numbers: &[f64; L]) -> Self::Vector;

    /// Lanes to memory.
    fn store(self, vector: Self::Vector) -> [f64; L];

    /// a + b
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// a - b
    fn subtract(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// a * b
    fn multiply(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// a * b + c, in one rounding where the processor has an instruction for it.
    fn multiply_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;

    /// The larger of both; `least` where a is not a number.
    fn at_least(self, a: Self::Vector, least: Self::Vector) -> Self::Vector;

    /// 2^x for x of at most 1020, to [`super::exponential::UNITS`]; below -1021 it gives what -1021 does. What is not a number
    /// gives any number.
    fn exp2(self, x: Self::Vector) -> Self::Vector;
}
