/// Support vectors that are worked on at once.
pub(super) const WIDTH: usize = 4;

/// Support vectors in the order of the file, transposed in blocks of [`WIDTH`]; those left over are blocks of one.
#[derive(Debug)]
pub(super) struct Blocks {
    /// Blocks of [`WIDTH`].
    pub wide: Columns<WIDTH>,
    /// Blocks of one.
    pub single: Columns<1>,
}

/// Blocks of `S` support vectors. A block is the column of starts, that of coefficients, then one column a feature.
#[derive(Debug)]
pub(super) struct Columns<const S: usize> {
    columns: Vec<[f64; S]>,
    /// Columns of a block.
    height: usize,
}

impl Blocks {
    /// From n coefficients, n `starts` to add to every sum over features, and the vectors: n rows of d numbers.
    pub fn new(starts: &[f64], coefficients: &[f64], vectors: &[f64], features: usize) -> Self {
        let wide = coefficients.len() / WIDTH * WIDTH;
        let (starts, last_starts) = starts.split_at(wide);
        let (coefficients, last_coefficients) = coefficients.split_at(wide);
        let (vectors, last_vectors) = vectors.split_at(wide * features);
        Self {
            wide: Columns::new(starts, coefficients, vectors, features),
            single: Columns::new(last_starts, last_coefficients, last_vectors, features),
        }
    }
}

impl<const S: usize> Columns<S> {
    fn new(starts: &[f64], coefficients: &[f64], vectors: &[f64], features: usize) -> Self {
        let height = features + 2;
        let mut columns = Vec::with_capacity(coefficients.len() / S * height);
        let (starts, _) = starts.as_chunks::<S>();
        let (coefficients, _) = coefficients.as_chunks::<S>();
        let vectors = vectors.chunks_exact(S * features);
        for ((starts, coefficients), vectors) in starts.iter().zip(coefficients).zip(vectors) {
            columns.extend([*starts, *coefficients]);
            columns.extend(
                (0..features)
                    .map(|feature| std::array::from_fn(|s| vectors[s * features + feature])),
            );
        }
        Self { columns, height }
    }

    /// The blocks, one after the other.
    #[inline]
    pub fn iter(&self) -> std::slice::ChunksExact<'_, [f64; S]> {
        self.columns.chunks_exact(self.height)
    }
}
