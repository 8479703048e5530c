//! Comparisons in an expression: `${{left} op {right} ? {text} : {text}}`.

use super::braces::head;
use super::expand::ExpandError;
use std::cmp::Ordering;

type Operator = (&'static [u8], fn(Ordering) -> bool);

const OPERATORS: [Operator; 6] = [
    (b"==", Ordering::is_eq),
    (b"!=", Ordering::is_ne),
    (b"<", Ordering::is_lt),
    (b"<=", Ordering::is_le),
    (b">=", Ordering::is_ge),
    (b">", Ordering::is_gt),
];

/// A relational operator, and what it compares.
pub(super) struct Relation<'a> {
    operator: &'a [u8],
    accepts: fn(Ordering) -> bool,
    /// `<=level` compares compatibility levels: numbers with dots.
    levels: bool,
}

impl<'a> Relation<'a> {
    /// Reads an operator, given the text before and after it, and returns it with what follows.
    ///
    /// None is an operator suffix that is not known here. The error is Postfix's complaint.
    pub(super) fn read(left: &[u8], text: &'a [u8]) -> Result<(Option<Relation<'a>>, &'a [u8]), Vec<u8>> {
        let end = text.iter().position(|byte| !b"<>!=?+-*/~&|%".contains(byte)).unwrap_or(text.len());
        let (operator, after) = text.split_at(end);
        let Some((_, accepts)) = OPERATORS.iter().find(|(known, _)| *known == operator) else {
            // The doubled quotes are Postfix's own.
            let known = r#""==" or "!="" or "<"" or "<="" or ">="" or ">" expected at: "..."#.as_bytes();
            return Err([known, left, b"}>>>", head(text), b"\""].concat());
        };
        let end = after.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(after.len());
        let (suffix, after) = after.split_at(end);
        let relation = |levels| Some(Relation { operator, accepts: *accepts, levels });
        match suffix {
            b"" => Ok((relation(false), after)),
            b"level" => Ok((relation(true), after)),
            _ => Ok((None, after)),
        }
    }

    /// The operator, without a suffix.
    pub(super) fn operator(&self) -> &'a [u8] {
        self.operator
    }

    /// Compares two expanded values: as numbers if both are all digits, else by bytes.
    ///
    /// None: these are not plain compatibility levels, so only Postfix can tell. The error is a number too large.
    pub(super) fn holds(&self, left: &[u8], right: &[u8]) -> Result<Option<bool>, ExpandError> {
        let order = if self.levels {
            match (level(left), level(right)) {
                (Some(left), Some(right)) => left.cmp(&right),
                _ => return Ok(None),
            }
        } else if is_number(left) && is_number(right) {
            number(left)?.cmp(&number(right)?)
        } else {
            left.cmp(right)
        };
        Ok(Some((self.accepts)(order)))
    }
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

fn number(text: &[u8]) -> Result<i64, ExpandError> {
    let parsed = std::str::from_utf8(text).ok().and_then(|digits| digits.parse().ok());
    parsed.ok_or_else(|| ExpandError::BadNumber(text.to_vec()))
}

/// A compatibility level, `3`, `3.6` or `3.6.1`, as far as it is written plainly.
fn level(text: &[u8]) -> Option<[u16; 3]> {
    let mut level = [0; 3];
    let parts: Vec<_> = text.split(|byte| *byte == b'.').collect();
    if parts.len() > level.len() {
        return None;
    }
    for (place, part) in level.iter_mut().zip(parts) {
        let digits = Some(part).filter(|part| is_number(part) && part.len() <= 3)?;
        *place = std::str::from_utf8(digits).ok()?.parse().ok()?;
    }
    Some(level)
}
