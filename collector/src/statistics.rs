//! Confidence intervals: how much of a difference may be chance. All at 95 %.
//!
//! Quantiles are those of the crate `statrs`; the intervals are the published formulas, named where they are used.

use statrs::distribution::{ContinuousCDF as _, StudentsT};

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

/// Mean of numbers from 0 to 1, by Student's t within these bounds; one number says nothing of the others. `None` for
/// none.
pub(crate) fn share_mean(sample: Sample) -> Option<Estimate> {
    if sample.count < 1.0 {
        return None;
    }
    let estimate = mean(sample).unwrap_or(Estimate {
        value: sample.mean(),
        low: 0.0,
        high: 1.0,
    });
    Some(Estimate {
        value: estimate.value,
        low: estimate.low.max(0.0),
        high: estimate.high.min(1.0),
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

/// The 97.5 % point of Student's t; of the normal distribution where they differ by nothing that is shown.
fn student(freedom: f64) -> f64 {
    /// From here on they differ by less than 0.0013 percent, and less than the library's own error soon.
    const AS_GOOD_AS_NORMAL: f64 = 1e5;
    if freedom >= AS_GOOD_AS_NORMAL {
        return Z;
    }
    // Degrees of freedom are above 0 by their construction; what is not would prove nothing.
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::INFINITY, |t| t.inverse_cdf(0.975))
}

#[cfg(test)]
mod tests;
