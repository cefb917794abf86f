//! The unit of a metric, which its name tells (docs/protocol.md §2).

/// What a further metric's name may end with to tell its unit.
const UNIT_ENDINGS: [(&str, &str); 17] = [
    ("_pct", "%"),
    ("_kb", "kB"),
    ("_gb", "GB"),
    ("_ns", "ns"),
    ("_celsius", "°C"),
    ("_hz", "Hz"),
    ("_watts", "W"),
    ("_volts", "V"),
    ("_percent", "%"),
    ("_bytes", "B"),
    ("_mb", "MB"),
    ("_s", "s"),
    ("_secs", "s"),
    ("_seconds", "s"),
    ("_ms", "ms"),
    ("_us", "µs"),
    ("_per_sec", "/s"),
];

/// The unit of a metric: `%` for `cpu`, `MB` for `mem`, else what its name's ending tells; nothing when it tells nothing.
#[must_use]
pub fn unit_of(metric: &str) -> &'static str {
    match metric {
        "cpu" => "%",
        "mem" => "MB",
        _ => ending_of(metric).map_or("", |(_, unit)| unit),
    }
}

/// The name of a metric without the ending that tells its unit.
#[must_use]
pub fn without_unit(metric: &str) -> &str {
    ending_of(metric).and_then(|(ending, _)| metric.strip_suffix(ending)).unwrap_or(metric)
}

fn ending_of(metric: &str) -> Option<&'static (&'static str, &'static str)> {
    UNIT_ENDINGS.iter().find(|(ending, _)| metric.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_unit() {
        let check = |metric: &str, unit: &str, name: &str| {
            assert_eq!((unit_of(metric), without_unit(metric)), (unit, name));
        };
        check("cpu", "%", "cpu");
        check("mem", "MB", "mem");
        check("disk_celsius", "°C", "disk");
        check("loss_pct", "%", "loss");
        check("requests_per_sec", "/s", "requests");
        check("_ms", "ms", "");
        check("queue_depth", "", "queue_depth");
    }
}
