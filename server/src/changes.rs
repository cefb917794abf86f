//! PostgreSQL: the only room that speaks SQL.

pub mod query;
pub mod statements;
