//! The name that is meant by one that is not known.

/// The known name that a misspelt one, or one of another program, stands for.
pub(super) fn meant(name: &str, known: &[&'static str]) -> Option<&'static str> {
    let lower = name.trim().to_lowercase();
    let habit = match lower.as_str() {
        "input" | "x" | "data" | "sequence" | "sequences" | "series" | "features" | "values" => Some("inputs"),
        "label" | "class" | "y" | "output" => Some("target"),
        "labels" | "classes" | "outputs" => Some("targets"),
        "length" | "len" | "lens" => Some("lengths"),
        "masks" => Some("mask"),
        _ => None,
    };
    let of = |name: &str| known.iter().copied().find(|known| *known == name);
    let by_habit = habit.and_then(|habit| of(habit).or_else(|| of(&format!("{habit}s"))));
    by_habit.or_else(|| {
        let near = known.iter().map(|known| (strsim::damerau_levenshtein(&lower, known), *known)).min()?;
        (near.0 <= 2).then_some(near.1)
    })
}
