//! What is carried from window to window.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What is carried from window to window of the influence ε of the parameters on the state (equation 2 of the crate docs).
///
/// In configurations a carry is a word, as [`Carry::fmt`](fmt::Display) writes it: `"none"`, `"local"`, `"layer"`, `"network"`,
/// `"snap-2"`, `"uoro"`, `"uoro-4"`, `"local+uoro"`, `"local+uoro-4"`, `"kf-rtrl"`, `"presynaptic"`, `"postsynaptic"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Carry {
    /// Nothing: truncated BPTT.
    None,
    /// Per unit, its own parameters' influence on its own state: OSTL "without H". Exact for the parameters of the topmost
    /// recurrent layer where that has no H, and of the one just below a leaky readout likewise.
    Local,
    /// The whole influence matrix of each recurrent layer and of the stateless layers just below it: OSTL "with H". Exact
    /// for the topmost recurrent layer, and for the one just below a leaky readout.
    Layer,
    /// The influence of every parameter on every recurrent state: RTRL of the whole network. Exact for everything.
    Network,
    /// SnAp-n (Menick et al. 2020): of the layer's influence matrix the entries that a parameter reaches within n steps, itself
    /// included. n = 1 keeps each unit's own influence, its own connection in H included; the larger n, the more, until it is
    /// all that [`Layer`](Self::Layer) keeps of a layer's own parameters. The pattern is that of what is kept between windows: within
    /// a window nothing is left out, so what leaves a unit and comes back to it through others before a window ends is kept under any n. That costs
    /// a sweep from every unit's state; at one step a window there is none, and n = 1 costs no more than [`Local`](Self::Local).
    Snap(usize),
    /// Unbiased online recurrent optimisation (Tallec & Ollivier 2017): one random rank-one estimate of the influence of every
    /// parameter on every state; right on average, never exact. With a number the mean of as many estimates, each with signs of its own: as many
    /// times the cost, and that part of the variance.
    Uoro(usize),
    /// What [`Local`](Self::Local) keeps, exactly, and of the rest alone (paths through H and to the layers above) UORO's random estimate, or the
    /// mean of several: right on average for everything, exact where `Local` is, with the variance of what `Local` drops.
    LocalUoro(usize),
    /// Kronecker-factored RTRL (Mujika et al. 2018): for each weight matrix of a layer one random Kronecker product; right on average
    /// where [`Layer`](Self::Layer) is exact.
    KfRtrl,
    /// One trace a presynaptic signal, filtered with the units' leak: OTTT (Xiao et al. 2022). Exact where a unit is nothing but a
    /// leaky sum, with resets detached, and has no H.
    Presynaptic,
    /// [`Local`](Self::Local), and for every layer below a leaky one the influence on what that one has summed up: OTPE (Summe et
    /// al. 2024). Exact for the two topmost recurrent layers where units are nothing but leaky sums without H.
    Postsynaptic,
}

impl Carry {
    /// Random vectors of an estimate that is right on average by UORO, of everything or of what is not kept exactly.
    pub(crate) const fn vectors(self) -> Option<usize> {
        match self {
            Self::Uoro(vectors) | Self::LocalUoro(vectors) => Some(vectors),
            _ => None,
        }
    }

    /// Whether the gradient is drawn at random, and right on average.
    pub const fn is_random(self) -> bool {
        matches!(self, Self::Uoro(_) | Self::LocalUoro(_) | Self::KfRtrl)
    }

    /// The carry's name in configs and reports.
    pub fn name(self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Carry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Carry::None => f.pad("none"),
            Carry::Local => f.pad("local"),
            Carry::Layer => f.pad("layer"),
            Carry::Network => f.pad("network"),
            Carry::Snap(order) => f.pad(&format!("snap-{order}")),
            Carry::Uoro(1) => f.pad("uoro"),
            Carry::Uoro(vectors) => f.pad(&format!("uoro-{vectors}")),
            Carry::LocalUoro(1) => f.pad("local+uoro"),
            Carry::LocalUoro(vectors) => f.pad(&format!("local+uoro-{vectors}")),
            Carry::KfRtrl => f.pad("kf-rtrl"),
            Carry::Presynaptic => f.pad("presynaptic"),
            Carry::Postsynaptic => f.pad("postsynaptic"),
        }
    }
}

impl FromStr for Carry {
    type Err = String;

    /// Reads a word; `kf_rtrl` and `KF-RTRL` are `kf-rtrl`, `local-uoro` is `local+uoro`.
    fn from_str(word: &str) -> Result<Self, String> {
        let bare = word.replace('_', "-").to_lowercase();
        if let Some(order) = bare.strip_prefix("snap-") {
            return match order.parse() {
                Ok(order) if order > 0 => Ok(Carry::Snap(order)),
                _ => Err(format!("unknown carry `{word}`: write `snap-1`, `snap-2`, …")),
            };
        }
        let bare = bare.replacen("local-uoro", "local+uoro", 1);
        for name in ["uoro-", "local+uoro-"] {
            if let Some(vectors) = bare.strip_prefix(name) {
                return match vectors.parse() {
                    Ok(vectors) if vectors > 0 && name == "uoro-" => Ok(Carry::Uoro(vectors)),
                    Ok(vectors) if vectors > 0 => Ok(Carry::LocalUoro(vectors)),
                    _ => Err(format!("unknown carry `{word}`: write `{name}2`, `{name}4`, …")),
                };
            }
        }
        let words = [
            Carry::None,
            Carry::Local,
            Carry::Layer,
            Carry::Network,
            Carry::Uoro(1),
            Carry::LocalUoro(1),
            Carry::KfRtrl,
            Carry::Presynaptic,
            Carry::Postsynaptic,
        ];
        words.into_iter().find(|carry| carry.to_string() == bare).ok_or_else(|| {
            format!(
                "unknown carry `{word}`, expected one of `none`, `local`, `layer`, `network`, `snap-1`, `snap-2`, …, `uoro`, `uoro-2`, …, `local+uoro`, `local+uoro-2`, …, `kf-rtrl`, `presynaptic`, `postsynaptic`"
            )
        })
    }
}

impl From<Carry> for String {
    fn from(carry: Carry) -> Self {
        carry.to_string()
    }
}

impl TryFrom<String> for Carry {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        word.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_carries() {
        let random = [Carry::Uoro(1), Carry::Uoro(4), Carry::LocalUoro(1), Carry::LocalUoro(8), Carry::KfRtrl];
        for carry in [Carry::None, Carry::Layer, Carry::Snap(12), Carry::Postsynaptic].into_iter().chain(random) {
            assert_eq!(carry.to_string().parse(), Ok(carry));
        }
        for (word, carry) in [
            ("KF_RTRL", Carry::KfRtrl),
            ("SnAp-2", Carry::Snap(2)),
            ("snap_3", Carry::Snap(3)),
            ("Local_UORO-2", Carry::LocalUoro(2)),
        ] {
            assert_eq!(word.parse(), Ok(carry), "{word}");
        }
        for wrong in ["snap-0", "snap-", "snap", "everything", "uoro-0", "local+uoro-x"] {
            assert!(wrong.parse::<Carry>().unwrap_err().contains(wrong));
        }
    }
}
