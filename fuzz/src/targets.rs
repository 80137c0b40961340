//! One function a reader: it may refuse the bytes, and what it accepts is looked at.

use std::io::{Cursor, Write};
use std::path::{Component, Path};

use ostl_cells::{Lstm, Rnn};
use ostl_core::{Carry, Learner, Loss, Method, Network, OptimizerSettings, Target as Answer, checkpoint};
use ostl_tasks::events::{lists, nmnist};
use ostl_tasks::own::{Encoding, Source};
use ostl_tasks::speech::{Recording, sphere as nist};
use ostl_tasks::{Idx, JsbChorales, Own, OwnConfig, Recordings, Split, Task};
use zip::write::SimpleFileOptions;

/// A reader to be tried.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder in `corpus/`.
    pub name: &'static str,
    /// Reads some bytes.
    pub read: fn(&[u8]),
    /// Files to start from that are made anew every time, beside those in `corpus/`.
    pub made: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const ALL: &[Target] = &[
    Target { name: "checkpoint", read: checkpoint, made: payloads },
    Target { name: "npz", read: npz, made: Vec::new },
    Target { name: "npy", read: npy, made: Vec::new },
    Target { name: "json_lines", read: json_lines, made: Vec::new },
    Target { name: "ts", read: ts, made: Vec::new },
    Target { name: "wav", read: wav, made: Vec::new },
    Target { name: "sphere", read: sphere, made: Vec::new },
    Target { name: "idx", read: idx, made: Vec::new },
    Target { name: "camera", read: camera, made: Vec::new },
    Target { name: "camera_list", read: camera_list, made: Vec::new },
    Target { name: "events", read: events, made: Vec::new },
    Target { name: "manifest", read: manifest, made: Vec::new },
    Target { name: "music", read: music, made: Vec::new },
];

/// The target of a name.
///
/// # Panics
/// If there is none.
pub fn named(name: &str) -> Target {
    *ALL.iter().find(|target| target.name == name).expect("a target of this name")
}

fn path() -> &'static Path {
    Path::new("fuzzed")
}

/// A network with a gated and a spiking layer, traces and a window that is not full.
fn learner() -> Learner<f32> {
    let network = Network::<f32>::builder(2).seed(1).recurrent(Lstm::default(), 3).recurrent(Rnn::default(), 2).readout(2);
    let method = Method { carry: Carry::Layer, ..Method::ostl() }.with_window(3);
    let optimizer = OptimizerSettings::adam(0.01);
    Learner::new(network.expect("sizes"), Loss::SoftmaxCrossEntropy, method, optimizer, 2).expect("a method that fits")
}

/// Two steps of learning; the outputs.
fn go_on(learner: &mut Learner<f32>) {
    for step in 0..2_u8 {
        let input = [0.5, -1.0, f32::from(step), 0.25];
        if learner.predict(&input).is_ok() {
            // Weights that a file gave may be too large to learn with, which is then said.
            let _ = learner.learn(&[Some(Answer::Class(1)), None]);
        }
    }
}

/// Checkpoints of a learner at rest and in the middle of a window.
fn payloads() -> Vec<Vec<u8>> {
    let mut learner = learner();
    let mut states = vec![learner.save()];
    for _ in 0..2 {
        go_on(&mut learner);
        states.push(learner.save());
    }
    states.iter().map(checkpoint::encode).collect()
}

/// A checkpoint, as if its checksums were right.
pub fn checkpoint(bytes: &[u8]) {
    let mut learner = learner();
    if let Ok(record) = checkpoint::decode_whatever_the_sums(bytes, path())
        && learner.restore(record).is_ok()
    {
        go_on(&mut learner);
        drop(learner.save());
    }
}

/// Reads a split of one's own data, and every sequence of it.
fn own(bytes: &[u8], encoding: Encoding) {
    let source = Source { bytes, encoding, path: path() };
    if let Ok(task) = Own::from_slices(source, source, None, &OwnConfig::default()) {
        look_at(&task);
    }
}

/// All numbers of a task are finite.
fn look_at(task: &dyn Task) {
    for index in 0..task.sequences(Split::Train) {
        let batch = task.batch(Split::Train, &[index]);
        for step in 0..batch.steps() {
            assert!(batch.input(0, step).iter().all(|value| value.is_finite()), "sequence {index}, step {step}");
        }
    }
    assert!(task.chance().is_none_or(f64::is_finite));
}

/// An archive of arrays.
pub fn npz(bytes: &[u8]) {
    own(bytes, Encoding::Npz);
}

/// An array, in an archive that is right.
pub fn npy(bytes: &[u8]) {
    const TARGETS: &[u8] = include_bytes!("../corpus/npy/targets.npy");
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in [("inputs.npy", bytes), ("targets.npy", TARGETS)] {
        let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        let written =
            archive.start_file(name, stored).map_err(std::io::Error::other).and_then(|()| archive.write_all(content));
        written.expect("memory can be written");
    }
    npz(&archive.finish().expect("memory can be written").into_inner());
}

/// One sequence a line.
pub fn json_lines(bytes: &[u8]) {
    own(bytes, Encoding::JsonLines);
}

/// A `.ts` file of the UCR and UEA archives.
pub fn ts(bytes: &[u8]) {
    own(bytes, Encoding::Ts);
}

fn check_sound(recording: &Recording, bytes: &[u8]) {
    assert!(recording.rate > 0 && recording.samples.len() <= bytes.len());
    assert!(recording.samples.iter().all(|sample| sample.abs() <= 1e6));
}

/// A RIFF WAVE file, or any other sound.
pub fn wav(bytes: &[u8]) {
    if let Ok(recording) = Recording::from_slice(bytes, path()) {
        check_sound(&recording, bytes);
    }
}

/// A NIST SPHERE file.
pub fn sphere(bytes: &[u8]) {
    if let Ok(recording) = nist::read(bytes, path()) {
        check_sound(&recording, bytes);
    }
}

/// An idx file, packed or not.
pub fn idx(bytes: &[u8]) {
    if let Ok(array) = Idx::from_bytes(bytes.to_vec(), path()) {
        assert_eq!(array.dimensions().iter().product::<usize>(), array.elements().len());
        assert!(!array.item(array.dimensions()[0] - 1).is_empty());
    }
}

/// A recording of an event camera.
pub fn camera(bytes: &[u8]) {
    if let Ok(events) = nmnist::events_from_slice(bytes, path()) {
        assert!(!events.is_empty() && events.iter().all(|event| event.x < 34 && event.y < 34));
    }
}

/// A list of recordings of an event camera.
pub fn camera_list(bytes: &[u8]) {
    if let Ok(listed) = nmnist::list_from_slice(bytes, path()) {
        assert!(!listed.is_empty() && listed.iter().all(|&(_, digit)| digit < 10));
    }
}

/// Events in a CSV file.
pub fn events(bytes: &[u8]) {
    let mut recordings = Recordings::new();
    if lists::events_from_slice(bytes, path(), 1000, "the setting", &mut recordings).is_ok() {
        recordings.finish(0);
        let recording = recordings.get(0);
        assert!(recording.times.is_sorted() && recording.channels.iter().all(|&channel| channel < 1000));
        assert!(recording.values.iter().all(|value| value.abs() <= 1e9));
    }
}

/// A list of recordings of events.
pub fn manifest(bytes: &[u8]) {
    if let Ok(listed) = lists::manifest_from_slice(bytes, path()) {
        for entry in listed {
            assert!(!entry.label.is_empty() && !entry.file.is_empty());
            let mut parts = Path::new(&entry.file).components();
            assert!(parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir)), "{}", entry.file);
        }
    }
}

/// Splits of sequences of chords.
pub fn music(bytes: &[u8]) {
    if let Ok(task) = JsbChorales::from_slice(bytes, path()) {
        look_at(&task);
    }
}
