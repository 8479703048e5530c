//! In which order instances get their command, and which of them at the same time.

use indexmap::IndexMap;
use std::collections::BTreeSet;
use std::hash::Hash;

/// Who may begin next. Instances are numbers here, from 0, in their order.
///
/// The members of a group go one after the other, in their order; all others go side by side. Whenever there is a choice
/// the first one goes first, so that of all that have not ended the first is always running, if anyone is.
#[derive(Debug)]
pub struct Schedule {
    /// Those that wait for nothing but a free place.
    ready: BTreeSet<usize>,
    /// Who comes after each one in its group.
    next: Vec<Option<usize>>,
    running: usize,
    limit: usize,
}

impl Schedule {
    /// For each instance its group, if it is in one; so many may run at once, one at least.
    pub fn new<G: Hash + Eq>(groups: impl IntoIterator<Item = Option<G>>, limit: usize) -> Schedule {
        let (mut ready, mut next) = (BTreeSet::new(), Vec::new());
        let mut last_of_group = IndexMap::new();
        for (instance, group) in groups.into_iter().enumerate() {
            match group.and_then(|group| last_of_group.insert(group, instance)) {
                Some(before) => next[before] = Some(instance),
                None => drop(ready.insert(instance)),
            }
            next.push(None);
        }
        Schedule { ready, next, running: 0, limit: limit.max(1) }
    }

    /// The next one to begin, if one may: it counts as running from now on.
    pub fn begin(&mut self) -> Option<usize> {
        if self.running >= self.limit {
            return None;
        }
        let instance = self.ready.pop_first()?;
        self.running += 1;
        Some(instance)
    }

    /// It has ended, however it did.
    pub fn end(&mut self, instance: usize) {
        self.running -= 1;
        self.ready.extend(self.next[instance].take());
    }

    /// It cannot begin beside so many others: it gets another try, and from now on no more run than run now.
    ///
    /// False: there are no others that are running.
    pub fn postpone(&mut self, instance: usize) -> bool {
        if self.running == 1 {
            return false;
        }
        self.running -= 1;
        self.limit = self.running;
        self.ready.insert(instance)
    }

    /// No other begins from now on.
    pub fn stop(&mut self) {
        self.ready.clear();
        self.next.fill(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn one_at_a_time_goes_in_order() {
        let mut schedule = Schedule::new([Some("a"), None, Some("a"), Some("b"), None, Some("a")], 1);
        for expected in 0..6 {
            assert_eq!(schedule.begin(), Some(expected));
            assert_eq!(schedule.begin(), None);
            schedule.end(expected);
        }
        assert_eq!(schedule.begin(), None);
    }

    #[test]
    fn groups_go_side_by_side_and_their_members_do_not() {
        let mut schedule = Schedule::new([Some("a"), Some("a"), Some("b"), None, None, Some("b")], 4);
        let begun: Vec<_> = std::iter::from_fn(|| schedule.begin()).collect();
        assert_eq!(begun, [0, 2, 3, 4]);
        schedule.end(2);
        assert_eq!(schedule.begin(), Some(5));
        schedule.end(0);
        assert_eq!(schedule.begin(), Some(1));
    }

    #[test]
    fn nobody_begins_after_the_stop() {
        let mut schedule = Schedule::new([Some("a"), Some("a"), None], 1);
        assert_eq!(schedule.begin(), Some(0));
        schedule.stop();
        schedule.end(0);
        assert_eq!(schedule.begin(), None);
    }

    #[test]
    fn who_cannot_begin_beside_others_begins_after_them() {
        let mut schedule = Schedule::new([None::<()>; 3], 3);
        assert_eq!((schedule.begin(), schedule.begin()), (Some(0), Some(1)));
        assert!(schedule.postpone(1));
        assert_eq!(schedule.begin(), None);
        schedule.end(0);
        assert_eq!(schedule.begin(), Some(1));
        assert!(!schedule.postpone(1));
    }

    proptest! {
        /// Whoever ends first.
        #[test]
        fn any_course(
            groups in vec(proptest::option::of(0..4u8), 0..30),
            limit in 1..6usize,
            choices in vec((any::<proptest::sample::Index>(), proptest::bool::weighted(0.1)), 40),
        ) {
            let mut schedule = Schedule::new(groups.iter().copied(), limit);
            let (mut running, mut ended) = (Vec::new(), Vec::new());
            let mut choices = choices.iter().cycle();
            let mut postponed = 0;
            while ended.len() < groups.len() {
                while let Some(instance) = schedule.begin() {
                    let group = groups[instance];
                    let of_group = |other: &usize| group.is_some() && groups[*other] == group;
                    prop_assert!(!running.iter().any(of_group), "two of one group at once");
                    let before = (0..instance).filter(of_group);
                    prop_assert!(before.eq(ended.iter().copied().filter(|other| of_group(other) && *other < instance)));
                    prop_assert!(!ended.iter().any(|other| of_group(other) && *other > instance));
                    prop_assert!(!running.contains(&instance) && !ended.contains(&instance));
                    let another_try = choices.next().unwrap().1 && postponed < 9;
                    if another_try && schedule.postpone(instance) {
                        postponed += 1;
                    } else {
                        running.push(instance);
                    }
                }
                prop_assert!(!running.is_empty() && running.len() <= limit);
                let first = (0..groups.len()).find(|instance| !ended.contains(instance)).unwrap();
                prop_assert!(postponed > 0 || running.contains(&first), "the others print in vain");
                let place = choices.next().unwrap().0.index(running.len());
                let instance = running.swap_remove(place);
                schedule.end(instance);
                ended.push(instance);
            }
            prop_assert_eq!(schedule.begin(), None);
        }
    }
}
