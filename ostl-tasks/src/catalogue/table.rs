//! The data sets.

use super::{DataSet, Listed, Many, Origin, Sum};

const fn plain(path: &'static str, name: &'static str, bytes: u64, sha256: &'static str) -> Listed {
    Listed { path, name, sum: Sum::Plain { bytes, sha256 } }
}

const fn packed(path: &'static str, bytes: u64, sha256: &'static str) -> Listed {
    Listed { path, name: path, sum: Sum::Unpacked { bytes, sha256 } }
}

/// All data sets that tasks of this crate are made for and whose copies can be checked, or that have a known address.
pub const DATA_SETS: &[DataSet] = &[
    DataSet {
        name: "jsb",
        what: "382 four-part chorales by J. S. Bach, in quarter notes",
        tasks: &["jsb"],
        shape: "88 keys > 88 keys",
        bytes: 407_200,
        licence: "compositions in the public domain; none stated for the encoding",
        citation: "Boulanger-Lewandowski, Bengio and Vincent, Modeling temporal dependencies in high-dimensional sequences, ICML 2012",
        origin: Origin::Files {
            base: "https://raw.githubusercontent.com/czhuang/JSB-Chorales-dataset/9a7f733ddb4ed91f48da64ac7f0f621c34aadd4d/",
            listed: &[plain(
                "jsb-chorales-quarter.json",
                "jsb-chorales-quarter.json",
                407_200,
                "2db9329f1881a1d3f49703ec556bf1d6f84b4f6c1d702c156536e93cf31e1c91",
            )],
            many: None,
        },
    },
    DataSet {
        name: "mnist",
        what: "70,000 handwritten digits, 28 x 28 pixels",
        tasks: &["mnist"],
        shape: "pixels, rows or spikes > 10 digits",
        bytes: 11_594_722,
        licence: "generally given as CC BY-SA 3.0",
        citation: "LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, Proceedings of the IEEE 1998",
        origin: Origin::Files {
            base: "https://raw.githubusercontent.com/fgnt/mnist/ae608a02b796c9ee908c082585a5f006fe05258e/",
            listed: &[
                packed(
                    "train-images-idx3-ubyte.gz",
                    47_040_016,
                    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                ),
                packed(
                    "train-labels-idx1-ubyte.gz",
                    60_008,
                    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                ),
                packed(
                    "t10k-images-idx3-ubyte.gz",
                    7_840_016,
                    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                ),
                packed(
                    "t10k-labels-idx1-ubyte.gz",
                    10_008,
                    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                ),
            ],
            many: None,
        },
    },
    DataSet {
        name: "fsdd",
        what: "3,000 recordings of spoken digits by six speakers, 8 kHz",
        tasks: &["fsdd"],
        shape: "features of sound > 10 digits",
        bytes: 21_128_848,
        licence: "CC BY-SA 4.0",
        citation: "Zohar Jackson and contributors, Free Spoken Digit Dataset",
        origin: Origin::Files {
            base: "https://raw.githubusercontent.com/Jakobovski/free-spoken-digit-dataset/26eb9aaf76e81b692f806f9140c2d2777410d7a1/",
            listed: &[],
            many: Some(Many::new(
                ["recordings/", ".wav"],
                ["recordings/", ".wav"],
                include_str!("fsdd.sums"),
                "04e1baae96c6a26e39c623f2b01d0182ddae627ba0ac02a3cdc17ba2af99fd9b",
            )),
        },
    },
    DataSet {
        name: "nmnist-small",
        what: "1,100 recordings of handwritten digits by an event camera",
        tasks: &["n-mnist"],
        shape: "2,312 channels of events > 10 digits",
        bytes: 22_601_960,
        licence: "CC BY-SA 4.0",
        citation: "Orchard, Jayawant, Cohen and Thakor, Converting static image datasets to spiking neuromorphic datasets using saccades, \
                   Frontiers in Neuroscience 2015",
        origin: Origin::Files {
            base: "https://raw.githubusercontent.com/bamsumit/slayerPytorch/8f4654eef90610ed30b39894f8f614413768128e/",
            listed: &[
                plain(
                    "example/NMNISTsmall/train1K.txt",
                    "train1K.txt",
                    6_909,
                    "0c9a71729b400e9e24c1d7d4852f86dbf9bf931877bb9257a18af3780f6dc02d",
                ),
                plain(
                    "example/NMNISTsmall/test100.txt",
                    "test100.txt",
                    916,
                    "21d53e374a5ef29d5634083b3131f420539ad86cef7bf032fdc3b281dcb41357",
                ),
            ],
            many: Some(Many::new(
                ["example/NMNISTsmall/", ".bs2"],
                ["events/", ".bs2"],
                include_str!("nmnist-small.sums"),
                "9a1829f7cbe6ad98ea106c1a7b9ca9203a9b59e6d1573b95efe3948aee127a76",
            )),
        },
    },
    DataSet {
        name: "tinyshakespeare",
        what: "speeches from Shakespeare's plays, 1,115,394 characters",
        tasks: &["characters"],
        shape: "65 characters > the next one",
        bytes: 1_115_394,
        licence: "text in the public domain",
        citation: "Andrej Karpathy, char-rnn, 2015",
        origin: Origin::Files {
            base: "https://raw.githubusercontent.com/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/",
            listed: &[plain(
                "data/tinyshakespeare/input.txt",
                "input.txt",
                1_115_394,
                "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
            )],
            many: None,
        },
    },
    DataSet {
        name: "wikitext-2",
        what: "Wikipedia articles, 2,551,843 words",
        tasks: &["words"],
        shape: "33,278 words > the next one",
        bytes: 13_175_278,
        licence: "CC BY-SA (the text of Wikipedia)",
        citation: "Merity, Xiong, Bradbury and Socher, Pointer sentinel mixture models, 2016",
        // No fixed commit: the sums say what the files must be.
        origin: Origin::Files {
            base: "https://raw.githubusercontent.com/pytorch/examples/main/word_language_model/data/wikitext-2/",
            listed: &[
                plain(
                    "train.txt",
                    "wiki.train.tokens",
                    10_797_148,
                    "9e9fa1ad55b1c2c95b08e37dd8e653f638fac2c6de904b79e813611eefbc985f",
                ),
                plain(
                    "valid.txt",
                    "wiki.valid.tokens",
                    1_121_681,
                    "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8",
                ),
                plain(
                    "test.txt",
                    "wiki.test.tokens",
                    1_256_449,
                    "d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0",
                ),
            ],
            many: None,
        },
    },
    DataSet {
        name: "shd",
        what: "Spiking Heidelberg Digits: 10,420 spoken digits as spikes",
        tasks: &["shd"],
        shape: "700 channels of spikes > 20 digits",
        bytes: 0,
        licence: "CC BY 4.0",
        citation: "Cramer, Stradmann, Schemmel and Zenke, The Heidelberg spiking data sets, IEEE TNNLS 2022",
        origin: Origin::ByHand { address: "https://zenkelab.org/datasets/", why: NO_SUM },
    },
    DataSet {
        name: "ssc",
        what: "Spiking Speech Commands: spoken words as spikes",
        tasks: &["ssc"],
        shape: "700 channels of spikes > 35 words",
        bytes: 0,
        licence: "CC BY 4.0",
        citation: "Cramer, Stradmann, Schemmel and Zenke, The Heidelberg spiking data sets, IEEE TNNLS 2022",
        origin: Origin::ByHand { address: "https://zenkelab.org/datasets/", why: NO_SUM },
    },
];

const NO_SUM: &str = "its sum is not known here, so that a copy could not be checked";
