//! Errors with a hint.

use std::fmt;

/// An error, and what to type next: advice for a person at a terminal.
#[derive(Debug)]
pub struct Hinted {
    error: anyhow::Error,
    hint: String,
}

impl fmt::Display for Hinted {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{:#}", self.error)
    }
}

impl std::error::Error for Hinted {}

impl Hinted {
    /// Separates an error from its hint.
    pub fn split(error: anyhow::Error) -> (anyhow::Error, Option<String>) {
        match error.downcast() {
            Ok(Hinted { error, hint }) => (error, Some(hint)),
            Err(error) => (error, None),
        }
    }
}

/// Adds a hint to an error, if there is one and the error has none yet.
pub fn hinted(error: impl Into<anyhow::Error>, hint: Option<String>) -> anyhow::Error {
    let error = error.into();
    match hint {
        Some(hint) if !error.is::<Hinted>() => Hinted { error, hint }.into(),
        _ => error,
    }
}

/// Adds a hint to an error, where its cause is known.
pub trait Hint<T, E> {
    /// Adds the hint, if there is one and the error has none yet.
    fn hint(self, hint: impl FnOnce(&E) -> Option<String>) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> Hint<T, E> for Result<T, E> {
    fn hint(self, hint: impl FnOnce(&E) -> Option<String>) -> anyhow::Result<T> {
        self.map_err(|error| {
            let hint = hint(&error);
            hinted(error, hint)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn the_first_hint_stays_and_the_message_is_that_of_the_error() {
        let failed = Err::<(), _>(anyhow!("cause").context("message"));
        let error = failed.hint(|_| None).hint(|_| Some("first".into())).hint(|_| Some("second".into())).unwrap_err();
        assert_eq!(format!("{error:#}"), "message: cause");
        let (error, hint) = Hinted::split(error);
        assert_eq!((format!("{error:#}"), hint.as_deref()), ("message: cause".into(), Some("first")));
        assert_eq!(Hinted::split(anyhow!("message")).1, None);
    }
}
