//! Configurations beyond all reason: they get an answer soon, or a complaint, and never bring the process down.

use postmulti::config::expand::{ExpandError, Lookup, Meaning, expand};
use postmulti::config::main_cf::MainCf;
use postmulti::config::split_list;
use std::borrow::Cow;

struct Known<'a>(MainCf<'a>);

impl Lookup for Known<'_> {
    fn lookup(&self, name: &[u8]) -> Meaning<'_> {
        self.0.get(name).map_or(Meaning::Undefined, |value| Meaning::Value(Cow::Borrowed(value)))
    }
}

/// Expands `$a0` after such a main.cf, as a thread may do it that has a stack of two megabytes.
fn expanded(main_cf: String) -> Result<Vec<u8>, ExpandError> {
    let run = || expand(b"$a0", &Known(MainCf::parse(main_cf.as_bytes())));
    let small = std::thread::Builder::new().stack_size(2 << 20);
    std::thread::scope(|scope| small.spawn_scoped(scope, run).unwrap().join().unwrap())
}

/// `aN = ` with the value for N, for each N.
fn chain(count: usize, value: impl Fn(usize) -> String) -> String {
    (0..count).map(|place| format!("a{place} = {}\n", value(place))).collect()
}

fn is_nesting_complaint(result: &Result<Vec<u8>, ExpandError>) -> bool {
    matches!(result, Err(ExpandError::Syntax(texts)) if texts[0].starts_with(b"unreasonable macro call nesting: "))
}

#[test]
fn values_may_refer_to_each_other_ninety_nine_times() {
    let refer = |place| format!("$a{}", place + 1);
    assert_eq!(expanded(chain(99, refer) + "a99 = end\n"), Ok(b"end".to_vec()));
    assert!(is_nesting_complaint(&expanded(chain(100, refer) + "a100 = end\n")));
}

#[test]
fn conditions_nest_and_are_counted() {
    let nested = |count| format!("a0 = {}x{}\n", "${nosuch:{".repeat(count), "}}".repeat(count));
    assert_eq!(expanded(nested(99)), Ok(b"x".to_vec()));
    assert!(is_nesting_complaint(&expanded(nested(100))));
    assert!(is_nesting_complaint(&expanded(nested(1000))));
    let comparisons = |count| format!("a0 = {}x{}\n", "${{".repeat(count), "}!={x}?{y}:{x}}".repeat(count));
    assert_eq!(expanded(comparisons(100)), Ok(b"x".to_vec()));
    assert_eq!(expanded(comparisons(1000)), Err(ExpandError::TooLarge));
}

#[test]
fn loops_end() {
    for main_cf in ["a0 = $a0", "a0 = $a0$a0", "a0 = $b\nb = ${c}\nc = $(a0)\n", "a0 = ${a0?{$a0}:{$a0}}"] {
        assert!(is_nesting_complaint(&expanded(main_cf.to_owned())), "{main_cf}");
    }
}

#[test]
fn loops_through_a_comparison_end() {
    // The third is as deep between two comparisons as can be.
    for main_cf in [
        "a0 = ${{$a0}=={}?{x}:{y}}".to_owned(),
        "a0 = ${{$b}=={$b}?{x}:{y}}\nb = ${{$a0$a0}=={$a0}?{x}:{y}}".to_owned(),
        chain(45, |place| format!("${{nosuch:{{$a{}}}}}", place + 1)) + "a45 = ${{$a0}=={}?{x}:{y}}\n",
    ] {
        assert_eq!(expanded(main_cf.clone()), Err(ExpandError::TooLarge), "{main_cf}");
    }
}

#[test]
fn what_doubles_a_hundred_times_is_too_large() {
    let doubled = |end: &str| expanded(chain(90, |place| format!("$a{0}$a{0}", place + 1)) + "a90 = " + end);
    assert_eq!(doubled(""), Err(ExpandError::TooLarge));
    assert_eq!(doubled("x"), Err(ExpandError::TooLarge));
    assert_eq!(doubled(&"x".repeat(1 << 20)), Err(ExpandError::TooLarge));
    let compared = chain(90, |place| format!("${{{{$a{0}}}=={{$a{0}}}?{{$a{0}$a{0}}}}}", place + 1)) + "a90 = x\n";
    assert!(expanded(compared).is_err());
}

/// What is read many times over takes long, even if nothing comes of it.
#[test]
fn what_is_passed_over_a_thousand_times_is_too_large() {
    let passed_over = format!("a1 = ${{nosuch?{}}}\n", "x".repeat(1 << 20));
    assert_eq!(expanded("a0 = $a1\n".to_owned() + &passed_over), Ok(Vec::new()));
    assert_eq!(expanded(format!("a0 = {}\n", "$a1".repeat(1000)) + &passed_over), Err(ExpandError::TooLarge));
    let compared = "${{$a1} == {$a1} ? {$a1}}".repeat(300);
    assert_eq!(expanded(format!("a0 = {compared}\n") + &passed_over), Err(ExpandError::TooLarge));
}

#[test]
fn a_line_of_ten_megabytes() {
    let long = "x".repeat(10 << 20);
    assert_eq!(expanded(format!("a0 = {long}$a1\na1 = end\n")).unwrap().len(), long.len() + 3);
    assert!(expanded(format!("a0 = {}\n", "${".repeat(1 << 20))).is_err());
    let orphan = format!(" {long}\n{long}\n");
    assert_eq!(MainCf::parse(orphan.as_bytes()).findings().len(), 2);
}

#[test]
fn a_file_of_a_hundred_megabytes() {
    let line = format!("# {}\na = {}\n  {}\n", "c".repeat(900_000), "v".repeat(50_000), "w".repeat(50_000));
    let file = line.repeat(100);
    let main_cf = MainCf::parse(file.as_bytes());
    assert_eq!(main_cf.get(b"a").map(<[u8]>::len), Some(100_002));
    assert_eq!(main_cf.line_of(b"a"), Some(299));
}

#[test]
fn a_list_of_ten_thousand_directories() {
    let list: String = (0..10_000).map(|number| format!("/etc/postfix-{number},\n  ")).collect();
    let file = format!("multi_instance_directories = {list}\n");
    let main_cf = MainCf::parse(file.as_bytes());
    let directories = main_cf.get(b"multi_instance_directories").unwrap();
    assert_eq!(split_list(directories).count(), 10_000);
    assert_eq!(split_list(directories).last(), Some(&b"/etc/postfix-9999"[..]));
}
