//! Making an input smaller when a judgement is dear, but not much dearer for many inputs at once.

/// How often many inputs are judged.
const MAX_STEPS: usize = 60;

/// Leaves out of a failing input what has nothing to do with it. `fails` tells of each candidate whether it fails, too.
pub fn shrink(mut input: Vec<u8>, fails: impl Fn(&[Vec<u8>]) -> Vec<bool>) -> Vec<u8> {
    let mut size = input.len().div_ceil(2);
    for _ in 0..MAX_STEPS {
        if size == 0 {
            break;
        }
        let starts = (0..input.len()).step_by(size);
        let without = |start: usize| [&input[..start], &input[input.len().min(start + size)..]].concat();
        let candidates: Vec<_> = starts.map(without).collect();
        match fails(&candidates).iter().position(|fails| *fails) {
            Some(place) => input = candidates.into_iter().nth(place).unwrap_or_default(),
            None => size /= 2,
        }
        size = size.min(input.len());
    }
    input
}
