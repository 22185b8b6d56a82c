//! Symbols of the code of a contender.

use std::hint::black_box;
use std::ptr;

use crate::contenders::{ALL, Contender, Work};

/// Returns the symbols that the code of a contender can have. The linker merges identical functions under one symbol.
pub(crate) fn of(contender: &Contender) -> Vec<&'static str> {
    ALL.iter().filter(|other| are_one(contender.work, other.work)).map(|other| other.name).collect()
}

fn are_one(one: Work, other: Work) -> bool {
    // The address is known only after linking, so the compiler must not assume a value.
    match (black_box(one), black_box(other)) {
        (Work::Read(_, one), Work::Read(_, other)) => ptr::fn_addr_eq(one, other),
        (Work::Build(one), Work::Build(other)) => ptr::fn_addr_eq(one, other),
        (Work::Rewrite(one), Work::Rewrite(other)) => ptr::fn_addr_eq(one, other),
        _ => false,
    }
}
