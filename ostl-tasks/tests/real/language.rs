//! WikiText-2 and tiny-shakespeare themselves, where they are at hand, against the counts published with them.

use std::time::Instant;

use ostl_tasks::{Characters, CharactersConfig, Split, Task, Words, WordsConfig};

use crate::{Outcome, folder, trials};

trials![wikitext_2_has_the_published_counts, tiny_shakespeare_has_the_published_counts];

fn wikitext_2_has_the_published_counts() -> Outcome {
    let folder = folder("wikitext-2", "wiki.train.tokens")?;
    let start = Instant::now();
    let task = Words::open(&folder, &WordsConfig::default()).unwrap_or_else(|error| panic!("{error}"));
    eprintln!("WikiText-2 opened in {:?}", start.elapsed());
    let vocabulary = task.vocabulary().unwrap();
    assert_eq!((task.inputs(), vocabulary.len()), (33_278, 33_278));
    let [eos, unk] = ["<eos>", "<unk>"].map(|word| vocabulary.number(word).unwrap() as usize);
    for (split, words, distinct, unknown, lines) in [
        (Split::Train, 2_088_628, 33_278, 54_625, 36_718),
        (Split::Valid, 217_646, 13_777, 11_718, 3_760),
        (Split::Test, 245_569, 14_143, 15_218, 4_358),
    ] {
        let mut counts = vec![0; 33_278];
        (0..task.words(split)).for_each(|index| counts[task.word(split, index)] += 1);
        assert_eq!((task.words(split), counts[unk], counts[eos]), (words, unknown, lines), "{split}");
        assert_eq!(counts.iter().filter(|&&count| count > 0).count(), distinct, "{split}");
        let steps: usize = (0..task.sequences(split)).map(|index| task.steps(split, index)).sum();
        assert_eq!((task.sequences(split), steps), (32, words - 1));
    }
    let chance = task.chance().unwrap();
    assert!((chance - 6.818_261_573_955_25).abs() < 1e-9, "counted by another program: {chance}");
    assert!((task.chance_accuracy().unwrap() - 0.057_018_829_814_96).abs() < 1e-12, "{:?}", task.chance_accuracy());
    Ok(())
}

fn tiny_shakespeare_has_the_published_counts() -> Outcome {
    let folder = folder("tinyshakespeare", "input.txt")?;
    let start = Instant::now();
    let task = Characters::open(&folder, &CharactersConfig::default()).unwrap_or_else(|error| panic!("{error}"));
    eprintln!("tiny-shakespeare opened in {:?}", start.elapsed());
    assert_eq!((task.inputs(), task.outputs()), (65, 65));
    assert_eq!(Split::ALL.map(|split| task.characters(split)), [1_003_854, 111_540, 111_540]);
    let line_feed = task.vocabulary().unwrap().number("\n").unwrap() as usize;
    let lines = |split| (0..task.characters(split)).filter(|&index| task.character(split, index) == line_feed).count();
    assert_eq!(lines(Split::Train) + lines(Split::Valid), 40_000);
    assert!(!task.has_test());
    let chance = task.chance().unwrap();
    assert!((chance - 3.347_305_335_370_36).abs() < 1e-9, "counted by another program: {chance}");
    assert!((task.chance_accuracy().unwrap() - 0.148_979_280_789_68).abs() < 1e-12, "{:?}", task.chance_accuracy());
    Ok(())
}
