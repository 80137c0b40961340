//! Where the sentences lie. Names of folders and files count whether in capitals or not.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::speakers::split_of_tester;
use crate::error::{At, DatasetError};
use crate::files;
use crate::split::Split;

/// One sentence of one speaker.
#[derive(Clone, Debug)]
pub(super) struct Sentence {
    /// In small letters.
    pub(super) speaker: String,
    /// In small letters.
    pub(super) sentence: String,
    pub(super) sound: PathBuf,
    pub(super) phones: PathBuf,
}

/// The sentences of each split, in the order of their paths in small letters.
pub(super) fn sentences(folder: &Path) -> Result<[Vec<Sentence>; 3], DatasetError> {
    let (train, test) = roots(folder)?;
    let mut splits = [Vec::new(), Vec::new(), Vec::new()];
    for (root, is_test) in [(&train, false), (&test, true)] {
        let dialects = entries(root)?;
        once(root, &dialects, |name| name.starts_with("dr"))?;
        for (_, dialect) in dialects.into_iter().filter(|(name, _)| name.starts_with("dr")) {
            let speakers = entries(&dialect)?;
            once(&dialect, &speakers, |name| !name.starts_with('.'))?;
            for (speaker, path) in speakers {
                let split = if is_test { split_of_tester(&speaker) } else { Some(Split::Train) };
                let Some(split) = split.filter(|_| path.is_dir()) else { continue };
                of_speaker(&speaker, &path, &mut splits[split.position()])?;
            }
        }
    }
    for split in Split::ALL {
        if splits[split.position()].is_empty() {
            let path = if split == Split::Train { &train } else { &test };
            let who = match split {
                Split::Train => "no sentences",
                Split::Valid => "no sentences of the 50 speakers that settings are chosen on",
                Split::Test => "no sentences of the 24 speakers of the core test set",
            };
            let problem = format!("{who} in DR1 to DR8, SPEAKER, *.PHN: copy the corpus again");
            let at = At::Part(format!("split {split}"));
            return Err(DatasetError::Malformed { path: path.clone(), at, problem });
        }
    }
    Ok(splits)
}

/// The folders TRAIN and TEST.
fn roots(folder: &Path) -> Result<(PathBuf, PathBuf), DatasetError> {
    let mut looked_at = Vec::new();
    let mut places = vec![folder.to_owned()];
    for _ in 0..3 {
        let mut below = Vec::new();
        for place in places {
            let inside = entries(&place)?;
            once(&place, &inside, |name| ["train", "test"].contains(&name))?;
            let inside: BTreeMap<String, PathBuf> = inside.into_iter().collect();
            if let (Some(train), Some(test)) = (inside.get("train"), inside.get("test")) {
                return Ok((train.clone(), test.clone()));
            }
            looked_at.push(place.join("TRAIN"));
            below.extend(["timit", "data"].into_iter().filter_map(|name| inside.get(name).cloned()));
        }
        places = below;
    }
    Err(DatasetError::NotFound { file: "TRAIN/DR1/FCJF0/SI1027.PHN` and the rest of TRAIN and `TEST".to_owned(), looked_at })
}

/// What is in a folder, names in small letters, sorted; nothing if it is no folder.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, DatasetError> {
    if !files::look(folder)?.is_some_and(|found| found.is_dir()) {
        return Ok(Vec::new());
    }
    let unreadable = |reason| DatasetError::Unreadable { path: folder.to_owned(), reason };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        found.push((entry.file_name().to_string_lossy().to_ascii_lowercase(), entry.path()));
    }
    found.sort_unstable();
    Ok(found)
}

/// Refuses names that differ in capitals alone, among those that matter: one of the two would be left out.
fn once(folder: &Path, entries: &[(String, PathBuf)], matters: impl Fn(&str) -> bool) -> Result<(), DatasetError> {
    let twice = |pair: &&[(String, PathBuf)]| pair[0].0 == pair[1].0 && matters(&pair[0].0);
    let Some([(_, one), (_, other)]) = entries.windows(2).find(twice) else { return Ok(()) };
    let at = At::Part(files::name_of(one));
    let problem =
        format!("there is `{}` as well, which differs in capitals alone: keep one of the two", files::name_of(other));
    Err(DatasetError::Malformed { path: folder.to_owned(), at, problem })
}

/// Adds a speaker's sentences, without the two (SA1, SA2) that every speaker reads.
fn of_speaker(speaker: &str, folder: &Path, to: &mut Vec<Sentence>) -> Result<(), DatasetError> {
    let inside = entries(folder)?;
    let is_sound = |name: &str| name.ends_with(".wav") || name.ends_with(".sph");
    once(folder, &inside, |name| !name.starts_with('.') && (is_sound(name) || name.ends_with(".phn")))?;
    let found: BTreeMap<String, PathBuf> = inside.into_iter().filter(|(name, _)| !name.starts_with('.')).collect();
    let missing = |file: String| DatasetError::NotFound { looked_at: vec![folder.join(&file)], file };
    for (name, path) in &found {
        if let Some(sentence) = name.strip_suffix(".phn").filter(|sentence| !sentence.starts_with("sa")) {
            // Some releases have a RIFF copy beside the SPHERE file: X.WAV and X.WAV.wav.
            let sound = [".wav", ".wav.wav", ".sph"].iter().find_map(|end| found.get(&format!("{sentence}{end}")));
            let sound = sound.ok_or_else(|| missing(format!("{}.WAV", sentence.to_ascii_uppercase())))?;
            to.push(Sentence {
                speaker: speaker.to_owned(),
                sentence: sentence.to_owned(),
                sound: sound.clone(),
                phones: path.clone(),
            });
        } else if is_sound(name)
            && let Some(sentence) = name.split('.').next()
            && !sentence.starts_with("sa")
            && !found.contains_key(&format!("{sentence}.phn"))
        {
            return Err(missing(format!("{}.PHN", sentence.to_ascii_uppercase())));
        }
    }
    Ok(())
}
