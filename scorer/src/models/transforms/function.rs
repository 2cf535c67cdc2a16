/// A function of one number, by numpy's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Function {
    /// `numpy.log1p`: log(1 + x)
    Log1p,
    /// `numpy.log`
    Log,
    /// `numpy.sqrt`
    Sqrt,
    /// `numpy.square`
    Square,
    /// `numpy.exp`
    Exp,
    /// `numpy.absolute`
    Absolute,
}

impl Function {
    /// The function of this name of numpy's.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "log1p" => Some(Self::Log1p),
            "log" => Some(Self::Log),
            "sqrt" => Some(Self::Sqrt),
            "square" => Some(Self::Square),
            "exp" => Some(Self::Exp),
            "absolute" | "abs" => Some(Self::Absolute),
            _ => None,
        }
    }

    /// numpy's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Log1p => "log1p",
            Self::Log => "log",
            Self::Sqrt => "sqrt",
            Self::Square => "square",
            Self::Exp => "exp",
            Self::Absolute => "absolute",
        }
    }

    /// Its value.
    pub(super) fn of(self, x: f64) -> f64 {
        match self {
            Self::Log1p => x.ln_1p(),
            Self::Log => x.ln(),
            Self::Sqrt => x.sqrt(),
            Self::Square => x * x,
            Self::Exp => x.exp(),
            Self::Absolute => x.abs(),
        }
    }
}
