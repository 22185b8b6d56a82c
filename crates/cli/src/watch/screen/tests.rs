use super::*;
use crate::watch::tests::{at, every_event, observers, request, sample_census};
use arptools::census::VlanAddress;
use link::VlanId;
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::{Color, Modifier};

/// Draws a screen of this size on a test terminal.
fn drawn(
    snapshot: &mut Snapshot,
    state: &mut ScreenState,
    (width, height): (u16, u16),
    styler: Styler,
) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    snapshot.sort(state.sort_key);
    terminal.draw(|frame| draw::draw(frame, snapshot, state, styler)).unwrap();
    terminal
}

/// Returns the lines of a terminal, without trailing blanks.
fn lines(terminal: &Terminal<TestBackend>) -> Vec<String> {
    let buffer = terminal.backend().buffer();
    let line =
        |row: &[ratatui::buffer::Cell]| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>();
    let rows = buffer.content().chunks(buffer.area.width.max(1).into());
    rows.map(|row| line(row).trim_end().to_owned()).collect()
}

fn snapshot() -> Snapshot {
    let (observer, events) = sample_census();
    let events = events.into_iter().rev().map(|(time, event)| ShownEvent { time, interface: None, event });
    Snapshot::new("eth0", true, &[observer], &events.collect())
}

fn press(state: &mut ScreenState, codes: &[KeyCode]) {
    for code in codes {
        state.press(KeyEvent::new(*code, KeyModifiers::NONE));
    }
}

fn shown(snapshot: &mut Snapshot, state: &mut ScreenState, size: (u16, u16)) -> Vec<String> {
    lines(&drawn(snapshot, state, size, Styler::DISABLED))
}

#[test]
fn screen_of_80_by_24_shows_table_and_latest_events() {
    let expected = "\
tapstack watch eth0  01:10:00
1 conflict  6 addresses: 4 fresh, 1 quiet, 1 gone  11 packets, 0.9/s  2 changes
ADDRESS   MAC ADDRESS        STATE  FIRST LAST PACKETS     /s  NOTES
10.0.0.1  02:00:00:00:00:aa  fresh     9s   9s       2    0.2  conflict
10.0.0.2  02:00:00:00:00:08  fresh     8s   7s       2    0.2  moved, 1 of 2
10.0.0.3  02:00:00:00:00:03  quiet    10m  10m       1    0.0
10.0.0.4  02:00:00:00:00:04  gone      1h   1h       1    0.0
10.0.0.5  02:00:00:00:00:05  fresh    10s   1s       2    0.2  1 probe
10.0.0.8  02:00:00:00:00:08  fresh     4s   4s       1    0.1  1 of 2
LATEST EVENTS
09:10:02 new 10.0.0.8 is at 02:00:00:00:00:08
09:10:01 invalid from ff:ff:ff:ff:ff:ff: invalid sender MAC address
09:10:00 probe 10.0.0.5 by 02:00:00:00:00:09; in use by 02:00:00:00:00:05
09:09:59 announced 10.0.0.2 is at 02:00:00:00:00:08
09:09:58 moved 10.0.0.2 from 02:00:00:00:00:07 to 02:00:00:00:00:08
09:09:57 announced 10.0.0.2 is at 02:00:00:00:00:07
09:09:56 new 10.0.0.2 is at 02:00:00:00:00:07
09:09:55 conflict 10.0.0.1: both 02:00:00:00:00:01 and 02:00:00:00:00:aa
09:09:54 new 10.0.0.1 is at 02:00:00:00:00:01
09:09:53 new 10.0.0.5 is at 02:00:00:00:00:05
09:09:52 new 10.0.0.3 is at 02:00:00:00:00:03
09:09:51 gone 10.0.0.4 was at 02:00:00:00:00:04
09:09:50 new 10.0.0.4 is at 02:00:00:00:00:04
q quit  arrows scroll  s sort: address  p pause  ? help                 1-6 of 6";
    let shown = shown(&mut snapshot(), &mut ScreenState::default(), (80, 24));
    assert_eq!(shown.join("\n"), expected);
}

#[test]
fn screen_of_200_by_60_shows_all_columns_and_sparkline() {
    let mut state = ScreenState { supports_bars: true, ..ScreenState::default() };
    let shown = shown(&mut snapshot(), &mut state, (200, 60));
    let heading =
        format!("tapstack watch eth0  01:10:00{}packets/s, last 60 s: ", " ".repeat(200 - 29 - 22 - 60));
    assert_eq!(
        shown[0],
        format!(
            "{heading}{}\u{2584}\u{2588}\u{2584}\u{2584}\u{2584}\u{2584}\u{2584}  \u{2584}",
            " ".repeat(50)
        )
    );
    assert_eq!(
        shown[1],
        "1 conflict  6 addresses: 4 fresh, 1 quiet, 1 gone  11 packets, 0.9/s  2 changes  5 requests, 2 replies  \
         2 announcements, 1 probe  1 invalid, 0 rejected"
    );
    let table = "\
ADDRESS   MAC ADDRESS        STATE  FIRST SEEN          LAST SEEN PACKETS     /s REQUESTS REPLIES ANNOUNCED PROBED TARGET CHANGES  NOTES
10.0.0.1  02:00:00:00:00:aa  fresh  2026-11-22 09:09:51        9s       2    0.2        0       2         0      0      2       1  conflict with 02:00:00:00:00:01
10.0.0.2  02:00:00:00:00:08  fresh  2026-11-22 09:09:52        7s       2    0.2        0       0         2      0      0       1  moved from 02:00:00:00:00:07, one of 2 addresses of this station
10.0.0.3  02:00:00:00:00:03  quiet  2026-11-22 09:00:00       10m       1    0.0        1       0         0      0      0       0
10.0.0.4  02:00:00:00:00:04  gone   2026-11-22 08:00:00        1h       1    0.0        1       0         0      0      0       0
10.0.0.5  02:00:00:00:00:05  fresh  2026-11-22 09:09:50        1s       2    0.2        2       0         0      1      0       0  1 probe
10.0.0.8  02:00:00:00:00:08  fresh  2026-11-22 09:09:56        4s       1    0.1        1       0         0      0      0       0  one of 2 addresses of this station
LATEST EVENTS";
    assert_eq!(shown[2..10].join("\n"), table);
    assert_eq!(shown[59].len(), 200);
}

#[test]
fn only_rows_on_screen_are_formatted() {
    let mut snapshot = snapshot();
    let rows = snapshot.rows.clone();
    let mut allocations = |repetitions| {
        snapshot.rows = vec![rows.clone(); repetitions].concat();
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        let mut state = ScreenState::default();
        let draw = || {
            terminal.draw(|frame| draw::draw(frame, &snapshot, &mut state, Styler::DISABLED)).unwrap();
        };
        allocation_counter::measure(draw).count_total
    };
    let (few, many) = (allocations(200), allocations(1_500));
    assert_eq!(many, few, "allocations for 9,000 rows, and for 1,200");
}

#[test]
fn screen_of_120_columns_aligns_column_of_each_kind() {
    let shown = shown(&mut snapshot(), &mut ScreenState::default(), (120, 24));
    let ends = |line: &str, word: &str| line.find(word).map(|place| place + word.len());
    let title = &shown[2];
    assert!(shown.iter().all(|line| line.chars().count() <= 120));
    assert_eq!(ends(title, "PACKETS"), shown[3].find("       2").map(|place| place + 8));
    assert_eq!(title.find("NOTES"), shown[3].find("conflict"));
    assert_eq!(title.find("STATE"), shown[3].find("fresh"));
}

#[test]
fn conflict_is_red_and_quiet_address_is_dimmed() {
    let terminal = drawn(&mut snapshot(), &mut ScreenState::default(), (80, 24), Styler::ENABLED);
    let cell = |x, y| terminal.backend().buffer().cell((x, y)).unwrap().clone();
    assert_eq!((cell(0, 3).fg, cell(0, 4).fg, cell(0, 1).fg), (Color::Red, Color::Reset, Color::Red));
    assert!(cell(0, 5).modifier.contains(Modifier::DIM) && cell(0, 2).modifier.contains(Modifier::REVERSED));
    let plain = drawn(&mut snapshot(), &mut ScreenState::default(), (80, 24), Styler::DISABLED);
    assert!(plain.backend().buffer().content().iter().all(|cell| cell.fg == Color::Reset));
}

#[test]
fn keys_scroll_sort_pause_show_help_and_quit() {
    let (mut snapshot, mut state) = (snapshot(), ScreenState::default());
    // Three rows fit above the quarter of the lines for events.
    let first = |snapshot: &mut Snapshot, state: &mut ScreenState| shown(snapshot, state, (80, 9))[3].clone();
    let foot = |snapshot: &mut Snapshot, state: &mut ScreenState| shown(snapshot, state, (80, 9))[8].clone();
    assert!(first(&mut snapshot, &mut state).starts_with("10.0.0.1 "));
    assert!(foot(&mut snapshot, &mut state).ends_with(" 1-3 of 6"));
    for (code, address) in [
        (KeyCode::Down, "10.0.0.2"),
        (KeyCode::Char('j'), "10.0.0.3"),
        (KeyCode::Up, "10.0.0.2"),
        (KeyCode::Char('k'), "10.0.0.1"),
        (KeyCode::Up, "10.0.0.1"),
        (KeyCode::PageDown, "10.0.0.4"),
        (KeyCode::PageDown, "10.0.0.4"),
        (KeyCode::PageUp, "10.0.0.1"),
        (KeyCode::End, "10.0.0.4"),
        (KeyCode::Home, "10.0.0.1"),
    ] {
        press(&mut state, &[code]);
        assert!(first(&mut snapshot, &mut state).starts_with(address), "{code:?}");
    }
    press(&mut state, &[KeyCode::Char('s')]);
    assert!(first(&mut snapshot, &mut state).starts_with("10.0.0.5 "), "sorted by last seen");
    press(&mut state, &[KeyCode::Char('s')]);
    assert!(first(&mut snapshot, &mut state).starts_with("10.0.0.1 "), "two packets, like other rows");
    press(&mut state, &[KeyCode::Down; 3]);
    assert!(first(&mut snapshot, &mut state).starts_with("10.0.0.3 "), "one packet");
    press(&mut state, &[KeyCode::Char('s'), KeyCode::Char('p')]);
    assert!(shown(&mut snapshot, &mut state, (80, 9))[0].ends_with("  PAUSED"));
    press(&mut state, &[KeyCode::Char('?')]);
    assert!(first(&mut snapshot, &mut state).starts_with("q, Esc, Ctrl-C  quit"));
    press(&mut state, &[KeyCode::Char('q')]);
    assert!(
        first(&mut snapshot, &mut state).starts_with("10.0.0."),
        "a key that closes the help has no other effect"
    );
    assert!(!state.quit);
    press(&mut state, &[KeyCode::Char('q')]);
    assert!(state.quit);
    let mut state = ScreenState { shows_help: true, ..ScreenState::default() };
    state.press(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL));
    assert!(state.quit, "Ctrl-C quits while the help is shown");
}

#[test]
fn scroll_position_survives_smaller_screen_and_help() {
    let (mut snapshot, mut state) = (snapshot(), ScreenState::default());
    shown(&mut snapshot, &mut state, (200, 60));
    press(&mut state, &[KeyCode::Char('?')]);
    shown(&mut snapshot, &mut state, (80, 9));
    press(&mut state, &[KeyCode::Char('x'), KeyCode::Down, KeyCode::Down]);
    assert!(shown(&mut snapshot, &mut state, (80, 9))[3].starts_with("10.0.0.3 "));
}

#[test]
fn help_fits_on_screen_of_80_by_24() {
    assert!(draw::HELP.len() <= 20 && draw::HELP.iter().all(|line| line.len() <= 78));
}

#[test]
fn row_stays_aligned_when_address_was_seen_less_than_1_s_ago() {
    let mut observer = Observer::new(None);
    observer.observe(at(0), &request(7, 1));
    observer.advance(at(0) + Duration::from_millis(250));
    let mut snapshot = Snapshot::new("eth0", true, &[observer], &VecDeque::new());
    let shown = shown(&mut snapshot, &mut ScreenState::default(), (80, 24));
    assert_eq!(shown[3], "10.0.0.7  02:00:00:00:00:07  fresh     0s   0s       1    0.1");
}

#[test]
fn heading_reports_link_that_is_down() {
    let mut observer = Observer::new(None);
    observer.is_down = true;
    let mut snapshot = Snapshot::new("eth0", true, &[observer], &VecDeque::new());
    let shown = shown(&mut snapshot, &mut ScreenState::default(), (80, 24));
    assert_eq!(shown[0], "tapstack watch eth0  00:00:00  DOWN: receiving nothing");
}

#[test]
fn screen_of_several_interfaces_names_interface_of_rows_events_and_links() {
    let mut observers = observers(&["eth0", "eth10.20"]);
    observers.list[1].observe(at(0), &request(7, 1));
    observers.list[1].is_down = true;
    for last in [7, 8] {
        observers.list[0].observe(at(1), &request(last, 1));
    }
    observers.advance(at(2));
    let mut events = VecDeque::new();
    while let Some((place, event)) = observers.take_event() {
        let interface = observers.list[place].label().map(ToString::to_string);
        events.push_back(ShownEvent { time: at(0), interface, event });
    }
    let mut snapshot = Snapshot::new("eth0, eth10.20", true, &observers.list, &events);
    let expected = "\
tapstack watch eth0, eth10.20  00:00:02  DOWN: eth10.20
0 conflicts  3 addresses: 3 fresh, 0 quiet, 0 gone  3 packets, 0.3/s  0 changes
IFACE     ADDRESS   MAC ADDRESS        STATE  FIRST LAST PACKETS     /s  NOTES
eth0      10.0.0.7  02:00:00:00:00:07  fresh     1s   1s       1    0.1
eth0      10.0.0.8  02:00:00:00:00:08  fresh     1s   1s       1    0.1
eth10.20  10.0.0.7  02:00:00:00:00:07  fresh     2s   2s       1    0.1
LATEST EVENTS
08:00:00 eth0 new 10.0.0.7 is at 02:00:00:00:00:07
08:00:00 eth0 new 10.0.0.8 is at 02:00:00:00:00:08
08:00:00 eth10.20 new 10.0.0.7 is at 02:00:00:00:00:07";
    let mut state = ScreenState::default();
    assert_eq!(shown(&mut snapshot, &mut state, (80, 24))[..10].join("\n"), expected);
    // The order by address is the same after other orders.
    press(&mut state, &[KeyCode::Char('s')]);
    shown(&mut snapshot, &mut state, (80, 24));
    press(&mut state, &[KeyCode::Char('s'), KeyCode::Char('s')]);
    assert_eq!(shown(&mut snapshot, &mut state, (80, 24))[..10].join("\n"), expected);
}

#[test]
fn heading_has_numbers_of_interfaces_if_their_names_do_not_fit() {
    let names = ["network-first", "network-second", "network-third", "network-fourth"];
    let mut observers = observers(&names);
    let mut state = ScreenState { is_paused: true, ..ScreenState::default() };
    let mut heading = |observers: &Observers| {
        let mut snapshot = Snapshot::new(&names.join(", "), true, &observers.list, &VecDeque::new());
        shown(&mut snapshot, &mut state, (80, 24)).swap_remove(0)
    };
    assert_eq!(heading(&observers), "tapstack watch 4 interfaces  00:00:00  PAUSED");
    observers.list[3].is_down = true;
    assert_eq!(heading(&observers), "tapstack watch 4 interfaces  00:00:00  PAUSED  DOWN: network-fourth");
    observers.list.iter_mut().for_each(|observer| observer.is_down = true);
    assert_eq!(heading(&observers), "tapstack watch 4 interfaces  00:00:00  PAUSED  DOWN: 4 interfaces");
}

#[test]
fn heading_reports_end_of_capture() {
    let (observer, _) = sample_census();
    let mut snapshot = Snapshot::new("arp.pcap", false, &[observer], &VecDeque::new());
    let shown = shown(&mut snapshot, &mut ScreenState::default(), (80, 24));
    assert_eq!(shown[0], "tapstack watch arp.pcap (end of capture)  01:10:00");
}

proptest! {
    #[test]
    fn text_length_is_that_of_address(ip in any::<[u8; 4]>(), vlan in 0_u16..5_000) {
        let address = VlanAddress { vlan: VlanId::new(vlan), ip: ip.into() };
        prop_assert_eq!(table::text_length(address), address.to_string().len());
    }
}

proptest! {
    // Each case draws several screens of thousands of cells.
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Drawing does not panic for any size, number of addresses or keys, and all rows that fit are shown.
    #[test]
    fn screen_of_any_size_shows_rows_and_footer(
        width in 0_u16..220,
        height in 0_u16..70,
        hosts in 0_u8..80,
        event_count in 0_usize..20,
        keys in prop::collection::vec(prop::sample::select(vec![
            KeyCode::Char('s'), KeyCode::Char('?'), KeyCode::Char('p'), KeyCode::PageDown, KeyCode::End,
            KeyCode::Up, KeyCode::Down,
        ]), 0..8),
    ) {
        let mut observer = Observer::new(None);
        for last in 0..hosts {
            observer.observe(at(last.into()), &request(last + 1, 1));
        }
        let on_screen = |event| ShownEvent { time: at(0), interface: None, event };
        let events = every_event().into_iter().cycle().take(event_count).map(on_screen).collect();
        let mut snapshot = Snapshot::new("eth0", true, &[observer], &events);
        let mut state = ScreenState { supports_bars: true, ..ScreenState::default() };
        for key in keys {
            press(&mut state, &[key]);
            let shown = shown(&mut snapshot, &mut state, (width, height));
            if height >= 10 && !state.shows_help {
                let rows = shown.iter().filter(|line| line.starts_with("10.0.0")).count();
                prop_assert_eq!(rows, if width >= 6 { state.shown } else { 0 });
                prop_assert!(state.shown >= 3.min(hosts.into()));
            }
        }
    }
}

#[test]
fn vendors_have_a_column_on_wide_screen() {
    let mut snapshot = snapshot();
    let file = std::env::temp_dir().join(format!("tapstack-screen-vendors-{}", std::process::id()));
    std::fs::write(&file, "0200000000aa\tThe Makers of Machines\n").unwrap();
    snapshot.vendors = std::rc::Rc::new(crate::vendors::Vendors::from_file(&file).unwrap());
    std::fs::remove_file(&file).unwrap();
    let wide = shown(&mut snapshot, &mut ScreenState::default(), (100, 24));
    assert!(wide[2].starts_with("ADDRESS   MAC ADDRESS        VENDOR            STATE  FIRST"), "{wide:?}");
    assert!(wide[3].starts_with("10.0.0.1  02:00:00:00:00:aa  The Makers of Ma  fresh"), "{wide:?}");
    assert!(wide[4].starts_with("10.0.0.2  02:00:00:00:00:08                    fresh"), "{wide:?}");
    let narrow = shown(&mut snapshot, &mut ScreenState::default(), (99, 24));
    assert!(!narrow[2].contains("VENDOR"), "{narrow:?}");
}
