//! Options of a pcapng block.

use super::order::Fields;
use super::order::Order;

/// Ends the options; what follows is none.
const END: u16 = 0;

/// The options of a block, as far as they are well formed.
#[derive(Clone, Debug)]
pub(crate) struct Options<'a> {
    fields: Fields<'a>,
    is_damaged: bool,
}

impl<'a> Options<'a> {
    pub(super) fn new(order: Order, bytes: &'a [u8]) -> Options<'a> {
        Options { fields: Fields::new(order, bytes), is_damaged: false }
    }

    /// Returns the first option with this code.
    pub(super) fn find(&self, code: u16) -> Option<&'a [u8]> {
        self.clone().find_map(|(found, value)| (found == code).then_some(value))
    }

    /// Whether an option claims more bytes than the block has.
    pub(super) fn are_damaged(&self) -> bool {
        let mut options = self.clone();
        while options.next().is_some() {}
        options.is_damaged
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<(u16, &'a [u8])> {
        if self.fields.rest.is_empty() {
            return None;
        }
        let option = option(&mut self.fields);
        self.is_damaged |= option.is_none();
        if option.is_none_or(|(code, _)| code == END) {
            self.fields.rest = &[];
            return None;
        }
        option
    }
}

fn option<'a>(fields: &mut Fields<'a>) -> Option<(u16, &'a [u8])> {
    let (code, length) = (fields.u16()?, usize::from(fields.u16()?));
    let value = fields.bytes(length)?;
    // Some writers leave out the padding of the last one.
    fields.rest = fields.rest.get(length.next_multiple_of(4) - length..).unwrap_or_default();
    Some((code, value))
}
