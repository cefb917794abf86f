//! *Patrons*: a table that is edited here and elsewhere at the same time.

use serde_json::json;
use tokio_postgres::Client;

use crate::changes::relay;
use crate::support::browser::Browser;
use crate::support::eventually;
use crate::support::postgres::Database;
use crate::support::relay::Relay;

impl Browser {
    /// Waits until the rows, in order, hold these texts; a row that is gone begins with `-`.
    async fn until_rows(&self, expected: &[&str]) {
        let rows = "return Array.from(document.querySelectorAll('tr[data-id]'), row => \
                    (row.classList.contains('gone') ? '-' : '') + \
                    Array.from(row.cells).slice(0, 3).map(cell => cell.innerText).join(' '))";
        eventually(&format!("the rows {expected:?}"), async || {
            let found = self.run(rows, vec![]).await;
            (found == serde_json::json!(expected)).then_some(())
        })
        .await;
    }

    /// What a field of the form holds, as soon as the form is there.
    async fn typed(&self, name: &str) -> String {
        let script = "return document.querySelector(arguments[0])?.value ?? null";
        let css = format!(".patron-form [name={name}]");
        eventually(&format!("{css} is there"), async || {
            self.run(script, vec![css.clone().into()]).await.as_str().map(str::to_owned)
        })
        .await
    }

    async fn fill_patron(&self, name: &str, dish: &str) {
        self.fill(".patron-form [name=name]", name).await;
        self.fill(".patron-form [name=fav_dish]", dish).await;
    }

    async fn until_no_form(&self) {
        eventually("the form is gone", async || (self.count(".patron-form").await == 0).then_some(())).await;
    }
}

/// Keeps every answer with patrons back until it is asked for, on each page that is opened from now on.
const HOLD_BACK: &str = "
    const real = window.fetch;
    window.__held = [];
    window.fetch = async (...args) => {
        const answer = await real(...args);
        if (!answer.url.includes('/api/patrons')) return answer;
        const text = await answer.text();
        await new Promise(go => window.__held.push(go));
        return new Response(text, { status: answer.status });
    };";

async fn until_held(browser: &Browser) {
    eventually("an answer with patrons is on its way", async || {
        (browser.run("return window.__held.length", vec![]).await != 0).then_some(())
    })
    .await;
}

async fn let_go(browser: &Browser) {
    browser.run("window.__held.splice(0).forEach(go => go())", vec![]).await;
}

/// A database without patrons, somebody in it past the relay, the relay, and its page on *Changes*.
async fn empty_table() -> (Database, Client, Relay, Browser) {
    let database = Database::create().await;
    let past = database.client().await;
    past.batch_execute("CREATE TABLE orders (id bigint PRIMARY KEY)").await.expect("a table");
    let relay = relay(&database, database.port).await;
    let browser = Browser::start().await;
    // The table of patrons is there as soon as the relay listens.
    browser.open(&relay.url("/#/changes")).await;
    browser.until_watching().await;
    browser.until_text(".patrons .quiet-note", "No patron here").await;
    (database, past, relay, browser)
}

#[tokio::test]
async fn what_is_changed_while_the_table_is_on_its_way_is_not_lost() {
    let (_database, past, relay, browser) = empty_table().await;
    let write = async |sql: &str| past.batch_execute(sql).await.expect("PostgreSQL does it");
    write("INSERT INTO patron (name, fav_dish) VALUES ('Ada', 'Soup'), ('Grace', 'Rice'), ('Bob', 'Pie')")
        .await;
    browser.until_rows(&["1 Ada Soup", "2 Grace Rice", "3 Bob Pie"]).await;

    let hold_back = json!({ "source": HOLD_BACK });
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", hold_back).await;
    browser.open(&relay.url("/?again#/changes")).await;
    browser.until_watching().await;
    until_held(&browser).await;
    write("UPDATE patron SET fav_dish = 'Stew' WHERE id = 1").await;
    write("DELETE FROM patron WHERE id = 2").await;
    write("INSERT INTO patron (name, fav_dish) VALUES ('Cid', 'Cake')").await;
    browser.until_some(".events tbody tr", "Cake").await;
    assert_eq!(browser.count("tr[data-id]").await, 0, "the table is not there yet");
    let_go(&browser).await;
    browser.until_rows(&["1 Ada Stew", "3 Bob Pie", "4 Cid Cake"]).await;

    // Rows that are shown are not put back by an answer that is older.
    browser.click_text(".patrons .panel-head button", "Load again").await;
    until_held(&browser).await;
    write("UPDATE patron SET fav_dish = 'Bread' WHERE id = 3").await;
    write("DELETE FROM patron WHERE id = 4").await;
    write("INSERT INTO patron (name, fav_dish) VALUES ('Dan', 'Eggs')").await;
    browser.until_rows(&["1 Ada Stew", "3 Bob Bread", "-4 Cid Cake", "5 Dan Eggs"]).await;
    let_go(&browser).await;
    browser.until_rows(&["1 Ada Stew", "3 Bob Bread", "5 Dan Eggs"]).await;
    browser.expect_no_errors(false).await;
}

const SAVE: &str = ".patron-form button[type=submit]";

#[tokio::test]
async fn patrons_are_added_edited_and_deleted() {
    let (_database, past, _relay, browser) = empty_table().await;
    for (name, dish) in [("Ada", "Soup"), ("<i>Grace</i>", "Rice")] {
        browser.click(".patrons .panel-head button").await;
        browser.fill_patron(name, dish).await;
        browser.click(SAVE).await;
        browser.until_no_form().await;
    }
    browser.until_rows(&["1 Ada Soup", "2 <i>Grace</i> Rice"]).await;

    browser.click("tr[data-id='2'] button").await;
    assert_eq!(browser.typed("name").await, "<i>Grace</i>");
    browser.fill_patron("Grace", "Pie").await;
    browser.click(SAVE).await;
    browser.until_rows(&["1 Ada Soup", "2 Grace Pie"]).await;
    browser.until_no_form().await;

    browser.click("tr[data-id='1'] button:last-child").await;
    assert!(browser.tab.get_alert_text().await.is_ok_and(|text| text.contains("Delete Ada (key 1)?")));
    browser.tab.dismiss_alert().await.expect("a question");
    browser.click("tr[data-id='1'] button:last-child").await;
    browser.tab.accept_alert().await.expect("a question");
    browser.until_rows(&["-1 Ada Soup", "2 Grace Pie"]).await;
    let kept = past.query_one("SELECT string_agg(name || ' ' || fav_dish, ',') FROM patron", &[]).await;
    assert_eq!(kept.expect("a row").get::<_, String>(0), "Grace Pie");
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn a_change_made_elsewhere_flashes_in_place_and_an_edit_is_warned_of_it() {
    let (_database, past, relay, browser) = empty_table().await;
    let write = async |sql: &str| past.batch_execute(sql).await.expect("PostgreSQL does it");
    write("INSERT INTO patron (name, fav_dish) VALUES ('Ada', 'Soup'), ('Grace', 'Rice')").await;
    browser.until_rows(&["1 Ada Soup", "2 Grace Rice"]).await;
    browser.open(&relay.url("/?again#/changes")).await;
    browser.until_rows(&["1 Ada Soup", "2 Grace Rice"]).await;
    assert_eq!(browser.count("tr.flash").await, 0, "what was there before does not flash");

    write("UPDATE patron SET fav_dish = 'Pie' WHERE id = 1").await;
    browser.until_rows(&["1 Ada Pie", "2 Grace Rice"]).await;
    let flashing = "return Array.from(document.querySelectorAll('tr.flash'), row => row.dataset.id)";
    assert_eq!(browser.run(flashing, vec![]).await, serde_json::json!(["1"]));
    let animation = "return getComputedStyle(document.querySelector('tr.flash > td')).animationName";
    assert_eq!(browser.run(animation, vec![]).await, "row-flash");

    browser.click("tr[data-id='1'] button").await;
    browser.fill_patron("Ada mine", "Cake").await;
    write("UPDATE patron SET fav_dish = 'Bread' WHERE id = 2").await;
    browser.until_rows(&["1 Ada Pie", "2 Grace Bread"]).await;
    assert_eq!(browser.count(".conflict").await, 0, "another row is no conflict");
    write("UPDATE patron SET name = 'Ada theirs' WHERE id = 1").await;
    let warning = browser.until_text(".conflict", "Changed elsewhere while you edit").await;
    assert!(warning.contains("\"Ada theirs\", \"Pie\" now"), "{warning}");
    assert_eq!(browser.typed("name").await, "Ada mine", "what was typed stays");
    browser.click(".conflict button").await;
    eventually("theirs is taken", async || (browser.typed("name").await == "Ada theirs").then_some(())).await;
    browser.fill_patron("Ada both", "Pie").await;
    browser.click(SAVE).await;
    browser.until_rows(&["1 Ada both Pie", "2 Grace Bread"]).await;
    browser.until_no_form().await;

    browser.click("tr[data-id='2'] button").await;
    write("DELETE FROM patron WHERE id = 2").await;
    browser.until_text(".conflict", "Deleted elsewhere while you edit").await;
    browser.until_rows(&["1 Ada both Pie", "-2 Grace Bread"]).await;
    browser.expect_no_errors(false).await;
}
