//! Which speakers of the test folder are for what.

use crate::split::Split;

/// The core test set: two men and a woman of each of the eight dialects, as the corpus's documentation lists them.
const CORE: [&str; 24] = [
    "mdab0", "mwbt0", "felc0", "mtas1", "mwew0", "fpas0", "mjmp0", "mlnt0", "fpkt0", "mlll0", "mtls0", "fjlm0", "mbpm0",
    "mklt0", "fnlp0", "mcmj0", "mjdh0", "fmgd0", "mgrt0", "mnjm0", "fdhc0", "mjln0", "mpam0", "fmld0",
];

/// The development set of Halberstadt's thesis ("Heterogeneous acoustic measurements and multiple classifiers for speech recognition",
/// MIT 1998), 50 other speakers of the test folder, which the Kaldi recipe and most later work choose settings on.
const DEVELOPMENT: [&str; 50] = [
    "faks0", "fdac1", "fjem0", "mgwt0", "mjar0", "mmdb1", "mmdm2", "mpdf0", "fcmh0", "fkms0", "mbdg0", "mbwm0", "mcsh0",
    "fadg0", "fdms0", "fedw0", "mgjf0", "mglb0", "mrtk0", "mtaa0", "mtdt0", "mthc0", "mwjg0", "fnmr0", "frew0", "fsem0",
    "mbns0", "mmjr0", "mdls0", "mdlf0", "mdvc0", "mers0", "fmah0", "fdrw0", "mrcs0", "mrjm4", "fcal1", "mmwh0", "fjsj0",
    "majc0", "mjsw0", "mreb0", "fgjd0", "fjmg0", "mroa0", "mteb0", "mjfc0", "mrjr0", "fmml0", "mrws1",
];

/// The split of a speaker (in small letters) of the test folder; none for the 94 that are in neither set.
pub(super) fn split_of_tester(speaker: &str) -> Option<Split> {
    if CORE.contains(&speaker) {
        Some(Split::Test)
    } else if DEVELOPMENT.contains(&speaker) {
        Some(Split::Valid)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn sets_are_disjoint_and_of_the_published_make_up() {
        let all: BTreeSet<&str> = CORE.into_iter().chain(DEVELOPMENT).collect();
        assert_eq!(all.len(), 74);
        assert!(all.iter().all(|speaker| speaker.len() == 5 && (speaker.starts_with('m') || speaker.starts_with('f'))));
        assert_eq!(CORE.iter().filter(|speaker| speaker.starts_with('f')).count(), 8, "one woman a dialect");
    }
}
