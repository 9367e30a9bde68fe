use super::*;

fn close(a: f64, b: f64, within: f64) {
    assert!((a - b).abs() <= within, "{a} is not {b}");
}

#[test]
fn student_is_that_of_the_tables() {
    for (freedom, value) in [
        (1.0, 12.706),
        (2.0, 4.303),
        (3.0, 3.182),
        (4.0, 2.776),
        (5.0, 2.571),
        (10.0, 2.228),
        (30.0, 2.042),
        (100.0, 1.984),
        (1e5, 1.960),
        (1e9, 1.960),
    ] {
        close(student(freedom), value, 0.0006);
    }
    let many: Vec<f64> = (1..4_000_000)
        .step_by(7_919)
        .map(f64::from)
        .map(student)
        .collect();
    assert!(
        many.is_sorted_by(|a, b| b - a <= 2e-5),
        "up to the library's noise"
    );
    assert!(many.iter().all(|&value| value > Z - 2e-5));
}

#[test]
fn wilson_and_newcombe_are_those_of_the_literature() {
    // Newcombe 1998, table I: 81 of 263, and 0 of 20.
    let estimate = rate(81.0, 263.0);
    close(estimate.low, 0.2553, 5e-5);
    close(estimate.high, 0.3662, 5e-5);
    let none = rate(0.0, 20.0);
    close(none.low, 0.0, 1e-12);
    close(none.high, 0.1611, 5e-5);
    // Newcombe 1998 (second paper), table II: 56/70 - 48/80, method 10.
    let difference = rate_difference((56.0, 70.0), (48.0, 80.0));
    close(difference.value, 0.2, 1e-12);
    close(difference.low, 0.0524, 5e-5);
    close(difference.high, 0.3339, 5e-5);
}

#[test]
fn means_by_hand() {
    // 1..=5: mean 3, variance 2.5, standard error sqrt(0.5), t(4) = 2.776.
    let sample = Sample {
        count: 5.0,
        sum: 15.0,
        squared: 55.0,
    };
    let estimate = mean(sample).unwrap();
    close(estimate.low, 3.0 - 2.776 * 0.5_f64.sqrt(), 2e-3);
    // Against itself: no difference; error of the difference is 1, 8 degrees of freedom, t = 2.306.
    let difference = mean_difference(sample, sample).unwrap();
    close(difference.value, 0.0, 1e-12);
    close(difference.high, 2.306, 2e-3);
    let one = Sample {
        count: 1.0,
        sum: 3.0,
        squared: 9.0,
    };
    assert_eq!(mean(one), None);
    assert_eq!(mean_difference(one, sample), None);
}

#[test]
fn few_degrees_of_freedom_need_not_be_whole() {
    // By numerical integration of the density, and bisection.
    for (freedom, value) in [
        (1.2, 8.6488),
        (1.5, 6.0167),
        (1.999, 4.3047),
        (2.5, 3.5747),
        (3.3, 3.0249),
        (3.999, 2.7767),
    ] {
        close(student(freedom), value, 0.001);
    }
}

#[test]
fn welch_of_unlike_samples_is_as_wide_as_it_has_to_be() {
    let of = |values: &[f64]| Sample {
        count: values.len() as f64,
        sum: values.iter().sum(),
        squared: values.iter().map(|value| value * value).sum(),
    };
    let difference = mean_difference(of(&[10.0, 12.0]), of(&[1.0, 2.0, 3.0, 4.0])).unwrap();
    close(difference.value, 8.5, 1e-12);
    // Squared errors of the means are 1 and 5/12: 1.8972 degrees of freedom, whose t is 4.5341. One degree would have 12.7.
    let error = (1.0_f64 + 5.0 / 12.0).sqrt();
    close(difference.high - 8.5, 4.5341 * error, 0.001);
}
