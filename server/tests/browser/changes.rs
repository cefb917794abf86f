//! *Changes*: rows of a real PostgreSQL that other programs write, as the page shows them.

use crate::support::browser::Browser;
use crate::support::postgres::{Database, Gate};
use crate::support::relay::Relay;
use crate::support::settings_file::SettingsFile;
use crate::support::{eventually, http};

/// A relay on that database, by this port, which watches the table `orders` too.
pub async fn relay(database: &Database, port: u16) -> Relay {
    let settings = SettingsFile::write("news = 'off'\n[[watch]]\ntable = 'public.orders'\nkey = 'id'\n");
    let url = format!("postgresql://postgres@127.0.0.1:{port}/{}", database.name);
    Relay::start_with(&["--config", settings.path(), "--database-url", &url]).await
}

impl Browser {
    /// Waits until the relay listens and both tables are watched.
    pub async fn until_watching(&self) {
        eventually("both tables are watched", async || {
            let told = self.texts(".watched .summary").await;
            let is_up = self.count("[data-link=up]").await == 1;
            (is_up && told.len() == 2 && told.iter().all(|text| text.contains("change"))).then_some(())
        })
        .await;
    }

    async fn until_events(&self, expected: &[&str]) {
        let rows = "return Array.from(document.querySelectorAll('.events tbody tr'), row => \
                    Array.from(row.cells).slice(1).map(cell => cell.innerText.replace(/\\s+/g, ' ').trim()).join(' | '))";
        eventually(&format!("the changes {expected:?}"), async || {
            let found = self.run(rows, vec![]).await;
            (found == serde_json::json!(expected)).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn changes_come_live_with_what_changed_marked_and_exact_accounts() {
    let database = Database::create().await;
    let past = database.client().await;
    past.batch_execute("CREATE TABLE orders (id uuid PRIMARY KEY, what text)").await.expect("a table");
    let relay = relay(&database, database.port).await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/changes")).await;
    browser.until_watching().await;
    browser.until_text(".changes-events .quiet-note", "No change yet").await;
    let write = async |sql: &str| past.batch_execute(sql).await.expect("PostgreSQL does it");
    write("INSERT INTO patron (name, fav_dish) VALUES ('Ada', 'Soup')").await;
    write("UPDATE patron SET fav_dish = 'Rice'").await;
    write("INSERT INTO orders VALUES ('00000000-0000-0000-0000-00000000000a', '<b>tea</b>')").await;
    let insert = "public.patron | 1 | INSERT | id 1 name Ada fav_dish Soup";
    let update = "public.patron | 1 | UPDATE | fav_dish Soup Rice";
    let id = "00000000-0000-0000-0000-00000000000a";
    let order = format!("public.orders | {id} | INSERT | id {id} what <b>tea</b>");
    browser.until_events(&[&order, update, insert]).await;
    assert_eq!(browser.texts(".change-field del").await, ["Soup"]);
    assert_eq!(browser.texts(".change-field ins").await, ["Rice"]);
    browser.until_text(".changes-events .accounts", "3 received = 3 shown").await;
    browser.until_some(".watched li", "2 changes").await;

    browser.fill(".changes-events .filter", "update rice").await;
    browser.until_events(&[update]).await;
    browser.until_text(".changes-events .accounts", "3 received = 1 shown + 2 filtered + 0 waiting").await;
    browser.fill(".changes-events .filter", "nothing").await;
    browser.until_text(".changes-events .quiet-note", "No change matches the filter").await;
    browser.fill(".changes-events .filter", "patron").await;
    browser.until_events(&[update, insert]).await;

    browser.click(".changes-events .pause").await;
    write("DELETE FROM patron").await;
    browser.until_text(".changes-events .pause", "Resume (1 new)").await;
    browser.until_text(".changes-events .accounts", "4 received = 2 shown + 1 filtered + 1 waiting").await;
    browser.until_events(&[update, insert]).await;
    browser.click(".changes-events .pause").await;
    let delete = "public.patron | 1 | DELETE | id 1 name Ada fav_dish Rice";
    browser.until_events(&[delete, update, insert]).await;
    browser.until_text(".changes-events .accounts", "4 received = 3 shown + 1 filtered + 0 waiting").await;
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn a_database_that_goes_and_comes_is_told_and_the_cache_counts_what_it_did() {
    let database = Database::create().await;
    let past = database.client().await;
    past.batch_execute("CREATE TABLE orders (id bigint PRIMARY KEY)").await.expect("a table");
    let mut gate = Gate::to(&database);
    let relay = relay(&database, gate.port).await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/changes")).await;
    browser.until_text(".changes-standing .notice", "Not connected yet").await;
    gate.open().await;
    browser.until_watching().await;
    // The row is to come by its notification, which the cache has learnt of then; not with the table as it was fetched.
    browser.until_text(".patrons .quiet-note", "No patron here").await;
    past.batch_execute("INSERT INTO patron (name, fav_dish) VALUES ('Ada', 'Soup')").await.expect("a row");
    browser.until_text("tr[data-id='1']", "Ada").await;

    let read = async |id: u32| http::get(relay.ports.http, &format!("/patron/{id}"), &[]).await;
    for id in [1, 7, 7, 7] {
        assert_eq!(read(id).await.map(|answer| answer.status), Some(200));
    }
    let fact = async |name: &str| {
        let facts = browser.texts(".cache-facts > div").await;
        facts.iter().find_map(|fact| Some(fact.strip_prefix(name)?.trim().to_owned()))
    };
    eventually("three hits of four reads", async || (fact("Hits").await? == "3").then_some(())).await;
    assert_eq!(fact("Misses").await.as_deref(), Some("1"));
    assert_eq!(fact("Ratio").await.as_deref(), Some("75.0 %"));
    assert!(fact("Size").await.is_some_and(|size| size.starts_with("2 of 65,536 rows")));
    for timing in ["A hit takes", "A miss takes", "A change is here after"] {
        let told = fact(timing).await.unwrap_or_default();
        assert!(told.contains("99 of 100: "), "{timing}: {told}");
    }

    gate.shut();
    browser.until_text(".changes-standing .notice", "The listening connection is lost").await;
    assert_eq!(
        read(1).await.and_then(|answer| answer.headers.get("signalbox-cache").cloned()).as_deref(),
        Some("stale")
    );
    browser.until_some(".cache-facts > div", "1 answer").await;
    gate.open().await;
    browser.until_watching().await;
    browser.until_text(".changes-standing .panel-head .summary", "connected again 1 time").await;
    // The patrons could not be had before the database was there.
    browser.expect_no_errors(true).await;
}

#[tokio::test]
async fn without_a_database_the_page_says_how_to_name_one() {
    let relay = Relay::start().await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/changes")).await;
    browser.until_text(".changes .empty h2", "No database is configured").await;
    let commands = browser.texts(".changes .empty code").await;
    assert_eq!(
        commands,
        [
            "signalbox serve --database-url postgresql://USER@127.0.0.1/NAME",
            "[[watch]]\ntable = \"public.orders\"\nkey = \"id\""
        ]
    );
    browser.expect_no_errors(false).await;
}
