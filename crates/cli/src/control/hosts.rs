//! The running hosts of this network namespace.

use std::fs;

use super::socket::PREFIX;
use crate::failure::Failure;

/// Returns the names of the interfaces with a running host, sorted.
pub(crate) fn running_hosts() -> Result<Vec<String>, Failure> {
    const LIST: &str = "/proc/net/unix";
    let text = fs::read(LIST).map_err(|error| Failure::new(format!("cannot read {LIST}: {error}")))?;
    Ok(hosts_in(&String::from_utf8_lossy(&text)))
}

/// Returns the names of the hosts in a list of sockets. The last column of a line is the name of the socket, which starts
/// with `@` if it is abstract.
fn hosts_in(list: &str) -> Vec<String> {
    let names = list.lines().filter_map(|line| line.split_whitespace().nth(7)?.strip_prefix('@'));
    let mut hosts: Vec<_> = names.filter_map(|name| Some(name.strip_prefix(PREFIX)?.to_owned())).collect();
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hosts_are_found_in_list_of_sockets() {
        let list = "Num       RefCount Protocol Flags    Type St Inode Path\n\
            0000000000000000: 00000002 00000000 00000000 0002 01 87653 @tapstack/tap1\n\
            0000000000000000: 00000002 00000000 00000000 0002 01 87654 /run/tapstack/tap2\n\
            0000000000000000: 00000002 00000000 00000000 0002 01 87655\n\
            0000000000000000: 00000002 00000000 00000000 0002 01 87656 @tapstack/eth0.5\n";
        assert_eq!(hosts_in(list), ["eth0.5", "tap1"]);
    }
}
