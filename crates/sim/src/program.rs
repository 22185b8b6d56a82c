//! Programs that use the sockets of the hosts.

use host::{Host, SocketUser};
use tap::{Instant, Pool};

use crate::node_id::NodeId;

/// A program on the hosts of a segment: see [`Segment::run_with`](crate::Segment::run_with).
pub trait Program {
    /// Uses the sockets of a host in its turn, after the host has received frames and before the host transmits.
    fn serve(&mut self, now: Instant, node: NodeId, host: &mut Host, pool: &mut Pool);
}

/// No program.
impl Program for () {
    fn serve(&mut self, _now: Instant, _node: NodeId, _host: &mut Host, _pool: &mut Pool) {}
}

/// A program on the host of one node.
pub(crate) struct NodeProgram<'a, P> {
    pub(crate) node: NodeId,
    pub(crate) program: &'a mut P,
}

impl<P: Program> SocketUser for NodeProgram<'_, P> {
    fn run(&mut self, now: Instant, host: &mut Host, pool: &mut Pool) {
        self.program.serve(now, self.node, host, pool);
    }
}
