//! Learning curves.

use std::fs;

use crate::support::Workplace;

/// Two seeds with traces and one run without, whose figures are known.
fn runs() -> Workplace {
    let place = Workplace::new();
    let curves = [("a-0", "local --seed 0", [0.5, 0.25]), ("a-1", "local --seed 1", [0.7, 0.35]), ("b", "none", [0.9, 0.8])];
    for (name, options, losses) in curves {
        place.ostl(&format!("train tiny.toml --quiet --out {name} --set method.carry={options}")).succeeded();
        let rows =
            losses.map(|loss| format!("{},0.01,1,{loss},0.5,1.5,1,10", losses.iter().position(|l| *l == loss).unwrap() + 1));
        let head = "epoch,learning_rate,train_loss,valid_loss,valid_accuracy,seconds,steps_per_second,steps";
        fs::write(place.path(&format!("{name}/metrics.csv")), format!("{head}\n{}\n", rows.join("\n"))).unwrap();
    }
    place
}

#[test]
fn a_picture_has_a_line_a_configuration_and_a_band_for_seeds() {
    let place = runs();
    let said = place.ostl("plot a-0 a-1 b --out curves.svg").succeeded().stdout;
    assert_eq!(said, "curves.svg\n");
    let text = place.read("curves.svg");
    assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"));
    assert_eq!((text.matches("<polygon").count(), text.matches("stroke-width=\"2\"").count()), (1, 2), "{text}");
    assert!(text.contains("carry=local (2 runs)") && text.contains("carry=none") && text.contains("valid_loss"), "{text}");
    place.ostl("plot a-0 --out curves.svg").refused(2, &["curves.svg: is there already", "--force"]);
    assert!(place.read("curves.svg") == text);
    place.ostl("plot a-0 --out curves.svg --force --over seconds --log").succeeded();
    assert!(place.read("curves.svg") != text);
}

/// Dots, three for each unit of the vectors, with letters and the colours of both lines.
#[test]
fn a_name_that_ends_in_png_is_a_picture_of_dots() {
    let place = runs();
    place.ostl("plot a-0 a-1 b --out curves.png").succeeded();
    let file = std::io::BufReader::new(fs::File::open(place.path("curves.png")).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut dots = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut dots).unwrap();
    assert_eq!((info.width, info.height), (2160, 3 * (400 + 2 * 22 + 12)));
    let count = |color: [u8; 3]| dots.chunks_exact(3).filter(|&dot| dot == color).count();
    assert!(count([0, 114, 178]) > 1000 && count([213, 94, 0]) > 1000);
    // Letters, in the legend's place.
    let legend = &dots[3 * 2160 * 3 * 400..];
    let dark = legend.chunks_exact(3).filter(|dot| dot.iter().all(|&part| part < 0x60)).count();
    assert!(dark > 300, "{dark}");
    place.ostl("plot a-0 --out curves.gif").refused(2, &["curves.gif", ".svg or .png"]);
}

#[test]
fn the_shell_gets_letters() {
    let place = runs();
    let said = place.ostl("plot a-0 a-1 b --terminal --over seconds").succeeded().stdout;
    let rows: Vec<&str> = said.lines().collect();
    // Means from 0.3 to 0.6, and 0.9 to 0.8; the lowest of all is 0.25, and four per cent of room.
    assert!(rows[1].starts_with("0.926 |") && rows[18].starts_with("0.224 |"), "{said}");
    assert!(rows[20].contains(" 3 seconds") && said.ends_with("a  carry=local (2 runs)\nb  carry=none\n"), "{said}");
    assert!(said.find('b').unwrap() < said.find("a  ").unwrap());
    assert!(!place.path("curves.svg").exists());
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let place = runs();
    place.ostl("plot a-0 --figure valid_los").refused(2, &["--figure valid_los", "did you mean `valid_loss`?"]);
    place.ostl("plot tiny.toml").refused(2, &["a run is a directory"]);
    fs::write(place.path("b/metrics.csv"), "epoch,valid_loss,steps\n1,-0.5,3\n").unwrap();
    place.ostl("plot b --log --terminal").refused(2, &["b/metrics.csv has -0.5 in valid_loss, which has no logarithm"]);
    fs::write(place.path("b/metrics.csv"), "epoch,valid_loss,steps\n1,NaN,3\n").unwrap();
    let ran = place.ostl("plot b --terminal");
    assert!(ran.status == 2 && ran.stderr.contains("there is nothing to draw"), "{}", ran.stderr);
    let ran = place.ostl("plot a-0 b --terminal").succeeded();
    assert!(ran.stderr.contains("b: left out: it has no valid_loss yet"), "{}", ran.stderr);
}
