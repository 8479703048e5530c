//! What the name of a queue file tells.

use std::time::{Duration, SystemTime};

/// The digits of long queue IDs, lowest first: no vowels, so that no words come of it.
const DIGITS: &[u8; 52] = b"0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";

/// How many digits there are of the microseconds. Those of the seconds come before them: as many as it takes, but six.
const MICROSECONDS: usize = 4;
const MIN_SECONDS: usize = 6;

/// The digits of the microseconds in a short queue ID.
const SHORT_MICROSECONDS: usize = 5;

/// What stands between the time and the number of the file.
const SEPARATOR: u8 = b'z';

/// When a file was made that has a long queue ID (`enable_long_queue_ids`); None for any other name.
pub fn made(name: &[u8]) -> Option<SystemTime> {
    let time = &name[..name.iter().rposition(|digit| *digit == SEPARATOR)?];
    let (seconds, microseconds) = time.split_at_checked(time.len().checked_sub(MICROSECONDS)?)?;
    if seconds.len() < MIN_SECONDS
        || !name.iter().all(|digit| DIGITS.contains(digit))
        || number(microseconds)? >= 1_000_000
    {
        return None;
    }
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(number(seconds)?))
}

/// Returns true if Postfix may give a queue file this name: a long queue ID, or a short one, which consists of five digits
/// of microseconds and the number of the file, in hexadecimal.
pub fn is_queue_id(name: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(byte);
    (name.len() > SHORT_MICROSECONDS && name.iter().all(is_digit)) || made(name).is_some()
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0u64, |number, digit| {
        let value = DIGITS.iter().position(|known| known == digit)?;
        number.checked_mul(DIGITS.len() as u64)?.checked_add(value as u64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(name: &[u8]) -> Option<u64> {
        Some(made(name)?.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs())
    }

    #[test]
    fn a_long_queue_id_tells_the_time() {
        // So the real Postfix named two messages, and said of them that they came.
        assert_eq!(seconds(b"4jX0r06Hp6z1L"), Some(1_795_285_232));
        assert_eq!(seconds(b"4jX0r36DkRz1X"), Some(1_795_285_235));
    }

    #[test]
    fn queue_ids_are_known_by_their_digits() {
        for name in ["4jX0r06Hp6z1L", "3A5B2120F", "0A12F9"] {
            assert!(is_queue_id(name.as_bytes()), "{name}");
        }
        for name in ["", "4cXyZ", "ABCDE", "3a5b2120f", "notes", "ssl-cert-snakeoil.key"] {
            assert!(!is_queue_id(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn no_other_name_does() {
        for name in [
            &b""[..],
            b"z",
            b"3A5B2120F",
            b"zzzzzzzzz",
            b"4jX0r06Hp6",
            b"4jX006Hp6z1L",
            b"core-dump.tar.gzz",
            b"zzzzzzzzzzzzzzzzzz",
        ] {
            assert_eq!(seconds(name), None, "{}", name.escape_ascii());
        }
    }
}
