//! The environment variable that says which vector instructions are used.

use ostl_core::{Network, instructions};

/// Run as a process of its own by the test below: the variable is looked at once.
#[test]
#[ignore = "the child of another test"]
fn child() {
    let network = Network::<f32>::builder(1).readout(1);
    println!("{:?} {}", instructions(), network.is_ok());
}

#[test]
fn an_unknown_word_is_refused_before_anything_is_built() {
    let said = |word: &str| {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "instructions::child", "--ignored", "--nocapture"]).env("OSTL_PROCESSOR", word);
        String::from_utf8(child.output().unwrap().stdout).unwrap()
    };
    assert!(said("plain").contains("Ok(\"plain\") true"), "{}", said("plain"));
    let refused = said("sse9");
    assert!(refused.contains("OSTL_PROCESSOR") && refused.contains("\"sse9\"") && refused.contains("false"), "{refused}");
}
