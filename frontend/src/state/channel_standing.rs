//! The rows of the channel list as they stand while somebody points at them, types, or only looks.

use std::collections::HashSet;
use std::sync::Arc;

use signalbox_shared::ChannelName;

use super::channel_list::{ListRow, ListSettings, rows};
use super::channels::Channels;

/// The rows as they stand, and by which settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The rows.
    pub rows: Arc<[ListRow]>,
    /// Channels that have come since the rows were held, and have no place yet.
    pub n_waiting: usize,
    settings: ListSettings,
    /// [`Channels::n_turnovers`] when the rows were made, and when those that wait were counted.
    made_at: u64,
    counted_at: u64,
}

impl Standing {
    /// The rows of this moment. While they are held those before stay, unless a person asked for others: whoever sorts
    /// or searches has the pointer in the list while doing so.
    #[must_use]
    pub fn after(old: Option<&Self>, channels: &Channels, settings: ListSettings, is_held: bool) -> Self {
        let now = channels.n_turnovers;
        let old = old.filter(|old| old.settings == settings && !old.rows.is_empty());
        let is_current = |old: &&Self| match is_held {
            true => old.counted_at == now,
            false => old.made_at == now && !settings.sort.column.is_figure(),
        };
        if let Some(old) = old.filter(is_current) {
            return old.clone();
        }
        let rows = rows(channels, &settings);
        let Some(held) = old.filter(|_| is_held) else {
            return Self { rows: rows.into(), n_waiting: 0, settings, made_at: now, counted_at: now };
        };
        let standing: HashSet<&ChannelName> = held.rows.iter().filter_map(ListRow::channel).collect();
        let n_waiting =
            rows.iter().filter_map(ListRow::channel).filter(|name| !standing.contains(name)).count();
        Self { n_waiting, counted_at: now, ..held.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::channel_list::Sort;
    use super::super::channel_list::tests::{apply, channels};
    use super::*;

    #[test]
    fn rows_are_held_but_not_against_a_wish() {
        let names = |standing: &Standing| -> Vec<String> {
            standing.rows.iter().filter_map(ListRow::channel).map(ToString::to_string).collect()
        };
        let settings = ListSettings::default();
        let before = channels(&[("/queue/b", Some(1)), ("/queue/c", Some(2))]);
        let mut now = before.clone();
        apply(&mut now, &[("/queue/a", Some(3)), ("/queue/c", Some(2)), ("/queue/d", Some(4))]);
        let standing = Standing::after(None, &before, settings.clone(), true);
        assert_eq!(names(&standing), ["/queue/b", "/queue/c"], "there was nothing to hold");
        let held = Standing::after(Some(&standing), &now, settings.clone(), true);
        assert_eq!((names(&held), held.n_waiting), (names(&standing), 2));
        let sorted = ListSettings { sort: Sort::read("-depth").unwrap(), ..settings.clone() };
        let sorted = Standing::after(Some(&held), &now, sorted, true);
        assert_eq!((names(&sorted).join(" "), sorted.n_waiting), ("/queue/d /queue/a /queue/c".into(), 0));
        let free = Standing::after(Some(&held), &now, settings, false);
        assert_eq!((names(&free).join(" "), free.n_waiting), ("/queue/a /queue/c /queue/d".into(), 0));
    }

    #[test]
    fn figures_alone_change_the_order_only_where_it_is_by_figures() {
        let mut channels = channels(&[("a", Some(1)), ("b", Some(2))]);
        let by_depth = ListSettings { sort: Sort::read("-depth").unwrap(), ..Default::default() };
        let names = Standing::after(None, &channels, ListSettings::default(), false);
        let depths = Standing::after(None, &channels, by_depth.clone(), false);
        apply(&mut channels, &[("a", Some(3)), ("b", Some(2))]);
        let later = Standing::after(Some(&names), &channels, ListSettings::default(), false);
        assert!(Arc::ptr_eq(&names.rows, &later.rows));
        let held = Standing::after(Some(&depths), &channels, by_depth.clone(), true);
        assert_eq!(held, depths);
        let free = Standing::after(Some(&held), &channels, by_depth, false);
        assert_eq!(free.rows[0].channel().unwrap().as_str(), "a");
    }
}
