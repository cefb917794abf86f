//! `[[watch]]`: a table of the database whose changes are followed.

use std::collections::BTreeSet;

use anyhow::ensure;
use serde::Deserialize;

use super::Layers;
use crate::changes::WatchRule;

/// Longest name in PostgreSQL, in bytes. Source: NAMEDATALEN, PostgreSQL manual §4.1.1.
const NAME_BYTES_MAX: usize = 63;
/// Most tables that may be watched: each is a row on the page and is looked at again and again.
const TABLES_MAX: usize = 100;

/// A row as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    table: String,
    key: String,
}

/// The tables of the settings file.
///
/// # Errors
/// The first row that cannot be used.
pub(super) fn rules_from_layers(layers: &Layers) -> anyhow::Result<Vec<WatchRule>> {
    let rows: Vec<Row> = layers.rows("watch")?;
    let rules: Vec<_> = rows.into_iter().map(|Row { table, key }| WatchRule { table, key }).collect();
    ensure!(rules.len() <= TABLES_MAX, "[[watch]]: {} tables, at most {TABLES_MAX}", rules.len());
    let mut seen = BTreeSet::new();
    for (i, rule) in rules.iter().enumerate() {
        let number = i + 1;
        let (schema, name) = rule.schema_and_name();
        for part in [schema, name, &rule.key] {
            ensure!(
                !part.is_empty() && part.len() <= NAME_BYTES_MAX && !part.chars().any(char::is_control),
                "[[watch]] number {number}: {part:?} is no name of PostgreSQL: 1 to {NAME_BYTES_MAX} bytes, as in table = \
                 \"public.orders\", key = \"id\""
            );
        }
        ensure!(!name.contains('.'), "[[watch]] number {number}: {:?} has more than one dot", rule.table);
        ensure!(seen.insert((schema, name)), "[[watch]] number {number}: {schema}.{name} is there twice");
    }
    Ok(rules)
}
