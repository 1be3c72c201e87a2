//! Reads a few numbers from the text that Prometheus would read; it knows only as much of the format as it needs.

/// A metric without labels.
pub(crate) fn value(text: &str, name: &str) -> Option<f64> {
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .find(|(it, _)| *it == name)
        .and_then(|(_, value)| value.parse().ok())
}

/// Upper bounds of a histogram with the counts up to them.
fn buckets(text: &str, name: &str) -> Vec<(f64, f64)> {
    let prefix = format!("{name}_bucket{{le=\"");
    text.lines()
        .filter_map(|line| line.strip_prefix(&prefix)?.split_once("\"} "))
        .filter_map(|(bound, count)| Some((bound.parse().ok()?, count.parse().ok()?)))
        .collect()
}

/// The value below which this share of what a histogram saw between two texts lies; straight lines inside a bucket.
pub(crate) fn quantile(before: &str, after: &str, name: &str, share: f64) -> f64 {
    let (before, after) = (buckets(before, name), buckets(after, name));
    let seen: Vec<(f64, f64)> =
        after.iter().zip(&before).map(|(after, before)| (after.0, after.1 - before.1)).collect();
    let wanted = share * seen.last().map_or(0.0, |it| it.1);
    let mut low = (0.0, 0.0);
    for &(bound, count) in &seen {
        if count >= wanted {
            let part = (wanted - low.1) / (count - low.1).max(1.0);
            return if bound.is_finite() { low.0 + part * (bound - low.0) } else { low.0 };
        }
        low = (bound, count);
    }
    f64::NAN
}
