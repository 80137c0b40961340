//! `ostl data fetch` of a whole file from a server on the loopback: what arrives, and what is gone on with. What is fetched must have the sum that was
//! published, so these want a copy of the chorales, and are ignored, with the reason, where there is none.

#[path = "cli/support/mod.rs"]
mod support;

use std::fs;
use std::path::PathBuf;

use libtest_mimic::{Arguments, Completion, Trial};
use support::Workplace;
use support::server::{Manner, Server, fetch};

const NAME: &str = "jsb-chorales-quarter.json";

/// The chorales: in the folder in `OSTL_DATA`, or in `shared/data` beside the checkout.
fn chorales() -> Option<Vec<u8>> {
    let folder = std::env::var_os("OSTL_DATA").map(PathBuf::from);
    let folders = [folder, Some(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data").into())];
    let mut found = folders.into_iter().flatten().flat_map(|folder| [folder.join(NAME), folder.join("jsb").join(NAME)]);
    found.find_map(|path| fs::read(path).ok())
}

fn main() {
    let trial = |name: &str, test: fn(&[u8])| {
        Trial::ignorable_test(name, move || {
            let Some(content) = chorales() else {
                return Ok(Completion::ignored_with(format!("{NAME} is not at hand: set OSTL_DATA to its folder")));
            };
            test(&content);
            Ok(Completion::Completed)
        })
    };
    let trials = vec![
        trial("a_file_is_fetched_checked_and_left_alone", a_file_is_fetched_checked_and_left_alone),
        trial("a_transfer_that_broke_off_is_gone_on_with", a_transfer_that_broke_off_is_gone_on_with),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

const FILE: &str = "data/jsb/jsb-chorales-quarter.json";
const PART: &str = "data/jsb/jsb-chorales-quarter.json.part";
const PATH: &str = "/files/jsb-chorales-quarter.json";

fn a_file_is_fetched_checked_and_left_alone(content: &[u8]) {
    let (place, server) = (Workplace::new(), Server::new());
    server.put(NAME, content);
    let ran = fetch(&place, "jsb", &server.url()).succeeded();
    for words in ["1 file fetched (407.2 kB)", "--data data", "licence: ", "ICML 2012"] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
    assert!(place.bytes(FILE) == content && !place.path(PART).exists());
    assert_eq!(server.asked(), [format!("{PATH} whole")]);

    let ran = fetch(&place, "jsb", &server.url()).succeeded();
    assert!(ran.stdout.contains("0 files fetched") && ran.stdout.contains("1 was there"), "{}", ran.stdout);
    assert_eq!(server.asked(), Vec::<String>::new());
    // What was fetched can be looked into and learned from.
    let info = place.ostl("data info jsb --data data").succeeded().stdout;
    for words in ["files: 1 of 1 ok", "jsb: 88 inputs, 88 values", "229", "13578", "chance: loss 11.09"] {
        assert!(info.contains(words), "no {words} in {info}");
    }
}

fn a_transfer_that_broke_off_is_gone_on_with(content: &[u8]) {
    let (place, server) = (Workplace::new(), Server::new());
    server.put(NAME, content);
    for (count, have) in [(1, 150_000), (2, 300_000)] {
        server.behave(Manner::BreaksOff(150_000));
        let once = format!("{} --retries 0", server.url());
        fetch(&place, "jsb", &once).refused(1, &["broke off", &have.to_string(), "goes on from there"]);
        assert!(place.bytes(PART) == content[..have], "{count}");
        assert!(!place.path(FILE).exists());
    }
    server.behave(Manner::Sound);
    fetch(&place, "jsb", &server.url()).succeeded();
    assert!(place.bytes(FILE) == content && !place.path(PART).exists());
    assert_eq!(server.asked(), ["whole", "from 150000", "from 300000"].map(|range| format!("{PATH} {range}")));

    // A part that is whole already, but was not renamed, needs no transfer.
    fs::rename(place.path(FILE), place.path(PART)).unwrap();
    fetch(&place, "jsb", &server.url()).succeeded();
    assert_eq!(server.asked(), Vec::<String>::new());
    // Servers that cannot go on send it all.
    for manner in [Manner::KnowsNoRanges, Manner::RefusesRanges] {
        fs::remove_file(place.path(FILE)).unwrap();
        fs::write(place.path(PART), &content[..1000]).unwrap();
        server.behave(manner);
        fetch(&place, "jsb", &server.url()).succeeded();
        assert!(place.bytes(FILE) == content, "{manner:?}");
    }
}
