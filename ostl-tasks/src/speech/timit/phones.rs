//! The phones of TIMIT, and which of them count as one.

/// The 61 phones of the transcriptions, the 48 that models are made of, and the 39 that are distinguished when errors are counted: Lee and Hon,
/// "Speaker-independent phone recognition using hidden Markov models", IEEE Transactions on Acoustics, Speech, and Signal Processing 37(11),
/// 1989. The glottal stop q is neither among the 48 nor among the 39: it is not looked at.
const TABLE: [(&str, &str, &str); 61] = [
    ("aa", "aa", "aa"),
    ("ae", "ae", "ae"),
    ("ah", "ah", "ah"),
    ("ao", "ao", "aa"),
    ("aw", "aw", "aw"),
    ("ax", "ax", "ah"),
    ("ax-h", "ax", "ah"),
    ("axr", "er", "er"),
    ("ay", "ay", "ay"),
    ("b", "b", "b"),
    ("bcl", "vcl", "sil"),
    ("ch", "ch", "ch"),
    ("d", "d", "d"),
    ("dcl", "vcl", "sil"),
    ("dh", "dh", "dh"),
    ("dx", "dx", "dx"),
    ("eh", "eh", "eh"),
    ("el", "el", "l"),
    ("em", "m", "m"),
    ("en", "en", "n"),
    ("eng", "ng", "ng"),
    ("epi", "epi", "sil"),
    ("er", "er", "er"),
    ("ey", "ey", "ey"),
    ("f", "f", "f"),
    ("g", "g", "g"),
    ("gcl", "vcl", "sil"),
    ("h#", "sil", "sil"),
    ("hh", "hh", "hh"),
    ("hv", "hh", "hh"),
    ("ih", "ih", "ih"),
    ("ix", "ix", "ih"),
    ("iy", "iy", "iy"),
    ("jh", "jh", "jh"),
    ("k", "k", "k"),
    ("kcl", "cl", "sil"),
    ("l", "l", "l"),
    ("m", "m", "m"),
    ("n", "n", "n"),
    ("ng", "ng", "ng"),
    ("nx", "n", "n"),
    ("ow", "ow", "ow"),
    ("oy", "oy", "oy"),
    ("p", "p", "p"),
    ("pau", "sil", "sil"),
    ("pcl", "cl", "sil"),
    ("q", "", ""),
    ("r", "r", "r"),
    ("s", "s", "s"),
    ("sh", "sh", "sh"),
    ("t", "t", "t"),
    ("tcl", "cl", "sil"),
    ("th", "th", "th"),
    ("uh", "uh", "uh"),
    ("uw", "uw", "uw"),
    ("ux", "uw", "uw"),
    ("v", "v", "v"),
    ("w", "w", "w"),
    ("y", "y", "y"),
    ("z", "z", "z"),
    ("zh", "zh", "sh"),
];

/// The number of a phone of the transcriptions, 0 to 60.
pub(super) fn number(phone: &str) -> Option<u8> {
    TABLE.iter().position(|row| row.0 == phone).map(|number| number as u8)
}

/// A set of phones, in alphabetical order.
#[derive(Clone, Debug)]
pub(super) struct PhoneSet {
    names: Vec<&'static str>,
    /// For each of the 61 its number in the set.
    classes: [Option<u8>; 61],
}

impl PhoneSet {
    /// The set of 39, 48 or 61 phones; none of another size.
    pub(super) fn of_size(phones: usize) -> Option<Self> {
        let folded = |row: &(&'static str, &'static str, &'static str)| match phones {
            39 => row.2,
            48 => row.1,
            _ => row.0,
        };
        if ![39, 48, 61].contains(&phones) {
            return None;
        }
        let mut names: Vec<&str> = TABLE.iter().map(folded).filter(|name| !name.is_empty()).collect();
        names.sort_unstable();
        names.dedup();
        let class = |row| names.iter().position(|&name| name == folded(row)).map(|class| class as u8);
        Some(Self { classes: TABLE.each_ref().map(class), names })
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The class of a phone of the transcriptions; none for q where it is not looked at.
    pub(super) fn class(&self, number: u8) -> Option<u8> {
        self.classes[usize::from(number)]
    }

    pub(super) fn name(&self, class: usize) -> &'static str {
        self.names[class]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_have_their_sizes() {
        for size in [39, 48, 61] {
            let set = PhoneSet::of_size(size).unwrap();
            assert_eq!(set.len(), size);
            assert_eq!(set.class(number("q").unwrap()).is_some(), size == 61);
        }
        assert!(PhoneSet::of_size(40).is_none() && number("sil").is_none());
    }

    /// Lee and Hon's groups, as their table 2 and section V list them, apart from the table above.
    #[test]
    fn groups_of_the_paper() {
        let groups: [&[&str]; 11] = [
            &["aa", "ao"],
            &["ah", "ax", "ax-h"],
            &["er", "axr"],
            &["hh", "hv"],
            &["ih", "ix"],
            &["l", "el"],
            &["m", "em"],
            &["n", "en", "nx"],
            &["ng", "eng"],
            &["sh", "zh"],
            &["uw", "ux"],
        ];
        let silences = ["pcl", "tcl", "kcl", "bcl", "dcl", "gcl", "h#", "pau", "epi"];
        let set = PhoneSet::of_size(39).unwrap();
        let class = |phone: &&str| set.class(number(phone).unwrap()).unwrap();
        for group in groups {
            assert!(group.iter().all(|phone| class(phone) == class(&group[0]) && set.name(class(phone).into()) == group[0]));
        }
        assert!(silences.iter().all(|phone| set.name(class(phone).into()) == "sil"));
        let merged: usize = groups.iter().map(|group| group.len() - 1).sum::<usize>() + silences.len() - 1;
        assert_eq!(61 - 1 - merged, 39, "all other phones stand alone");
    }
}
