//! Times of rows, and the time between them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A time in seconds, or, where it is a number, in its own unit. A date without a zone counts as one of UTC: only differences matter.
pub(super) fn time(text: &str) -> Option<f64> {
    if let Ok(number) = text.parse::<f64>() {
        return (number.abs() <= ostl_stream::LARGEST).then_some(number);
    }
    let civil = text.parse::<DateTime>().ok();
    let stamp = text.parse::<Timestamp>().ok().or_else(|| TimeZone::UTC.to_timestamp(civil?).ok());
    stamp.map(|stamp| stamp.as_second() as f64 + f64::from(stamp.subsec_nanosecond()) / 1e9)
}

/// The time between two rows as an input: hours beside seconds would leave nothing of the seconds, so its logarithm, ± ln(1 + |t|).
pub(super) fn scaled(since: f64) -> f64 {
    since.abs().ln_1p().copysign(since)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_dates() {
        assert_eq!(time("12.5"), Some(12.5));
        let at = |text: &str| time(text).unwrap();
        assert_eq!(at("2013-12-02 21:15:00"), 1_386_018_900.0);
        assert_eq!(at("2013-12-02T21:15:00Z"), 1_386_018_900.0);
        assert_eq!(at("2013-12-02T22:15:00+01:00"), 1_386_018_900.0);
        assert_eq!(at("2013-12-02 21:15:00.25") - at("2013-12-02 21:15"), 0.25);
        assert_eq!(at("2013-12-03") - at("2013-12-02"), 86_400.0);
        for text in ["", "soon", "nan", "inf", "1e300", "2013-13-02", "21:15"] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn order_and_sign_are_kept() {
        assert_eq!(scaled(0.0), 0.0);
        assert!(scaled(3600.0) > scaled(60.0) && scaled(60.0) > 1.0);
        assert_eq!(scaled(-60.0), -scaled(60.0));
    }
}
