//! Walks the features of a GeoJSON collection while it is parsed, so that only one is in memory; it knows nothing of regions.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Hands each feature to `take`, until that returns false; answers with the old `crs` member (GeoJSON 2008), if there is one.
///
/// # Errors
/// Broken JSON, or JSON that is no feature collection. Features that were handed on before do not count.
pub(super) fn each_feature(
    text: &str,
    mut take: impl FnMut(Value) -> bool,
) -> Result<Option<Value>, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    let crs = Collection(&mut take).deserialize(&mut json)?;
    json.end()?;
    Ok(crs.filter(|it| !it.is_null()))
}

struct Collection<'a>(&'a mut dyn FnMut(Value) -> bool);

impl<'de> DeserializeSeed<'de> for Collection<'_> {
    type Value = Option<Value>;

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<Option<Value>, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Collection<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a FeatureCollection")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Option<Value>, A::Error> {
        let (mut kind, mut crs, mut has_features) = (None, None, false);
        while let Some(name) = members.next_key::<String>()? {
            match name.as_str() {
                "type" => kind = Some(members.next_value::<Value>()?),
                "crs" => crs = Some(members.next_value::<Value>()?),
                "features" => {
                    has_features = true;
                    members.next_value_seed(Features(&mut *self.0))?;
                }
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        match kind {
            Some(Value::String(kind)) if kind == "FeatureCollection" && has_features => Ok(crs),
            _ => Err(A::Error::custom("its type is not FeatureCollection, or it has no features")),
        }
    }
}

struct Features<'a>(&'a mut dyn FnMut(Value) -> bool);

impl<'de> DeserializeSeed<'de> for Features<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Features<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of features")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut features: A) -> Result<(), A::Error> {
        while let Some(feature) = features.next_element::<Value>()? {
            if !(self.0)(feature) {
                return Err(A::Error::custom("too many features"));
            }
        }
        Ok(())
    }
}
