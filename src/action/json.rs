//! JSON as postmulti(1) prints it.

/// A value. Text is bytes: those above ASCII stand for themselves, so where they are not UTF-8, neither is the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    Null,
    Boolean(bool),
    Number(u64),
    Text(&'a [u8]),
    List(Vec<Value<'a>>),
    Object(Vec<(&'static str, Value<'a>)>),
}

impl Value<'_> {
    /// Appends the value, without a newline, and with blanks where the original has them.
    pub fn write(&self, text: &mut Vec<u8>) {
        match self {
            Value::Null => text.extend_from_slice(b"null"),
            Value::Boolean(value) => text.extend_from_slice(if *value { b"true" } else { b"false" }),
            Value::Number(value) => text.extend_from_slice(value.to_string().as_bytes()),
            Value::Text(value) => string(value, text),
            Value::List(values) => {
                let items = values.iter().map(|value| move |text: &mut Vec<u8>| value.write(text));
                within(b'[', b']', items, text);
            }
            Value::Object(members) => {
                let members = members.iter().map(|(key, value)| {
                    move |text: &mut Vec<u8>| {
                        string(key.as_bytes(), text);
                        text.extend_from_slice(b": ");
                        value.write(text);
                    }
                });
                within(b'{', b'}', members, text);
            }
        }
    }
}

fn within(open: u8, close: u8, items: impl Iterator<Item = impl FnOnce(&mut Vec<u8>)>, text: &mut Vec<u8>) {
    text.push(open);
    for (index, item) in items.enumerate() {
        if index > 0 {
            text.push(b',');
        }
        item(text);
    }
    text.push(close);
}

fn string(value: &[u8], text: &mut Vec<u8>) {
    text.push(b'"');
    for &byte in value {
        match byte {
            b'"' | b'\\' => text.extend_from_slice(&[b'\\', byte]),
            b'\x08' => text.extend_from_slice(b"\\b"),
            b'\x0c' => text.extend_from_slice(b"\\f"),
            b'\n' => text.extend_from_slice(b"\\n"),
            b'\r' => text.extend_from_slice(b"\\r"),
            b'\t' => text.extend_from_slice(b"\\t"),
            control if control.is_ascii_control() => text.extend_from_slice(format!("\\u{control:04X}").as_bytes()),
            other => text.push(other),
        }
    }
    text.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::Value::*;

    #[test]
    fn values_are_written_in_one_line() {
        let value = Object(vec![
            ("a", List(vec![Null, Boolean(true), Number(7)])),
            ("b", Object(vec![("c", Text(b"\"\x01\xff"))])),
        ]);
        let mut text = Vec::new();
        value.write(&mut text);
        assert_eq!(text, b"{\"a\": [null,true,7],\"b\": {\"c\": \"\\\"\\u0001\xff\"}}");
        assert_eq!(
            {
                text.clear();
                List(vec![]).write(&mut text);
                text
            },
            b"[]"
        );
    }
}
