//! Expansion of `$name` and of the conditional forms in a parameter value (postconf(5)).
//!
//! The grammar, as Postfix reads it:
//!
//! ```text
//! $name  ${name}  $(name)              the value of name, expanded; nothing if it is undefined
//! ${name?text}  ${name?{text}}         text if the value of name is not empty
//! ${name:text}  ${name:{text}}         text if it is empty or undefined
//! ${name?{text}:{text}}                one or the other
//! ${{text} == {text} ? {text} : {text}}  likewise, after a comparison: == != < <= >= >
//! $$                                   a dollar
//! ```

use super::braces::{head, is_name, left_curly, split_balanced, split_reference};
use super::relation::Relation;
use super::without_blanks;
use std::borrow::Cow;
use thiserror::Error;

/// How deep a value may refer to values, as in Postfix.
const MAX_LEVEL: usize = 100;
/// In Postfix each side of a comparison counts its levels anew; a loop through one must end all the same, and
/// before the stack of a thread does.
const MAX_DEPTH: usize = 300;
/// No honest value refers to so many others; one that doubles itself a hundred times does.
const MAX_REFERENCES: usize = 100_000;
/// And none is made of so much text, in bytes, also counting what is read and comes to nothing.
const MAX_TEXT: usize = 32 << 20;

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning<'a> {
    /// A value, not yet expanded.
    Value(Cow<'a, [u8]>),
    /// Nothing: the name is undefined.
    Undefined,
    /// Not known here; only Postfix itself can tell.
    Unknown,
}

/// Tells what a parameter name stands for.
pub trait Lookup {
    fn lookup(&self, name: &[u8]) -> Meaning<'_>;
}

/// Why a value cannot be expanded.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ExpandError {
    /// A syntax error. Each complaint is in Postfix's words and quotes the place, in bytes as they stand in the file.
    #[error("{}", show(.0))]
    Syntax(Vec<Vec<u8>>),
    /// A number that is too large to be compared. In bytes, as it stands in the file.
    #[error("mac_exp_eval: bad conversion: {}", String::from_utf8_lossy(.0))]
    BadNumber(Vec<u8>),
    /// The value depends on something that only the installed Postfix knows.
    #[error("only the installed Postfix knows the meaning of \"{}\"", String::from_utf8_lossy(.0))]
    Unknown(Vec<u8>),
    /// The value grows beyond all reason, because values refer to each other many times over.
    #[error("values refer to each other more often than can be meant")]
    TooLarge,
}

fn show(complaints: &[Vec<u8>]) -> String {
    let complaints: Vec<_> = complaints.iter().map(|text| String::from_utf8_lossy(text)).collect();
    complaints.join("; ")
}

/// Expands a value: bytes as they stand in the file in, what Postfix uses out.
pub fn expand(value: &[u8], lookup: &dyn Lookup) -> Result<Vec<u8>, ExpandError> {
    if memchr::memchr(b'$', value).is_none() {
        return Ok(value.to_vec());
    }
    let mut expansion = Expansion::new(lookup, 0);
    expansion.text(value)?;
    expansion.finish()
}

/// Expands a value to text for another main.cf, where it means the same as it does here.
///
/// Each `$` of the result is doubled. A plain reference to an undefined name stays as it stands.
pub fn expand_to_text(value: &[u8], lookup: &dyn Lookup) -> Result<Vec<u8>, ExpandError> {
    let mut expansion = Expansion::new(lookup, 0);
    expansion.as_text = true;
    expansion.text(value)?;
    expansion.finish()
}

/// A text in which each `$` is doubled, so that it stands for itself in a value.
pub fn escaped(text: &[u8]) -> Vec<u8> {
    text.iter().flat_map(|byte| std::iter::repeat_n(*byte, if *byte == b'$' { 2 } else { 1 })).collect()
}

/// A value, None if it is undefined, and the text after it, from the `?` or `:` on.
type Condition<'a, 't> = (Option<Cow<'a, [u8]>>, &'t [u8]);

/// A syntax error has been noted in `complaints`, or something ended the whole expansion.
type Step = Result<(), ExpandError>;

struct Expansion<'a> {
    lookup: &'a dyn Lookup,
    /// The result is text for a main.cf, not a value.
    as_text: bool,
    result: Vec<u8>,
    level: usize,
    /// The levels around this side of a comparison.
    outer: usize,
    references: usize,
    /// How much text was taken apart so far, in bytes: time and memory are in proportion to it.
    taken_apart: usize,
    /// Syntax errors so far. After the first, nothing more is looked up, but Postfix reads on and may find more.
    complaints: Vec<Vec<u8>>,
}

impl<'a> Expansion<'a> {
    fn new(lookup: &'a dyn Lookup, outer: usize) -> Self {
        Expansion {
            lookup,
            as_text: false,
            result: Vec::new(),
            level: 0,
            outer,
            references: 0,
            taken_apart: 0,
            complaints: Vec::new(),
        }
    }

    fn finish(self) -> Result<Vec<u8>, ExpandError> {
        if self.complaints.is_empty() { Ok(self.result) } else { Err(ExpandError::Syntax(self.complaints)) }
    }

    fn complain(&mut self, parts: &[&[u8]]) {
        self.complaints.push(parts.concat());
    }

    /// Takes text apart into literal runs and references.
    fn text(&mut self, text: &[u8]) -> Step {
        self.taken_apart += text.len();
        if self.taken_apart > MAX_TEXT {
            return Err(ExpandError::TooLarge);
        }
        let mut literal = Vec::new();
        let mut rest = text;
        while let Some((&byte, after)) = rest.split_first() {
            if byte != b'$' {
                let run = memchr::memchr(b'$', rest).unwrap_or(rest.len());
                literal.extend_from_slice(&rest[..run]);
                rest = &rest[run..];
            } else if let Some(after) = after.strip_prefix(b"$") {
                literal.push(b'$');
                rest = after;
            } else {
                if !literal.is_empty() {
                    self.literal(&std::mem::take(&mut literal))?;
                }
                let braced = matches!(after.first(), Some(b'(' | b'{'));
                let Some((reference, after)) = split_reference(after) else {
                    self.complain(&[b"truncated macro reference: \"", text, b"\""]);
                    return Ok(());
                };
                // After a complaint Postfix reads no braces any more, but it does read plain names.
                if braced && !self.complaints.is_empty() {
                    return Ok(());
                }
                if reference.is_empty() {
                    self.complain(&[b"empty macro name: \"", text, b"\""]);
                    return Ok(());
                }
                self.reference(reference, &rest[..rest.len() - after.len()])?;
                rest = after;
            }
        }
        if !literal.is_empty() && self.complaints.is_empty() {
            self.literal(&literal)?;
        }
        Ok(())
    }

    /// Goes one level down. False if that must not be, because of the depth or of an earlier syntax error.
    fn descend(&mut self, text: &[u8]) -> Result<bool, ExpandError> {
        self.references += 1;
        self.level += 1;
        let depth = self.outer + self.level;
        if depth > MAX_DEPTH || self.references > MAX_REFERENCES {
            return Err(ExpandError::TooLarge);
        }
        if self.level > MAX_LEVEL + 1 {
            self.complain(&[b"unreasonable macro call nesting: \"", text, b"\""]);
        }
        Ok(self.complaints.is_empty())
    }

    fn literal(&mut self, text: &[u8]) -> Step {
        if self.descend(text)? {
            if self.as_text {
                self.result.extend(escaped(text));
            } else {
                self.result.extend_from_slice(text);
            }
            self.level -= 1;
        }
        Ok(())
    }

    /// Expands `text`, which stands between the braces or after the dollar. `whole` is the reference with its dollar.
    fn reference(&mut self, text: &[u8], whole: &[u8]) -> Step {
        if !self.descend(text)? {
            return Ok(());
        }
        let condition = if let Some(braced) = left_curly(text) { self.comparison(braced)? } else { self.name(text)? };
        match condition {
            None => return Ok(()),
            Some((None, [])) if self.as_text => self.result.extend_from_slice(whole),
            Some((value, [])) => {
                if let Some(value) = value.filter(|value| !value.is_empty()) {
                    self.text(&value)?;
                }
            }
            Some((value, rest)) => {
                let holds = value.is_some_and(|value| !value.is_empty());
                self.choice(holds, rest)?;
            }
        }
        self.level -= 1;
        Ok(())
    }

    /// Reads `name`, looks it up, and returns its value (not expanded) with the rest, from the `?` or `:` on.
    fn name<'t>(&mut self, text: &'t [u8]) -> Result<Option<Condition<'a, 't>>, ExpandError> {
        let start = without_blanks(text);
        let end = start.iter().position(|byte| !is_name(*byte)).unwrap_or(start.len());
        let (name, after) = start.split_at(end);
        let rest = without_blanks(after);
        match rest.first() {
            None | Some(b'?' | b':') => {}
            // A function call, or a syntax error: that depends on the version of Postfix.
            Some(b'{') if !name.is_empty() => return Err(ExpandError::Unknown(text.to_vec())),
            Some(_) => {
                let before = &text[..text.len() - after.len()];
                self.complain(&[b"attribute name syntax error at: \"...", before, b">>>", head(after), b"\""]);
                return Ok(None);
            }
        }
        match self.lookup.lookup(name) {
            Meaning::Value(value) => Ok(Some((Some(value), rest))),
            Meaning::Undefined => Ok(Some((None, rest))),
            Meaning::Unknown => Err(ExpandError::Unknown(name.to_vec())),
        }
    }

    /// Reads `{text} op {text}`, and returns its truth (as text that is empty or not) with the rest.
    fn comparison<'t>(&mut self, text: &'t [u8]) -> Result<Option<Condition<'a, 't>>, ExpandError> {
        let Some((left, after_left)) = self.payload(text) else { return Ok(None) };
        let relation = match Relation::read(left, after_left) {
            Ok((relation, after)) => relation.map(|relation| (relation, after)),
            Err(complaint) => {
                self.complaints.push(complaint);
                return Ok(None);
            }
        };
        let Some((relation, after_relation)) = relation else {
            return Err(ExpandError::Unknown(text.to_vec()));
        };
        let Some(braced) = left_curly(after_relation) else {
            let operator = relation.operator();
            let place: [&[u8]; 7] =
                [b"\"{expression}\" expected at: \"...{", left, b"} ", operator, b">>>", head(after_relation), b"\""];
            self.complain(&place);
            return Ok(None);
        };
        let Some((right, rest)) = self.payload(braced) else { return Ok(None) };
        let (left, right) = (self.operand(left)?, self.operand(right)?);
        // Postfix compares even what it has complained of, and a number that is too large ends it at once.
        let holds = relation.holds(&left, &right)?;
        if !self.complaints.is_empty() {
            return Ok(None);
        }
        let Some(holds) = holds else { return Err(ExpandError::Unknown(text.to_vec())) };
        let truth: &[u8] = if holds { b"true" } else { b"" };
        if !matches!(rest.first(), None | Some(b'?' | b':')) {
            self.complain(&[b"\"?\" or \":\" expected at: \"...}>>>", head(rest), b"\""]);
            return Ok(None);
        }
        Ok(Some((Some(Cow::Borrowed(truth)), rest)))
    }

    /// Expands one side of a comparison, which counts its levels on its own.
    fn operand(&mut self, text: &[u8]) -> Result<Vec<u8>, ExpandError> {
        let mut operand = Expansion::new(self.lookup, self.outer + self.level);
        (operand.references, operand.taken_apart) = (self.references, self.taken_apart);
        operand.text(text)?;
        (self.references, self.taken_apart) = (operand.references, operand.taken_apart);
        self.complaints.append(&mut operand.complaints);
        Ok(operand.result)
    }

    /// Reads what follows a condition, from its `?` or `:` on, and expands the text that is chosen.
    fn choice(&mut self, holds: bool, text: &[u8]) -> Step {
        let mut rest = text;
        if let Some(after) = rest.strip_prefix(b"?") {
            let Some((chosen, after)) = self.operand_text(after) else { return Ok(()) };
            if holds {
                self.text(chosen)?;
            }
            if after.is_empty() {
                return Ok(());
            }
            if !after.starts_with(b":") {
                self.complain(&[b"\":\" expected at: \"...", chosen, b"}>>>", head(after), b"\""]);
                return Ok(());
            }
            rest = after;
        }
        let Some((chosen, after)) = self.operand_text(&rest[1..]) else { return Ok(()) };
        if !holds {
            self.text(chosen)?;
        }
        if !after.is_empty() {
            self.complain(&[b"unexpected input at: \"...", chosen, b"}>>>", head(after), b"\""]);
        }
        Ok(())
    }

    /// The text after a `?` or `:`, and what follows it. Without braces it runs to the end.
    fn operand_text<'t>(&mut self, text: &'t [u8]) -> Option<(&'t [u8], &'t [u8])> {
        match left_curly(text) {
            Some(braced) => self.payload(braced),
            None => Some((text, b"")),
        }
    }

    /// What stands between a `{`, with which the text begins, and its `}`; and what follows, less blanks.
    fn payload<'t>(&mut self, text: &'t [u8]) -> Option<(&'t [u8], &'t [u8])> {
        let Some((payload, rest)) = split_balanced(&text[1..], b'{', b'}') else {
            self.complain(&[b"unbalanced {} in attribute expression: \"", text, b"\""]);
            return None;
        };
        Some((payload, without_blanks(rest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Defined;

    impl Lookup for Defined {
        fn lookup(&self, name: &[u8]) -> Meaning<'_> {
            match name {
                b"base" => Meaning::Value(Cow::Borrowed(b"/usr$$x")),
                b"outer" => Meaning::Value(Cow::Borrowed(b"$base/$nosuch")),
                _ => Meaning::Undefined,
            }
        }
    }

    #[test]
    fn text_for_another_main_cf_keeps_dollars_and_undefined_names() {
        for (value, text) in [
            ("${base}/sbin", "/usr$$x/sbin"),
            ("$$a$nosuch${nosuch}$(nosuch)", "$$a$nosuch${nosuch}$(nosuch)"),
            ("${outer}$base", "/usr$$x/$nosuch/usr$$x"),
            ("${nosuch?{a}:{$base}}", "/usr$$x"),
            ("${{$nosuch} == {} ? {$base}}", "/usr$$x"),
        ] {
            assert_eq!(expand_to_text(value.as_bytes(), &Defined).unwrap(), text.as_bytes(), "{value}");
        }
    }
}
