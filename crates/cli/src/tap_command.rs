//! `tapstack tap`.

pub(crate) mod arguments;

use std::process::ExitCode;

use ipnet::Ipv4Net;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use tap::linux::{DeleteError, Interface, InterfaceName, OpenError, PersistentTap, TapInterface, taps};

use crate::advice::{explain, program, quoted};
use crate::failure::{Failure, print_line};
use crate::json::SCHEMA;
use crate::users::{caller, closed_to, tap_owner, user_id, user_name};
use arguments::{CreateArguments, TapArguments, TapCommand};

pub(crate) fn run(arguments: &TapArguments) -> Result<ExitCode, Failure> {
    match &arguments.command {
        TapCommand::Create(arguments) => create(arguments),
        TapCommand::Delete { name } => match PersistentTap::delete(name) {
            Ok(()) => {
                print_line(&format!("deleted {name}"))?;
                Ok(ExitCode::SUCCESS)
            }
            Err(absent @ DeleteError::Absent(_)) => {
                Failure::from(absent).print();
                Ok(ExitCode::from(1))
            }
            Err(DeleteError::Open(error)) => Err(delete_failure(name, &error)),
        },
        TapCommand::List { json } => list(*json),
    }
}

/// Returns the failure of a deletion; the hints for attaching do not apply.
fn delete_failure(name: &InterfaceName, error: &OpenError) -> Failure {
    let failed = |why: &str| Failure::new(format!("cannot delete {name}: {why}"));
    let as_root = format!("sudo {} tap delete {}", program(), quoted(name.as_str()));
    let with_ip = format!("sudo ip link delete {name}");
    match error {
        OpenError::OwnedByAnother { owner: Some(owner), .. } => {
            failed(&format!("it belongs to {}", user_name(*owner)))
                .hint_command("run the command as root", as_root)
        }
        OpenError::OwnedByAnother { .. } | OpenError::NotPermitted(_) => {
            failed("it belongs to another user").hint_command("run the command as root", as_root)
        }
        OpenError::NodeRefused(_) => failed("the file mode of /dev/net/tun does not permit deletion")
            .hint_command("run the command as root", as_root),
        OpenError::NotATap(_) => failed("not a TAP").hint_command("list the TAPs", "tapstack tap list"),
        OpenError::TunNotTap(_) => {
            failed("it is a TUN interface, not a TAP").hint_command("delete the interface as root", with_ip)
        }
        OpenError::QueueMismatch(_) => failed("it has several queues, and tapstack opens one")
            .hint_command("delete the interface as root", with_ip),
        OpenError::Busy { holders, .. } => match holders.first() {
            Some(holder) => failed(&format!("in use by {holder}"))
                .hint_command("end that process first", format!("kill {}", holder.pid)),
            None => failed("in use by a process of another user")
                .hint_command("delete the interface as root", with_ip),
        },
        other => Failure::new(explain(other).context(format!("cannot delete {name}"))),
    }
}

fn create(arguments: &CreateArguments) -> Result<ExitCode, Failure> {
    let owner = arguments.user.as_deref().map_or(Ok(caller()), user_id)?;
    let tap = PersistentTap {
        name: arguments.name.clone(),
        owner: Some(owner),
        group: None,
        mtu: arguments.mtu.map(usize::from),
        address: arguments.address,
    };
    let name = tap.create()?;
    let addresses: Vec<_> = Interface::named(&name)?.addresses()?.iter().map(Ipv4Net::to_string).collect();
    let addresses = match addresses.as_slice() {
        [] => String::new(),
        [one] => format!(", with the kernel's address {one}"),
        several => format!(", with the kernel's addresses {}", several.join(", ")),
    };
    print_line(&format!("{name} is up and {} may attach to it{addresses}", user_name(owner)))?;
    if let Some(message) = closed_to(owner) {
        Failure::new(message).print();
    }
    Ok(ExitCode::SUCCESS)
}

/// `tapstack tap list --json`
///
/// Prints one object for each persistent TAP, without an `event`.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "tap_list")]
struct TapJson {
    /// Version of the format: 1.
    schema: u32,
    /// Name of the interface.
    interface: String,
    /// User who may attach without privilege: a name, or a number if the user has no name; null without an owner.
    owner: Option<String>,
    /// Number of the group that may attach without privilege; null without a group.
    group_id: Option<u32>,
    /// MTU: the longest payload of a frame, in bytes.
    mtu: u32,
    /// Whether the interface is up.
    up: bool,
    /// Whether a program has the TAP open.
    attached: bool,
}

fn list(json: bool) -> Result<ExitCode, Failure> {
    for tap in taps()?.into_iter().filter(|tap| tap.is_tap && tap.persistent) {
        let owner = tap_owner(tap.owner, tap.group);
        let name = tap.name.clone();
        let line = TapJson::from(tap);
        if json {
            print_line(&serde_json::to_string(&line)?)?;
        } else {
            let state = match (line.up, line.attached) {
                (_, true) => "in use",
                (true, false) => "up",
                (false, false) => "down",
            };
            print_line(&format!("{:<15} {state:<6} mtu {:<5} owner {owner}", name.to_string(), line.mtu))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the schema of `tapstack tap list --json`.
pub(crate) fn schema(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<TapJson>()
}

impl From<TapInterface> for TapJson {
    fn from(tap: TapInterface) -> Self {
        TapJson {
            schema: SCHEMA,
            // The name is unescaped: JSON has its own escapes.
            interface: tap.name.as_str().to_owned(),
            owner: tap.owner.map(user_name),
            group_id: tap.group,
            mtu: tap.mtu,
            up: tap.up,
            attached: tap.attached,
        }
    }
}
