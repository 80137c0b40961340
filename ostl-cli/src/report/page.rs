//! The page around everything: head, style, contents. It loads nothing and runs nothing.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::names::counted;

const STYLE: &str = include_str!("style.css");

/// A part of the page with a heading.
pub(super) struct Section {
    title: String,
    anchor: String,
    body: Markup,
}

pub(super) fn section(title: &str, anchor: &str, body: Markup) -> Section {
    Section { title: title.to_owned(), anchor: anchor.to_owned(), body }
}

/// `9 runs on store-recall`.
pub(super) fn title(tasks: &[&str], runs: usize) -> String {
    format!("{} on {}", counted(runs, "run"), tasks.join(", "))
}

pub(super) fn page(title: &str, sections: &[Section]) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(concat!("ostl ", env!("CARGO_PKG_VERSION")));
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (title) }
                    nav { @for section in sections { a href=(format!("#{}", section.anchor)) { (section.title) } } }
                    @for section in sections {
                        section id=(section.anchor) {
                            h2 { (section.title) }
                            (section.body)
                        }
                    }
                }
            }
        }
    };
    page.into_string()
}
