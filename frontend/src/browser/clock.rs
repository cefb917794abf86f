//! This computer's clock, as a person sets it.

/// Minutes that this computer's clock is east of UTC, now.
#[must_use]
pub fn utc_offset_minutes() -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "at most a day of minutes")]
    let west = js_sys::Date::new_0().get_timezone_offset() as i32;
    -west
}
