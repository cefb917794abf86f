//! The figures of the database, its changes and the cache of patrons.

use signalbox_shared::changes::{ChangesInfo, LinkState};

use super::{Figure, Page};

const FIGURES: &[Figure<ChangesInfo>] = &[
    ("signalbox_database_up", "gauge", "Whether the relay listens to its database.", |info| {
        f64::from(u8::from(info.link == LinkState::Up))
    }),
    ("signalbox_database_reconnects_total", "counter", "Listening connections made again.", |info| {
        info.reconnects as f64
    }),
    ("signalbox_changes_total", "counter", "Changes announced.", |info| info.received as f64),
    (
        "signalbox_changes_truncated_total",
        "counter",
        "Changes whose row was too large to announce.",
        |info| info.truncated as f64,
    ),
    ("signalbox_changes_refused_total", "counter", "Notifications that were none of ours.", |info| {
        info.refused as f64
    }),
    ("signalbox_changes_delay_p50_seconds", "gauge", "Half of the changes were here this soon.", |info| {
        seconds(info.delay.p50_us)
    }),
    ("signalbox_changes_delay_p99_seconds", "gauge", "99 of 100 changes were here this soon.", |info| {
        seconds(info.delay.p99_us)
    }),
    ("signalbox_patron_cache_rows", "gauge", "Rows in the cache.", |info| info.cache.rows as f64),
    ("signalbox_patron_cache_bytes", "gauge", "Bytes in the cache.", |info| info.cache.bytes as f64),
    ("signalbox_patron_cache_hits_total", "counter", "Reads answered from the cache.", |info| {
        info.cache.hits as f64
    }),
    ("signalbox_patron_cache_misses_total", "counter", "Reads that asked the database.", |info| {
        info.cache.misses as f64
    }),
    ("signalbox_patron_cache_shared_total", "counter", "Misses that waited for another's answer.", |info| {
        info.cache.shared as f64
    }),
    (
        "signalbox_patron_cache_stale_total",
        "counter",
        "Marked answers while the database was not there.",
        |info| info.cache.marked as f64,
    ),
    ("signalbox_patron_cache_failed_total", "counter", "Reads that were not answered.", |info| {
        info.cache.failed as f64
    }),
    ("signalbox_patron_cache_corrected_total", "counter", "Rows corrected by a notification.", |info| {
        info.cache.corrected as f64
    }),
    ("signalbox_patron_cache_evictions_total", "counter", "Rows forgotten for want of room.", |info| {
        info.cache.evictions as f64
    }),
    ("signalbox_patron_cache_clears_total", "counter", "Times the cache was emptied.", |info| {
        info.cache.clears as f64
    }),
];

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

/// Nothing when no database is configured.
pub(super) fn figures(page: &mut Page, info: &ChangesInfo) {
    if info.link != LinkState::Off {
        page.figures(FIGURES, info);
    }
}
