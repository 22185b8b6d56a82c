use super::*;
use crate::ServingHost;

mod bounds;
mod network;
mod replies;

use network::{HOST, Network};
