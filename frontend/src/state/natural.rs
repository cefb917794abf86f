//! The order in which people count: `agent-2` stands before `agent-10`.

use std::cmp::Ordering;

/// Compares two names, their numbers as numbers. Only equal names are equal.
#[must_use]
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut rest_a, mut rest_b) = (a.as_bytes(), b.as_bytes());
    loop {
        let (number_a, number_b) = (number(rest_a), number(rest_b));
        let (order, n_a, n_b) = if number_a.is_empty() || number_b.is_empty() {
            let (Some(first_a), Some(first_b)) = (rest_a.first(), rest_b.first()) else {
                return rest_a.len().cmp(&rest_b.len()).then_with(|| a.cmp(b));
            };
            (first_a.cmp(first_b), 1, 1)
        } else {
            (by_value(number_a, number_b), number_a.len(), number_b.len())
        };
        if order.is_ne() {
            return order;
        }
        (rest_a, rest_b) = (&rest_a[n_a..], &rest_b[n_b..]);
    }
}

/// The digits with which a text begins.
fn number(text: &[u8]) -> &[u8] {
    let n = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    &text[..n]
}

/// Numbers of any length.
fn by_value(a: &[u8], b: &[u8]) -> Ordering {
    let n_zeros = |digits: &[u8]| digits.iter().take_while(|digit| **digit == b'0').count();
    let (a, b) = (&a[n_zeros(a)..], &b[n_zeros(b)..]);
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_count_as_numbers() {
        let check = |names: &[&str]| {
            let mut sorted = names.to_vec();
            sorted.sort_by(|a, b| natural(a, b));
            assert_eq!(sorted, names);
        };
        check(&["", "agent", "agent-0", "agent-2", "agent-2b", "agent-10", "agent-10-1", "agent-10-2"]);
        check(&["Blue", "green", "red"]);
        check(&["07", "7", "007a", "7b"]);
        check(&["8", "99999999999999999999999", "100000000000000000000000", "a"]);
    }

    proptest! {
        #[test]
        fn it_is_an_order(a in "[a0-2-]{0,6}", b in "[a0-2-]{0,6}", c in "[a0-2-]{0,6}") {
            prop_assert_eq!(natural(&a, &b), natural(&b, &a).reverse());
            prop_assert_eq!(natural(&a, &b).is_eq(), a == b);
            if natural(&a, &b).is_le() && natural(&b, &c).is_le() {
                prop_assert!(natural(&a, &c).is_le());
            }
        }
    }
}
