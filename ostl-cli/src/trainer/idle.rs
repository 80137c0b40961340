//! Units that say nothing on the validation split: silent ones, and those that are always at the end of their range.

use ostl_core::UnitsSeen;

/// The share of all hidden units that are so; nothing where there are none.
pub(super) fn share(layers: &[UnitsSeen], count: impl Fn(&UnitsSeen) -> usize) -> Option<f64> {
    let units: usize = layers.iter().map(|layer| layer.units).sum();
    (units > 0).then(|| layers.iter().map(count).sum::<usize>() as f64 / units as f64)
}

/// What there is to say where half of a layer's units or more say nothing.
pub(super) fn warning(layers: &[UnitsSeen]) -> Option<String> {
    let of = |layer: &UnitsSeen, count: usize, what: &str, advice: &str| {
        let UnitsSeen { layer, name, units, .. } = layer;
        (2 * count >= *units && count > 0)
            .then(|| format!("note: {count} of {units} units of layer {layer} ({name}) {what}; {advice} (silent, saturated in metrics.csv)"))
    };
    layers.iter().find_map(|layer| {
        of(
            layer,
            layer.silent,
            "were silent at every step of the validation split",
            "try a lower threshold or larger inputs",
        )
        .or_else(|| {
            let what = "were at the end of their range at every step of the validation split";
            of(layer, layer.saturated, what, "try smaller inputs or weights")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_layer_is_worth_a_word() {
        let layer = |units, silent, saturated| UnitsSeen { layer: 1, name: "lif", units, silent, saturated };
        assert_eq!(warning(&[layer(10, 4, 4)]), None);
        assert!(
            warning(&[layer(10, 0, 0), layer(10, 5, 0)]).unwrap().contains("5 of 10 units of layer 1 (lif) were silent")
        );
        assert!(warning(&[layer(3, 1, 2)]).unwrap().contains("2 of 3 units of layer 1 (lif) were at the end"));
        assert_eq!(share(&[layer(10, 4, 0), layer(30, 0, 0)], |seen| seen.silent), Some(0.1));
        assert_eq!(share(&[], |seen| seen.silent), None);
    }
}
