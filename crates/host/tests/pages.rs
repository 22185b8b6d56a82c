//! Pages under `docs` that print code of this crate.

#[test]
fn device_page_prints_event_loop_of_example() {
    let page = include_str!("../../../docs/device.md");
    let example = include_str!("../examples/answer.rs");
    assert!(
        page.contains(&format!("\n```rust,no_run\n{example}```\n")),
        "docs/device.md should print examples/answer.rs"
    );
}
