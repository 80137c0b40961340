//! `ostl data fetch` from a server on the loopback: what is refused. What arrives and what is gone on with is in `fetching_real.rs`.

use std::fs;

use crate::support::Workplace;
use crate::support::server::{Manner, Server, fetch};

const FILE: &str = "data/jsb/jsb-chorales-quarter.json";
const PART: &str = "data/jsb/jsb-chorales-quarter.json.part";
const PATH: &str = "/files/jsb-chorales-quarter.json";

#[test]
fn wrong_content_is_refused_and_removed() {
    let (place, server) = (Workplace::new(), Server::new());
    // Of the right length, too short and too long.
    for (content, words) in [
        (vec![b'x'; 407_200], "sha256"),
        (vec![b'x'; 407_199], "407199 bytes, not 407200"),
        (vec![b'x'; 407_201], "more than 407200 bytes"),
        (Vec::new(), "0 bytes, not 407200"),
    ] {
        server.put("jsb-chorales-quarter.json", &content);
        fetch(&place, "jsb", &server.url()).refused(1, &["is not the file that was published", words, "removed"]);
        assert!(!place.path(FILE).exists() && !place.path(PART).exists(), "{words}");
    }
    server.behave(Manner::Endless);
    fetch(&place, "jsb", &server.url()).refused(1, &["more than 407200 bytes"]);
    assert!(!place.path(PART).exists());
    // A wrong file that was there before is the user's.
    fs::write(place.path(FILE), "my own").unwrap();
    fetch(&place, "jsb", &server.url()).refused(1, &[FILE, "6 bytes, not 407200", "move it away"]);
    assert_eq!(place.read(FILE), "my own");
}

#[test]
fn packed_files_are_known_by_their_content() {
    let (place, server) = (Workplace::new(), Server::new());
    server.put("train-images-idx3-ubyte.gz", b"not packed");
    fetch(&place, "mnist", &server.url()).refused(1, &["train-images-idx3-ubyte.gz", "gzip", "removed"]);
}

#[cfg(not(feature = "fetch"))]
#[test]
fn without_tls_nothing_is_asked_for() {
    let place = Workplace::new();
    place.ostl("data fetch jsb --out data").refused(2, &["https://", "without TLS", "--features fetch", "--mirror"]);
    assert!(!place.path("data").exists());
}

#[test]
fn what_is_not_there_is_said() {
    let (place, server) = (Workplace::new(), Server::new());
    fetch(&place, "jsb", &server.url()).refused(1, &["404", PATH]);
    assert!(!place.path(FILE).exists() && !place.path(PART).exists());
    fetch(&place, "jsb", "http://127.0.0.1:1").refused(1, &["cannot be fetched"]);
    fetch(&place, "imagenet", &server.url()).refused(2, &["`imagenet`", "tinyshakespeare"]);
    fetch(&place, "shd", &server.url()).refused(2, &["`shd`", "sum is not known", "https://zenkelab.org/datasets/"]);
    assert!(server.asked().len() == 1);
}

/// A server that stalls, before or within a file, ends in a message, and what came is gone on with.
#[test]
fn nobody_waits_for_ever() {
    let (place, server) = (Workplace::new(), Server::new());
    server.put("jsb-chorales-quarter.json", &vec![b'x'; 407_200]);
    let soon = format!("{} --timeout 1", server.url());
    server.behave(Manner::IsSilent);
    fetch(&place, "jsb", &soon).refused(1, &[PATH, "no answer in 1 s", "--timeout", "--mirror"]);
    server.behave(Manner::Stalls(1000));
    let words =
        ["broke off after 1000 of 407200 bytes", "nothing came for 1 s", "goes on from there", "--timeout", "--mirror"];
    fetch(&place, "jsb", &soon).refused(1, &words);
    assert_eq!(place.bytes(PART), [b'x'; 1000]);
    fetch(&place, "jsb", &soon).refused(1, &["broke off after 2000 of 407200 bytes"]);
    assert_eq!(server.asked(), ["whole", "whole", "from 1000"].map(|range| format!("{PATH} {range}")));
    let ran = fetch(&place, "jsb", &format!("{} --timeout 0", server.url()));
    assert!(ran.status == 2 && ran.stderr.contains("--timeout"), "{}", ran.stderr);
}

/// What may pass is tried again, from where it broke off.
#[test]
fn another_try_is_made() {
    let (place, server) = (Workplace::new(), Server::new());
    let content = vec![b'x'; 407_200];
    server.put("jsb-chorales-quarter.json", &content);
    server.behave(Manner::BreaksOff(250_000));
    let ran = fetch(&place, "jsb", &server.url());
    // All of it arrived in two tries, and is not what was published.
    assert!(ran.status == 1 && ran.stderr.contains("another try in 1 s") && ran.stderr.contains("sha256"), "{}", ran.stderr);
    assert_eq!(server.asked(), ["whole", "from 250000"].map(|range| format!("{PATH} {range}")));
    server.behave(Manner::IsBusy);
    let ran = fetch(&place, "jsb", &format!("{} --retries 1", server.url()));
    assert!(
        ran.status == 1 && ran.stderr.ends_with("the server says 503 Service Unavailable: try again later\n"),
        "{}",
        ran.stderr
    );
    assert_eq!(server.asked().len(), 2);
}

/// Sizes are only believed as far as the published file goes, and none of them wraps.
#[test]
fn announced_sizes_are_held_against_the_catalogue() {
    let (place, server) = (Workplace::new(), Server::new());
    server.put("jsb-chorales-quarter.json", &vec![b'x'; 407_200]);
    for announced in [407_201, u64::MAX, u64::MAX - 10] {
        fs::create_dir_all(place.path("data/jsb")).unwrap();
        fs::write(place.path(PART), [b'x'; 1010]).unwrap();
        server.behave(Manner::Announces(announced));
        let words = ["more than 407200 bytes", &announced.to_string(), "1010 were there", "removed"];
        fetch(&place, "jsb", &server.url()).refused(1, &words);
        assert!(!place.path(PART).exists());
    }
}

/// A link in place of what arrived is not written through.
#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let (place, server) = (Workplace::new(), Server::new());
    server.put("jsb-chorales-quarter.json", &vec![b'x'; 407_200]);
    fs::create_dir_all(place.path("data/jsb")).unwrap();
    for mine in ["", "my own"] {
        fs::write(place.path("mine.txt"), mine).unwrap();
        std::os::unix::fs::symlink(place.path("mine.txt"), place.path(PART)).unwrap();
        fetch(&place, "jsb", &server.url()).refused(1, &[PART, "is a link", "remove it"]);
        assert_eq!(place.read("mine.txt"), mine);
        fs::remove_file(place.path(PART)).unwrap();
    }
    std::os::unix::fs::symlink(place.path("nowhere.txt"), place.path(PART)).unwrap();
    fetch(&place, "jsb", &server.url()).refused(1, &[PART, "is a link"]);
    assert!(!place.path("nowhere.txt").exists() && server.asked().is_empty());
}
