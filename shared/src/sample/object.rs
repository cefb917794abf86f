//! An agent's JSON object, read in one pass: its fields in their order, their texts borrowed from the message where they
//! can be. Knows nothing of what they mean.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

/// Up to this many fields a key is searched for among all of them, which costs less than an index.
const SEARCHED_MAX: usize = 16;

/// An object's fields. Of a repeated key the last value counts, in the place of the first.
#[derive(Debug, Default)]
pub(super) struct Object<'a> {
    fields: Vec<(Cow<'a, str>, Field<'a>)>,
    /// Where each key is, once there are many.
    places: HashMap<Cow<'a, str>, usize>,
}

/// One value.
#[derive(Debug)]
pub(super) enum Field<'a> {
    Text(Cow<'a, str>),
    Number(Number),
    Other(Value),
}

/// What a message is that is JSON at all.
pub(super) enum Message<'a> {
    Object(Object<'a>),
    Other,
}

impl<'a> Object<'a> {
    pub(super) fn get(&self, key: &str) -> Option<&Field<'a>> {
        self.place(key).map(|place| &self.fields[place].1)
    }

    pub(super) fn put(&mut self, key: Cow<'a, str>, field: Field<'a>) {
        if let Some(place) = self.place(&key) {
            self.fields[place].1 = field;
            return;
        }
        self.fields.push((key, field));
        match self.fields.len() {
            // Few enough to be searched.
            0..SEARCHED_MAX => {}
            SEARCHED_MAX => {
                let keys = self.fields.iter().map(|(key, _)| key.clone());
                self.places = keys.enumerate().map(|(place, key)| (key, place)).collect();
            }
            n_fields => {
                let key = self.fields[n_fields - 1].0.clone();
                self.places.insert(key, n_fields - 1);
            }
        }
    }

    /// Every numeric field that is finite.
    pub(super) fn numbers(&self) -> impl Iterator<Item = (&str, f64)> {
        self.fields.iter().filter_map(|(key, field)| match field {
            Field::Number(number) => Some((&**key, number.as_f64()?)),
            _ => None,
        })
    }

    /// The object on one line, without blanks.
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        for (place, (key, field)) in self.fields.iter().enumerate() {
            to.push(if place == 0 { b'{' } else { b',' });
            // Writing to a vector cannot fail, and neither can a map whose keys are strings.
            let _ = serde_json::to_writer(&mut *to, key);
            to.push(b':');
            let _ = match field {
                Field::Text(text) => serde_json::to_writer(&mut *to, text),
                Field::Number(number) => serde_json::to_writer(&mut *to, number),
                Field::Other(value) => serde_json::to_writer(&mut *to, value),
            };
        }
        to.push(b'}');
    }

    fn place(&self, key: &str) -> Option<usize> {
        if self.places.is_empty() {
            return self.fields.iter().position(|(known, _)| known == key);
        }
        self.places.get(key).copied()
    }
}

impl Field<'_> {
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Message<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MessageVisitor)
    }
}

/// Any value is a message; an object is read field by field.
struct MessageVisitor;

impl<'de> Visitor<'de> for MessageVisitor {
    type Value = Message<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut object = Object { fields: Vec::with_capacity(SEARCHED_MAX), ..Object::default() };
        while let Some(Key(key)) = map.next_key()? {
            let field = map.next_value()?;
            object.put(key, field);
        }
        Ok(Message::Object(object))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        // Read as a whole, for its faults are to be told.
        Value::deserialize(SeqAccessDeserializer::new(seq)).map(|_| Message::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Message::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Message::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Message::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Message::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Message::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Message::Other)
    }
}

impl<'de> Deserialize<'de> for Field<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

/// A value, borrowed where it is a text without escapes.
struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Field::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Field::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E>(self, is_so: bool) -> Result<Self::Value, E> {
        Ok(Field::Other(Value::Bool(is_so)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Field::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Field::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        // JSON has no word for what is not finite, and the parser refuses what only infinity could hold.
        Ok(Number::from_f64(number).map_or(Field::Other(Value::Null), Field::Number))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Field::Other(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(seq)).map(Field::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(MapAccessDeserializer::new(map)).map(Field::Other)
    }
}

/// A key, borrowed where it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Key(Cow::Borrowed(key)))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Key(Cow::Owned(key.to_owned())))
    }
}
