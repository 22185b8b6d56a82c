//! A frame as JSON: `docs/json.md` describes the fields.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::Dissection;
use crate::fault::{FaultRule, FrameFault};
use crate::layers::{FieldValue, Layer, Layers, hex};
use crate::layout;
use crate::requirement::requirement;

impl Serialize for Dissection<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let Layers { layers, more_tags } = self.layers();
        let tags: Vec<_> = layers.iter().filter(|layer| is_tag(layer)).map(LayerFields).collect();
        for layer in layers.iter().filter(|layer| !is_tag(layer) && !layer.is_quoted) {
            map.serialize_entry(layer.layout.name, &LayerFields(layer))?;
            if layer.offset == 0 {
                map.serialize_entry("tags", &tags)?;
                map.serialize_entry("more_tags", &more_tags)?;
            }
        }
        if layers.iter().any(|layer| layer.is_quoted) {
            map.serialize_entry("quoted", &QuotedLayers(&layers))?;
        }
        let (warnings, faults): (Vec<_>, Vec<_>) =
            self.faults().iter().map(FaultObject).partition(|FaultObject(fault)| fault.is_warning);
        map.serialize_entry("faults", &faults)?;
        map.serialize_entry("warnings", &warnings)?;
        map.end()
    }
}

fn is_tag(layer: &Layer<'_>) -> bool {
    layer.layout.name == layout::TAG.name
}

/// The layers of the datagram that an ICMP error quotes.
struct QuotedLayers<'a>(&'a [Layer<'a>]);

impl Serialize for QuotedLayers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let quoted = self.0.iter().filter(|layer| layer.is_quoted);
        serializer.collect_map(quoted.map(|layer| (layer.layout.name, LayerFields(layer))))
    }
}

/// The fields of a layer.
struct LayerFields<'a>(&'a Layer<'a>);

impl Serialize for LayerFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let LayerFields(layer) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("offset", &layer.offset)?;
        for (field, value) in layer.fields() {
            match value {
                FieldValue::Number(number) => map.serialize_entry(field.name, &number)?,
                FieldValue::Flag(flag) => map.serialize_entry(field.name, &flag)?,
                FieldValue::Mac(address) => map.serialize_entry(field.name, &address.to_string())?,
                FieldValue::Ip(address) => map.serialize_entry(field.name, &address)?,
                FieldValue::Ip6(address) => map.serialize_entry(field.name, &address)?,
            }
        }
        for (name, address) in layer.addresses() {
            map.serialize_entry(name, &address)?;
        }
        if let Some(options) = layer.options() {
            map.serialize_entry("options", &hex(options, ""))?;
        }
        map.end()
    }
}

/// A fault and the rule that it breaks.
struct FaultObject<'a>(&'a FrameFault);

impl Serialize for FaultObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let FaultObject(fault) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("header", fault.layer)?;
        map.serialize_entry("field", &fault.field)?;
        map.serialize_entry("message", &fault.message())?;
        let (id, standard, text) = match fault.rule {
            FaultRule::Requirement(id) => {
                let (standard, text) = requirement(id).map(|found| (found.standard, found.text)).unzip();
                (Some(id), standard, text)
            }
            FaultRule::Standard(standard, text) => (None, Some(standard.to_owned()), Some(text.to_owned())),
        };
        map.serialize_entry("requirement", &id)?;
        map.serialize_entry("standard", &standard)?;
        map.serialize_entry("rule", &text)?;
        map.end()
    }
}
