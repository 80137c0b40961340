//! Runs as a page.

use std::fs;

use crate::support::Workplace;

/// Two seeds with traces and one run without.
fn trained() -> Workplace {
    let place = Workplace::new();
    for (name, options) in [("a-0", "local --seed 0"), ("a-1", "local --seed 1"), ("b", "none --seed 0")] {
        place.ostl(&format!("train tiny.toml --quiet --out {name} --set method.carry={options}")).succeeded();
    }
    place
}

/// Every element that is opened is closed again, in order.
fn is_well_formed(page: &str) -> bool {
    let void = ["meta", "br", "wbr", "img", "input"];
    let mut open: Vec<&str> = Vec::new();
    for tag in page.split('<').skip(1).filter(|tag| !tag.starts_with('!') && !tag.starts_with('?')) {
        let Some((inside, _)) = tag.split_once('>') else { return false };
        let name = inside.trim_start_matches('/').split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or("");
        if inside.starts_with('/') {
            if open.pop() != Some(name) {
                return false;
            }
        } else if !inside.ends_with('/') && !void.contains(&name) {
            open.push(name);
        }
    }
    open.is_empty()
}

#[test]
fn a_page_needs_nothing_but_itself() {
    let place = trained();
    let said = place.ostl("report a-0 a-1 b").succeeded();
    assert_eq!(said.stdout, "report.html\n");
    let page = place.read("report.html");
    assert!(page.starts_with("<!DOCTYPE html>") && is_well_formed(&page));
    assert!(!page.contains("<script") && !page.contains("<link") && !page.contains("NaN"), "nothing is run or loaded");
    let loads =
        |attribute: &str| page.split(attribute).skip(1).filter(|rest| !rest.starts_with("data:image/png;base64,")).count();
    assert_eq!(loads(" src=\""), 0);
    assert!(page.split(" href=\"").skip(1).all(|rest| rest.starts_with("data:image/png;base64,") || rest.starts_with('#')));
    for words in [
        "3 runs on store-recall",
        "A closer look: carry=local",
        "A closer look: carry=none",
        "loss on the validation split, over steps learned from",
        "over seconds of training",
        "carry=local (2 runs)",
        "Learning signal of layer 0 (lstm)",
        "Traces of one unit of layer 0 (lstm)",
        "Those of the gate `input`.",
        "the first row is at the bottom",
        "<title>1</title>",
        "method.<wbr>carry",
        "th { font-weight: 600; white-space: normal;",
        "Probability of the target",
        "Which class was taken for which",
        "The gradient beside BPTT's",
        "approximate",
        "ostl report a-0 a-1 b",
        "ostl train tiny.toml --quiet --out a-1",
    ] {
        assert!(page.contains(words), "{words}");
    }
    // The same figures as `ostl compare` has.
    let table = place.ostl("compare a-0 a-1 b").succeeded().stdout;
    let loss = table.lines().nth(1).unwrap().split_whitespace().collect::<Vec<_>>()[2..5].join(" ");
    assert!(loss.contains('±') && page.contains(&loss), "{loss}");

    place.ostl("report b").refused(2, &["report.html: is there already", "--force"]);
    place.ostl("report b --force --no-audit").succeeded();
    let page = place.read("report.html");
    assert!(page.contains("1 run on store-recall") && !page.contains("The gradient beside") && is_well_formed(&page));
}

#[test]
fn names_cannot_break_the_page() {
    let place = trained();
    fs::rename(place.path("b"), place.path("<b>&\"c")).unwrap();
    let mut command = place.command("report --no-audit --out page.html");
    assert!(command.arg("<b>&\"c").output().unwrap().status.success());
    let page = place.read("page.html");
    assert!(is_well_formed(&page) && page.contains("&lt;b&gt;&amp;"), "{}", &page[..2000]);
}

#[test]
fn without_its_data_a_run_is_reported_all_the_same() {
    let place = Workplace::new();
    place.ostl("data make adding --out own --set train=16 --set valid=4 --set test=4").succeeded();
    place.ostl("train tiny.toml --set task={name=\"own\"} --data own --quiet --out run").succeeded();
    fs::rename(place.path("own"), place.path("moved")).unwrap();
    let said = place.ostl("report run --out lost.html").succeeded();
    assert!(said.stderr.contains("run: cannot be looked into") && said.stderr.contains("own"), "{}", said.stderr);
    assert!(place.read("lost.html").contains("The network could not be looked into"));
    place.ostl("report run --data moved --out found.html").succeeded();
    assert!(place.read("found.html").contains("Learning signal of"));
    let ran = place.ostl("report run --data nowhere --out other.html");
    assert!(ran.status != 0 && !place.path("other.html").exists(), "{}", ran.stderr);
}
