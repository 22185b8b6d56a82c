//! `tapstack tap`.

use std::process::ExitCode;

use serde::Serialize;
use tap::linux::{
    DeleteError, Interface, PersistentTap, TapInterface, caller, closed_to, taps, user_id, user_name,
};

use crate::arguments::{CreateArguments, TapArguments, TapCommand};
use crate::failure::{Failure, say};

pub(crate) fn run(arguments: &TapArguments) -> Result<ExitCode, Failure> {
    match &arguments.command {
        TapCommand::Create(arguments) => create(arguments),
        TapCommand::Delete { name } => match PersistentTap::delete(name) {
            Ok(()) => {
                say(&format!("deleted {name}"))?;
                Ok(ExitCode::SUCCESS)
            }
            Err(absent @ DeleteError::Absent(_)) => {
                Failure::from(absent).tell();
                Ok(ExitCode::from(1))
            }
            Err(error) => Err(error.into()),
        },
        TapCommand::List { json } => list(*json),
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
    let address = Interface::named(&name)?.address()?;
    let address =
        address.map_or(String::new(), |address| format!(", the kernel's address on it is {address}"));
    say(&format!("{name} is up and {} may attach to it{address}", user_name(owner)))?;
    if let Some(sentence) = closed_to(owner) {
        Failure::new(sentence).tell();
    }
    Ok(ExitCode::SUCCESS)
}

/// A TAP as `--json` prints it.
#[derive(Serialize)]
struct Row {
    name: String,
    owner: Option<String>,
    group: Option<u32>,
    mtu: u32,
    up: bool,
    attached: bool,
}

fn list(json: bool) -> Result<ExitCode, Failure> {
    for tap in taps()?.into_iter().filter(|tap| tap.is_tap && tap.persistent) {
        let owner = tap.belongs_to();
        let row = Row::from(tap);
        if json {
            say(&serde_json::to_string(&row)?)?;
        } else {
            let state = match (row.up, row.attached) {
                (_, true) => "in use",
                (true, false) => "up",
                (false, false) => "down",
            };
            say(&format!("{:<15} {state:<6} mtu {:<5} owner {owner}", row.name, row.mtu))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl From<TapInterface> for Row {
    fn from(tap: TapInterface) -> Self {
        Row {
            name: tap.name.to_string(),
            owner: tap.owner.map(user_name),
            group: tap.group,
            mtu: tap.mtu,
            up: tap.up,
            attached: tap.attached,
        }
    }
}
