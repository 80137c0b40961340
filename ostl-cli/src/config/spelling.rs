//! Keys and names in another spelling than the one that is known: `learning-rate` for `learning_rate`, `E-Prop` for `e_prop`.

use toml::{Table, Value};

use super::blame::{Fault, Wrong};
use super::tree::find_mut;
use crate::names::spelled;

/// Spells the key or name that is wrong as it is known, if it is known; says whether it was.
pub(super) fn corrected(tree: &mut Table, wrong: &Wrong) -> bool {
    let mut root = Value::Table(std::mem::take(tree));
    let done = match &wrong.fault {
        Fault::UnknownKey { known } => wrong
            .path
            .split_last()
            .is_some_and(|(key, parents)| find_mut(&mut root, parents).is_some_and(|table| renamed(table, key, known))),
        Fault::UnknownName { name, known } => match find_mut(&mut root, &wrong.path) {
            Some(Value::String(text)) if text == name => match spelled(name, known.iter().map(String::as_str)) {
                Some(right) if right != name => {
                    right.clone_into(text);
                    true
                }
                _ => false,
            },
            // The variant of an enum may be the key of a table.
            Some(table) => renamed(table, name, known),
            None => false,
        },
        Fault::Missing | Fault::Other(_) => false,
    };
    let Value::Table(table) = root else { unreachable!("a table stays one") };
    *tree = table;
    done
}

/// Gives a key of a table the name that is known, unless that has a value already.
fn renamed(node: &mut Value, key: &str, known: &[String]) -> bool {
    let Value::Table(table) = node else { return false };
    let Some(right) = spelled(key, known.iter().map(String::as_str)) else { return false };
    if right == key || table.contains_key(right) {
        return false;
    }
    match table.remove(key) {
        Some(value) => table.insert(right.to_owned(), value).is_none(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::{DEFAULT, Source};
    use super::super::{Config, load_file};

    fn with(set: &[&str]) -> Result<Config, String> {
        let set: Vec<String> = set.iter().map(|&text| text.to_owned()).collect();
        Source::new(None, &[], &set).map(|(config, _)| config).map_err(|error| error.to_string())
    }

    /// Each in another spelling than the one that is known, beside that one.
    #[test]
    fn names_and_keys_in_another_spelling_are_the_same() {
        for (given, known) in [
            ("method.name=e-prop", "method.name=e_prop"),
            ("method.name=E_Prop", "method.name=e_prop"),
            ("method.name=rolling-tbptt", "method.name=rolling_tbptt"),
            ("Method.Name=ostl", "method.name=ostl"),
            ("method={name=\"kf-rtrl\"}", "method={name=\"kf_rtrl\"}"),
            ("method={Name=\"kf-rtrl\"}", "method={name=\"kf_rtrl\"}"),
            ("method.carry=kf_rtrl", "method.carry=kf-rtrl"),
            ("method.carry=SNAP_2", "method.carry=snap-2"),
            ("method.window=Sequence", "method.window=sequence"),
            ("method.feedback=Direct", "method.feedback=direct"),
            ("method={name='ostl',feedback='target_projection'}", "method={name='ostl',feedback='target-projection'}"),
            ("layers.0.cell=min_lstm", "layers.0.cell=min-lstm"),
            ("layers.0.cell=LSTM", "layers.0.cell=lstm"),
            ("layers=[{Cell=\"GRU\", Units=3}]", "layers=[{cell=\"gru\", units=3}]"),
            ("layers=[{dense=\"Tanh\", units=3}]", "layers=[{dense=\"tanh\", units=3}]"),
            (
                "layers=[{cell='snu',units=3,pseudo-derivative='fast_sigmoid'}]",
                "layers=[{cell='snu',units=3,pseudo_derivative='fast-sigmoid'}]",
            ),
            ("layers.0.forget-bias=2", "layers.0.forget_bias=2"),
            ("readout={cell='LI'}", "readout={cell='li'}"),
            ("task.name=store_recall", "task.name=store-recall"),
            ("task={name='Adding'}", "task={name='adding'}"),
            ("task={Name='adding'}", "task={name='adding'}"),
            ("task.min-delay=12", "task.min_delay=12"),
            ("task={name='event-list',bin={Width-MS=5}}", "task={name='event-list',bin={width_ms=5}}"),
            ("optimizer.rule=AdamW", "optimizer.rule=adamw"),
            ("optimizer.rule=adam-w", "optimizer.rule=adamw"),
            ("optimizer.learning-rate=0.5", "optimizer.learning_rate=0.5"),
            ("OPTIMIZER.Learning_Rate=0.5", "optimizer.learning_rate=0.5"),
            ("optimizer.schedule={Kind='Cosine',total=3}", "optimizer.schedule={kind='cosine',total=3}"),
            ("optimizer.schedule_every=Batch", "optimizer.schedule_every=batch"),
            ("training.best=Accuracy", "training.best=accuracy"),
            ("training.best=sequence_accuracy", "training.best=sequence-accuracy"),
            ("training.checkpoint-minutes=3", "training.checkpoint_minutes=3"),
            ("initialization.input=Glorot", "initialization.input=glorot"),
        ] {
            assert_eq!(
                with(&[given]).unwrap_or_else(|error| panic!("{given}: {error}")),
                with(&[known]).unwrap(),
                "{given}"
            );
        }
    }

    #[test]
    fn a_file_may_spell_as_it_likes_and_its_keys_are_still_those_that_are_set() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        let text = DEFAULT
            .replace("learning_rate =", "Learning-Rate =")
            .replace("[method]", "[Method]")
            .replace("\"lstm\"", "\"LSTM\"");
        std::fs::write(&path, &text).unwrap();
        assert_eq!(load_file(&path).unwrap().0, with(&[]).unwrap());
        let set = ["optimizer.learning_rate=0.5".to_owned(), "method.window=2".to_owned()];
        let (config, _) = Source::new(Some(&path), &[], &set).unwrap();
        assert_eq!(config, with(&["optimizer.learning_rate=0.5", "method.window=2"]).unwrap());
        // The same key in two spellings: which holds?
        std::fs::write(&path, text.replace("clip_norm =", "learning_rate = 0.5\nclip_norm =")).unwrap();
        let error = load_file(&path).unwrap_err().to_string();
        assert!(error.contains("Learning-Rate") && error.contains("`learning_rate`"), "{error}");
    }

    #[test]
    fn a_misspelt_key_or_name_is_answered_with_the_nearest() {
        for (set, meant) in [
            ("sead=1", "`seed`"),
            ("method.windw=1", "`window`"),
            ("method.carry=lokal", "`local`"),
            ("method.name=e_porp", "`e_prop`"),
            ("method.feedback=symetric", "`symmetric`"),
            ("layers.0.cell=lsmt", "`lstm`"),
            ("layers.0.forgetbais=1", "`forget_bias`"),
            ("layers.0.unit=150", "`units`"),
            ("layers=[{cell='lstm',unit=150}]", "`units`"),
            ("layers=[{cel='lstm',units=150}]", "`cell`"),
            ("layers=[{dense='tahn',units=150}]", "`tanh`"),
            ("task.name=store-recal", "`store-recall`"),
            ("task={nam='jsb'}", "`name`"),
            ("task.dealy=5", "`delay`"),
            ("optimizer.rule=sdg", "`sgd`"),
            ("optimizer.learning_rat=1", "`learning_rate`"),
            ("optimizer.lr=1", "`optimizer.learning_rate`"),
            ("lr=1", "`optimizer.learning_rate`"),
            ("learning-rate=1", "`optimizer.learning_rate`"),
            ("batch_size=4", "`training.batch`"),
            ("training.best=acuracy", "`accuracy`"),
            ("training.epoch=3", "`epochs`"),
            ("initialization.input=glorto", "`glorot`"),
            ("optimizer.schedule={knd='cosine',total=3}", "`kind`"),
            ("optimizer.schedule={kind='cosin',total=3}", "`cosine`"),
            ("readout={cel='li'}", "`cell`"),
        ] {
            let error = with(&[set]).expect_err(set);
            assert!(error.contains(&format!("did you mean {meant}?")), "{set}: {error}");
            assert!(error.starts_with("--set: ") && !error.contains('\n'), "{error}");
        }
        assert!(!with(&["task.name=imagenet"]).unwrap_err().contains("did you mean"));
    }

    /// The key that is unknown and the one that is missing are the same mistake.
    #[test]
    fn a_misspelt_key_is_named_and_not_only_the_missing_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        std::fs::write(&path, DEFAULT.replace("units = 16", "unit = 150")).unwrap();
        let line = DEFAULT.lines().position(|line| line == "units = 16").unwrap() + 1;
        let error = load_file(&path).unwrap_err().to_string();
        assert!(
            error.contains(&format!("a.toml: line {line}: layers.0.unit = 150: unknown key: did you mean `units`?")),
            "{error}"
        );
    }
}
