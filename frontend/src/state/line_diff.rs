//! What differs between two texts, line by line: the longest common subsequence, within a bound.

/// Most cells of the table that is filled, 2 bytes each: 2,000,000 take a few milliseconds and 4 MB.
pub const CELLS_MAX: usize = 2_000_000;

/// One line of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// In both.
    Same(String),
    /// Only in the older one.
    Gone(String),
    /// Only in the newer one.
    New(String),
}

/// The difference of two lists of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// The lines, in order.
    pub changes: Vec<Change>,
    /// Whether the middle was too large to compare, so that it stands as gone and new as a whole.
    pub is_coarse: bool,
}

impl Diff {
    /// Compares.
    #[must_use]
    pub fn of(old: &[String], new: &[String]) -> Self {
        let n_head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
        let (old_rest, new_rest) = (&old[n_head..], &new[n_head..]);
        let n_tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
        let (old_mid, new_mid) = (&old_rest[..old_rest.len() - n_tail], &new_rest[..new_rest.len() - n_tail]);
        let cells = (old_mid.len() + 1).saturating_mul(new_mid.len() + 1);
        let is_coarse = CELLS_MAX < cells || usize::from(u16::MAX) <= old_mid.len().min(new_mid.len());
        let mut changes: Vec<Change> = old[..n_head].iter().cloned().map(Change::Same).collect();
        if is_coarse {
            changes.extend(old_mid.iter().cloned().map(Change::Gone));
            changes.extend(new_mid.iter().cloned().map(Change::New));
        } else {
            compare(old_mid, new_mid, &mut changes);
        }
        changes.extend(old_rest[old_mid.len()..].iter().cloned().map(Change::Same));
        Self { changes, is_coarse }
    }

    /// How many lines are gone and new.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let count = |is: fn(&Change) -> bool| self.changes.iter().filter(|change| is(change)).count();
        (count(|c| matches!(c, Change::Gone(_))), count(|c| matches!(c, Change::New(_))))
    }
}

fn compare(old: &[String], new: &[String], changes: &mut Vec<Change>) {
    let width = new.len() + 1;
    // `common[i * width + j]`: the longest common subsequence of `old[i..]` and `new[j..]`.
    let mut common = vec![0u16; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if old[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            changes.push(Change::Same(old[i].clone()));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len()
            || (i < old.len() && common[i * width + j + 1] <= common[(i + 1) * width + j])
        {
            changes.push(Change::Gone(old[i].clone()));
            i += 1;
        } else {
            changes.push(Change::New(new[j].clone()));
            j += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn check(old: &str, new: &str, expected: &str) {
        let diff = Diff::of(&lines(old), &lines(new));
        let shown = diff.changes.iter().map(|change| match change {
            Change::Same(line) => line.clone(),
            Change::Gone(line) => format!("-{line}"),
            Change::New(line) => format!("+{line}"),
        });
        assert_eq!(shown.collect::<Vec<_>>().join(" "), expected);
        assert!(!diff.is_coarse);
    }

    #[test]
    fn what_is_common_stands() {
        check("", "", "");
        check("a b c", "a b c", "a b c");
        check("a b c", "a x c", "a -b +x c");
        check("a b c d", "b c e", "-a b c -d +e");
        check("", "a", "+a");
        check("a a", "a", "a -a");
    }

    #[test]
    fn too_much_is_told_and_nothing_is_lost() {
        let old: Vec<String> = (0..3_000).map(|n| format!("old {n}")).collect();
        let new: Vec<String> = (0..3_000).map(|n| format!("new {n}")).collect();
        let diff = Diff::of(&old, &new);
        assert!(diff.is_coarse);
        assert_eq!(diff.counts(), (3_000, 3_000));
    }
}
