//! The header of a `.ts` file: tags such as `@classLabel true left right`, one a line.

/// What the header says of the series.
#[derive(Debug, Default)]
pub(super) struct Header {
    /// Channels of a series.
    pub(super) dimensions: Option<usize>,
    pub(super) univariate: Option<bool>,
    pub(super) equal_length: Option<bool>,
    pub(super) series_length: Option<usize>,
    pub(super) answers: Option<Labels>,
    has_target_tag: bool,
    class_label_is_false: bool,
}

/// What stands at the end of a series.
#[derive(Debug, PartialEq)]
pub(super) enum Labels {
    /// One of these.
    Classes(Vec<String>),
    /// A number.
    Value,
}

/// The tags that are known, the last of which ends the header.
const TAGS: [&str; 12] = [
    "@problemName",
    "@timeStamps",
    "@missing",
    "@univariate",
    "@dimension",
    "@dimensions",
    "@equalLength",
    "@seriesLength",
    "@classLabel",
    "@targetLabel",
    "@description",
    "@data",
];

impl Header {
    /// Takes a line of the header in. Says whether it was `@data`, after which the series come.
    pub(super) fn line(&mut self, line: &str) -> Result<bool, String> {
        let mut words = line.split_whitespace();
        let tag = words.next().unwrap_or_default();
        let rest: Vec<&str> = words.collect();
        let flag = || match rest.first().map(|word| word.to_ascii_lowercase()).as_deref() {
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => Err(format!("`{tag} {}`, expected true or false after {tag}", cut(other))),
            None => Err(format!("nothing after {tag}, expected true or false")),
        };
        let number = || {
            let number = rest.first().and_then(|word| word.parse().ok()).filter(|&number: &usize| number > 0);
            number.ok_or_else(|| format!("`{}`, expected a whole number from 1 after {tag}", cut(line)))
        };
        match tag.to_ascii_lowercase().as_str() {
            "@timestamps" => {
                if flag()? {
                    return Err("series with time stamps (`@timeStamps true`) are not read: give values at even steps of time, without the \
                                stamps, and `@timeStamps false`"
                        .into());
                }
            }
            "@univariate" => self.univariate = Some(flag()?),
            "@dimensions" | "@dimension" => self.dimensions = Some(number()?),
            "@equallength" => self.equal_length = Some(flag()?),
            // Some files that are of unequal length say 0, or nothing.
            "@serieslength" => self.series_length = number().ok(),
            "@classlabel" => {
                if flag()? {
                    self.answer(Labels::Classes(class_names(&rest[1..])?))?;
                } else {
                    self.class_label_is_false = true;
                }
            }
            "@targetlabel" => {
                self.has_target_tag = true;
                if flag()? {
                    self.answer(Labels::Value)?;
                }
            }
            "@data" => return self.end(),
            "@attribute" | "@relation" => {
                return Err(format!(
                    "`{}` is of another format (ARFF or TSF), expected a `.ts` file of the UCR/UEA archives",
                    cut(tag)
                ));
            }
            other if !other.starts_with('@') => {
                return Err(format!(
                    "`{}` before `@data`, expected a tag such as `@classLabel true left right`, or `@data` and then the series",
                    cut(line)
                ));
            }
            other => {
                if let Some(meant) = meant(other) {
                    return Err(format!("unknown tag `{}`, did you mean {meant}?", cut(tag)));
                }
            }
        }
        Ok(false)
    }

    fn answer(&mut self, labels: Labels) -> Result<(), String> {
        match &self.answers {
            None => {
                self.answers = Some(labels);
                Ok(())
            }
            Some(_) => {
                Err("a second tag that says what stands at the end of a series: keep one of @classLabel and @targetLabel"
                    .into())
            }
        }
    }

    fn end(&self) -> Result<bool, String> {
        if self.answers.is_none() {
            return Err(if self.class_label_is_false || self.has_target_tag {
                "series without labels (`@classLabel false`): there is nothing to learn; give each series its class or value at its end, and \
                 `@classLabel true NAME NAME …` or `@targetLabel true`"
                    .into()
            } else {
                "no `@classLabel` or `@targetLabel` in the header, expected one, such as `@classLabel true left right`"
                    .into()
            });
        }
        if let (Some(true), Some(channels @ 2..)) = (self.univariate, self.dimensions) {
            return Err(format!("`@univariate true` and `@dimensions {channels}` contradict each other: correct one"));
        }
        Ok(true)
    }
}

fn class_names(words: &[&str]) -> Result<Vec<String>, String> {
    if words.is_empty() {
        return Err(
            "no names after `@classLabel true`, expected those of all classes, such as `@classLabel true left right`".into(),
        );
    }
    if let Some((at, name)) = words.iter().enumerate().find(|(at, name)| words[..*at].contains(name)) {
        return Err(format!("the class `{}` comes twice after @classLabel, as number {at} too: keep one", cut(name)));
    }
    Ok(words.iter().map(|&name| name.to_owned()).collect())
}

/// The known tag that is spelt almost so.
fn meant(tag: &str) -> Option<&'static str> {
    let distance = |known: &&&str| strsim::damerau_levenshtein(&known.to_ascii_lowercase(), tag);
    TAGS.iter().min_by_key(distance).filter(|known| (1..=2).contains(&distance(known))).copied()
}

/// A piece of a line, short enough for a message.
pub(super) fn cut(text: &str) -> String {
    let shown: String = text.chars().take(40).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(40).is_some() { format!("{shown}…") } else { shown }
}
