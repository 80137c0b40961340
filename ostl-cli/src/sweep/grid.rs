//! Which runs a sweep is made of: every combination of the values of settings, with every seed.

use std::collections::BTreeSet;

use crate::failure::UsageError;
use crate::runs::short;

/// More runs than these nobody meant.
const MOST: usize = 10_000;

/// One run to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Point {
    /// `carry=local_seed=0`: what distinguishes it, as the name of a folder.
    pub(super) name: String,
    /// For `--set`.
    pub(super) set: Vec<String>,
    pub(super) seed: u64,
}

/// A setting with several values.
struct Axis<'a> {
    key: &'a str,
    values: Vec<&'a str>,
}

/// All runs; the seed changes fastest, then the last setting.
pub(super) fn points(set: &[String], seeds: &str) -> Result<Vec<Point>, UsageError> {
    let (mut common, mut axes) = (Vec::new(), Vec::<Axis<'_>>::new());
    for text in set {
        let refuse = |problem: &str| Err(UsageError::Other(format!("--set {text}: {problem}")));
        let Some((key, values)) = text.split_once('=') else { return refuse("must be KEY=VALUE or KEY=VALUE,VALUE,…") };
        let (key, values) = (key.trim(), pieces(values));
        if key == "seed" {
            return refuse("seeds have an option of their own: --seeds 0..2");
        }
        match values[..] {
            [_] => common.push(text.clone()),
            _ if values.iter().any(|value| value.is_empty()) => return refuse("a value between two commas is missing"),
            _ if values.iter().collect::<BTreeSet<_>>().len() < values.len() => return refuse("a value is named twice"),
            _ if axes.iter().any(|axis| axis.key == key) => return refuse("the key is named twice"),
            _ => axes.push(Axis { key, values }),
        }
    }
    let seeds = numbers(seeds)?;
    let count = axes.iter().try_fold(seeds.len(), |count, axis| count.checked_mul(axis.values.len()));
    if count.is_none_or(|count| count > MOST) {
        return Err(UsageError::Other(format!("a sweep has {MOST} runs at most: leave out values or seeds")));
    }
    let mut combinations = vec![Vec::<(&Axis<'_>, &str)>::new()];
    for axis in &axes {
        combinations = combinations
            .iter()
            .flat_map(|before| axis.values.iter().map(move |&value| before.iter().copied().chain([(axis, value)]).collect()))
            .collect();
    }
    let mut points = Vec::new();
    for combination in &combinations {
        for &seed in &seeds {
            let chosen = combination.iter().map(|(axis, value)| format!("{}={value}", axis.key));
            let parts = combination.iter().map(|(axis, value)| {
                as_file_name(&format!("{}={value}", short(axis.key, axes.iter().map(|axis| axis.key))))
            });
            let mut name = parts.chain([format!("seed={seed}")]).collect::<Vec<_>>().join("_");
            if points.iter().any(|point: &Point| point.name == name) {
                name += &format!("_{}", points.len());
            }
            points.push(Point { name, set: common.iter().cloned().chain(chosen).collect(), seed });
        }
    }
    Ok(points)
}

/// Values between commas, but for those in brackets and quotes.
fn pieces(text: &str) -> Vec<&str> {
    let (mut pieces, mut start, mut depth, mut quote) = (Vec::new(), 0, 0_usize, None);
    for (at, letter) in text.char_indices() {
        match (letter, quote) {
            (letter, Some(open)) if letter == open => quote = None,
            (_, Some(_)) => {}
            ('"' | '\'', None) => quote = Some(letter),
            ('[' | '{', None) => depth += 1,
            (']' | '}', None) => depth = depth.saturating_sub(1),
            (',', None) if depth == 0 => {
                pieces.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(text[start..].trim());
    pieces
}

/// `0..2`, `0,5,7` or both.
fn numbers(text: &str) -> Result<Vec<u64>, UsageError> {
    let refuse =
        || UsageError::Other(format!("--seeds {text}: must be numbers such as 0..2 (which is 0, 1 and 2) or 0,5,7"));
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| refuse());
    let mut seeds = Vec::new();
    for part in text.split(',') {
        let (first, last) = match part.split_once("..") {
            Some((first, last)) => (number(first)?, number(last.trim_start_matches('='))?),
            None => (number(part)?, number(part)?),
        };
        if last < first || last - first >= MOST as u64 {
            return Err(refuse());
        }
        seeds.extend(first..=last);
    }
    if seeds.iter().collect::<BTreeSet<_>>().len() < seeds.len() {
        return Err(UsageError::Other(format!("--seeds {text}: a seed is named twice")));
    }
    Ok(seeds)
}

/// Letters, digits and what no system minds; quotes, brackets and spaces are left out, and whatever stands between others is a `-`.
fn as_file_name(text: &str) -> String {
    let mut name = String::new();
    for letter in text.chars().filter(|letter| !"{}[]\"' ".contains(*letter)) {
        name.push(if letter.is_alphanumeric() || "._=+-".contains(letter) { letter } else { '-' });
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(set: &[&str], seeds: &str) -> Vec<String> {
        let set: Vec<String> = set.iter().map(|&text| text.to_owned()).collect();
        points(&set, seeds).unwrap().into_iter().map(|point| point.name).collect()
    }

    #[test]
    fn every_combination_once() {
        let found = names(&["method.carry=none,local", "training.epochs=3", "layers.0.units=8,16"], "0..1,7");
        assert_eq!(found.len(), 12);
        assert_eq!(
            found[..4],
            [
                "carry=none_units=8_seed=0",
                "carry=none_units=8_seed=1",
                "carry=none_units=8_seed=7",
                "carry=none_units=16_seed=0"
            ]
        );
        let set = ["method.carry=none,local", "training.epochs=3"].map(str::to_owned);
        let points = points(&set, "4").unwrap();
        assert_eq!(points[1].set, ["training.epochs=3", "method.carry=local"]);
        assert_eq!((points[1].seed, points.len()), (4, 2));
    }

    #[test]
    fn commas_within_a_value_separate_nothing() {
        assert_eq!(pieces("{a=1,b=[2,3]},\"x,y\", 5"), ["{a=1,b=[2,3]}", "\"x,y\"", "5"]);
        assert_eq!(names(&["method={name=\"uoro\",window=2},{name=\"ostl\"}"], "0")[0], "method=name=uoro-window=2_seed=0");
        // Keys that end alike are written in full, values that look alike are numbered.
        assert_eq!(names(&["layers.0.units=1,2", "layers.1.units=3,4"], "0")[0], "layers.0.units=1_layers.1.units=3_seed=0");
        let alike = names(&["init=a/b,a:b"], "0");
        assert_eq!(alike, ["init=a-b_seed=0", "init=a-b_seed=0_1"]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (set, seeds, word) in [
            ("a=1,,2", "0", "between two commas"),
            ("a=1,1", "0", "named twice"),
            ("a", "0", "must be KEY=VALUE"),
            ("seed=1,2", "0", "--seeds 0..2"),
            ("a=1,2", "2..0", "must be numbers"),
            ("a=1,2", "x", "must be numbers"),
            ("a=1,2", "0,0", "a seed is named twice"),
            ("a=1,2", "0..9000", "10000 runs at most"),
            ("a=1,2", "0..99999999999", "must be numbers"),
        ] {
            let error = points(&[set.to_owned()], seeds).unwrap_err().to_string();
            assert!(error.contains(word), "{set} {seeds}: {error}");
        }
    }
}
