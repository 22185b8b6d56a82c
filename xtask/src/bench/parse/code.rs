//! The object code of the functions of a program.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The disassembled functions, by the last part of their symbols.
pub(super) type Code = BTreeMap<String, Function>;

/// A function's object code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Function {
    /// The full symbol.
    pub(super) symbol: String,
    /// The instructions, one line each.
    pub(super) instructions: Vec<String>,
}

/// Disassembles a program.
pub(super) fn disassemble(program: &Path) -> Result<Code, String> {
    let mut objdump = Command::new("objdump");
    objdump.args(["--disassemble", "--demangle", "--no-show-raw-insn", "--section=.text"]).arg(program);
    let output = objdump.output().map_err(|error| format!("cannot run objdump: {error}"))?;
    if !output.status.success() {
        return Err(format!("{objdump:?} failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(functions(&String::from_utf8_lossy(&output.stdout)))
}

/// Parses a disassembly: each function has a heading and ends at a blank line.
pub(super) fn functions(disassembly: &str) -> Code {
    let blocks = disassembly.split("\n\n").filter_map(|block| {
        let (heading, lines) = block.trim_start().split_once('\n')?;
        let symbol = heading.split_once('<')?.1.strip_suffix(">:")?;
        let name = symbol.rsplit("::").next()?;
        let instructions = lines.lines().map(str::to_owned).collect();
        Some((name.to_owned(), Function { symbol: symbol.to_owned(), instructions }))
    });
    blocks.collect()
}
