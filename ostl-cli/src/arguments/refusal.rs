//! What is said of a command line that is wrong: one line, with what was probably meant. Options that other programs have are answered with the
//! setting that they are here.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};

use super::Arguments;
use crate::config::elsewhere;
use crate::names::{bare, did_you_mean, listed, or_known};

/// Options that go by other names here.
const OPTIONS: &[(&[&str], &str)] = &[
    (
        &["o", "output", "outdir", "output-dir", "save", "save-dir", "save-path", "logdir", "log-dir", "run-name"],
        "--out DIR",
    ),
    (&["c", "config", "cfg", "conf", "config-file"], "the file alone, without an option before it"),
    (&["d", "data-dir", "data-path", "datadir", "root", "data-root"], "--data DIR"),
    (&["r", "checkpoint", "ckpt", "restore", "load", "continue", "resume-from"], "--resume RUN"),
    (&["overwrite"], "--force"),
    (&["q", "silent"], "--quiet"),
    (&["device", "gpu", "gpus", "cuda", "accelerator"], "--set threads=N: it runs on the processor's cores"),
    (&["D", "param", "override", "option"], "--set KEY=VALUE"),
];

/// The line for a command line that cannot be read.
pub(crate) fn explained(error: &clap::Error, given: &[String]) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        Some(ContextValue::StyledStr(text)) => text.to_string(),
        _ => String::new(),
    };
    let (name, command) = asked(given);
    let argument = text(ContextKind::InvalidArg);
    let option = argument.split([' ', '=']).next().unwrap_or_default().to_owned();
    let value = text(ContextKind::InvalidValue);
    let problem = match error.kind() {
        ErrorKind::UnknownArgument => format!("{argument} is no option of `{name}`{}", meant(&argument, &command, given)),
        ErrorKind::InvalidSubcommand => {
            let unknown = text(ContextKind::InvalidSubcommand);
            let known: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
            format!("`{unknown}` is no command of `{name}`{}", or_known(&unknown, &known))
        }
        ErrorKind::MissingRequiredArgument => format!("`{name}` needs {argument}"),
        ErrorKind::MissingSubcommand => format!("`{name}` needs a command"),
        ErrorKind::InvalidValue | ErrorKind::NoEquals | ErrorKind::TooFewValues if value.is_empty() => {
            format!("{argument} needs a value")
        }
        ErrorKind::InvalidValue => {
            let known = match error.get(ContextKind::ValidValue) {
                Some(ContextValue::Strings(values)) => values.clone(),
                _ => Vec::new(),
            };
            format!("{option} {value}: unknown name{}", or_known(&value, &known))
        }
        ErrorKind::ValueValidation => {
            let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            let cause = match listed(&cause) {
                Some((unknown, known)) => format!("unknown name{}", or_known(unknown, &known)),
                None => number(&cause),
            };
            format!("{option} {value}: {cause}")
        }
        ErrorKind::ArgumentConflict => match text(ContextKind::PriorArg) {
            prior if prior == argument => format!("{argument} is given twice: once is enough"),
            prior => format!("{argument} and {prior} cannot both be given"),
        },
        ErrorKind::InvalidUtf8 => "an argument is not UTF-8 text".to_owned(),
        _ => error.to_string().lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    };
    format!("{problem}; `{name} --help` says more")
}

/// Rust's words about numbers in those of a command line.
fn number(cause: &str) -> String {
    for (rust, words) in [
        ("invalid digit found in string", "must be a whole number, 0 or more"),
        ("number too large to fit in target type", "is too large"),
        ("cannot parse integer from empty string", "must be a whole number, 0 or more"),
        ("invalid float literal", "must be a number"),
        ("cannot parse float from empty string", "must be a number"),
    ] {
        if cause.contains(rust) {
            return words.to_owned();
        }
    }
    cause.to_owned()
}

/// The command that was given, `ostl data make`, and what is known of it.
fn asked(given: &[String]) -> (String, Command) {
    let mut command = Arguments::command();
    let mut name = command.get_name().to_owned();
    for word in given.iter().skip(1) {
        let Some(inner) = command.find_subcommand(word).cloned() else { break };
        name = format!("{name} {word}");
        command = inner;
    }
    (name, command)
}

/// What was probably meant by an option that a command does not have.
fn meant(argument: &str, command: &Command, given: &[String]) -> String {
    let knows = |option: &str| command.get_arguments().any(|known| known.get_long() == Some(option));
    let bare_name = argument.trim_start_matches('-').split('=').next().unwrap_or_default();
    let value = value_of(argument, given).unwrap_or_else(|| "VALUE".to_owned());
    if argument.parse::<f64>().is_ok() {
        let before = given.iter().position(|word| word == argument).and_then(|place| given.get(place.checked_sub(1)?));
        let before = before.filter(|option| option.starts_with("--"));
        return before.map_or_else(String::new, |option| format!(": did you mean {option}={argument}?"));
    }
    if !argument.starts_with('-') {
        return match argument.split_once('=') {
            Some((key, value)) if knows("set") => format!(": did you mean --set {}={value}?", elsewhere(key).unwrap_or(key)),
            _ => ": one such argument is enough".to_owned(),
        };
    }
    // A single letter is what it is; longer names are the same in any spelling.
    let is = |known: &&str| if bare_name.len() == 1 { *known == bare_name } else { bare(known) == bare(bare_name) };
    if let Some((_, meant)) = OPTIONS.iter().find(|(names, _)| names.iter().any(is)) {
        let option = meant.trim_start_matches('-').split(' ').next().unwrap_or_default();
        if knows(option) || (!meant.starts_with('-') && command.get_arguments().any(|known| known.get_id() == "config")) {
            return format!(": did you mean {meant}?");
        }
    }
    let longs: Vec<&str> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
    let near = did_you_mean(bare_name, longs.iter().copied()).replace('`', "");
    let near = near.replace("mean ", "mean --");
    if !knows("set") {
        return if near.is_empty() { String::new() } else { format!(": {near}") };
    }
    match elsewhere(bare_name) {
        // Of a task alone, every setting is its own.
        _ if command.get_name() == "info" || command.get_name() == "make" => match near.is_empty() {
            true => format!(": did you mean --set {bare_name}={value}?"),
            false => format!(": {near}"),
        },
        Some(key) => format!(": did you mean --set {key}={value}?"),
        None if !near.is_empty() => format!(": {near}"),
        None if bare_name.contains('.') => format!(": did you mean --set {bare_name}={value}?"),
        None => "; a setting is changed with --set KEY=VALUE".to_owned(),
    }
}

/// The value that stands with or after an option.
fn value_of(argument: &str, given: &[String]) -> Option<String> {
    let name = argument.split('=').next().unwrap_or_default();
    let place = given.iter().position(|word| word == name || word.starts_with(&format!("{name}=")))?;
    match given[place].split_once('=') {
        Some((_, value)) => Some(value.to_owned()),
        None => given.get(place + 1).filter(|next| !next.starts_with("--")).cloned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[track_caller]
    fn said(line: &str, words: &[&str]) {
        let given: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let error = Arguments::try_parse_from(&given).expect_err(line);
        let text = explained(&error, &given);
        assert!(words.iter().all(|word| text.contains(word)) && !text.contains('\n'), "{line}: {text}");
    }

    #[test]
    fn options_of_other_programs_point_to_settings() {
        for (line, meant) in [
            ("ostl train --lr 0.1", "--set optimizer.learning_rate=0.1?"),
            ("ostl train --lr=0.1", "--set optimizer.learning_rate=0.1?"),
            ("ostl train a.toml --learning-rate 0.1", "--set optimizer.learning_rate=0.1?"),
            ("ostl train --learning_rate 0.1", "--set optimizer.learning_rate=0.1?"),
            ("ostl train --epochs 5", "--set training.epochs=5?"),
            ("ostl train --batch-size 5", "--set training.batch=5?"),
            ("ostl train --hidden 5", "--set layers.0.units=5?"),
            ("ostl train --optimizer sgd", "--set optimizer.rule=sgd?"),
            ("ostl train --optimizer.learning-rate 3", "--set optimizer.learning_rate=3?"),
            ("ostl train --task.delay=3", "--set task.delay=3?"),
            ("ostl check a.toml --window 3", "--set method.window=3?"),
            ("ostl train --output-dir x", "--out DIR"),
            ("ostl train --config x", "the file alone"),
            ("ostl train -o x", "--out DIR"),
            ("ostl train --restore x", "--resume RUN"),
            ("ostl train --gpu 0", "threads"),
            ("ostl train --qiet", "--quiet"),
            ("ostl train a.toml lr=3", "--set optimizer.learning_rate=3?"),
            ("ostl train a.toml b.toml", "one such argument"),
            ("ostl data info adding --length 3", "--set length=3?"),
            ("ostl evaluate x --splt 3", "--split"),
            ("ostl train --zzz 3", "--set KEY=VALUE"),
        ] {
            said(line, &[meant, "--help` says more"]);
        }
    }

    #[test]
    fn commands_and_values_are_answered_with_the_nearest() {
        said("ostl trian", &["`trian`", "did you mean `train`?"]);
        said("ostl data infos jsb", &["`ostl data`", "did you mean `info`?"]);
        said("ostl data make adding --out x --format npzz", &["--format npzz", "did you mean `npz`?"]);
        said("ostl evaluate x --split tset", &["--split tset", "did you mean `test`?"]);
        said("ostl bench --cell lsmt", &["--cell lsmt", "did you mean `lstm`?"]);
        said("ostl bench --case musik", &["--case musik", "did you mean `music`?"]);
        said("ostl bench --method e-porp", &["--method e-porp", "did you mean `e_prop`?"]);
        said("ostl bench --carry lokal", &["--carry lokal", "did you mean `local`?"]);
        said("ostl bench --trace bf61", &["--trace bf61", "did you mean `bf16`?"]);
        said("ostl bench --window 0", &["--window 0", "at least 1"]);
        said("ostl bench --threads many", &["--threads many", "a whole number"]);
        said("ostl bench --runs 0", &["--runs 0", "1.."]);
        said("ostl bench --online --cells lsmt", &["--cells lsmt", "did you mean `lstm`?"]);
        said("ostl bench --online --sizes smal", &["--sizes smal", "did you mean `small`?"]);
        said("ostl bench --online --case music", &["--online", "--case", "cannot both"]);
        said("ostl bench --quick", &["needs --online"]);
        said("ostl train --out", &["--out <DIR> needs a value"]);
        said("ostl data make adding", &["needs --out <DIR>"]);
        said("ostl check --all --set a=1", &["--all", "--set", "cannot both"]);
        said("ostl train --seed 1 --seed 2", &["--seed <N> is given twice"]);
        said("ostl train --seed -1", &["did you mean --seed=-1?"]);
        said("ostl train --seed=-1", &["--seed -1", "a whole number, 0 or more"]);
    }

    #[test]
    fn one_name_in_many_spellings() {
        for line in [
            "ostl evaluate x --split Test",
            "ostl data make adding --out x --format NPZ",
            "ostl bench --case Music --cell LSTM --method E-Prop --window Rolling_5",
            "ostl bench --carry KF_RTRL --trace BF16",
        ] {
            Arguments::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }
}
