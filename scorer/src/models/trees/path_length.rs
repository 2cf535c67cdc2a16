//! How long a path would be on average if a leaf's samples were parted further: scikit-learn's `_average_path_length`.

/// Euler's constant, as numpy has it.
const EULER: f64 = 0.577_215_664_901_532_9;

/// c(N) of scikit-learn 0.21 and newer.
pub fn average_path_length(samples: f64) -> f64 {
    if samples <= 1.0 {
        0.0
    } else if samples == 2.0 {
        1.0
    } else {
        formula(samples)
    }
}

/// c(N) up to 0.20, which has no case for 2 samples.
pub fn average_path_length_before_0_21(samples: f64) -> f64 {
    if samples <= 1.0 {
        1.0
    } else {
        formula(samples)
    }
}

fn formula(samples: f64) -> f64 {
    2.0 * ((samples - 1.0).ln() + EULER) - 2.0 * (samples - 1.0) / samples
}
