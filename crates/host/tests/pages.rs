//! Pages under `docs` that contain code of this crate.

#[test]
fn device_page_contains_event_loop_of_example() {
    let page = include_str!("../../../docs/device.md");
    let example = include_str!("../examples/answer.rs");
    assert!(
        page.contains(&format!("\n```rust,no_run\n{example}```\n")),
        "docs/device.md does not contain examples/answer.rs"
    );
}
