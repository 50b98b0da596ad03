//! Pictures of the screen in files under `golden`: run with `NDXP_GOLDEN=write` to write them
//! anew, and read the difference.

use std::path::Path;

use ndxp_proto::statistics::v1::{
    CountResponse, CountRow, Counts, Dimension, Durations, OutcomeCount, Proof,
};
use ndxp_report::Language;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::super::screen::{Column, Wish};
use super::*;

const LOCAL: &str = "2022-07-22 09:30:00";

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// `endings` in the order of the outcomes.
fn counts(endings: [u64; 7]) -> Counts {
    let [completed, provider_error, ..] = endings;
    let transactions = completed + provider_error;
    Counts {
        transactions,
        attempts: endings.iter().sum(),
        outcomes: (1..)
            .zip(endings)
            .filter(|(_, count)| *count > 0)
            .map(|(outcome, count)| OutcomeCount { outcome, count })
            .collect(),
        request_bytes: transactions * 640,
        response_bytes: transactions * 2_310,
        durations: Some(Durations {
            p50_us: 1_250,
            p90_us: 9_000,
            p99_us: 48_400 + completed % 1_000 * 100,
            max_us: 2_000_000,
        }),
        ..Counts::default()
    }
}

/// The busiest connections of the anchors.
const CONNECTIONS: [(&str, u64); 6] = [
    (
        "H01/lgsp>G01/population/ndxp.example.population.v1.PopulationService",
        210_415,
    ),
    (
        "H26/lgsp>G01/population/ndxp.example.population.v1.PopulationService",
        152_004,
    ),
    (
        "G24/insurance>G01/population/ndxp.example.population.v1.PopulationService",
        98_120,
    ),
    (
        "H79/lgsp>G05/business/ndxp.example.business.v1.BusinessService",
        7_020,
    ),
    (
        "G15/civil-status>G24/insurance/ndxp.example.insurance.v1.InsuranceService",
        340,
    ),
    ("H26/lgsp>-/-", 0),
];

fn answer(more: u64) -> CountResponse {
    let endings = |index: u64, base: u64| {
        [
            base + more * (9 - index),
            base / 50,
            index * 7,
            2,
            index,
            1,
            0,
        ]
    };
    let rows: Vec<_> = (0..)
        .zip(CONNECTIONS)
        .map(|(index, (key, base))| (key, endings(index, base)))
        .collect();
    let mut total = [0; 7];
    for (_, endings) in &rows {
        for (sum, it) in total.iter_mut().zip(endings) {
            *sum += it;
        }
    }
    // Those beyond the top.
    let others = [12_345 + more, 60, 3, 0, 0, 0, 0];
    for (sum, it) in total.iter_mut().zip(others) {
        *sum += it;
    }
    let row = |(key, endings): &(&str, [u64; 7])| CountRow {
        key: (*key).to_owned(),
        counts: Some(counts(*endings)),
        ..CountRow::default()
    };
    CountResponse {
        rows: rows.iter().map(row).collect(),
        total: Some(counts(total)),
        others: Some(row(&("", others))),
        others_rows: 1_289,
        proof: Some(Proof {
            from_us: 1_658_422_800_000_000,
            ..Proof::default()
        }),
        ..CountResponse::default()
    }
}

/// A screen that has listened for a minute and a half, to a load that comes and goes.
fn busy(language: Language) -> Screen {
    let mut screen = Screen::new(
        Dimension::Connection,
        language,
        "ndxp.example.vn:7444".to_owned(),
    );
    let mut more = 0;
    for second in 0..=90_u64 {
        more += 10 + second % 30;
        screen.fold(answer(more), at(second));
    }
    screen
}

fn rendered(screen: &Screen, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let moment = Moment {
        now: at(90),
        local: LOCAL,
    };
    terminal
        .draw(|frame| draw(screen, moment, frame.area(), frame.buffer_mut()))
        .unwrap();
    plain(terminal.backend().buffer())
}

#[track_caller]
fn check(name: &str, screen: &Screen, size: (u16, u16)) {
    let found = rendered(screen, size);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands/top/draw/golden");
    let file = folder.join(format!("{name}.txt"));
    if std::env::var_os("NDXP_GOLDEN").is_some_and(|mode| mode == "write") {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(&file, &found).unwrap();
        return;
    }
    let wanted = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(found == wanted, "{} differs\n{found}", file.display());
}

#[test]
fn a_wide_terminal_shows_everything_in_both_languages() {
    check("wide-en", &busy(Language::English), (120, 30));
    check("wide-vi", &busy(Language::Vietnamese), (120, 30));
}

#[test]
fn a_usual_terminal_shows_all_but_the_last_columns() {
    check("usual-en", &busy(Language::English), (80, 24));
    check("usual-vi", &busy(Language::Vietnamese), (80, 24));
}

#[test]
fn a_narrow_and_a_low_terminal_show_what_fits() {
    check("narrow", &busy(Language::Vietnamese), (50, 24));
    check("low", &busy(Language::English), (100, 8));
}

#[test]
fn a_hub_that_is_away_is_said_to_be_and_the_last_picture_stays() {
    let mut screen = busy(Language::English);
    screen.lost(
        "the hub at ndxp.example.vn:7444 cannot be reached".to_owned(),
        at(90),
    );
    screen.tick(at(97));
    let mut terminal = Terminal::new(TestBackend::new(120, 30)).unwrap();
    let moment = Moment {
        now: at(97),
        local: LOCAL,
    };
    terminal
        .draw(|frame| draw(&screen, moment, frame.area(), frame.buffer_mut()))
        .unwrap();
    let found = plain(terminal.backend().buffer());
    assert!(found.contains("reconnecting (7 s): the hub at"), "{found}");
    let live = rendered(&busy(Language::English), (120, 30));
    let rate = |text: &str| {
        text.lines()
            .find(|line| line.contains(" Now "))
            .map(str::to_owned)
    };
    assert_eq!(rate(&found), rate(&live));
}

#[test]
fn before_anything_was_counted_nothing_is_claimed() {
    let mut screen = Screen::new(
        Dimension::Consumer,
        Language::English,
        "localhost:7444".to_owned(),
    );
    check("connecting", &screen, (80, 24));
    screen.fold(CountResponse::default(), at(89));
    check("empty", &screen, (80, 24));
}

#[test]
fn sorting_and_scrolling_are_seen() {
    let mut screen = busy(Language::English);
    screen.wish(Wish::Sort(Column::Errors), at(90));
    screen.wish(Wish::Reverse, at(90));
    screen.wish(Wish::Scroll(2), at(90));
    check("sorted", &screen, (120, 30));
}

#[test]
fn no_size_of_a_terminal_makes_it_fall_over() {
    let screen = busy(Language::Vietnamese);
    for width in (0..30).chain([60, 79, 80, 200, 1_000]) {
        for height in (0..30).chain([60, 500]) {
            let area = Rect::new(0, 0, width, height);
            let mut cells = Buffer::empty(area);
            let moment = Moment {
                now: at(90),
                local: LOCAL,
            };
            draw(&screen, moment, area, &mut cells);
        }
    }
}

#[test]
fn a_single_picture_is_as_high_as_it_has_rows() {
    let screen = busy(Language::English);
    let height = height(&screen, 40);
    let found = rendered(&screen, (120, height));
    for (key, _) in CONNECTIONS {
        assert!(found.contains(key.split('>').next().unwrap()), "{found}");
    }
    assert!(found.contains("1,289 others"), "{found}");
}
