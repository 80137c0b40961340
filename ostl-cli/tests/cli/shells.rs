//! What shells and manuals are told.

use crate::support::Workplace;

#[test]
fn shells_learn_every_command_and_option() {
    let place = Workplace::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.ostl(&format!("completions {shell}")).succeeded().stdout;
        for word in ["sweep", "stream", "delay", "seeds"] {
            assert!(script.contains(word), "{shell}: no {word}");
        }
    }
    place.ostl("completions tcsh").refused(2, &["tcsh"]);
}

#[test]
fn every_command_has_a_page() {
    let place = Workplace::new();
    place.ostl("man --out pages").succeeded();
    let page = place.read("pages/ostl-stream.1");
    assert!(page.starts_with(".ie") || page.contains(".TH ostl-stream 1"), "{page}");
    assert!(page.contains("\\-\\-delay") && page.contains("SYNOPSIS"), "{page}");
    for command in ["ostl", "ostl-train", "ostl-compare", "ostl-data", "ostl-data-fetch"] {
        assert!(place.path(&format!("pages/{command}.1")).is_file(), "{command}");
    }
}
