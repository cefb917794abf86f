//! What the layers mean, and how a wrong setting is told.

use super::*;

fn layers(variables: &[(&str, &str)]) -> Layers {
    let mut layers = Layers::default();
    layers.say_variables(variables.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())));
    layers
}

fn check_error(variable: (&str, &str), expected: &str) {
    let error = Settings::from_layers(&layers(&[variable])).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn silence_means_loopback_and_the_default_bounds() {
    let settings = Settings::from_layers(&Layers::default()).unwrap();
    for address in [settings.http, settings.broker, settings.chat] {
        assert!(address.unwrap().ip().is_loopback());
    }
    assert_eq!((settings.collector_sub.len(), settings.collector_pull.len()), (1, 1));
    assert_eq!(settings.limits, Limits::default());
    assert_eq!(settings.page_dir, None);
    assert!(settings.allow_origin.is_empty());
}

#[test]
fn services_can_be_moved_and_turned_off() {
    let settings = Settings::from_layers(&layers(&[
        ("SIGNALBOX_HTTP", "0.0.0.0:80"),
        ("SIGNALBOX_CHAT", "off"),
        ("SIGNALBOX_COLLECTOR_SUB", "off"),
        ("SIGNALBOX_COLLECTOR_PULL", "@tcp://127.0.0.1:1, >tcp://127.0.0.1:2"),
        ("SIGNALBOX_ALLOW_ORIGIN", "https://A.example,http://b.example:8080"),
        ("SIGNALBOX_BROKER_FRAME_BYTES", "2MiB"),
        ("SIGNALBOX_CHAT_IDLE_SECS", "1_000"),
    ]))
    .unwrap();
    assert_eq!(settings.http, Some(([0, 0, 0, 0], 80).into()));
    assert_eq!(settings.chat, None);
    assert!(settings.collector_sub.is_empty());
    assert_eq!(settings.collector_pull.len(), 2);
    assert_eq!(settings.allow_origin, ["https://a.example", "http://b.example:8080"]);
    assert_eq!(settings.limits.broker_frame_bytes, 2 << 20);
    assert_eq!(settings.limits.chat_idle_secs, 1000);
}

#[test]
fn a_wrong_setting_names_itself_its_source_and_what_is_allowed() {
    check_error(
        ("SIGNALBOX_BROKER_FRAME_BYTES", "0"),
        "broker_frame_bytes = \"0\" (from the variable SIGNALBOX_BROKER_FRAME_BYTES): \
         allowed is a whole number from 1 to 1073741824",
    );
    check_error(
        ("SIGNALBOX_CHAT_IDLE_SECS", "1KiB"),
        "chat_idle_secs = \"1KiB\" (from the variable SIGNALBOX_CHAT_IDLE_SECS): \
         allowed is a whole number from 1 to 86400",
    );
    check_error(
        ("SIGNALBOX_HTTP", "localhost"),
        "http = \"localhost\" (from the variable SIGNALBOX_HTTP): not an address: give IP:PORT, such as \
         127.0.0.1:9000, [::1]:9000 or 0.0.0.0:9000 for every interface, or off",
    );
    check_error(
        ("SIGNALBOX_ALLOW_ORIGIN", "watch.example.org"),
        "allow_origin = \"watch.example.org\" (from the variable SIGNALBOX_ALLOW_ORIGIN): not an origin: give scheme, \
         host and port only, such as https://watch.example.org",
    );
}

#[test]
fn a_variable_that_names_no_setting_is_told() {
    let said = layers(&[
        ("SIGNALBOX_HTP", "off"),
        ("SIGNALBOX_CONFIG", "x"),
        ("SIGNALBOX_CHAT", "off"),
        ("PATH", "y"),
    ]);
    assert_eq!(Settings::from_layers(&said).unwrap().unknown_variables, ["SIGNALBOX_HTP"]);
}

#[test]
fn an_earlier_layer_hides_a_later_one_and_unknown_keys_are_refused() {
    let dir = std::env::temp_dir().join(format!("signalbox-config-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("signalbox.toml");
    std::fs::write(&path, "http = 'off'\nchat = '127.0.0.1:1'\n[limits]\nchat_idle_secs = 5\n").unwrap();
    let mut said = layers(&[("SIGNALBOX_CHAT", "off")]);
    said.say_file(&path).unwrap();
    let settings = Settings::from_layers(&said).unwrap();
    assert_eq!((settings.http, settings.chat, settings.limits.chat_idle_secs), (None, None, 5));

    std::fs::write(&path, "[limits]\nchat_idle = 5\n").unwrap();
    let error = Layers::default().say_file(&path).unwrap_err().to_string();
    assert!(error.contains("no setting \"chat_idle\"") && error.contains("signalbox.toml"), "{error}");
    std::fs::remove_dir_all(dir).unwrap();
}
