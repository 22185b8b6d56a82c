use super::*;
use crate::ServingHost;
use crate::chargen;
use host::SocketId;

mod bounds;
mod connections;
mod network;
mod replies;

use network::{HOST, Network};
