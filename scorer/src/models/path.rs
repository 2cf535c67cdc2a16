use std::sync::OnceLock;

/// Names the path to take, for tests and diagnosis.
const VARIABLE: &str = "FLEETSCORE_KERNEL";

/// Which of the processor's instructions work out the scores. A family of models that has no way of its own for them takes the
/// instructions of all processors.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Path {
    /// AVX-512: 8 numbers an instruction.
    Avx512,
    /// AVX2 with FMA: 4 numbers an instruction.
    Avx2,
    /// Instructions that every processor of the architecture has.
    Scalar,
}

impl Path {
    const ALL: [Self; 3] = [Self::Avx512, Self::Avx2, Self::Scalar];

    /// The path of this process: the fastest, unless `FLEETSCORE_KERNEL` names another one that the processor has.
    pub fn chosen() -> Self {
        static CHOSEN: OnceLock<Path> = OnceLock::new();
        *CHOSEN.get_or_init(|| {
            let fastest = Self::available().next().unwrap_or(Self::Scalar);
            let Some(name) = std::env::var_os(VARIABLE) else {
                return fastest;
            };
            let name = name.to_string_lossy();
            Self::named(&name).unwrap_or_else(|reason| {
                tracing::warn!("{VARIABLE}={name} is ignored: {reason}");
                fastest
            })
        })
    }

    /// The paths that this processor has, the fastest first; there is always one.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|path| processor_has(*path))
    }

    /// The path of this name, or why it cannot be taken.
    fn named(name: &str) -> Result<Self, &'static str> {
        let path = Self::ALL.into_iter().find(|path| path.name() == name);
        match path {
            Some(path) if processor_has(path) => Ok(path),
            Some(_) => Err("this processor does not have it"),
            None => Err("choose avx512, avx2 or scalar"),
        }
    }

    /// The name that `FLEETSCORE_KERNEL` knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Scalar => "scalar",
        }
    }
}

/// Whether this processor has every instruction of the path, those of any family's.
fn processor_has(path: Path) -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        match path {
            Path::Avx512 => avx512 && is_x86_feature_detected!("fma"),
            Path::Avx2 => avx2,
            Path::Scalar => true,
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        path == Path::Scalar
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_understood() {
        assert_eq!(Path::named("scalar"), Ok(Path::Scalar));
        assert_eq!(Path::named("sse9"), Err("choose avx512, avx2 or scalar"));
        for path in Path::ALL {
            assert_eq!(Path::named(path.name()).is_ok(), processor_has(path));
        }
    }

    #[test]
    fn one_path_is_always_there() {
        assert_eq!(Path::available().last(), Some(Path::Scalar));
    }
}
