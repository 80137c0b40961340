//! What happens inside a network during one sequence of the validation split: input, activity, state, traces, learning signals, and what it says.

use anyhow::Result;
use maud::{Markup, html};
use ostl_core::{Carry, Loss, Method, Network};
use ostl_tasks::{Split, Task};

use super::panel::{Content, Line, Panel};
use crate::failure::UsageError;
use crate::recording::{self, Course, LayerCourse, Recording, TargetCourse, Wanted};
use crate::runs::Subject;
use crate::train::in_pool;

/// Steps that are looked at, from the beginning.
const MOST_STEPS: usize = 400;
/// Values that are drawn as lines; more are a picture.
const MOST_LINES: usize = 4;
/// Classes whose probabilities are all drawn.
const MOST_CLASSES: usize = 100;

pub(super) fn of_subject(subject: &Subject, index: usize) -> Result<Markup> {
    let Subject { config, source, task, network } = subject;
    let count = task.sequences(Split::Valid);
    if index >= count {
        return Ok(
            html! { p.note { "The validation split has " (count) " sequences, and none with the number " (index) "." } },
        );
    }
    let objective = config.objective(task.as_ref()).map_err(|error| source.out_of_range(error))?;
    // Of any run the traces that each unit keeps for itself are shown: they are what all carries have in common.
    let method = Method { carry: Carry::Local, trace: ostl_core::TraceFormat::Full, ..config.method() };
    let batch = recording::sequence(task.as_ref(), Split::Valid, index, Some(MOST_STEPS));
    let wanted = Wanted { outputs: true, states: true, traces: true, signals: true };
    let record =
        |wanted| in_pool(config.threads, || recording::record(network.clone(), objective.clone(), &method, &batch, wanted))?;
    let recording = match record(wanted) {
        // Traces of a large network at every step are too much to keep: all else can be shown.
        Err(error) if error.is::<UsageError>() => record(Wanted { traces: false, ..wanted })?,
        recorded => recorded?,
    };
    let mut panels = vec![input(&recording)];
    for layer in &recording.layers {
        panels.extend(of_layer(layer, &recording, network));
    }
    panels.extend(answer(&recording, task.as_ref()));
    let length = task.steps(Split::Valid, index);
    let part =
        if length > recording.steps { format!(", its first {} of {length} steps", recording.steps) } else { String::new() };
    let panels = panels.iter().map(Panel::markup).collect::<Result<Vec<_>>>()?;
    Ok(html! {
        h3 { "Inside, during sequence " (index) " of the validation split" (part) }
        p.note {
            "Time goes to the right. At every step the online gradient of a weight is a product: the learning signal of its unit (how the error would change \
             with the unit's output now), the slope of the output (how it would change with the unit's state), and the weight's eligibility trace (how the \
             state has come to depend on the weight). Weights are the best of the run, and fixed. In pictures the first row is at the bottom; blue is above zero, orange below."
        }
        @for panel in &panels { (panel) }
    })
}

fn input(recording: &Recording) -> Panel {
    let words = "What the network is shown.";
    let rows = recording.inputs.width();
    Panel { title: "Input".into(), words: words.into(), content: course(&recording.inputs.values, rows, "inputs", "input") }
}

/// Lines of a few values, a picture of many.
fn course(values: &[f32], rows: usize, of: &'static str, each: &str) -> Content {
    if rows > MOST_LINES {
        return Content::Picture { values: values.to_vec(), rows, of, names: Vec::new() };
    }
    Content::lines((0..rows).map(|row| (format!("{each} {row}"), row_of(values, rows, row))))
}

fn row_of(values: &[f32], rows: usize, row: usize) -> Vec<f32> {
    values.iter().skip(row).step_by(rows).copied().collect()
}

/// Activity, state, signals and traces of a layer.
fn of_layer(layer: &LayerCourse, recording: &Recording, network: &Network<f32>) -> Vec<Panel> {
    let (Some(outputs), Some(states), Some(signals)) = (&layer.outputs, &layer.states, &layer.signals) else {
        return Vec::new();
    };
    let (units, name) = (outputs.width(), format!("layer {} ({})", layer.layer, layer.name));
    let spikes = layer.spikes;
    let mut panels = Vec::new();
    let (title, words) = if spikes {
        let fired = outputs.values.iter().filter(|&&y| y != 0.0).count();
        let share = 100.0 * fired as f64 / outputs.values.len().max(1) as f64;
        (format!("Spikes of {name}"), format!("A mark where a unit fires: {share:.1} % of units and steps."))
    } else {
        (format!("Output of {name}"), "What each unit says, to itself and to the layers above.".to_owned())
    };
    let silent = (0..units).filter(|&unit| row_of(&outputs.values, units, unit).iter().all(|&y| y == 0.0)).count();
    let words = if silent > 0 { format!("{words} {silent} of {units} units are silent throughout.") } else { words };
    panels.push(Panel { title, words, content: course(&outputs.values, units, "units", "unit") });
    let shown = busiest(signals, outputs);
    // The first variable is the membrane potential, or what stands for it.
    let variables = states.width();
    // Few units have each its colour, here as in the other panels; of many none has one there.
    let lines = shown.iter().enumerate().map(|(place, &unit)| Line {
        name: format!("unit {unit}"),
        color: if units > MOST_LINES { place } else { unit },
        values: row_of(&states.values, variables, unit),
    });
    let title = if spikes { format!("Membrane potential of {name}") } else { format!("State of {name}") };
    let more = if variables > units { " Of several variables, the first." } else { "" };
    let words = format!("The units that the learning signal asks most of.{more}");
    panels.push(Panel { title, words, content: Content::Lines { lines: lines.collect(), range: None } });
    if let Some(panel) = shown.first().and_then(|&unit| traces(layer, &name, unit, recording, network)) {
        panels.push(panel);
    }
    panels.push(Panel {
        title: format!("Learning signal of {name}"),
        words: "How the error of the step would change with each unit's output, as it comes down through the layers above; nothing where a step has no \
                target."
            .into(),
        content: course(&signals.values, units, "units", "unit"),
    });
    panels
}

/// The units with the largest signals, or outputs where there are no signals, the largest first.
fn busiest(signals: &Course, outputs: &Course) -> Vec<usize> {
    let course = if signals.values.iter().any(|&signal| signal != 0.0) { signals } else { outputs };
    let units = course.width();
    let sum = |unit: usize| row_of(&course.values, units, unit).iter().map(|value| value.abs()).sum::<f32>();
    let mut order: Vec<usize> = (0..units).collect();
    order.sort_by(|&a, &b| sum(b).total_cmp(&sum(a)));
    order.truncate(MOST_LINES);
    order
}

/// The traces of one unit's weights from the layer below.
fn traces(layer: &LayerCourse, name: &str, unit: usize, recording: &Recording, network: &Network<f32>) -> Option<Panel> {
    let course = recording.traces.get(&format!("traces.layers.{}.W", layer.layer))?;
    // Variables × gates × units × columns.
    let &[variables, gates, units, columns] = course.shape.as_slice() else { return None };
    let mut values = Vec::new();
    for step in 0..recording.steps {
        let at = course.at(step);
        // Of the first variable and the first gate whose influence lasts.
        values.extend_from_slice(&at[unit * columns..(unit + 1) * columns]);
    }
    let mut more = match lasting_gate(layer, gates, recording, network) {
        Some(gate) if gates > 1 => format!(" Those of the gate `{gate}`."),
        None if gates > 1 => " Of several gates, the first.".to_owned(),
        _ => String::new(),
    };
    if variables > 1 {
        more += " Of several variables, the first.";
    }
    debug_assert!(unit < units);
    let words = format!(
        "Eligibility traces of unit {unit}'s weights: how its state has come to depend on each of them, carried forward from step to step instead of \
         worked out backwards.{more}"
    );
    Some(Panel {
        title: format!("Traces of one unit of {name}"),
        words,
        content: self::course(&values, columns, "weights", "weight"),
    })
}

/// The first of a layer's gates whose influence lasts: those have traces of their constants, too. Nothing where that does not tell.
fn lasting_gate(layer: &LayerCourse, gates: usize, recording: &Recording, network: &Network<f32>) -> Option<&'static str> {
    let all = network.block_gates(layer.layer, "W");
    if all.len() == gates {
        return all.first().copied();
    }
    let lasts = |gate: &&&str| recording.traces.contains_key(&format!("traces.layers.{}.b.{gate}", layer.layer));
    let lasting: Vec<&'static str> = all.iter().filter(lasts).copied().collect();
    lasting.first().copied().filter(|_| lasting.len() == gates)
}

/// What the network says beside what it should.
fn answer(recording: &Recording, task: &dyn Task) -> Vec<Panel> {
    let outputs = recording.predictions.width();
    let panel = |title: &str, words: &str, content| Panel { title: title.into(), words: words.into(), content };
    match (&recording.targets, task.loss()) {
        (TargetCourse::Classes(classes), _) => {
            let chances: Vec<f32> = recording.predictions.values.chunks_exact(outputs).flat_map(softmax).collect();
            let of_target = classes
                .iter()
                .enumerate()
                .map(|(step, class)| class.map_or(f32::NAN, |class| chances[step * outputs + class]));
            let name = "probability of the right class".to_owned();
            let line = vec![Line { name, color: 0, values: of_target.collect() }];
            let words = "1 is sure and right, 0 sure and wrong; nothing where a step has no target.";
            let mut panels =
                vec![panel("Probability of the target", words, Content::Lines { lines: line, range: Some([0.0, 1.0]) })];
            if outputs <= MOST_CLASSES {
                let mut targets = vec![0.0; chances.len()];
                for (step, class) in classes.iter().enumerate() {
                    if let Some(class) = class {
                        targets[step * outputs + class] = 1.0;
                    }
                }
                let names: Vec<String> = (0..outputs).map(|class| task.class_name(class).into_owned()).collect();
                let picture = |values| Content::Picture { values, rows: outputs, of: "classes", names: names.clone() };
                panels.insert(0, panel("Prediction", "The probability of each class.", picture(chances)));
                panels.insert(1, panel("Target", "The right class, where there is one.", picture(targets)));
            }
            panels
        }
        (TargetCourse::Values(targets), loss) => {
            let squash = |value: &f32| if loss == Loss::BinaryCrossEntropy { 1.0 / (1.0 + (-value).exp()) } else { *value };
            let said: Vec<f32> = recording.predictions.values.iter().map(squash).collect();
            if outputs > MOST_LINES {
                let picture =
                    |values: Vec<f32>| Content::Picture { values, rows: outputs, of: "outputs", names: Vec::new() };
                return vec![
                    panel("Prediction", "What the network says.", picture(said)),
                    panel("Target", "What it should say.", picture(targets.values.clone())),
                ];
            }
            (0..outputs)
                .map(|output| {
                    let lines = vec![
                        ("prediction".to_owned(), row_of(&said, outputs, output)),
                        ("target".to_owned(), row_of(&targets.values, outputs, output)),
                    ];
                    panel(&format!("Output {output}"), "Prediction and target.", Content::lines(lines))
                })
                .collect()
        }
    }
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}
