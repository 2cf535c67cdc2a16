//! Every way of walking the trees gives what the plain walk gives, to the last bit.

use std::ops::Range;

use fleetscore_scorer::models::IsolationForest;
use fleetscore_scorer::models::trees::{Border, Ensemble, Split};
use proptest::prelude::*;

/// Numbers that thresholds and readings share, so that they often meet.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-20..20_i32).prop_map(|n| f64::from(n) * 0.1),
        1 => prop::sample::select(vec![0.0, -0.0, 1e-46, -1e300, 1e300, 3.5e38, f64::INFINITY, f64::NEG_INFINITY]),
        1 => any::<f32>().prop_filter_map("NaN", |n| (!n.is_nan()).then(|| f64::from(n))),
    ]
}

/// A tree of some inner nodes, each put in the place of a leaf of those before it.
fn tree(features: u32) -> impl Strategy<Value = Vec<Split>> {
    let inner = (any::<prop::sample::Index>(), 0..features, number());
    let inner = prop::collection::vec(inner, 0..40);
    (inner, prop::collection::vec(0.1..20.0_f64, 41)).prop_map(|(inner, values)| {
        let leaf = |value| Split {
            children: None,
            feature: 0,
            threshold: 0.0,
            value,
        };
        let mut values = values.into_iter();
        let mut splits = vec![leaf(values.next().unwrap())];
        for (place, feature, threshold) in inner {
            let leaves: Vec<usize> = (0..splits.len())
                .filter(|&at| splits[at].children.is_none())
                .collect();
            let at = leaves[place.index(leaves.len())];
            let behind = u32::try_from(splits.len()).unwrap();
            let value = splits[at].value;
            splits[at] = Split {
                children: Some([behind, behind + 1]),
                feature,
                threshold,
                value: 0.0,
            };
            splits.extend([leaf(value), leaf(values.next().unwrap())]);
        }
        splits
    })
}

/// A forest over so many features, and rows for it.
fn forest(features: Range<u32>) -> impl Strategy<Value = (IsolationForest, Vec<f64>)> {
    features.prop_flat_map(|features| {
        let trees = prop::collection::vec(tree(features), 1..12);
        let row = prop::collection::vec(number(), features as usize);
        (trees, prop::collection::vec(row, 0..70)).prop_map(move |(trees, rows)| {
            let mut ensemble = Ensemble::default();
            for tree in &trees {
                ensemble.add(tree, Some).unwrap();
            }
            let border = Border {
                offset: -0.5,
                threshold: 0.01,
                zero_is_anomaly: false,
            };
            let divisors = [trees.len() as f64 * 3.7, 1.1];
            let forest = IsolationForest::new(ensemble, features as usize, divisors, border);
            (forest.unwrap(), rows.concat())
        })
    })
}

fn assert_plain(forest: &IsolationForest, rows: &[f64]) {
    let mut scores = vec![0.0; rows.len() / forest.features];
    forest.scores(rows, &mut scores);
    for (row, score) in rows.chunks(forest.features).zip(scores) {
        let plain = forest.score(row);
        assert_eq!(
            score.to_bits(),
            plain.to_bits(),
            "{row:?}: {score}, plainly {plain}"
        );
    }
}

proptest! {
    #[test]
    fn any_number_of_rows_score_as_each_does((forest, rows) in forest(2..10)) {
        assert_plain(&forest, &rows);
        // So many that they are walked in registers where the trees are small.
        assert_plain(&forest, &rows.repeat(9));
    }

    #[test]
    fn any_number_of_rows_of_one_feature_score_as_each_does((forest, rows) in forest(1..2)) {
        assert_plain(&forest, &rows);
        // So many that they are put in order.
        assert_plain(&forest, &rows.repeat(4));
        // So many that they are scored by steps, and then fewer, by the same steps.
        assert_plain(&forest, &rows.repeat(40));
        assert_plain(&forest, &rows.repeat(4));
    }
}

#[test]
fn what_is_no_number_has_no_score() {
    let mut trees = Ensemble::default();
    let leaf = Split {
        children: None,
        feature: 0,
        threshold: 0.0,
        value: 1.0,
    };
    let root = Split {
        children: Some([1, 2]),
        ..leaf
    };
    let other = Split { value: 2.0, ..leaf };
    // More nodes than readings: those of one feature are put in order.
    for _ in 0..200 {
        trees.add(&[root, leaf, other], Some).unwrap();
    }
    let border = Border {
        offset: -0.5,
        threshold: 0.0,
        zero_is_anomaly: false,
    };
    let forest = IsolationForest::new(trees, 1, [200.0, 1.0], border).unwrap();
    let some = [1.0, f64::NAN, 2.0, -f64::NAN, -1.0];
    let many = some.repeat(60);
    for rows in [&[f64::NAN][..], &some, &many] {
        assert_plain(&forest, rows);
        let mut scores = vec![0.0; rows.len()];
        forest.scores(rows, &mut scores);
        for (row, score) in rows.iter().zip(scores) {
            assert_eq!(score.is_nan(), row.is_nan());
        }
    }
}

/// Python's `-math.pow(2.0, -length)` of lengths for which `math.exp2` gives another number.
#[test]
fn the_power_is_the_c_librarys() {
    for (length, expected) in [
        (0.003_559_337_267_459_161_7, -0.997_535_896_308_322_6),
        (0.370_849_132_597_158_07, -0.773_327_202_616_168_5),
        (1.130_358_514_331_759_4, -0.456_802_194_202_660_5),
        (0.043_325_602_891_571_224, -0.970_415_431_289_523_6),
        (0.128_651_274_758_220_97, -0.914_686_158_814_668_2),
        (0.887_639_263_348_031_7, -0.540_497_832_144_721_7),
    ] {
        let leaf = Split {
            children: None,
            feature: 0,
            threshold: 0.0,
            value: length,
        };
        let mut trees = Ensemble::default();
        trees.add(&[leaf], Some).unwrap();
        let border = Border {
            offset: 0.0,
            threshold: 0.0,
            zero_is_anomaly: false,
        };
        let forest = IsolationForest::new(trees, 1, [1.0, 1.0], border).unwrap();
        assert_eq!(
            forest.score(&[1.0]).to_bits(),
            f64::to_bits(expected),
            "{length}"
        );
    }
}
