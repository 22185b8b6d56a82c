//! Common fields of the objects of `--json`, and the schema of these objects.

use std::borrow::Cow;

use arp::NeighborState;
use capture::Direction;
use link::MacAddr;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use tap::Instant;
use tap::linux::InterfaceName;

use crate::clock::Moment;
use crate::link_change::LinkJson;
use crate::local_time::Rfc3339;

/// Version of the format. Fields are added without a new version.
pub(crate) const SCHEMA: u32 = 1;

/// An object that reports an event.
#[derive(Debug, Serialize)]
pub(crate) struct EventObject<E> {
    #[serde(flatten)]
    common: CommonFields,
    /// Name of the event in `event`, and fields of the event.
    #[serde(flatten)]
    event: E,
}

/// Fields of every event.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct CommonFields {
    /// Version of the format: 1.
    schema: u32,
    /// Date and time to the nanosecond (RFC 3339): local, or UTC with `--utc`.
    time: Time,
    /// Monotonic time since the command began, in nanoseconds.
    elapsed_ns: u64,
}

/// An event of one of several interfaces.
#[derive(Debug, Serialize)]
pub(crate) struct InterfaceEvent<E> {
    #[serde(flatten)]
    origin: InterfaceField,
    #[serde(flatten)]
    event: E,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct InterfaceField {
    /// Interface or TAP; null for a capture of one interface.
    interface: Option<String>,
}

/// A MAC address: six bytes in lower-case hexadecimal digits, with colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mac(pub(crate) MacAddr);

/// A wall-clock time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time(pub(crate) Instant);

/// Direction of a frame.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum FrameDirection {
    /// Received.
    In,
    /// Sent.
    Out,
}

/// State of an entry of the ARP cache, as `ip neigh` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
pub(crate) enum EntryState {
    /// Resolution is in progress; no MAC address is known.
    Incomplete,
    /// Confirmed recently.
    Reachable,
    /// Not confirmed recently.
    Stale,
    /// In use and not confirmed recently: requests will be sent soon.
    Delay,
    /// In use and not confirmed recently: requests are being sent.
    Probe,
    /// Resolution failed.
    Failed,
    /// Configured.
    Permanent,
}

impl EntryState {
    /// All states.
    pub(crate) const ALL: [EntryState; 7] = [
        EntryState::Incomplete,
        EntryState::Reachable,
        EntryState::Stale,
        EntryState::Delay,
        EntryState::Probe,
        EntryState::Failed,
        EntryState::Permanent,
    ];

    /// Returns the name, as `ip neigh` prints it.
    pub(crate) fn name(self) -> &'static str {
        NeighborState::from(self).name()
    }
}

impl<E> EventObject<E> {
    pub(crate) fn new(at: Moment, event: E) -> EventObject<E> {
        let elapsed_ns = nanos(at.elapsed);
        EventObject { common: CommonFields { schema: SCHEMA, time: Time(at.wall), elapsed_ns }, event }
    }
}

impl<E> InterfaceEvent<E> {
    pub(crate) fn new(interface: Option<&InterfaceName>, event: E) -> InterfaceEvent<E> {
        InterfaceEvent { origin: InterfaceField { interface: interface.map(ToString::to_string) }, event }
    }
}

/// Returns the length of a time in nanoseconds.
pub(crate) fn nanos(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Rfc3339(self.0))
    }
}

impl From<NeighborState> for EntryState {
    fn from(state: NeighborState) -> EntryState {
        match state {
            NeighborState::Incomplete => EntryState::Incomplete,
            NeighborState::Reachable => EntryState::Reachable,
            NeighborState::Stale => EntryState::Stale,
            NeighborState::Delay => EntryState::Delay,
            NeighborState::Probe => EntryState::Probe,
            NeighborState::Failed => EntryState::Failed,
            NeighborState::Static => EntryState::Permanent,
        }
    }
}

impl From<EntryState> for NeighborState {
    fn from(state: EntryState) -> NeighborState {
        match state {
            EntryState::Incomplete => NeighborState::Incomplete,
            EntryState::Reachable => NeighborState::Reachable,
            EntryState::Stale => NeighborState::Stale,
            EntryState::Delay => NeighborState::Delay,
            EntryState::Probe => NeighborState::Probe,
            EntryState::Failed => NeighborState::Failed,
            EntryState::Permanent => NeighborState::Static,
        }
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Mac, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map(Mac).map_err(D::Error::custom)
    }
}

impl From<MacAddr> for Mac {
    fn from(mac: MacAddr) -> Mac {
        Mac(mac)
    }
}

impl From<Direction> for FrameDirection {
    fn from(direction: Direction) -> FrameDirection {
        match direction {
            Direction::In => FrameDirection::In,
            Direction::Out => FrameDirection::Out,
        }
    }
}

/// Adds the definition of a command that prints events, with the event `link` if it follows the link.
pub(crate) fn command_schema<E: JsonSchema>(generator: &mut SchemaGenerator, has_link: bool) -> Schema {
    let reference = generator.subschema_for::<EventObject<E>>();
    if has_link {
        let link = EventObject::<LinkJson>::json_schema(generator);
        add_events::<E>(generator, link);
    }
    reference
}

/// Adds the definition of a command that prints events of several interfaces, with the event `link`.
pub(crate) fn schema_with_interfaces<E: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let reference = generator.subschema_for::<EventObject<InterfaceEvent<E>>>();
    let link = EventObject::<InterfaceEvent<LinkJson>>::json_schema(generator);
    add_events::<E>(generator, link);
    reference
}

/// Adds events to the definition of a command.
fn add_events<E: JsonSchema>(generator: &mut SchemaGenerator, mut added: Schema) {
    let events = generator.definitions_mut().get_mut(E::schema_name().as_ref());
    let events = events.and_then(|command| command.get_mut("oneOf")).and_then(Value::as_array_mut);
    if let (Some(events), Some(added)) = (events, added.get_mut("oneOf").and_then(Value::as_array_mut)) {
        events.append(added);
    }
}

impl<E: JsonSchema> JsonSchema for EventObject<E> {
    fn schema_name() -> Cow<'static, str> {
        E::schema_name()
    }

    /// Adds the common fields to the object of each event.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let common = CommonFields::json_schema(generator);
        with_fields(E::json_schema(generator), &common)
    }
}

impl<E: JsonSchema> JsonSchema for InterfaceEvent<E> {
    fn schema_name() -> Cow<'static, str> {
        E::schema_name()
    }

    /// Adds the interface to the object of each event.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let interface = InterfaceField::json_schema(generator);
        with_fields(E::json_schema(generator), &interface)
    }
}

/// Adds fields to the object of each event.
fn with_fields(mut schema: Schema, added: &Schema) -> Schema {
    let events = schema.get_mut("oneOf").and_then(Value::as_array_mut);
    for event in events.into_iter().flatten() {
        let fields = added.get("properties").and_then(Value::as_object).into_iter().flatten();
        if let Some(properties) = event.get_mut("properties").and_then(Value::as_object_mut) {
            properties.extend(fields.map(|(name, field)| (name.clone(), field.clone())));
        }
        let names = added.get("required").and_then(Value::as_array).into_iter().flatten();
        if let Some(required) = event.get_mut("required").and_then(Value::as_array_mut) {
            required.splice(0..0, names.cloned());
        }
    }
    schema
}

impl JsonSchema for Mac {
    fn schema_name() -> Cow<'static, str> {
        "mac".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "mac"})
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "time".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}
