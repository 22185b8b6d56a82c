//! The schema of `--json` of all commands.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::{arping, decode, doctor, ip_command, ping, report, scan, ss_command, tap_command, watch};

/// Returns the JSON Schema (2020-12) of the output of all commands with `--json`: a definition for each command.
pub fn json_schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let commands = [
        report::schema(&mut generator),
        ping::schema(&mut generator),
        arping::schema(&mut generator),
        scan::schema(&mut generator),
        watch::schema(&mut generator),
        decode::schema(&mut generator),
        ip_command::neigh_schema(&mut generator),
        ip_command::addr_schema(&mut generator),
        ss_command::schema(&mut generator),
        tap_command::schema(&mut generator),
        doctor::schema(&mut generator),
    ];
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Output of tapstack with --json: one object per line",
        "anyOf": commands,
        "$defs": generator.take_definitions(true),
    })
}
