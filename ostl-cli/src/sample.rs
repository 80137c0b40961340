//! `ostl sample`: a trained network goes on with a text.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use ostl_core::{ConfigError, Learner, Loss, SequenceBatch};
use ostl_tasks::{Joint, Sampler, Split, Task, Vocabulary};

use crate::arguments::SampleArguments;
use crate::config::{self, Config, Source};
use crate::failure::UsageError;
use crate::output::Out;
use crate::run_directory::RunDirectory;
use crate::train::in_pool;
use crate::trainer;

pub(crate) fn run(arguments: SampleArguments) -> Result<()> {
    let run = RunDirectory::open(&arguments.run)?;
    let (config, source) = config::load_file(&run.config_path())?;
    let mut sampler = Sampler::new(arguments.seed, arguments.temperature, arguments.top_k).map_err(refused)?;
    let task = text_of(&run, &config, &source, arguments.data.as_deref())?;
    let vocabulary = vocabulary_of(task.as_ref())?;
    let (prompt, length) = match &arguments.prompt {
        Some(prompt) => (encoded(vocabulary, prompt)?, arguments.length),
        None => beginning(vocabulary, arguments.length),
    };
    in_pool(config.threads, || {
        // One stream, whatever the run was trained with.
        let learner = trainer::learner(&config, &source, task.as_ref(), 1)?;
        let (mut learner, _) = trainer::with_best(learner, task.as_ref(), &run)?;
        go_on(&mut learner, vocabulary, &prompt, length, &mut sampler, &mut Out::new())
    })?
}

/// The task of a run, as far as sampling needs it: the words or characters that the run kept, or those of the data that it is given to read.
fn text_of(run: &RunDirectory, config: &Config, source: &Source, data: Option<&Path>) -> Result<Box<dyn Task>> {
    if data.is_none()
        && let Some(vocabulary) = run.read_vocabulary()?
    {
        return Ok(Box::new(KnownText { name: config.task.name(), vocabulary }));
    }
    config.open_task(data, source)
}

/// Where a text begins that was given no beginning: after the end of a line, or, where the text has no lines, with the first
/// token of the text, which is then the first of those requested.
fn beginning(vocabulary: &Vocabulary, length: usize) -> (Vec<usize>, usize) {
    let end = match vocabulary.joint() {
        Joint::Nothing => "\n",
        Joint::Space => Vocabulary::END_OF_LINE,
    };
    match vocabulary.number(end) {
        Some(end) => (vec![end as usize], length),
        None => (vec![0; length.min(1)], length.saturating_sub(1)),
    }
}

/// A text of which nothing is left but its words or characters.
struct KnownText {
    name: &'static str,
    vocabulary: Vocabulary,
}

impl Task for KnownText {
    fn name(&self) -> &str {
        self.name
    }
    fn inputs(&self) -> usize {
        self.vocabulary.len()
    }
    fn outputs(&self) -> usize {
        self.vocabulary.len()
    }
    fn loss(&self) -> Loss {
        Loss::SoftmaxCrossEntropy
    }
    fn sequences(&self, _: Split) -> usize {
        0
    }
    fn steps(&self, _: Split, _: usize) -> usize {
        0
    }
    fn is_sparse(&self) -> bool {
        true
    }
    fn write(&self, _: Split, _: usize, _: &mut SequenceBatch<f32>, _: usize) {}
    fn vocabulary(&self) -> Option<&Vocabulary> {
        Some(&self.vocabulary)
    }
}

/// A setting out of range as the option it came from.
fn refused(error: ConfigError) -> UsageError {
    match error {
        ConfigError::OutOfRange { field, value, allowed } => {
            UsageError::Other(format!("--{} {value}: must be {allowed}", field.replace('_', "-")))
        }
        other => UsageError::Other(other.to_string()),
    }
}

/// The vocabulary of a task whose inputs and outputs are the tokens of a text.
fn vocabulary_of(task: &dyn Task) -> Result<&Vocabulary, UsageError> {
    let fits = |vocabulary: &&Vocabulary| vocabulary.len() == task.inputs() && vocabulary.len() == task.outputs();
    task.vocabulary().filter(fits).ok_or_else(|| {
        UsageError::Other(format!("the task `{}` is no text that could be gone on with: it has no vocabulary", task.name()))
    })
}

/// The numbers of the tokens of a prompt.
fn encoded(vocabulary: &Vocabulary, text: &str) -> Result<Vec<usize>, UsageError> {
    let tokens = vocabulary.encode(text).map_err(|error| UsageError::Other(format!("--prompt: {error}")))?;
    if tokens.is_empty() {
        return Err(UsageError::Other("--prompt: is empty, and the network needs something to go on from".into()));
    }
    Ok(tokens.into_iter().map(|token| token as usize).collect())
}

/// Shows a network the prompt, and then what it draws from its own answers; writes everything as it comes.
fn go_on(
    learner: &mut Learner<f32>,
    vocabulary: &Vocabulary,
    prompt: &[usize],
    length: usize,
    sampler: &mut Sampler,
    out: &mut dyn Write,
) -> Result<()> {
    learner.set_frozen(true)?;
    let mut inputs = vec![0.0; vocabulary.len()];
    let mut written = Writer { vocabulary, begins_line: true };
    let mut next = None;
    for step in 0..prompt.len() + length {
        let Some(token) = prompt.get(step).copied().or(next) else { break };
        written.write(token, out)?;
        if step + 1 == prompt.len() + length {
            break;
        }
        inputs[token] = 1.0;
        let answer = learner.predict(&inputs).with_context(|| format!("after {} tokens", step + 1))?;
        let logits: Vec<f32> = answer.iter().copied().collect();
        next = (step + 1 >= prompt.len()).then(|| sampler.draw(&logits));
        inputs[token] = 0.0;
    }
    writeln!(out)?;
    Ok(out.flush()?)
}

/// Tokens as text.
struct Writer<'v> {
    vocabulary: &'v Vocabulary,
    begins_line: bool,
}

impl Writer<'_> {
    fn write(&mut self, token: usize, out: &mut dyn Write) -> std::io::Result<()> {
        let token = self.vocabulary.token(token);
        match self.vocabulary.joint() {
            Joint::Nothing => write!(out, "{token}")?,
            Joint::Space if token == Vocabulary::END_OF_LINE => writeln!(out)?,
            Joint::Space if self.begins_line => write!(out, "{token}")?,
            Joint::Space => write!(out, " {token}")?,
        }
        self.begins_line = token == Vocabulary::END_OF_LINE;
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    use ostl_core::{Activation, Method, Network, OptimizerSettings};

    use super::*;
    use crate::letters::Letters;

    /// A network that is sure that a token is followed by the next one: W and the readout are identities but for a turn by one.
    fn turning(tokens: usize) -> Learner<f32> {
        let network = Network::builder(tokens).dense(tokens, Activation::Identity).readout(tokens).unwrap();
        let settings = OptimizerSettings::sgd(0.1);
        let mut learner = Learner::new(network, Loss::SoftmaxCrossEntropy, Method::ostl(), settings, 1).unwrap();
        let mut parameters = vec![0.0; learner.network().parameters().len()];
        for (layer, turn, size) in [(0, 0, 1.0), (1, 1, 50.0)] {
            let block = learner.network().blocks().iter().find(|block| block.layer == layer && block.name == "W").unwrap();
            for column in 0..tokens {
                // Column by column.
                parameters[block.range().start + column * tokens + (column + turn) % tokens] = size;
            }
        }
        learner.network_mut().copy_parameters(&parameters).unwrap();
        learner
    }

    fn text(vocabulary: &Vocabulary, prompt: &str, length: usize, temperature: f64) -> String {
        let (mut learner, mut out) = (turning(vocabulary.len()), Vec::new());
        let mut sampler = Sampler::new(1, temperature, None).unwrap();
        let prompt = encoded(vocabulary, prompt).unwrap();
        go_on(&mut learner, vocabulary, &prompt, length, &mut sampler, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_sure_network_goes_on_as_it_must() {
        let task = Letters::new(0);
        let letters = vocabulary_of(&task).unwrap();
        for temperature in [0.0, 1.0] {
            assert_eq!(text(letters, "cb", 5, temperature), "cbcabca\n");
        }
        assert_eq!(text(letters, "ab", 0, 0.0), "ab\n");
        let mut words = Vocabulary::new(Joint::Space);
        ["the", "cat", Vocabulary::END_OF_LINE, Vocabulary::UNKNOWN].iter().for_each(|word| assert!(words.add(word) < 4));
        assert_eq!(text(&words, "the", 7, 0.0), "the cat\n<unk> the cat\n<unk>\n");
        assert_eq!(encoded(&words, "cat dog\nthe").unwrap(), [1, 3, 2, 0]);
    }

    /// Each letter is drawn by the chances that the network gives it: at a high temperature, all alike.
    #[test]
    fn draws_follow_the_temperature() {
        let task = Letters::new(0);
        let drawn = text(vocabulary_of(&task).unwrap(), "a", 3000, 1e6);
        for letter in ['a', 'b', 'c'] {
            // The standard deviation of a count is √(3000 · 2/9) = 26.
            assert!(drawn.matches(letter).count().abs_diff(1000) < 130, "{letter}");
        }
    }

    #[test]
    fn what_cannot_be_gone_on_with_is_refused() {
        let task = Letters::new(0);
        let letters = vocabulary_of(&task).unwrap();
        assert!(encoded(letters, "abé").unwrap_err().to_string().contains("'é'"));
        assert!(encoded(letters, "").unwrap_err().to_string().contains("empty"));
        let other = ostl_tasks::StoreRecall::new(ostl_tasks::StoreRecallConfig::default()).unwrap();
        assert!(vocabulary_of(&other).unwrap_err().to_string().contains("`store-recall`"));
        let error = refused(Sampler::new(0, 1.0, Some(0)).unwrap_err()).to_string();
        assert!(error.contains("--top-k 0") && error.contains("at least 1"), "{error}");
    }
}
