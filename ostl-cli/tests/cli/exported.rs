//! Weights go to other programs and come back.

use std::fs;

use crate::support::Workplace;
use serde_json::Value;

/// Steps so short that no weight in single precision moves.
const STILL: &str = "--set optimizer.rule=sgd --set optimizer.learning_rate=1e-25 --set training.epochs=1 --quiet";

/// The header and the values of a safetensors file, by its description alone.
fn opened(bytes: &[u8]) -> (Value, &[u8]) {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    (serde_json::from_slice(&bytes[8..8 + length]).unwrap(), &bytes[8 + length..])
}

#[test]
fn a_safetensors_file_holds_the_checkpoints_arrays() {
    let place = Workplace::new();
    place.ostl("train tiny.toml --quiet --out run").succeeded();
    let said = place.ostl("export run").succeeded().stdout;
    assert!(said.starts_with("run/weights.safetensors: 5 arrays"), "{said}");
    assert!(said.contains("\n  layers.0.W  24 × 4\n") && said.contains("\n  layers.1.b  2 × 1\n"), "{said}");

    let record = ostl_core::checkpoint::read(&place.path("run/best.ckpt")).unwrap();
    let bytes = place.bytes("run/weights.safetensors");
    let (header, values) = opened(&bytes);
    for name in ["layers.0.W", "layers.0.H", "layers.0.b", "layers.1.W", "layers.1.b"] {
        let entry = &header[name];
        assert_eq!(entry["dtype"], "F32");
        let shape: Vec<usize> = serde_json::from_value(entry["shape"].clone()).unwrap();
        assert_eq!(Some(&shape[..]), record.shape(name));
        let [start, end]: [usize; 2] = serde_json::from_value(entry["data_offsets"].clone()).unwrap();
        let found: Vec<f32> = values[start..end].as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        assert_eq!(Some(&found[..]), record.values(name), "{name}");
    }
    let config = header["__metadata__"]["run.config"].as_str().unwrap();
    assert_eq!(config, place.read("run/config.toml"));

    // The last checkpoint has everything that the run would go on with.
    let said = place.ostl("export run --checkpoint last --out all.safetensors").succeeded().stdout;
    assert!(said.contains("optimizer.") && said.contains("layers.0.W"), "{said}");
    assert!(said.lines().count() > 8, "{said}");
}

#[test]
fn weights_that_went_out_come_back_bit_for_bit() {
    let place = Workplace::new();
    place.ostl("train tiny.toml --quiet --out run").succeeded();
    place.ostl("export run --out a.safetensors").succeeded();
    place.ostl("export run --format npz --out a.npz").succeeded();
    let arrays = ostl_tasks::numpy::read_archive(&place.path("a.npz")).unwrap();
    assert!(arrays.iter().any(|array| array.name == "layers.0.H" && array.shape == [24, 6]));
    for (index, from) in ["a.safetensors", "a.npz", "run", "run/best.ckpt", "run/last.ckpt"].into_iter().enumerate() {
        let run = format!("again-{index}");
        // Another seed: what is not taken over would show.
        place.ostl(&format!("train tiny.toml --seed 99 --set init={from} {STILL} --out {run}")).succeeded();
        place.ostl(&format!("export {run} --format npz --out {run}.npz")).succeeded();
        let same = ostl_tasks::numpy::read_archive(&place.path(&format!("{run}.npz"))).unwrap() == arrays;
        // The last weights are those of the last epoch, not of the best.
        assert_eq!(same, from != "run/last.ckpt" || place.json("run/summary.json")["best_epoch"] == 3, "{from}");
        assert!(place.read(&format!("{run}/config.toml")).contains(&format!("/{from}\"")));
    }
    // A run goes on from its own checkpoint, wherever its first weights have gone.
    fs::remove_file(place.path("a.safetensors")).unwrap();
    place.ostl("train --resume again-0 --set training.epochs=2 --quiet").succeeded();
    place.ostl("evaluate again-0").succeeded();
}

#[test]
fn double_precision_and_missing_axes_are_taken() {
    let place = Workplace::new();
    place.ostl("train tiny.toml --quiet --out run").succeeded();
    let record = ostl_core::checkpoint::read(&place.path("run/best.ckpt")).unwrap();
    let (mut header, mut values) = (serde_json::Map::new(), Vec::new());
    for name in record.names() {
        let Some(array) = record.values::<f32>(name) else { continue };
        let shape: Vec<usize> = record.shape(name).unwrap().iter().copied().filter(|&size| size > 1).collect();
        let start = values.len();
        array.iter().for_each(|&value| values.extend(f64::from(value).to_le_bytes()));
        let entry = serde_json::json!({ "dtype": "F64", "shape": shape, "data_offsets": [start, values.len()] });
        header.insert(name.to_owned(), entry);
    }
    let header = serde_json::to_string(&header).unwrap();
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &values].concat();
    fs::write(place.path("double.safetensors"), bytes).unwrap();
    place.ostl(&format!("train tiny.toml --seed 99 --set init=double.safetensors {STILL} --out again")).succeeded();
    let again = ostl_core::checkpoint::read(&place.path("again/best.ckpt")).unwrap();
    assert_eq!(again.values::<f32>("layers.0.W"), record.values::<f32>("layers.0.W"));
    // The audit is of these weights too.
    let audit = |options: &str| place.ostl(&format!("check tiny.toml --json {options}")).succeeded().stdout;
    assert_eq!(audit("--set init=double.safetensors"), audit("--set init=run"));
    assert_ne!(audit("--set init=double.safetensors"), audit(""));
}

#[test]
fn a_stream_starts_with_them() {
    let place = Workplace::new();
    let network = "[[layers]]\ncell = \"gru\"\nunits = 5\n[method]\nwindow = 1\ncarry = \"local\"\nupdate = \"window\"\n\
                   [optimizer]\nrule = \"adam\"\nlearning_rate = 0.01\n";
    fs::write(place.path("net.toml"), network).unwrap();
    let rows: String = (0..400).map(|row| format!("{},{}\n", f64::from(row % 7), f64::from(row * row % 5))).collect();
    fs::write(place.path("rows.csv"), format!("x,y\n{rows}")).unwrap();
    let learned = "stream net.toml rows.csv --target y --task regress --quiet";
    let still = "--set optimizer.rule=sgd --set optimizer.learning_rate=1e-25 --set seed=9";
    place.ostl(&format!("{learned} -f state")).succeeded();
    place.ostl(&format!("{learned} {still} --set init=state -f again -p with.csv")).succeeded();
    place.ostl(&format!("{learned} {still} -p without.csv")).succeeded();
    let weights = |name: &str| {
        let record = ostl_core::checkpoint::read(&place.path(name)).unwrap();
        ["layers.0.W", "layers.0.H", "layers.1.W"].map(|block| record.values::<f32>(block).unwrap().to_vec())
    };
    assert_eq!(weights("state"), weights("again"));
    assert!(place.read("with.csv") != place.read("without.csv"));
    place.ostl(&format!("{learned} --set layers.0.units=6 --set init=state")).refused(2, &["init", "state", "layers.0.H"]);
}

#[test]
fn what_is_not_weights_for_this_network_is_refused() {
    let place = Workplace::new();
    place.ostl("train tiny.toml --quiet --out run").succeeded();
    place.ostl("export run").succeeded();
    place.ostl("export run").refused(2, &["run/weights.safetensors", "--force"]);
    place.ostl("export run --force").succeeded();
    place.ostl("export none").refused(2, &["none", "no such run directory"]);
    place.ostl("export run --out no/where/a.npz --format npz").refused(1, &["no/where/a.npz", "cannot be written"]);

    let start = |init: &str| place.ostl(&format!("train tiny.toml --quiet --out other --set init={init}"));
    start("none.safetensors").refused(2, &["init", "none.safetensors", "no such file"]);
    let whole = place.bytes("run/weights.safetensors");
    let lengths = [0, 5, 8, 60, whole.len() - 1];
    for length in lengths {
        fs::write(place.path("cut"), &whole[..length]).unwrap();
        start("cut").refused(2, &["init", "cut", "safetensors"]);
    }
    let endless = [&u64::MAX.to_le_bytes()[..], &whole[8..]].concat();
    fs::write(place.path("endless"), endless).unwrap();
    start("endless").refused(2, &["init", "endless"]);
    fs::write(place.path("cut.npz"), b"PK\x03\x04 and nothing else").unwrap();
    start("cut.npz").refused(2, &["init", "cut.npz"]);
    start("run --set layers.0.units=7").refused(2, &["init", "best.ckpt", "layers.0.H", "[24, 6]", "[28, 7]"]);
    start("run --set layers.0.cell=gru").refused(2, &["init", "layers.0."]);
    let (header, values) = opened(&whole);
    let at = header["layers.0.W"]["data_offsets"][0].as_u64().unwrap() as usize;
    let mut broken = whole.clone();
    let start_of_values = whole.len() - values.len();
    broken[start_of_values + at..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(place.path("broken"), broken).unwrap();
    start("broken").refused(2, &["init", "broken", "layers.0.W[0][0]", "finite"]);
    assert!(!place.path("other").exists(), "nothing was begun");
}
