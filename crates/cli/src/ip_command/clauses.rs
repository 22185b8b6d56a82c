//! Arguments in the format of iproute2: pairs of a keyword and a value, and a value without a keyword.

use std::fmt::Display;

use crate::error_message::ErrorMessage;
use crate::failure::Failure;

/// The arguments of a command.
#[derive(Debug)]
pub(super) struct Clauses<'a>(Vec<(&'static str, &'a str)>);

impl<'a> Clauses<'a> {
    /// Parses arguments. A word that is no keyword is the value of the first keyword.
    pub(super) fn parse(words: &'a [String], keywords: &[&'static str]) -> Result<Clauses<'a>, Failure> {
        let mut clauses = Vec::new();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match keywords.iter().find(|keyword| *keyword == word) {
                Some(keyword) => {
                    let value = words
                        .next()
                        .ok_or_else(|| Failure::new(format!("missing value after '{keyword}'")))?;
                    clauses.push((*keyword, value.as_str()));
                }
                None => clauses.extend(keywords.first().map(|first| (*first, word.as_str()))),
            }
        }
        Ok(Clauses(clauses))
    }

    /// Returns the values of a keyword.
    pub(super) fn all(&self, keyword: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(name, _)| *name == keyword).map(|(_, value)| *value)
    }

    /// Returns the value of a keyword, parsed. Fails if there are several values.
    pub(super) fn one<T>(
        &self,
        keyword: &str,
        parse: impl FnOnce(&'a str) -> Result<T, ErrorMessage>,
    ) -> Result<Option<T>, Failure> {
        let mut values = self.all(keyword);
        let Some(value) = values.next() else { return Ok(None) };
        if let Some(second) = values.next() {
            return Err(Failure::new(format!("unexpected argument '{second}': '{keyword}' is '{value}'")));
        }
        parse(value).map(Some).map_err(|why| invalid(value, keyword, why))
    }
}

/// Returns the failure of a required value that is missing.
pub(super) fn missing(what: impl Display, command: &str) -> Failure {
    Failure::new(format!("missing {what}")).hint(format!("see `tapstack ip {command} --help`"))
}

/// Returns the failure of a value that cannot be parsed.
pub(super) fn invalid(value: &str, keyword: &str, why: ErrorMessage) -> Failure {
    Failure::new(why.context(format!("invalid value '{value}' for '{keyword}'")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Option<String>, String> {
        let words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
        let clauses = Clauses::parse(&words, &["to", "dev"]).map_err(|failure| failure.to_string())?;
        clauses.one("to", |value| Ok(value.to_owned())).map_err(|failure| failure.to_string())
    }

    #[test]
    fn value_without_keyword_belongs_to_first_keyword() {
        for text in ["10.0.0.1 dev tap0", "dev tap0 10.0.0.1", "dev tap0 to 10.0.0.1"] {
            assert_eq!(parsed(text), Ok(Some("10.0.0.1".to_owned())), "{text}");
        }
        assert_eq!(parsed("dev tap0"), Ok(None));
    }

    #[test]
    fn missing_and_second_values_are_refused() {
        assert_eq!(parsed("10.0.0.1 dev"), Err("missing value after 'dev'".to_owned()));
        assert_eq!(parsed("10.0.0.1 via"), Err("unexpected argument 'via': 'to' is '10.0.0.1'".to_owned()));
    }
}
