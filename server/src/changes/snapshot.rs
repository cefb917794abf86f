//! Which transactions a read has seen: PostgreSQL's `pg_snapshot` as text, `xmin:xmax:xip,xip`. Pure.
//!
//! Source: PostgreSQL manual §9.27.9. Comparing a notification's transaction with the snapshot of a load tells which
//! of the two is newer, which no clock and no order of arrival can.

/// Number of a transaction, 64 bits wide, so that it never wraps.
pub(super) type Xid = u64;

/// The transactions that one statement saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// All below this had ended.
    xmin: Xid,
    /// None from this on had ended.
    pub(super) xmax: Xid,
    /// Those between that were still under way.
    under_way: Box<[Xid]>,
}

impl Snapshot {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let (xmin, xmax, list) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
        let under_way = list.split(',').filter(|xid| !xid.is_empty()).map(|xid| xid.parse().ok());
        Some(Self { xmin, xmax, under_way: under_way.collect::<Option<_>>()? })
    }

    /// Whether what that committed transaction did is part of what was read.
    pub(super) fn sees(&self, xid: Xid) -> bool {
        xid < self.xmin || (xid < self.xmax && !self.under_way.contains(&xid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_sees_what_had_ended() {
        let check = |text: &str, xid, expected| {
            assert_eq!(Snapshot::parse(text).unwrap().sees(xid), expected, "{text} {xid}");
        };
        check("10:20:10,14,15", 9, true);
        check("10:20:10,14,15", 10, false);
        check("10:20:10,14,15", 11, true);
        check("10:20:10,14,15", 14, false);
        check("10:20:10,14,15", 19, true);
        check("10:20:10,14,15", 20, false);
        check("10:10:", 9, true);
        check("10:10:", 10, false);
    }

    #[test]
    fn what_is_no_snapshot_is_none() {
        for text in ["", "1:2", "1:2:x", "a:2:", "1:b:", "1:2:3,,x"] {
            assert_eq!(Snapshot::parse(text), None, "{text}");
        }
    }
}
