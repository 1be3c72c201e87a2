//! Rates with their confidence, and whether two rates differ; nothing that is specific to the funnel.

/// The quantile of the normal distribution that leaves 2.5 % above it: for intervals that hold the true value with 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// A rate, and the interval that holds the true one with 95 % confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// How many of them did.
    pub count: u64,
    /// How many there were.
    pub of: u64,
    /// The rate itself, 0 to 1.
    pub rate: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// One rate less another, and the interval that holds the true difference with 95 % confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// The difference itself, −1 to 1.
    pub difference: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Counts beyond 2⁵³ do not occur; below it every whole number is exact.
fn real(count: u64) -> f64 {
    let (high, low) = (u32::try_from(count >> 32).unwrap_or(u32::MAX), u32::try_from(count & 0xffff_ffff).unwrap_or(0));
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

/// A rate with Wilson's score interval (E. B. Wilson, 1927), without continuity correction; none of nothing.
#[must_use]
pub fn rate(count: u64, of: u64) -> Option<Rate> {
    if of == 0 || count > of {
        return None;
    }
    let (n, p) = (real(of), real(count) / real(of));
    let scale = 1.0 + Z * Z / n;
    let middle = (p + Z * Z / (2.0 * n)) / scale;
    let half = Z / scale * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    // At the ends the formula is exact but for rounding.
    let low = if count == 0 { 0.0 } else { (middle - half).max(0.0) };
    let high = if count == of { 1.0 } else { (middle + half).min(1.0) };
    Some(Rate { count, of, rate: p, low, high })
}

/// `one` less `other`, with the hybrid score interval of R. G. Newcombe (Statistics in Medicine 17, 1998, method 10).
#[must_use]
pub fn difference(one: Rate, other: Rate) -> Difference {
    let difference = one.rate - other.rate;
    let below = (one.rate - one.low).hypot(other.high - other.rate);
    let above = (one.high - one.rate).hypot(other.rate - other.low);
    Difference { difference, low: difference - below, high: difference + above }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// To four decimals, as the papers print them.
    fn four(number: f64) -> f64 {
        (number * 1e4).round() / 1e4
    }

    /// R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17, 1998, table I,
    /// method 3.
    #[test]
    fn intervals_of_a_rate_are_those_of_the_literature() {
        for (count, of, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let rate = rate(count, of).unwrap();
            assert_eq!((four(rate.low), four(rate.high)), (low, high), "{count} of {of}");
        }
        assert_eq!(rate(0, 0), None);
        assert_eq!(rate(2, 1), None);
    }

    /// R. G. Newcombe, "Interval estimation for the difference between independent proportions", ibid., table II, method 10.
    #[test]
    fn intervals_of_a_difference_are_those_of_the_literature() {
        for ((a, m), (b, n), low, high) in [
            ((56, 70), (48, 80), 0.0524, 0.3339),
            ((9, 10), (3, 10), 0.1705, 0.8090),
            ((6, 7), (2, 7), 0.0582, 0.8062),
            ((5, 56), (0, 29), -0.0381, 0.1926),
            ((0, 10), (0, 20), -0.1611, 0.2775),
            ((10, 10), (0, 20), 0.6791, 1.0),
        ] {
            let found = difference(rate(a, m).unwrap(), rate(b, n).unwrap());
            assert_eq!((four(found.low), four(found.high)), (low, high), "{a}/{m} - {b}/{n}");
        }
    }

    #[test]
    fn large_counts_are_exact() {
        assert!((real(1 << 40) - 1_099_511_627_776.0).abs() < 0.5);
        assert!((real(4_294_967_297) - 4_294_967_297.0).abs() < 0.5);
    }
}
