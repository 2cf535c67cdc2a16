//! Measures linfa-svm's decision function on one thread, as a peer: `linfa_speed TRAINING ROWS FEATURES GAMMA NU`.
//!
//! Both files hold rows of f64, little-endian and row-major. Fits a one-class SVM to the first, prints the number of support
//! vectors, then scores the second once for each line of standard input and prints the seconds.

use std::hint::black_box;
use std::io::BufRead;
use std::time::Instant;

use anyhow::ensure;
use linfa::DatasetBase;
use linfa::dataset::Pr;
use linfa::traits::Fit;
use linfa_svm::Svm;
use ndarray::Array2;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [training, rows, features, gamma, nu] = arguments.as_slice() else {
        anyhow::bail!("usage: linfa_speed TRAINING ROWS FEATURES GAMMA NU");
    };
    let features = features.parse()?;
    let (training, rows) = (matrix(training, features)?, matrix(rows, features)?);
    let gamma: f64 = gamma.parse()?;
    let svm: Svm<f64, bool> = Svm::<f64, Pr>::params()
        .nu_weight(nu.parse()?)
        .gaussian_kernel(1.0 / gamma)
        .fit(&DatasetBase::from(training))?;
    println!("{}", svm.nsupport());
    for line in std::io::stdin().lock().lines() {
        line?;
        let start = Instant::now();
        for row in rows.outer_iter() {
            black_box(svm.weighted_sum(&row) - svm.rho);
        }
        println!("{}", start.elapsed().as_secs_f64());
    }
    Ok(())
}

fn matrix(file: &str, features: usize) -> anyhow::Result<Array2<f64>> {
    let bytes = std::fs::read(file)?;
    let (numbers, rest) = bytes.as_chunks();
    ensure!(rest.is_empty(), "{file} does not hold whole numbers");
    let numbers: Vec<f64> = numbers
        .iter()
        .map(|number| f64::from_le_bytes(*number))
        .collect();
    Ok(Array2::from_shape_vec(
        (numbers.len() / features, features),
        numbers,
    )?)
}
