/// Errors when one of the numbers called `name` is infinite or none.
pub fn check_finite(name: &str, values: &[f64]) -> Result<(), String> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(format!(
            "{name}: number {at} is {}, not finite",
            values.get(at).unwrap_or(&f64::NAN)
        )),
        None => Ok(()),
    }
}
