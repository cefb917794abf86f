//! `docs/settings.md`, made from the tables of settings and bounds. A test keeps the file equal to this.

use std::fmt::Write as _;

use crate::config::layers::VARIABLE_PREFIX;
use crate::config::{SETTINGS, TABLES};
use crate::limits;

/// The whole file.
#[must_use]
pub fn settings_markdown() -> String {
    let mut text = String::from(
        "# Settings\n\n\
         Each setting is a flag of `signalbox serve` (dashes for underscores), a variable (`SIGNALBOX_` and capitals) and a key \
         of the TOML file that `--config FILE` or `SIGNALBOX_CONFIG` names (`signalbox.toml` of the current folder when \
         it is there). A flag wins over a variable, and that over the file. A wrong setting names itself, its source \
         and what is allowed.\n\n\
         ```toml\n\
         # signalbox.toml\n\
         http = \"127.0.0.1:8088\"\n\
         collector_sub = [\"@tcp://127.0.0.1:5555\", \">tcp://127.0.0.1:5556\"]\n\n\
         [limits]\n\
         broker_frame_bytes = \"1MiB\"\n\
         ```\n\n\
         | setting | value | default | what it does |\n|---|---|---|---|\n",
    );
    for setting in SETTINGS {
        let default = if setting.default.is_empty() { "none" } else { setting.default };
        let again = if setting.is_list { ", repeatable" } else { "" };
        let value = setting.value_name.replace('|', " or ");
        let _ = writeln!(text, "| `{}` | {value}{again} | `{default}` | {} |", setting.name, setting.help);
    }
    text.push_str("\n## Tables\n\nOnly in the TOML file; each may be written any number of times.\n");
    for table in TABLES {
        let _ = write!(
            text,
            "\n### `[[{}]]`\n{}\n\n```toml\n[[{}]]\n{}```\n",
            table.name, table.help, table.name, table.example
        );
    }
    let _ = write!(
        text,
        "\n## Bounds\n\nEverything that could grow has a bound. Bytes also take KiB, MiB and GiB. `/api/info` tells the \
         ones in force; `{VARIABLE_PREFIX}BROKER_FRAME_BYTES=1MiB` sets one.\n\n\
         | bound | default | from | to | what it bounds |\n|---|---|---|---|---|\n"
    );
    for limit in limits::TABLE {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} |",
            limit.name, limit.default, limit.min, limit.max, limit.why
        );
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_settings_reference_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/settings.md");
        let wanted = super::settings_markdown();
        if std::env::var_os("SIGNALBOX_BLESS").is_some() {
            std::fs::write(path, &wanted).unwrap();
        }
        let found = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            found == wanted,
            "docs/settings.md is out of date: SIGNALBOX_BLESS=1 cargo test -p signalbox settings_reference"
        );
    }

    #[test]
    fn the_examples_of_the_tables_are_understood() {
        let file: String =
            super::TABLES.iter().map(|table| format!("[[{}]]\n{}", table.name, table.example)).collect();
        let path = std::env::temp_dir().join(format!("signalbox-tables-{}.toml", std::process::id()));
        std::fs::write(&path, file).unwrap();
        let mut layers = crate::config::Layers::default();
        let said = layers.say_file(&path);
        std::fs::remove_file(&path).unwrap();
        said.unwrap();
        crate::config::Settings::from_layers(&layers).unwrap();
    }
}
