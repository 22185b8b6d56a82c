use super::*;
use crate::bench::parse::code::functions;
use crate::bench::parse::counts::Contender;

/// Returns counts at their bounds and object code without calls.
const TOTALS: [(&str, u64); 7] = [
    ("read_cast", 50_000),
    ("read_layered", 51_000),
    ("read_view", 35_000),
    ("build_cast", 20_000),
    ("build_fields", 21_000),
    ("rewrite_cast", 20_000),
    ("rewrite_answer", 21_000),
];

const CODE: &str = "
parse:     file format elf64-x86-64

Disassembly of section .text:

0000000000001000 <parse::contenders::tapstack::read_layered>:
    1000:\tcmp    $0xe,%rdx
    1004:\tjb     1010 <parse::contenders::tapstack::read_layered+0x10>
    1010:\tret

0000000000002000 <parse::contenders::tapstack::read_view>:
    2000:\tret

0000000000003000 <parse::contenders::cast::build_cast>:
    3000:\tret

0000000000004000 <parse::contenders::tapstack::rewrite_answer>:
    4000:\tjmp    4000 <parse::contenders::tapstack::rewrite_answer>
    4004:\tret
";

/// `build_fields` has the same symbol as the cast.
fn contenders() -> Vec<Contender> {
    let contender = |(name, _): &(&str, u64)| Contender {
        name: (*name).to_owned(),
        work: String::new(),
        api: String::new(),
        symbols: match *name {
            "build_fields" => vec!["build_cast".into(), "build_fields".into()],
            name => vec![name.into()],
        },
    };
    TOTALS.iter().map(contender).collect()
}

/// Returns the messages for one function with this number of instructions, and this object code.
fn complaints_of(changed: Option<(&str, u64)>, code: &str) -> Vec<String> {
    let contenders = contenders();
    let counts: Vec<Count<'_>> = contenders
        .iter()
        .zip(TOTALS)
        .map(|(contender, (_, total))| Count {
            contender,
            total: changed.filter(|(name, _)| *name == contender.name).map_or(total, |(_, total)| total),
        })
        .collect();
    complaints(&counts, &functions(code))
}

#[test]
fn count_at_bound_passes() {
    assert_eq!(complaints_of(None, CODE), Vec::<String>::new());
}

#[test]
fn one_instruction_over_bound_is_reported_with_bound() {
    let found =
        |name| complaints_of(Some((name, TOTALS.iter().find(|(n, _)| *n == name).unwrap().1 + 1)), CODE);
    let layered = "read_layered takes 51.00 instructions, 1.02 times the 50.00 of read_cast; up to 1.02 times are allowed";
    assert_eq!(found("read_layered"), [layered]);
    let view =
        "read_view takes 35.00 instructions, 0.70 times the 50.00 of read_cast; up to 0.70 times are allowed";
    assert_eq!(found("read_view"), [view]);
    for (name, cast) in [("build_fields", "build_cast"), ("rewrite_answer", "rewrite_cast")] {
        let message = format!(
            "{name} takes 21.00 instructions, 1.05 times the 20.00 of {cast}; up to 1.05 times are allowed"
        );
        assert_eq!(found(name), [message]);
    }
}

#[test]
fn call_panic_and_jump_out_of_function_are_reported() {
    let cases = [
        ("call   9000 <memcpy@plt>", "contains a call"),
        ("call   *0x20(%rax)", "contains a call"),
        ("call   9000 <core::panicking::panic_bounds_check>", "can panic"),
        ("lea    0x10(%rip),%rdi        # 9000 <core::option::unwrap_failed>", "can panic"),
        ("jne    9000 <arp::packet::foreign>", "ends in a call"),
        ("jmp    9000 <arp::packet::foreign+0x10>", "ends in a call"),
    ];
    for (instruction, what) in cases {
        let code = CODE.replace("2000:\tret", &format!("2000:\t{instruction}"));
        let message = format!("read_view {what}: `{instruction}`");
        assert_eq!(complaints_of(None, &code), [message]);
    }
}

#[test]
fn code_merged_with_cast_is_checked_there() {
    let code = CODE.replace("3000:\tret", "3000:\tcall   9000 <memcpy@plt>");
    assert_eq!(complaints_of(None, &code), ["build_fields contains a call: `call   9000 <memcpy@plt>`"]);
}

#[test]
fn missing_function_or_count_is_reported() {
    let code = CODE.replace("read_view>:", "read_other>:");
    assert_eq!(complaints_of(None, &code), ["cannot check read_view: not in the object code"]);
    assert_eq!(complaints(&[], &functions(CODE)).len(), 4);
}
