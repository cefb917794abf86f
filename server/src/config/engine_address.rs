//! Which engine routes the messages, `embedded` or `tcp://host:port`, and what pages and programs may do with it.

use signalbox_shared::engine::Permits;

use super::{Layers, SettingError, items, one};

/// Which engine routes the messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineAddress {
    /// The broker inside the relay.
    Embedded,
    /// A broker elsewhere that speaks the same protocol, at `host:port`.
    Tcp(String),
}

/// What `engine` says.
pub(super) fn engine(layers: &Layers) -> Result<EngineAddress, SettingError> {
    one(layers, "engine", |text| {
        if text == "embedded" {
            return Ok(EngineAddress::Embedded);
        }
        if text.starts_with("nats://") {
            return Err("NATS is not built yet: allowed are embedded and tcp://host:port".to_owned());
        }
        let address = text.strip_prefix("tcp://").map(|rest| rest.trim_end_matches('/'));
        let is_whole = |address: &&str| {
            address.rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty()
                    && !host.contains(['/', '@', ' '])
                    && port.parse::<u16>().is_ok_and(|port| port != 0)
            })
        };
        match address.filter(is_whole) {
            Some(address) => Ok(EngineAddress::Tcp(address.to_owned())),
            None => Err("allowed are embedded and tcp://host:port, such as tcp://10.0.0.7:25000".to_owned()),
        }
    })
}

/// What `read_only` and `forbid` leave.
pub(super) fn permits(layers: &Layers) -> Result<Permits, SettingError> {
    let is_read_only = one(layers, "read_only", |text| match text {
        "on" | "true" => Ok(true),
        "off" | "false" => Ok(false),
        _ => Err("allowed are on and off".to_owned()),
    })?;
    let mut permits =
        Permits { publish: !is_read_only, purge: !is_read_only, consume: !is_read_only, export: true };
    let forbidden = items(layers, "forbid", |text| match text {
        "publish" | "purge" | "consume" | "export" => Ok(text.to_owned()),
        _ => Err("allowed are publish, purge, consume and export".to_owned()),
    })?;
    for what in forbidden {
        match what.as_str() {
            "publish" => permits.publish = false,
            "purge" => permits.purge = false,
            "consume" => permits.consume = false,
            _ => permits.export = false,
        }
    }
    Ok(permits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(variables: &[(&str, &str)]) -> Layers {
        let mut layers = Layers::default();
        layers.say_variables(
            variables.iter().map(|(name, text)| (format!("SIGNALBOX_{name}"), (*text).to_owned())),
        );
        layers
    }

    #[test]
    fn an_engine_is_inside_or_at_an_address() {
        let check = |text: &str, expected: Option<EngineAddress>| {
            assert_eq!(engine(&layers(&[("ENGINE", text)])).ok(), expected, "{text}");
        };
        let tcp = |address: &str| Some(EngineAddress::Tcp(address.to_owned()));
        check("embedded", Some(EngineAddress::Embedded));
        check("tcp://10.0.0.7:25000", tcp("10.0.0.7:25000"));
        check("tcp://broker.example:25000/", tcp("broker.example:25000"));
        check("tcp://[::1]:25000", tcp("[::1]:25000"));
        for wrong in [
            "",
            "tcp://",
            "tcp://host",
            "tcp://:1",
            "tcp://host:0",
            "tcp://host:99999",
            "tcp://a b:1",
            "host:1",
            "nats://a:1",
        ] {
            check(wrong, None);
        }
        let told = engine(&layers(&[("ENGINE", "nats://a:4222")])).unwrap_err().to_string();
        assert!(told.contains("NATS is not built yet"), "{told}");
        assert_eq!(engine(&Layers::default()).unwrap(), EngineAddress::Embedded);
    }

    #[test]
    fn each_permit_can_be_taken_away() {
        let check = |variables: &[(&str, &str)], expected: [bool; 4]| {
            let Permits { publish, purge, consume, export } = permits(&layers(variables)).unwrap();
            assert_eq!([publish, purge, consume, export], expected, "{variables:?}");
        };
        check(&[], [true; 4]);
        check(&[("READ_ONLY", "on")], [false, false, false, true]);
        check(&[("READ_ONLY", "off"), ("FORBID", "purge, export")], [true, false, true, false]);
        check(&[("READ_ONLY", "true"), ("FORBID", "export")], [false; 4]);
        assert!(permits(&layers(&[("FORBID", "chat")])).is_err());
        assert!(permits(&layers(&[("READ_ONLY", "maybe")])).is_err());
    }
}
