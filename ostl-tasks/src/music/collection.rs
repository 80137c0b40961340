//! The four collections of polyphonic music that recurrent networks are compared on.

/// A collection of music: its name and where its file lies.
pub trait Collection: Clone + std::fmt::Debug + Send + Sync + 'static {
    /// The task's name in configurations.
    const NAME: &'static str;
    /// The file's name in a data folder.
    const FILE: &'static str;
    /// Subfolders of the data folder in which the file is looked for.
    const FOLDERS: &'static [&'static str];
}

macro_rules! collections {
    ($($(#[$doc:meta])* $kind:ident: $name:literal, $file:literal, $folders:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $kind;

        impl Collection for $kind {
            const NAME: &'static str = $name;
            const FILE: &'static str = $file;
            const FOLDERS: &'static [&'static str] = &$folders;
        }
    )*};
}

collections! {
    /// The chorales of J. S. Bach in four voices, one chord a quarter note; 229, 76 and 77 sequences.
    Jsb: "jsb", "jsb-chorales-quarter.json", ["jsb"];
    /// Folk tunes with chords, from the Nottingham database; 694, 173 and 170 sequences.
    NottinghamTunes: "nottingham", "nottingham.json", ["nottingham"];
    /// Orchestral and piano music from MuseData; 524, 135 and 124 sequences.
    MuseDataPieces: "muse-data", "muse-data.json", ["muse-data", "musedata"];
    /// Classical piano music from Piano-midi.de; 87, 12 and 25 sequences.
    PianoMidiPieces: "piano-midi", "piano-midi.json", ["piano-midi", "piano-midi.de"];
}
