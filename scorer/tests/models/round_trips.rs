//! What is written reads back as the same model.

use fleetscore_crds::ModelFormat;
use fleetscore_scorer::models::{
    Estimator, Kernel, Model, ModelError, OneClassSvm, Origin, Scaler, Verdicts, read,
    write_libsvm, write_native, write_onnx,
};
use proptest::prelude::*;

use crate::fixtures::{file_name, folder, models};

fn fixtures() -> impl Iterator<Item = (String, Model)> {
    models().into_iter().map(|path| {
        let model = read(&std::fs::read(&path).unwrap(), ModelFormat::Auto).unwrap();
        (file_name(&path), model)
    })
}

fn svm(model: Model) -> OneClassSvm {
    match model.estimator {
        Estimator::OneClassSvm(svm) if model.transforms.is_empty() => svm,
        other => panic!("{other:?}"),
    }
}

/// The model as a file of this format gives it, which says nothing of where the model lay before.
fn with_format(mut model: Model, format: ModelFormat) -> Model {
    model.origin.format = format;
    model.origin.parts = None;
    model
}

#[test]
fn native_holds_all_of_every_fixture() {
    for (file, model) in fixtures() {
        if model.svm().is_none() {
            let error = write_native(&model).unwrap_err().to_string();
            assert!(
                error.contains("OneClassSVM behind one scaler"),
                "{file}: {error}"
            );
            continue;
        }
        let back = read(&write_native(&model).unwrap(), ModelFormat::Auto).unwrap();
        assert_eq!(back, with_format(model, ModelFormat::Native), "{file}");
    }
}

#[test]
fn native_sees_every_flipped_bit() {
    let (_, model) = fixtures().next().unwrap();
    let bytes = write_native(&model).unwrap();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert!(read(&damaged, ModelFormat::Native).is_err(), "byte {at}");
        assert!(
            read(&bytes[..at], ModelFormat::Native).is_err(),
            "cut at {at}"
        );
    }
}

#[test]
fn libsvm_is_exact_and_refuses_scalers() {
    let mut written = 0;
    for (file, model) in fixtures().filter(|(_, model)| model.svm().is_some()) {
        match write_libsvm(&model) {
            Ok(text) => {
                let back = svm(read(text.as_bytes(), ModelFormat::Auto).unwrap());
                let model = svm(model);
                assert_eq!(back.support_vectors, model.support_vectors, "{file}");
                assert_eq!(back.coefficients, model.coefficients, "{file}");
                assert_eq!((back.kernel, back.rho), (model.kernel, model.rho), "{file}");
                written += 1;
            }
            Err(error) => {
                assert_ne!(svm(model).scaler, Scaler::None, "{file}: {error}");
                assert!(error.to_string().contains("scaler"), "{error}");
            }
        }
    }
    assert!(written > 8, "only {written} written");
}

/// skl2onnx's own file of the same scikit-learn model is the truth: the attributes must be the same to the last bit but one.
#[test]
fn onnx_is_what_skl2onnx_writes() {
    for name in [
        "formats_rbf_d3_sk191",
        "standard_poly_d3_sk191",
        "robust_rbf_d3_sk191",
        "bare_linear_d3_sk191",
    ] {
        let load = |extension: &str| {
            let path = folder().join(format!("{name}.{extension}"));
            read(&std::fs::read(path).unwrap(), ModelFormat::Auto).unwrap()
        };
        let ours = read(&write_onnx(&load("p5.pkl")).unwrap(), ModelFormat::Auto).unwrap();
        assert!(ours.origin.single_precision);
        let (ours, theirs) = (svm(ours), svm(load("onnx")));
        assert_eq!(
            (ours.features, ours.coefficients.len()),
            (theirs.features, theirs.coefficients.len())
        );
        assert_close(&ours.support_vectors, &theirs.support_vectors, name);
        assert_close(&ours.coefficients, &theirs.coefficients, name);
        assert_close(&[ours.rho], &[theirs.rho], name);
        assert_eq!(ours.kernel, theirs.kernel, "{name}");
        match (&ours.scaler, &theirs.scaler) {
            (Scaler::None, Scaler::None) => {}
            (
                Scaler::Standard {
                    center: Some(our_center),
                    scale: Some(our_scale),
                },
                Scaler::Standard {
                    center: Some(their_center),
                    scale: Some(their_scale),
                },
            ) => {
                assert_close(our_center, their_center, name);
                assert_close(our_scale, their_scale, name);
            }
            differing => panic!("{name}: {differing:?}"),
        }
    }
}

fn assert_close(ours: &[f64], theirs: &[f64], name: &str) {
    assert_eq!(ours.len(), theirs.len(), "{name}");
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert!(
            (ours - theirs).abs() <= f64::from(f32::EPSILON) * theirs.abs(),
            "{name}: {ours}, {theirs}"
        );
    }
}

#[test]
fn onnx_folds_min_max_and_refuses_to_clip() {
    for (file, model) in fixtures().filter(|(file, _)| file.starts_with("minmax_")) {
        let back = read(&write_onnx(&model).unwrap(), ModelFormat::Onnx).unwrap();
        let mut verdicts = Verdicts::default();
        let row: Vec<f64> = (1..=model.features).map(|i| 20.0 * i as f64).collect();
        model.score(&row, &mut verdicts);
        back.score(&row, &mut verdicts);
        let scores = verdicts.scores();
        let sum: f64 = svm(model).coefficients.iter().sum();
        assert!(
            (scores[0] - scores[1]).abs() < 1e-4 * sum,
            "{file}: {scores:?}"
        );
    }
    let (_, clips) = fixtures()
        .find(|(file, _)| file.starts_with("minmaxclip"))
        .unwrap();
    let Err(error @ ModelError::Unwritable { .. }) = write_onnx(&clips) else {
        panic!("written")
    };
    assert!(error.to_string().contains("clip"), "{error}");
}

#[test]
fn onnx_refuses_what_single_precision_cannot_hold() {
    let origin = Origin::new(ModelFormat::Native);
    let svm = OneClassSvm::new(Scaler::None, Kernel::Linear, 1, vec![1e300], vec![1.0], 0.0);
    let model = Model::of_svm(svm.unwrap(), origin).unwrap();
    let message = write_onnx(&model).unwrap_err().to_string();
    assert!(message.contains("`support_vectors`"), "{message}");
}

fn number() -> impl Strategy<Value = f64> {
    prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO
}

fn numbers(count: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(number(), count)
}

fn kernel() -> impl Strategy<Value = Kernel> {
    let gamma = || number().prop_map(f64::abs);
    prop_oneof![
        gamma().prop_map(|gamma| Kernel::Rbf { gamma }),
        Just(Kernel::Linear),
        (gamma(), number(), 0..9_u32).prop_map(|(gamma, coef0, degree)| Kernel::Polynomial {
            gamma,
            coef0,
            degree
        }),
        (gamma(), number()).prop_map(|(gamma, coef0)| Kernel::Sigmoid { gamma, coef0 }),
    ]
}

fn scaler(d: usize) -> impl Strategy<Value = Scaler> {
    let nonzero = prop::collection::vec(prop::num::f64::NORMAL, d);
    let clip = prop::option::of((number(), number()))
        .prop_map(|clip| clip.map(|(a, b)| (a.min(b), a.max(b))));
    prop_oneof![
        Just(Scaler::None),
        (prop::option::of(numbers(d)), prop::option::of(nonzero))
            .prop_map(|(center, scale)| Scaler::Standard { center, scale }),
        (numbers(d), numbers(d), clip).prop_map(|(scale, min, clip)| Scaler::MinMax {
            scale,
            min,
            clip
        }),
    ]
}

fn model() -> impl Strategy<Value = Model> {
    (1..5_usize, 1..6_usize).prop_flat_map(|(d, n)| {
        let names = prop::option::of(prop::collection::vec(any::<String>(), d));
        let origin = (prop::option::of(any::<String>()), any::<bool>(), names);
        (
            scaler(d),
            kernel(),
            numbers(n * d),
            numbers(n),
            number(),
            origin,
        )
            .prop_map(
                move |(
                    scaler,
                    kernel,
                    vectors,
                    coefficients,
                    rho,
                    (producer, single_precision, feature_names),
                )| {
                    let format = ModelFormat::Native;
                    let origin = Origin {
                        format,
                        producer,
                        single_precision,
                        feature_names,
                        parts: None,
                    };
                    let svm = OneClassSvm::new(scaler, kernel, d, vectors, coefficients, rho);
                    Model::of_svm(svm.unwrap(), origin).unwrap()
                },
            )
    })
}

proptest! {
    #[test]
    fn native_is_exact(model in model()) {
        prop_assert_eq!(read(&write_native(&model).unwrap(), ModelFormat::Auto).unwrap(), model);
    }

    #[test]
    fn libsvm_is_exact(model in model()) {
        let origin = model.origin.clone();
        let mut bare = svm(model);
        bare.scaler = Scaler::None;
        let model = Model::of_svm(bare, origin).unwrap();
        let back = read(write_libsvm(&model).unwrap().as_bytes(), ModelFormat::Libsvm).unwrap();
        let (back, model) = (svm(back), svm(model));
        prop_assert_eq!(back.support_vectors, model.support_vectors);
        prop_assert_eq!(back.coefficients, model.coefficients);
        prop_assert_eq!((back.kernel, back.rho), (model.kernel, model.rho));
    }
}
