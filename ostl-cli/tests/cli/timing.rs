//! What is timed, and how it is printed.

use crate::support::Workplace;

#[test]
fn steps_of_a_stream_are_timed_by_size_streams_window_and_carry() {
    let place = Workplace::new();
    let ran = place.ostl("bench --online --quick --cells lru --sizes small --json").succeeded();
    let rows: Vec<serde_json::Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = rows.iter().map(|row| format!("{} {} {}", row["streams"], row["window"], row["carry"])).collect();
    let expected = [
        r#"1 1 "none""#,
        r#"1 1 "local""#,
        r#"1 20 "none""#,
        r#"1 20 "local""#,
        r#"16 1 "none""#,
        r#"16 1 "local""#,
        r#"16 20 "none""#,
        r#"16 20 "local""#,
    ];
    assert_eq!(names, expected);
    for row in &rows {
        assert!(row["us"].as_f64() > Some(0.0) && row["threads"] == 1, "{row}");
        assert_eq!(row["window"] == 1, row["of_pass"].as_f64() > Some(0.0), "{row}");
    }
    let ran = place.ostl("bench --online --quick --cells lru --sizes small").succeeded();
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 11, "{}", ran.stdout);
    assert!(lines[2].starts_with("cell  size    B") && lines[2].ends_with("K=20 layer"), "{}", ran.stdout);
    assert!(lines[10].starts_with("lru   small  16") && lines[10].ends_with('–'), "{}", ran.stdout);
}
