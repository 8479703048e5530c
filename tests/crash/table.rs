//! What was found, in numbers, for people to read.

use crate::actions::{ACTIONS, Action};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// A row of numbers for each action, and their sums.
pub struct Table {
    title: &'static str,
    columns: &'static [&'static str],
    /// By the place of the action among all.
    rows: Mutex<BTreeMap<usize, Vec<usize>>>,
}

impl Table {
    pub fn new(title: &'static str, columns: &'static [&'static str]) -> Table {
        Table { title, columns, rows: Mutex::default() }
    }

    /// Notes the numbers of an action, as many as there are columns.
    pub fn add(&self, action: &Action, numbers: &[usize]) {
        let place = ACTIONS.iter().position(|other| other.name == action.name).unwrap_or_default();
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).insert(place, numbers.to_owned());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.is_empty() {
            return Ok(());
        }
        writeln!(formatter, "\n{}", self.title)?;
        let mut line = |name: &str, fields: Vec<String>| {
            let fields: String =
                self.columns.iter().zip(fields).map(|(column, field)| format!("  {field:>0$}", column.len())).collect();
            writeln!(formatter, "{name:<16}{fields}")
        };
        line("", self.columns.iter().map(ToString::to_string).collect())?;
        let words = |numbers: &[usize]| numbers.iter().map(usize::to_string).collect();
        for (place, numbers) in &*rows {
            line(ACTIONS[*place].name, words(numbers))?;
        }
        let sum = |column| rows.values().map(|numbers| numbers[column]).sum::<usize>();
        line("all", words(&(0..self.columns.len()).map(sum).collect::<Vec<_>>()))
    }
}
