//! Which names and directories are like one that was typed.

use super::select::NAME_PREFIX;
use std::path::Path;
use strsim::osa_distance;

/// Longer ones are not compared, which would take its time.
const MAX_LENGTH: usize = 255;

/// How many slips of the hand are between two names, or two paths, if they are few.
pub fn distance(typed: &str, known: &str) -> Option<usize> {
    let [typed, known] = [typed, known].map(str::to_lowercase);
    if typed.starts_with('/') != known.starts_with('/') {
        return None;
    }
    let parts = |path| Some((Path::new(path).parent()?, Path::new(path).file_name()?.to_str()?));
    if let (Some((typed_parent, typed)), Some((known_parent, known))) = (parts(&typed), parts(&known))
        && typed_parent == known_parent
    {
        return distance_of_names(typed, known);
    }
    few_slips(&typed, &known)
}

/// What all names begin with makes none of them like another.
fn distance_of_names(typed: &str, known: &str) -> Option<usize> {
    let short = known.strip_prefix(NAME_PREFIX).unwrap_or(known);
    match typed.strip_prefix(NAME_PREFIX) {
        Some(typed) => few_slips(typed, short),
        None => {
            let whole = few_slips(typed, known).filter(|slips| *slips <= limit(short.len()));
            few_slips(typed, short).into_iter().chain(whole).min()
        }
    }
}

fn few_slips(typed: &str, known: &str) -> Option<usize> {
    let [shorter, longer] = [typed.len().min(known.len()), typed.len().max(known.len())];
    if longer > MAX_LENGTH || longer - shorter > limit(longer) {
        return None;
    }
    let slips = osa_distance(typed, known);
    (slips <= limit(longer) && (slips < shorter || slips == 0)).then_some(slips)
}

fn limit(length: usize) -> usize {
    (length / 3).max(1)
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn a_few_slips_of_the_hand_are_close() {
        for (typed, known, slips) in [
            ("nam", "postfix-name", 1),
            ("clearent", "postfix-clearnet", 1),
            ("postfix-clernet", "postfix-clearnet", 1),
            ("postfix_in", "postfix-in", 1),
            ("psotfix-in", "postfix-in", 1),
            ("in", "postfix-in", 0),
            ("MTA", "mta", 0),
            ("/etc/postfix-inn", "/etc/postfix-in", 1),
            ("/etc/postfix-in/", "/etc/postfix-in", 0),
            ("/ect/postfix-in", "/etc/postfix-in", 1),
            ("/srv/postfix-in", "/etc/postfix-in", 3),
        ] {
            assert_eq!(distance(typed, known), Some(slips), "{typed}, {known}");
        }
    }

    #[test]
    fn what_has_only_the_prefix_or_the_place_in_common_is_not_close() {
        for (typed, known) in [
            ("postfix-x", "postfix-a"),
            ("postfix-nosuch", "postfix-in"),
            ("x", "a"),
            ("", "a"),
            ("postfix", "postfix-in"),
            ("out", "in"),
            ("/etc/postfix-x", "/etc/postfix-a"),
            ("/etc/out", "/etc/postfix"),
            ("etc", "/etc"),
            (&"a".repeat(300), &"a".repeat(300)),
        ] {
            assert_eq!(distance(typed, known), None, "{typed}, {known}");
        }
    }
}
