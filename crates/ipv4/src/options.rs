//! Options of a header: the one thing that is read in them.

/// Ends the list.
const END: u8 = 0;
/// One byte that says nothing.
const NO_OPERATION: u8 = 1;
/// Loose source and record route.
const LOOSE_SOURCE_ROUTE: u8 = 131;
/// Strict source and record route.
const STRICT_SOURCE_ROUTE: u8 = 137;
/// Type, length and pointer of a source route, before its addresses.
const FIXED: u8 = 3;

/// Whether the options hold a source route with hops that are still to be visited. One that cannot be read
/// counts as such, because nothing says that it is completed. What follows an option without a readable
/// length is not read.
pub(crate) fn has_incomplete_source_route(mut options: &[u8]) -> bool {
    loop {
        options = match *options {
            [] | [END, ..] => return false,
            [NO_OPERATION, ref rest @ ..] => rest,
            [LOOSE_SOURCE_ROUTE | STRICT_SOURCE_ROUTE, length, pointer, ..] => {
                // RFC 791 3.1: "If the pointer is greater than the length, the source route is empty".
                let rest = options.get(usize::from(length)..).filter(|_| length >= FIXED && pointer > length);
                let Some(rest) = rest else { return true };
                rest
            }
            [LOOSE_SOURCE_ROUTE | STRICT_SOURCE_ROUTE, ..] => return true,
            [_, length, ..] if length >= 2 => options.get(usize::from(length)..).unwrap_or_default(),
            [_, ..] => return false,
        };
    }
}

#[cfg(test)]
mod tests;
