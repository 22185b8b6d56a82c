//! Byte order, integer fields and pcapng options.

/// Byte order of a file or section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    pub(crate) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(crate) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    pub(crate) fn i64(self, bytes: [u8; 8]) -> i64 {
        match self {
            Self::Little => i64::from_le_bytes(bytes),
            Self::Big => i64::from_be_bytes(bytes),
        }
    }
}

/// Reader for consecutive fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldReader<'a> {
    pub(crate) order: ByteOrder,
    pub(crate) rest: &'a [u8],
}

impl<'a> FieldReader<'a> {
    pub(crate) fn new(order: ByteOrder, bytes: &'a [u8]) -> FieldReader<'a> {
        FieldReader { order, rest: bytes }
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(|bytes| self.order.u16(bytes))
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(|bytes| self.order.u32(bytes))
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*bytes)
    }
}

/// Converts a length in a file to `usize`.
pub(crate) fn size(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// Option code that ends the options.
const END: u16 = 0;

/// Iterator over the options of a block, up to the first malformed option.
#[derive(Clone, Debug)]
pub(crate) struct Options<'a> {
    fields: FieldReader<'a>,
    is_damaged: bool,
}

impl<'a> Options<'a> {
    pub(crate) fn new(order: ByteOrder, bytes: &'a [u8]) -> Options<'a> {
        Options { fields: FieldReader::new(order, bytes), is_damaged: false }
    }

    /// Returns the first option with this code.
    pub(crate) fn find(&self, code: u16) -> Option<&'a [u8]> {
        self.clone().find_map(|(found, value)| (found == code).then_some(value))
    }

    /// Returns whether an option is longer than the rest of the block.
    pub(crate) fn are_damaged(&self) -> bool {
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

fn option<'a>(fields: &mut FieldReader<'a>) -> Option<(u16, &'a [u8])> {
    let (code, length) = (fields.u16()?, usize::from(fields.u16()?));
    let value = fields.bytes(length)?;
    // Some writers omit the padding of the last option.
    fields.rest = fields.rest.get(length.next_multiple_of(4) - length..).unwrap_or_default();
    Some((code, value))
}
