//! Tables and delays against plain lists.

use ostl_stream::{Categories, DelayById, DelayLine, Slot, Slots};
use proptest::prelude::*;

proptest! {
    #[test]
    fn slots_as_a_list_by_use(capacity in 1usize..6, keys in prop::collection::vec((0u8..9, 0u8..5), 0..200)) {
        let mut slots = Slots::new(capacity).unwrap();
        // The least recently used first.
        let mut list: Vec<(String, usize)> = Vec::new();
        let mut given_up = 0;
        for (key, release) in keys {
            let key = key.to_string();
            let place = list.iter().position(|entry| entry.0 == key);
            if release == 0 {
                let expected = place.map(|place| list.remove(place).1);
                prop_assert_eq!(slots.release(&key), expected);
                continue;
            }
            let slot = slots.slot(&key);
            match place {
                Some(place) => {
                    let entry = list.remove(place);
                    prop_assert_eq!(&slot, &Slot::Known(entry.1));
                    list.push(entry);
                }
                None if list.len() == capacity => {
                    let (key_lost, number) = list.remove(0);
                    prop_assert_eq!(&slot, &Slot::Lost { slot: number, key: key_lost.clone() });
                    prop_assert_eq!(slots.get(&key_lost), None);
                    list.push((key, number));
                    given_up += 1;
                }
                None => {
                    prop_assert!(matches!(slot, Slot::New(number) if number < capacity && list.iter().all(|entry| entry.1 != number)));
                    list.push((key, slot.number()));
                }
            }
            prop_assert_eq!(slot.is_fresh(), place.is_none());
            let by_use: Vec<(String, usize)> = slots.by_use().map(|(key, slot)| (key.to_owned(), slot)).collect();
            prop_assert_eq!(&by_use, &list);
            prop_assert!(list.iter().all(|(key, slot)| slots.get(key) == Some(*slot) && slots.key(*slot) == Some(key)));
            prop_assert_eq!((slots.len(), slots.given_up()), (list.len(), given_up));
        }
    }

    #[test]
    fn waiting_as_a_list(capacity in 1usize..6, events in prop::collection::vec((0u8..9, any::<bool>()), 0..200)) {
        let mut line = DelayById::new(capacity).unwrap();
        let mut list: Vec<(String, usize)> = Vec::new();
        let (mut given_up, mut unknown) = (0, 0);
        for (row, (id, comes)) in events.into_iter().enumerate() {
            let id = id.to_string();
            let place = list.iter().position(|entry| entry.0 == id);
            if comes {
                let lost = place.or((list.len() == capacity).then_some(0)).map(|place| list.remove(place));
                given_up += u64::from(lost.is_some());
                list.push((id.clone(), row));
                prop_assert_eq!(line.push(id, row), lost);
            } else {
                let found = place.map(|place| list.remove(place).1);
                unknown += u64::from(found.is_none());
                prop_assert_eq!(line.take(&id), found);
            }
            prop_assert_eq!((line.len(), line.given_up(), line.unknown()), (list.len(), given_up, unknown));
        }
    }

    #[test]
    fn a_delay_is_a_shift(delay in 0usize..10, rows in 0usize..50) {
        let mut line = DelayLine::new(delay);
        for row in 0..rows {
            prop_assert_eq!(line.push(row), row.checked_sub(delay));
            prop_assert!(line.len() <= delay);
        }
    }

    #[test]
    fn numbers_never_change(limit in 0usize..6, values in prop::collection::vec("[a-h]", 0..60)) {
        let mut categories = Categories::new(limit);
        let mut list: Vec<String> = Vec::new();
        for value in values {
            if !list.contains(&value) && list.len() < limit {
                list.push(value.clone());
            }
            prop_assert_eq!(categories.number(&value), list.iter().position(|known| *known == value));
            prop_assert!(categories.values().eq(list.iter().map(String::as_str)));
        }
    }
}
