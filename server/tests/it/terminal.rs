//! The programs that take over a terminal, in a pseudo-terminal.

mod chat;
mod hostile;
mod sql;
mod sql_plain;
