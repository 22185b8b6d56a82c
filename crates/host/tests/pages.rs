//! Pages that contain code of this crate.

#[test]
fn device_page_contains_event_loop_of_example() {
    let page = include_str!("../../../docs/device.md");
    let example = include_str!("../examples/answer.rs");
    assert!(
        page.contains(&format!("\n```rust,no_run\n{example}```\n")),
        "docs/device.md does not contain examples/answer.rs"
    );
}

#[test]
fn sockets_page_contains_server_of_example() {
    let page = include_str!("../../../docs/sockets.md");
    let example = include_str!("../examples/udp_echo.rs");
    assert!(
        page.contains(&format!("\n```rust,ignore\n{example}```\n")),
        "docs/sockets.md does not contain examples/udp_echo.rs"
    );
}

#[test]
fn readme_contains_lines_of_example() {
    let page = include_str!("../../../README.md");
    let example: Vec<_> = include_str!("../examples/udp_echo.rs").lines().map(str::trim).collect();
    let blocks = page.split("```rust,ignore\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines: Vec<_> = blocks.flat_map(str::lines).map(str::trim).collect();
    assert!(lines.len() > 5, "README.md has no code of examples/udp_echo.rs");
    for line in lines {
        assert!(
            example.contains(&line),
            "examples/udp_echo.rs does not contain the line of README.md: {line}"
        );
    }
}
