//! The one time cursor: the moment that a person points at, has locked, or has paused at, for every view at once.
//!
//! Charts draw it; the tail and the chat scroll to [`TimeCursor::moment_ms`]. All times are milliseconds since the Unix
//! epoch by the relay's clock. Knows no view and no clock of its own.

/// Times further from now than this, in milliseconds, are no moments that a link can mean: ten years.
const REACH_MS: i64 = 10 * 366 * 86_400_000;

/// What moment is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeCursor {
    hovered_ms: Option<i64>,
    locked_ms: Option<i64>,
    paused_at_ms: Option<i64>,
}

impl TimeCursor {
    /// Where the pointer or the keyboard stands.
    #[must_use]
    pub fn hovered_ms(&self) -> Option<i64> {
        self.hovered_ms
    }

    /// The moment that stays marked until it is unlocked.
    #[must_use]
    pub fn locked_ms(&self) -> Option<i64> {
        self.locked_ms
    }

    /// The newest moment that is shown while the page is paused; none while it is live.
    #[must_use]
    pub fn paused_at_ms(&self) -> Option<i64> {
        self.paused_at_ms
    }

    /// The moment to mark where only some are in view: the locked one, else the one pointed at. A locked moment that has
    /// left the view marks nothing there, and keeps nobody from pointing.
    #[must_use]
    pub fn shown_ms(&self, is_in_view: impl Fn(i64) -> bool) -> Option<i64> {
        self.locked_ms.filter(|at| is_in_view(*at)).or(self.hovered_ms.filter(|at| is_in_view(*at)))
    }

    /// The moment that other views go to: the locked one, else where the page is paused; none while it is live.
    #[must_use]
    pub fn moment_ms(&self) -> Option<i64> {
        self.locked_ms.or(self.paused_at_ms)
    }

    /// Whether new data is shown as it comes.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.paused_at_ms.is_none()
    }

    /// Points at a moment, or at none.
    pub fn hover(&mut self, at_ms: Option<i64>) {
        self.hovered_ms = at_ms;
    }

    /// Locks a moment; what is locked moves there.
    pub fn lock(&mut self, at_ms: i64) {
        self.locked_ms = Some(at_ms);
    }

    /// Locks a moment, or unlocks when one is locked already that can be seen: nobody means one that cannot.
    pub fn toggle_lock(&mut self, at_ms: i64, is_in_view: impl Fn(i64) -> bool) {
        self.locked_ms = if self.locked_ms.is_some_and(is_in_view) { None } else { Some(at_ms) };
    }

    /// Lets the locked moment go.
    pub fn unlock(&mut self) {
        self.locked_ms = None;
    }

    /// Moves what is shown by keyboard: the locked moment when there is one, else the one pointed at.
    pub fn move_to(&mut self, at_ms: i64) {
        match &mut self.locked_ms {
            Some(locked_ms) => *locked_ms = at_ms,
            None => self.hovered_ms = Some(at_ms),
        }
    }

    /// Shows nothing newer than `at_ms` from now on; moves the pause when there is one already.
    pub fn pause(&mut self, at_ms: i64) {
        self.paused_at_ms = Some(at_ms);
    }

    /// Shows the present again. A locked moment stays locked.
    pub fn resume(&mut self) {
        self.paused_at_ms = None;
    }

    /// What a view's address says of it, by the keys `at` and `paused`; a moment that no link can mean is left out.
    pub fn read(&mut self, at: Option<&str>, paused: Option<&str>, now_ms: i64) {
        let moment = |text: Option<&str>| {
            text?.parse().ok().filter(|at_ms: &i64| (now_ms - REACH_MS..=now_ms + REACH_MS).contains(at_ms))
        };
        (self.locked_ms, self.paused_at_ms) = (moment(at), moment(paused));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_moment_stands_over_the_pointer() {
        let mut cursor = TimeCursor::default();
        let all = |_| true;
        cursor.hover(Some(5));
        assert_eq!(
            (cursor.shown_ms(all), cursor.moment_ms()),
            (Some(5), None),
            "hovering moves no other view"
        );
        cursor.toggle_lock(5, all);
        cursor.hover(Some(9));
        assert_eq!((cursor.shown_ms(all), cursor.moment_ms()), (Some(5), Some(5)));
        cursor.hover(None);
        assert_eq!(cursor.shown_ms(all), Some(5));
        cursor.toggle_lock(9, all);
        assert_eq!((cursor.shown_ms(all), cursor.moment_ms()), (None, None));
    }

    #[test]
    fn a_locked_moment_out_of_view_is_in_nobodys_way() {
        let mut cursor = TimeCursor::default();
        cursor.lock(5);
        cursor.hover(Some(90));
        let recent = |at_ms| 50 <= at_ms;
        assert_eq!((cursor.shown_ms(recent), cursor.moment_ms()), (Some(90), Some(5)));
        assert_eq!(cursor.shown_ms(|at_ms| 95 <= at_ms), None);
        cursor.toggle_lock(90, recent);
        assert_eq!(cursor.locked_ms(), Some(90), "a click means the moment below it");
        cursor.toggle_lock(91, recent);
        assert_eq!(cursor.locked_ms(), None);
    }

    #[test]
    fn the_keyboard_moves_what_is_shown() {
        let mut cursor = TimeCursor::default();
        cursor.move_to(3);
        assert_eq!((cursor.hovered_ms(), cursor.locked_ms()), (Some(3), None));
        cursor.lock(3);
        cursor.move_to(4);
        assert_eq!((cursor.hovered_ms(), cursor.locked_ms()), (Some(3), Some(4)));
        cursor.unlock();
        assert_eq!(cursor.shown_ms(|_| true), Some(3));
    }

    #[test]
    fn a_pause_is_a_moment_that_a_lock_stands_over() {
        let mut cursor = TimeCursor::default();
        assert!(cursor.is_live());
        cursor.pause(7);
        assert_eq!((cursor.is_live(), cursor.moment_ms(), cursor.shown_ms(|_| true)), (false, Some(7), None));
        cursor.lock(2);
        assert_eq!(cursor.moment_ms(), Some(2));
        cursor.resume();
        assert_eq!((cursor.is_live(), cursor.moment_ms()), (true, Some(2)));
    }

    fn check(at: Option<&str>, paused: Option<&str>, expected: (Option<i64>, Option<i64>)) {
        let mut cursor = TimeCursor::default();
        cursor.read(at, paused, 1_795_212_843_000);
        assert_eq!((cursor.locked_ms(), cursor.paused_at_ms()), expected, "{at:?} {paused:?}");
    }

    #[test]
    fn an_address_says_what_is_locked_and_paused() {
        check(None, None, (None, None));
        check(
            Some("1795212800000"),
            Some("1795212843000"),
            (Some(1_795_212_800_000), Some(1_795_212_843_000)),
        );
        check(Some("soon"), Some(""), (None, None));
        check(Some("0"), Some("9223372036854775807"), (None, None));
        check(Some("-9223372036854775808"), Some("1e12"), (None, None));
    }
}
