//! What the page knows, as plain structs: a decoded message in, state out.
//!
//! No DOM, no clock, no timers, no signals: the time is passed in, and every rule here is tested natively. Each store
//! is bounded, for a hidden tab draws nothing while data keeps coming.

pub mod agent_rows;
pub mod agents;
pub mod alerts;
pub mod changes;
pub mod channel_cells;
pub mod channel_list;
pub mod channel_standing;
pub mod channels;
pub mod chat_command;
pub mod chat_items;
pub mod chat_recall;
pub mod chat_room;
pub mod chat_rooms;
pub mod chat_text;
pub mod export;
pub mod field_charts;
pub mod gesture;
pub mod halves;
pub mod json_lines;
pub mod line_diff;
pub mod marks;
pub mod metrics_query;
pub mod natural;
pub mod news_board;
pub mod past;
pub mod patrons;
pub mod payload_form;
pub mod publish_draft;
pub mod publishes;
pub mod refusals;
pub mod relay_address;
pub mod repeat;
pub mod requests;
pub mod route;
pub mod series_choice;
pub mod shell_word;
pub mod spark;
pub mod stream;
pub mod tail;
pub mod text_lines;
pub mod time_cursor;
pub mod units;
pub mod viewport;
pub mod virtual_rows;
pub mod visible;
