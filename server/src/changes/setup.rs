//! What Signalbox has in the database: its schema, the function that announces, and two triggers per watched table.
//!
//! Everything is named so that it is found again and taken away again without touching anything else; no superuser
//! and no extension is needed, only the rights to create a schema and a trigger on the tables.

use std::fmt::Write as _;

use signalbox_shared::changes::TableState;
use tokio_postgres::{Client, GenericClient};

use super::WatchRule;
use super::error::{DatabaseError, words};

/// The function and how it is called by the triggers; raised when either changes.
const VERSION: &str = "signalbox change feed 1";
const FUNCTION: &str = include_str!("announce.sql");
const ROW_TRIGGER: &str = "signalbox_row";
const TRUNCATE_TRIGGER: &str = "signalbox_truncate";
/// Held while something is set up, so that relays which start together do not meet. Any number will do.
const LOCK: i64 = 0x5167_6e61_6c62_6f78;
/// Longest name of a channel, in bytes. Source: NAMEDATALEN.
const CHANNEL_BYTES_MAX: usize = 63;

/// A watched table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) key: String,
}

impl Target {
    pub(super) fn patron() -> Self {
        Self { schema: "public".to_owned(), name: "patron".to_owned(), key: "id".to_owned() }
    }

    /// The patrons first, then those of the rules.
    pub(super) fn all(rules: &[WatchRule]) -> Vec<Self> {
        let mut targets = vec![Self::patron()];
        for rule in rules {
            let (schema, name) = rule.schema_and_name();
            let target = Self { schema: schema.to_owned(), name: name.to_owned(), key: rule.key.clone() };
            if !target.is_patron() {
                targets.push(target);
            }
        }
        targets
    }

    pub(super) fn is_patron(&self) -> bool {
        self.schema == "public" && self.name == "patron"
    }

    pub(super) fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    fn quoted(&self) -> String {
        format!("{}.{}", identifier(&self.schema), identifier(&self.name))
    }

    /// `chan_` and the table's name, as long as a name may be.
    fn channel(&self) -> String {
        let mut channel = format!("chan_{}", self.name);
        while CHANNEL_BYTES_MAX < channel.len() {
            channel.pop();
        }
        channel
    }

    fn arguments(&self) -> [String; 4] {
        [self.key.clone(), self.schema.clone(), self.name.clone(), self.channel()]
    }
}

/// How a watched table stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) state: TableState,
    pub(super) reason: Option<String>,
    /// The table's own number: another one of the same name has another.
    pub(super) oid: Option<u32>,
}

const LOOK: &str = "\
    SELECT c.oid, format_type(a.atttypid, NULL), c.relkind::text, (
        SELECT count(*) FROM pg_catalog.pg_trigger t
        JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid JOIN pg_catalog.pg_namespace s ON s.oid = p.pronamespace
        WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND t.tgargs = $4
        AND t.tgname IN ('signalbox_row', 'signalbox_truncate')
        AND s.nspname = 'signalbox' AND p.proname = 'announce'
        AND pg_catalog.obj_description(p.oid, 'pg_proc') = $5)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_attribute a
        ON a.attrelid = c.oid AND a.attname = $3 AND 0 < a.attnum AND NOT a.attisdropped
    WHERE n.nspname = $1 AND c.relname = $2";

/// Looks how the tables stand.
pub(super) async fn look(
    client: &impl GenericClient,
    targets: &[Target],
) -> Result<Vec<Look>, tokio_postgres::Error> {
    let mut looks = Vec::with_capacity(targets.len());
    for target in targets {
        let mut arguments = Vec::new();
        for argument in target.arguments() {
            arguments.extend_from_slice(argument.as_bytes());
            arguments.push(0);
        }
        let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
            [&target.schema, &target.name, &target.key, &arguments, &VERSION];
        let row = client.query_opt(LOOK, &parameters).await?;
        looks.push(row.map_or_else(
            || Look::missing(format!("there is no table {}", target.full_name()), None),
            |row| Look::of(target, row.get(0), row.get(1), row.get(2), row.get(3)),
        ));
    }
    Ok(looks)
}

impl Look {
    fn missing(reason: String, oid: Option<u32>) -> Self {
        Self { state: TableState::Missing, reason: Some(reason), oid }
    }

    fn of(target: &Target, oid: u32, key_type: Option<String>, relkind: String, n_triggers: i64) -> Self {
        if !["r", "p"].contains(&relkind.as_str()) {
            return Self::missing(format!("{} is no table", target.full_name()), None);
        }
        match key_type.as_deref() {
            None => {
                Self::missing(format!("{} has no column {:?}", target.full_name(), target.key), Some(oid))
            }
            Some("smallint" | "integer" | "bigint" | "uuid" | "text" | "character varying") => {
                let is_installed = n_triggers == 2;
                let state = if is_installed { TableState::Watched } else { TableState::NotInstalled };
                let reason = "its changes are not announced: run `signalbox db install`";
                Self { state, reason: (!is_installed).then(|| reason.to_owned()), oid: Some(oid) }
            }
            Some(other) => {
                let allowed = "integer, bigint, uuid or text";
                let reason = format!("the key {:?} is of type {other}: allowed are {allowed}", target.key);
                Self::missing(reason, Some(oid))
            }
        }
    }
}

/// Installs whatever is missing; what is there already is not touched, so that a second time changes nothing. Gives
/// what could not be installed, by table.
///
/// # Errors
/// When the schema, the function or the table `patron` cannot be made. Nothing is changed then.
pub(super) async fn install(
    client: &mut Client,
    targets: &[Target],
) -> Result<Vec<(String, String)>, DatabaseError> {
    install_function(client).await?;
    let mut problems = Vec::new();
    for target in targets {
        // A transaction each: one table that is not ours must not keep the others from being watched.
        let transaction = client.transaction().await?;
        let result = async {
            transaction.batch_execute("SET LOCAL lock_timeout = '5s'").await?;
            transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
            let looks = look(&transaction, std::slice::from_ref(target)).await?;
            if looks.iter().any(|look| look.state == TableState::NotInstalled) {
                transaction.batch_execute(&trigger_sql(target)).await?;
            }
            transaction.commit().await
        }
        .await;
        if let Err(error) = result {
            problems.push((target.full_name(), words(&error)));
        }
    }
    Ok(problems)
}

async fn install_function(client: &mut Client) -> Result<(), DatabaseError> {
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let found = transaction
        .query_one(
            "SELECT to_regnamespace('signalbox') IS NULL, to_regclass('public.patron') IS NULL, \
             coalesce(obj_description(to_regprocedure('signalbox.announce()'), 'pg_proc'), '')",
            &[],
        )
        .await?;
    let mut sql = String::new();
    if found.get::<_, bool>(0) {
        sql += "CREATE SCHEMA signalbox;\n";
    }
    if found.get::<_, &str>(2) != VERSION {
        let _ =
            write!(sql, "{FUNCTION}\nCOMMENT ON FUNCTION signalbox.announce() IS {};\n", literal(VERSION));
    }
    if found.get::<_, bool>(1) {
        sql += "CREATE TABLE public.patron (id serial PRIMARY KEY, name text, fav_dish text);\n";
    }
    transaction.batch_execute(&sql).await?;
    transaction.commit().await?;
    Ok(())
}

fn trigger_sql(target: &Target) -> String {
    let table = target.quoted();
    let arguments = target.arguments().map(|argument| literal(&argument)).join(", ");
    format!(
        "DROP TRIGGER IF EXISTS {ROW_TRIGGER} ON {table};\n\
         DROP TRIGGER IF EXISTS {TRUNCATE_TRIGGER} ON {table};\n\
         CREATE TRIGGER {ROW_TRIGGER} AFTER INSERT OR UPDATE OR DELETE ON {table} \
         FOR EACH ROW EXECUTE FUNCTION signalbox.announce({arguments});\n\
         CREATE TRIGGER {TRUNCATE_TRIGGER} AFTER TRUNCATE ON {table} \
         FOR EACH STATEMENT EXECUTE FUNCTION signalbox.announce({arguments});"
    )
}

/// Takes away the triggers of every table, the function and the schema; the tables and their rows stay. Gives the
/// tables that were watched.
///
/// # Errors
/// When something else stands in the schema, or the right is missing. Nothing is changed then.
pub(super) async fn remove(client: &mut Client) -> Result<Vec<String>, DatabaseError> {
    let transaction = client.transaction().await?;
    transaction.batch_execute("SET LOCAL lock_timeout = '5s'").await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let rows = transaction
        .query(
            "SELECT n.nspname, c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid \
             JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE t.tgfoid = to_regprocedure('signalbox.announce()') AND NOT t.tgisinternal AND t.tgparentid = 0 \
             ORDER BY 1, 2, 3",
            &[],
        )
        .await?;
    let mut tables = Vec::new();
    let mut sql = String::new();
    for row in &rows {
        let (schema, table, trigger): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
        let place = format!("{}.{}", identifier(schema), identifier(table));
        let _ = writeln!(sql, "DROP TRIGGER {} ON {place};", identifier(trigger));
        tables.push(format!("{schema}.{table}"));
    }
    sql += "DROP FUNCTION IF EXISTS signalbox.announce();\nDROP SCHEMA IF EXISTS signalbox;";
    transaction.batch_execute(&sql).await?;
    transaction.commit().await?;
    tables.dedup();
    Ok(tables)
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_whatever_they_are() {
        assert_eq!(identifier(r#"a"; DROP TABLE b; --"#), r#""a""; DROP TABLE b; --""#);
        assert_eq!(literal(r"it's"), "'it''s'");
        assert_eq!(literal(r"a\'b"), r"E'a\\''b'");
    }

    #[test]
    fn a_channel_is_no_longer_than_a_name() {
        let mut target = Target::patron();
        assert_eq!(target.channel(), "chan_patron");
        target.name = "ä".repeat(31);
        assert!(target.channel().len() <= CHANNEL_BYTES_MAX && target.channel().ends_with('ä'));
    }

    #[test]
    fn the_patrons_are_watched_once() {
        let rule = |table: &str| WatchRule { table: table.to_owned(), key: "id".to_owned() };
        let targets = Target::all(&[rule("patron"), rule("public.patron"), rule("shop.orders")]);
        let names: Vec<_> = targets.iter().map(Target::full_name).collect();
        assert_eq!(names, ["public.patron", "shop.orders"]);
    }
}
