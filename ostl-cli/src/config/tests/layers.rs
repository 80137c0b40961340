//! Layers and the readout: for text, and at learning rates of their own.

use super::super::{Config, blame};
use super::{refused, with};

#[test]
fn layers_for_text() {
    let layers = r#"layers=[{embedding=true, units=6}, {cell="lstm", units=6, dropout=0.2}]"#;
    let config = with(&[layers, "readout={tied=true, dropout=0.3}"]).unwrap();
    let text = toml::to_string(&config).unwrap();
    assert_eq!(blame::read(&text.parse().unwrap()), Ok(config.clone()), "{text}");
    let network = config.network::<f32>(9, 9).unwrap();
    assert_eq!(network.description(), "9 tied > embedding 6 > lstm 6 recurrent > readout 9");
    assert!(config.network::<f32>(9, 8).unwrap_err().allowed.contains("9 outputs"));
    let config = with(&[layers, "readout={cell=\"li\", dropout=0.3}"]).unwrap();
    assert_eq!(config.network::<f32>(9, 2).unwrap().layer_name(2), "readout");
    refused(&["layers=[{embedding=true, units=6, cell=\"lstm\"}]"], &["`embedding`", "`cell`"]);
    refused(&["layers=[{embedding=true, units=6, decay=0.5}]"], &["layers.0.decay", "unknown key"]);
    refused(&["layers=[{units=6, cell=\"lstm\", dropout=1.0}]"], &["layers.0.dropout", "less than 1"]);
    refused(&["readout={tied=true, cell=\"li\"}"], &["readout.tied", "of its own"]);
    refused(&["readout={dropuot=0.1}"], &["cell"]);
}

/// Factors to the learning rate by layer and block.
fn scales(config: &Config) -> Vec<(usize, &'static str, f64)> {
    let network = config.network::<f32>(3, 2).unwrap();
    network.blocks().iter().map(|b| (b.layer, b.name, network.learning_rate_scale(b.layer, b.name))).collect()
}

#[test]
fn blocks_and_layers_learn_at_rates_of_their_own() {
    let layers = r#"layers=[{cell="lstm", units=4, learning_rate_scale={H=0.5}, frozen=["b"]}, {dense="tanh", units=3, frozen=true}]"#;
    let config = with(&[layers, "readout={learning_rate_scale=2}"]).unwrap();
    let found = scales(&config);
    assert_eq!(
        found,
        [(0, "W", 1.0), (0, "H", 0.5), (0, "b", 0.0), (1, "W", 0.0), (1, "b", 0.0), (2, "W", 2.0), (2, "b", 2.0)]
    );
    let text = toml::to_string(&config).unwrap();
    assert_eq!(blame::read(&text.parse().unwrap()), Ok(config), "{text}");
    // One key at a time, and of a readout of a cell.
    let config = with(&["layers.0.learning_rate_scale=0.1", "readout={cell=\"li\", frozen=[\"W\"]}"]).unwrap();
    let found = scales(&config);
    assert!(
        found.iter().all(|(layer, name, scale)| *scale == if *layer == 0 { 0.1 } else { f64::from(u8::from(*name != "W")) })
    );
    assert!(scales(&with(&["layers.0.frozen=false"]).unwrap()).iter().all(|(.., scale)| *scale == 1.0));
}

#[test]
fn rates_that_make_no_sense_are_refused() {
    refused(&["layers.0.learning_rate_scale=0"], &["layers.0.learning_rate_scale = 0", "frozen = true"]);
    refused(&["layers.0.learning_rate_scale=-1"], &["layers.0.learning_rate_scale = -1", "1e-6 to 1e6"]);
    refused(&["layers.0.learning_rate_scale=nan"], &["layers.0.learning_rate_scale", "1e-6 to 1e6"]);
    refused(&["layers.0.learning_rate_scale.W=1e9"], &["layers.0.learning_rate_scale.W", "1e-6 to 1e6"]);
    refused(&["layers.0.learning_rate_scale=fast"], &["layers.0.learning_rate_scale", "{ H = 0.1 }"]);
    refused(&["layers.0.frozen=[\"X\"]"], &["layers.0.frozen", "X", "W, H, b"]);
    refused(&["layers.0.frozen=1"], &["layers.0.frozen", "[\"W\", \"H\"]"]);
    refused(&["layers.0.frozen=true", "layers.0.learning_rate_scale=2"], &["learning_rate_scale", "is frozen"]);
    refused(&["layers.0.frozen=[\"W\"]", "layers.0.learning_rate_scale={W=2}"], &["learning_rate_scale.W", "is frozen"]);
    refused(&["readout={frozen=[\"H\"]}"], &["readout.frozen", "W, b"]);
    refused(&["layers.0.trainable=false"], &["layers.0.trainable", "layers.0.frozen"]);
    let nothing = with(&["layers.0.frozen=true", "readout={frozen=true}"]).unwrap();
    assert!(nothing.network::<f32>(3, 2).unwrap_err().allowed.contains("nothing is left to learn"));
}
