//! `ostl data list`, `info` and `make`.

mod support;

use support::Workplace;

#[test]
fn the_list_has_every_data_set_and_task() {
    let place = Workplace::new();
    let list = place.ostl("data list").succeeded().stdout;
    for name in ["jsb", "mnist", "fsdd", "nmnist-small", "tinyshakespeare", "wikitext-2", "shd", "ssc"] {
        assert!(list.lines().any(|line| line.starts_with(&format!("{name} "))), "no {name} in {list}");
    }
    let recall = list.lines().find(|line| line.starts_with("store-recall")).unwrap();
    assert!(recall.contains("hold a bit") && recall.ends_with("4 > 2"), "{recall}");
    assert!(list.contains("407.2 kB") && list.contains("CC BY-SA 4.0"), "{list}");
}

#[test]
fn info_of_a_generated_task() {
    let place = Workplace::new();
    let set = "--set delay=9 --set min_delay=9 --set distractors=2 --set train=40 --set task.valid=30";
    let info = place.ostl(&format!("data info store-recall {set}")).succeeded().stdout;
    let row = |name: &str| -> Vec<String> {
        let line = info.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{info}"));
        line.split_whitespace().map(str::to_owned).collect()
    };
    // Five of the forty inputs of a sequence are one.
    assert_eq!(row("train"), ["train", "40", "400", "10", "10", "10", "40", "12.500", "%"]);
    assert_eq!(row("valid")[1], "30");
    let counts: Vec<u64> = ["0 ", "1 "].iter().map(|class| row(class)[1].parse::<u64>().unwrap()).collect();
    assert_eq!(counts.iter().sum::<u64>(), 40);
    assert!(info.contains("chance: loss 0.6931, accuracy 50.0 %"), "{info}");
}

/// A generated task, its files, and the task that reads them: the same counts.
#[test]
fn what_is_made_is_what_was_generated() {
    let place = Workplace::new();
    let set = "--set delay=9 --set train=40 --set valid=30 --set test=20";
    let counts = |info: String| -> Vec<String> {
        let rows = info.lines().filter(|line| ["train", "valid", "test"].iter().any(|split| line.starts_with(split)));
        rows.map(str::to_owned).collect()
    };
    let generated = counts(place.ostl(&format!("data info store-recall {set}")).succeeded().stdout);
    assert_eq!(generated.len(), 3);
    for format in ["npz", "jsonl"] {
        let said = place.ostl(&format!("data make store-recall {set} --out {format} --format {format}")).succeeded().stdout;
        assert!(said.contains(&format!("--data {format}")), "{said}");
        assert!(place.path(&format!("{format}/train.{format}")).exists());
        assert_eq!(counts(place.ostl(&format!("data info own --data {format}")).succeeded().stdout), generated);
    }
}

#[test]
fn what_is_wrong_is_said() {
    let place = Workplace::new();
    place.ostl("data info imagenet").refused(2, &["`imagenet`", "ostl data list"]);
    place.ostl("data info store-recall --set dealy=3").refused(2, &["`store-recall`", "`dealy`", "`delay`"]);
    place.ostl("data info store-recall --set delay=0").refused(2, &["`store-recall`", "delay = 0"]);
    place.ostl("data info store-recall --set delay").refused(2, &["--set delay", "KEY=VALUE"]);
    assert_eq!(place.ostl("data info jsb").status, 2);
    assert_eq!(place.ostl("data info jsb --data nowhere").status, 2);
}
