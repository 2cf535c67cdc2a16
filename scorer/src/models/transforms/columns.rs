use crate::models::ModelError;

/// Takes some of the columns, in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    inputs: usize,
    taken: Vec<usize>,
}

impl Columns {
    /// Of rows of `inputs` numbers, the columns at the positions `taken`.
    ///
    /// Errors when there is none, or a position is beyond the row.
    pub fn new(inputs: usize, taken: Vec<usize>) -> Result<Self, ModelError> {
        if taken.is_empty() {
            return Err(ModelError::unfit("a step takes none of the columns"));
        }
        match taken.iter().find(|position| **position >= inputs) {
            Some(beyond) => Err(ModelError::unfit(format!(
                "a step takes column {beyond}, counted from 0, of rows that have {inputs}"
            ))),
            None => Ok(Self { inputs, taken }),
        }
    }

    /// Numbers of a row that goes in.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Numbers of a row that comes out.
    pub fn outputs(&self) -> usize {
        self.taken.len()
    }

    /// Which columns it takes, counted from 1; the first of many.
    pub(super) fn described(&self) -> String {
        const MOST: usize = 8;
        let taken = self.taken.iter().take(MOST);
        let mut taken: Vec<String> = taken.map(|column| (column + 1).to_string()).collect();
        if self.taken.len() > MOST {
            taken.push(format!("{} more", self.taken.len() - MOST));
        }
        format!("columns {} of {}", taken.join(", "), self.inputs)
    }

    /// Whether each column stays where it is.
    pub(super) fn keeps_all(&self) -> bool {
        self.taken.iter().copied().eq(0..self.inputs)
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.taken.as_slice())
    }

    pub(super) fn append(&self, row: &[f64], out: &mut Vec<f64>) {
        out.extend(self.taken.iter().filter_map(|&column| row.get(column)));
    }
}
