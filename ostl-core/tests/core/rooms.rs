//! The crate is a row of rooms, in the order in which `lib.rs` names them, and each uses only those before it: checked in the sources
//! themselves, tests within them included. Comments may point anywhere.

use std::fs;
use std::path::{Path, PathBuf};

/// A use of another room where it must not be, and in which line.
#[derive(Debug, PartialEq)]
struct Wrong {
    line: usize,
    from: String,
    to: String,
}

/// What a source is made of, as far as paths go: names, `::`, and single signs.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Colons,
    Sign(char),
}

/// The source without comments and texts.
fn tokens(source: &str) -> Vec<(usize, Token)> {
    let signs: Vec<char> = source.chars().collect();
    let (mut tokens, mut line, mut at) = (Vec::new(), 1, 0);
    let starts = |at: usize, word: &str| word.chars().enumerate().all(|(i, sign)| signs.get(at + i) == Some(&sign));
    while at < signs.len() {
        let begin = at;
        if starts(at, "//") {
            while at < signs.len() && signs[at] != '\n' {
                at += 1;
            }
        } else if starts(at, "/*") {
            let mut depth = 0;
            loop {
                depth += i32::from(starts(at, "/*")) - i32::from(starts(at, "*/"));
                at += if starts(at, "/*") || starts(at, "*/") { 2 } else { 1 };
                if depth == 0 || at >= signs.len() {
                    break;
                }
            }
        } else if let Some(hashes) = raw_text(&signs[at..]) {
            let end: String = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
            at += 2 + hashes;
            while at < signs.len() && !starts(at, &end) {
                at += 1;
            }
            at += end.len();
        } else if signs[at] == '"' {
            at += 1;
            while at < signs.len() && signs[at] != '"' {
                at += if signs[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
        } else if signs[at] == '\'' && signs.get(at + 1) == Some(&'\\') {
            at += 3;
            while at < signs.len() && signs[at] != '\'' {
                at += 1;
            }
            at += 1;
        } else if signs[at] == '\'' && signs.get(at + 2) == Some(&'\'') {
            at += 3;
        } else if signs[at].is_alphanumeric() || signs[at] == '_' {
            while at < signs.len() && (signs[at].is_alphanumeric() || signs[at] == '_') {
                at += 1;
            }
            tokens.push((line, Token::Name(signs[begin..at].iter().collect())));
        } else if starts(at, "::") {
            at += 2;
            tokens.push((line, Token::Colons));
        } else {
            at += 1;
            if !signs[begin].is_whitespace() {
                tokens.push((line, Token::Sign(signs[begin])));
            }
        }
        line += signs[begin..at.min(signs.len())].iter().filter(|&&sign| sign == '\n').count();
    }
    tokens
}

/// The number of `#` if a raw text begins here.
fn raw_text(signs: &[char]) -> Option<usize> {
    let rest = signs.strip_prefix(&['r'])?;
    let hashes = rest.iter().take_while(|&&sign| sign == '#').count();
    (rest.get(hashes) == Some(&'"')).then_some(hashes)
}

/// Reads a path, or a tree of them in braces, that goes on at `at`: each whole, with the line of its last name. Returns where it ends.
fn paths(tokens: &[(usize, Token)], mut at: usize, prefix: &[String], found: &mut Vec<(usize, Vec<String>)>) -> usize {
    let mut path = prefix.to_vec();
    let mut line = tokens.get(at).map_or(0, |&(line, _)| line);
    loop {
        match tokens.get(at).map(|(_, token)| token) {
            Some(Token::Name(name)) => {
                line = tokens[at].0;
                path.push(name.clone());
                at += 1;
            }
            Some(Token::Sign('*')) => {
                path.push("*".into());
                at += 1;
            }
            Some(Token::Sign('{')) => {
                at += 1;
                while !matches!(tokens.get(at), None | Some((_, Token::Sign('}')))) {
                    at = paths(tokens, at, &path, found).max(at + 1);
                    // What stands behind it: `as name`, and the comma.
                    while !matches!(tokens.get(at), None | Some((_, Token::Sign(',' | '}')))) {
                        at += 1;
                    }
                    at += usize::from(matches!(tokens.get(at), Some((_, Token::Sign(',')))));
                }
                return at + 1;
            }
            _ => break,
        }
        match tokens.get(at) {
            Some((_, Token::Colons)) => at += 1,
            _ => break,
        }
    }
    found.push((line, path));
    at
}

/// Uses of other rooms than those before its own, in a source that stands at this place among the modules.
fn wrong_uses(rooms: &[String], module: &[String], source: &str) -> Vec<Wrong> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    // The modules that are open, and the depth of braces at which each closes.
    let (mut module, mut inner, mut depth) = (module.to_vec(), Vec::new(), 0);
    let mut at = 0;
    while at < tokens.len() {
        let is_start = at == 0 || tokens[at - 1].1 != Token::Colons;
        match &tokens[at].1 {
            Token::Sign('{') => depth += 1,
            Token::Sign('}') => {
                depth -= 1;
                if inner.last() == Some(&depth) {
                    inner.pop();
                    module.pop();
                }
            }
            Token::Name(name) if name == "mod" => {
                if let (Some((_, Token::Name(name))), Some((_, Token::Sign('{')))) = (tokens.get(at + 1), tokens.get(at + 2))
                {
                    module.push(name.clone());
                    inner.push(depth);
                }
            }
            Token::Name(name) if is_start && ["crate", "super", "self", "ostl_core"].contains(&name.as_str()) => {
                let mut all = Vec::new();
                let end = paths(&tokens, at, &[], &mut all);
                found.extend(all.into_iter().filter_map(|(line, path)| wrong(rooms, &module, line, &path)));
                at = end.max(at + 1);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// What is wrong about a path that begins with `crate`, `super` or `self`, if anything is.
fn wrong(rooms: &[String], module: &[String], line: usize, path: &[String]) -> Option<Wrong> {
    let mut whole = module.to_vec();
    for name in path {
        match name.as_str() {
            "crate" | "ostl_core" => whole.clear(),
            "super" => _ = whole.pop(),
            "self" => {}
            name => whole.push(name.to_owned()),
        }
    }
    let is_bare = path.iter().all(|name| ["crate", "super", "self"].contains(&name.as_str()));
    let climbs = path.iter().any(|name| ["crate", "super", "ostl_core"].contains(&name.as_str()));
    let to = whole.first().filter(|_| climbs)?;
    let place = |room: &str| rooms.iter().position(|name| name == room);
    // What is no room is taken through the crate's front door, behind which everything lies.
    let is_right = is_bare || place(to).is_some_and(|to| Some(to) <= place(&module[0]));
    (!is_right).then(|| Wrong { line, from: module[0].clone(), to: to.clone() })
}

/// Every source below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push(path);
        }
    }
    all.sort();
    all
}

/// The rooms in order: the modules that `lib.rs` names.
fn rooms(root: &Path) -> Vec<String> {
    let text = fs::read_to_string(root.join("lib.rs")).unwrap();
    let name = |line: &str| Some(line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';')?.to_owned());
    text.lines().filter_map(name).collect()
}

#[test]
fn every_room_uses_only_those_before_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rooms = rooms(&root);
    let mut problems = Vec::new();
    for path in sources(&root) {
        let place = path.strip_prefix(&root).unwrap().with_extension("");
        let mut module: Vec<String> = place.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
        module.pop_if(|name| name == "mod");
        if module == ["lib"] {
            continue;
        }
        assert!(rooms.contains(&module[0]), "{} is in no room that lib.rs names", path.display());
        for Wrong { line, from, to } in wrong_uses(&rooms, &module, &fs::read_to_string(&path).unwrap()) {
            problems.push(format!("src/{}.rs:{line}: `{from}` uses `{to}`, which is no room before it", place.display()));
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn a_wrong_use_is_found_however_it_is_written() {
    let rooms = ["low", "own", "high"].map(String::from);
    let find = |source: &str| wrong_uses(&rooms, &["own".into(), "part".into()], source);
    let wrong = |line, to: &str| Wrong { line, from: "own".into(), to: to.into() };
    assert_eq!(find("use crate::low::A;\nuse crate::own::B;\nuse super::C;\nuse self::d::E;"), []);
    assert_eq!(find("use crate::low::A;\nuse crate::high::B;"), [wrong(2, "high")]);
    assert_eq!(
        find("pub(crate) use crate::{low::{A, B as C},\n high::{d::E, F}, own};"),
        [wrong(2, "high"), wrong(2, "high")]
    );
    assert_eq!(find("fn f(x: &crate::high::T) -> u8 { crate::low::g() + super::super::high::h() }").len(), 2);
    assert_eq!(find("use super::super::low::A;\nuse super::{super::high::B, c};"), [wrong(2, "high")]);
    assert_eq!(
        find("mod tests {\n use super::*;\n use super::super::c;\n fn f() { super::super::super::high::g() }\n}"),
        [wrong(4, "high")]
    );
    assert_eq!(find("mod a { mod b {} }\nfn f() { super::super::high::g() }"), [wrong(2, "high")]);
    assert_eq!(
        find("// crate::high::A\n/* crate::high /* B */ */ const C: &str = \"crate::high\\\"\"; /// [`crate::high`]"),
        []
    );
    assert_eq!(
        find("const A: [char; 3] = ['\"', '\\'', '{'];\nfn f<'a>(x: &'a str) { x(r#\"crate::high \" \"#, crate::high::B) }"),
        [wrong(2, "high")]
    );
    // The front door, in front of all rooms, is in front of this one.
    assert_eq!(find("use crate::Learner;\nuse ostl_core::Learner;\nuse crate::*;").len(), 3);
    assert_eq!(find("use super::super::Learner;"), [wrong(1, "Learner")]);
}
