//! Names as people write them: `e-prop`, `E_prop` and `e_prop` are one name, and a misspelt one is answered with the nearest.

/// Letters and digits in lower case: what makes a name, however its parts are joined.
pub(crate) fn bare(name: &str) -> String {
    name.chars().filter(|letter| !matches!(letter, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
}

/// `1 value`, `2 values`: so many of what a noun with the plural -s names.
pub(crate) fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `31 to 41 steps`, or `31 steps` where the least is the most.
pub(crate) fn counted_range(least: usize, most: usize, noun: &str) -> String {
    let most_in_words = counted(most, noun);
    if least < most { format!("{least} to {most_in_words}") } else { most_in_words }
}

/// `a, b, c and 2 more`: the first `most` of some names, and how many others there are.
pub(crate) fn first_few<N: AsRef<str>>(names: &[N], most: usize) -> String {
    let told = names.iter().take(most).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(most) {
        0 => told,
        more => format!("{told} and {more} more"),
    }
}

/// Whether two spellings are the same name.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a == b || (bare(a) == bare(b) && !bare(a).is_empty())
}

/// The known name that this is a spelling of: itself if it is known, else the only one that it can be.
pub(crate) fn spelled<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let mut alike = Vec::new();
    for other in known {
        if other == name {
            return Some(other);
        }
        if same(other, name) && !alike.contains(&other) {
            alike.push(other);
        }
    }
    if let [only] = alike[..] { Some(only) } else { None }
}

/// The known name that was probably meant by one that is not known.
pub(crate) fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let name = bare(name);
    let length = name.chars().count();
    let scored = known.into_iter().filter(|other| !other.is_empty()).filter_map(|known| {
        let other = bare(known);
        let edits = strsim::damerau_levenshtein(&name, &other);
        let longer = length.max(other.chars().count());
        // A third of the letters may be wrong. A beginning that is right counts for more, as in `adaptive` for `adaptation`.
        let begins = length >= 3 && (other.starts_with(&name) || (name.starts_with(&other) && other.len() >= 3));
        (3 * edits <= longer || begins).then_some((usize::from(begins && 3 * edits > longer), edits, known))
    });
    scored.min_by_key(|&(kind, edits, _)| (kind, edits)).map(|(_, _, known)| known)
}

/// `: did you mean `lstm`?`, or nothing where no known name is near.
pub(crate) fn did_you_mean<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    nearest(name, known).map_or_else(String::new, |nearest| format!("did you mean `{nearest}`?"))
}

/// What was probably meant by an unknown name, and what there is: `: did you mean `lstm`? (expected one of `lstm`, `gru`)`.
pub(crate) fn or_known(name: &str, known: &[impl AsRef<str>]) -> String {
    with_known(&did_you_mean(name, known.iter().map(AsRef::as_ref)), known)
}

/// The same, where it is known already what was meant.
pub(crate) fn with_known(meant: &str, known: &[impl AsRef<str>]) -> String {
    let listed = known.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ");
    let expected = if known.len() == 1 { "expected" } else { "expected one of" };
    if meant.is_empty() { format!(", {expected} {listed}") } else { format!(": {meant} ({expected} {listed})") }
}

/// The unknown name and the known ones, of a message such as serde's "unknown variant `x`, expected `a` or `b`".
pub(crate) fn listed(message: &str) -> Option<(&str, Vec<&str>)> {
    let starts = ["unknown variant `", "unknown name `", "unknown carry `"];
    let rest = starts.iter().find_map(|start| message.strip_prefix(start))?;
    let (name, list) = rest.split_once('`')?;
    // One name, two with `or` between them, more after `one of`, or none at all: the names are what stands in backquotes.
    Some((name, list.split('`').skip(1).step_by(2).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0_u64, 1, 2].map(|count| counted(count, "step")), ["0 steps", "1 step", "2 steps"]);
        assert_eq!(counted(1_usize, "value"), "1 value");
        assert_eq!(
            [(31, 41), (1, 1), (1, 2)].map(|(a, b)| counted_range(a, b, "step")),
            ["31 to 41 steps", "1 step", "1 to 2 steps"]
        );
    }

    #[test]
    fn of_many_names_the_first_are_told() {
        assert_eq!([2, 3, 4].map(|most| first_few(&["a", "b", "c"], most)), ["a, b and 1 more", "a, b, c", "a, b, c"]);
    }

    #[test]
    fn hyphens_underscores_and_capitals_make_no_other_name() {
        let known = ["e_prop", "e_prop_random", "kf-rtrl", "lstm"];
        for (name, found) in [
            ("e_prop", Some("e_prop")),
            ("e-prop", Some("e_prop")),
            ("E-Prop", Some("e_prop")),
            ("eprop", Some("e_prop")),
            ("KF_RTRL", Some("kf-rtrl")),
            ("LSTM", Some("lstm")),
            ("lsmt", None),
            ("", None),
            ("--", None),
        ] {
            assert_eq!(spelled(name, known), found, "{name}");
        }
        assert_eq!(spelled("AB", ["a-b", "a_b"]), None, "which of the two?");
        assert_eq!(spelled("a_b", ["a-b", "a_b"]), Some("a_b"));
    }

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let known = ["store-recall", "jsb", "adding", "mackey-glass", "accuracy", "sequence-accuracy", "learning_rate"];
        for (name, found) in [
            ("store-recal", Some("store-recall")),
            ("storerecall2", Some("store-recall")),
            ("jbs", Some("jsb")),
            ("mackey", Some("mackey-glass")),
            ("acuracy", Some("accuracy")),
            ("learning-rat", Some("learning_rate")),
            ("imagenet", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), found, "{name}");
        }
        assert_eq!(did_you_mean("lsmt", ["gru", "lstm"]), "did you mean `lstm`?");
        assert_eq!(did_you_mean("imagenet", known), "");
    }
}
