use super::*;

#[test]
fn response_is_complete_only_with_status_200_and_all_content() {
    let parse = |text: &str| HttpResponse::parse(text.as_bytes());
    let whole = "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(parse(whole).unwrap().to_string(), "HTTP/1.1 200 OK with 5 bytes");
    for length in 0..whole.len() {
        assert!(parse(&whole[..length]).is_err(), "{length} bytes are a complete response");
    }
    assert!(parse(&format!("{whole}!")).is_err(), "more bytes than announced are a complete response");
    assert!(parse("HTTP/1.1 200 OK\r\n\r\nhello").is_err(), "a response without a length is complete");
    let error = parse("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").unwrap_err();
    assert_eq!(error, "HTTP response `HTTP/1.1 404 Not Found`");
}
