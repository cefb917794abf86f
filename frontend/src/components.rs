//! Views that more than one page uses. They show stores and call `Control`; they decide nothing.

pub mod copy_button;
pub mod empty;
pub mod focus;
pub mod in_view;
pub mod later;
pub mod long_name;
pub mod shell;
pub mod stream_pill;
pub mod theme_switch;
pub mod viewport;
