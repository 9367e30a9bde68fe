//! Confidence intervals: how much of a difference may be chance. All at 95 %.

use crate::compare::Estimate;

/// Of the normal distribution, two-sided, 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// Sums of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    /// How many.
    pub(crate) count: f64,
    /// Their sum.
    pub(crate) sum: f64,
    /// Sum of their squares.
    pub(crate) squared: f64,
}

impl Sample {
    fn mean(self) -> f64 {
        self.sum / self.count
    }

    /// Of the mean, squared; with n - 1.
    fn squared_error(self) -> f64 {
        let about_mean = (self.squared - self.sum * self.sum / self.count).max(0.0);
        about_mean / (self.count - 1.0) / self.count
    }
}

/// Share `part / whole`, by Wilson's score interval.
pub(crate) fn rate(part: f64, whole: f64) -> Estimate {
    let (value, low, high) = wilson(part, whole);
    Estimate { value, low, high }
}

fn wilson(part: f64, whole: f64) -> (f64, f64, f64) {
    if whole < 1.0 {
        return (0.0, 0.0, 1.0);
    }
    let share = part / whole;
    let spread = Z * Z / whole;
    let center = (share + spread / 2.0) / (1.0 + spread);
    let half = Z / (1.0 + spread) * (share * (1.0 - share) / whole + spread / (4.0 * whole)).sqrt();
    (share, (center - half).max(0.0), (center + half).min(1.0))
}

/// `a - b` of two shares, by Newcombe's method from their Wilson intervals.
pub(crate) fn rate_difference(a: (f64, f64), b: (f64, f64)) -> Estimate {
    let (share_a, low_a, high_a) = wilson(a.0, a.1);
    let (share_b, low_b, high_b) = wilson(b.0, b.1);
    let value = share_a - share_b;
    let down = ((share_a - low_a).powi(2) + (high_b - share_b).powi(2)).sqrt();
    let up = ((high_a - share_a).powi(2) + (share_b - low_b).powi(2)).sqrt();
    Estimate {
        value,
        low: value - down,
        high: value + up,
    }
}

/// Mean, by Student's t; `None` for fewer than two.
pub(crate) fn mean(sample: Sample) -> Option<Estimate> {
    if sample.count < 2.0 {
        return None;
    }
    let value = sample.mean();
    let half = student(sample.count - 1.0) * sample.squared_error().sqrt();
    Some(Estimate {
        value,
        low: value - half,
        high: value + half,
    })
}

/// `a - b` of two means, by Welch's t interval: the samples' spreads may differ. `None` for fewer than two in either.
pub(crate) fn mean_difference(a: Sample, b: Sample) -> Option<Estimate> {
    if a.count < 2.0 || b.count < 2.0 {
        return None;
    }
    let value = a.mean() - b.mean();
    let (error_a, error_b) = (a.squared_error(), b.squared_error());
    let error = error_a + error_b;
    let half = if error > 0.0 {
        let freedom = error * error
            / (error_a * error_a / (a.count - 1.0) + error_b * error_b / (b.count - 1.0));
        student(freedom) * error.sqrt()
    } else {
        0.0
    };
    Some(Estimate {
        value,
        low: value - half,
        high: value + half,
    })
}

/// The 97.5 % point of Student's t, by the Cornish-Fisher expansion for 4 and more degrees of freedom, and the exact
/// values below.
fn student(freedom: f64) -> f64 {
    match freedom {
        f if f < 2.0 => 12.706,
        f if f < 3.0 => 4.303,
        f if f < 4.0 => 3.182,
        f => {
            let z2 = Z * Z;
            let term = |powers: &[f64]| powers.iter().rev().fold(0.0, |sum, a| sum * z2 + a);
            Z * (1.0
                + term(&[1.0, 1.0]) / (4.0 * f)
                + term(&[3.0, 16.0, 5.0]) / (96.0 * f * f)
                + term(&[-15.0, 17.0, 19.0, 3.0]) / (384.0 * f.powi(3))
                + term(&[-945.0, -1920.0, 1482.0, 776.0, 79.0]) / (92_160.0 * f.powi(4)))
        }
    }
}

#[cfg(test)]
mod tests {
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
            (1e9, 1.960),
        ] {
            close(student(freedom), value, 0.002);
        }
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
}
