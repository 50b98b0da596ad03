//! The rows of the list that official reports cite, each out of answers that hold its numbers; and
//! what cannot be compared. The numbers are those of the reports of 7/2022 and 9/2024.

use ndxp_model::{Instant, Zone};
use ndxp_proto::registry::v1::{Member, State, System};
use ndxp_proto::statistics::v1::{Counts, MeasureSum, Opening};

use super::*;
use crate::cut_off::Wanted;
use crate::known::Told;

/// Transactions, documents sent and documents received.
#[derive(Clone, Copy, Default)]
pub(crate) struct Numbers(pub u64, pub u64, pub u64);

impl Numbers {
    fn measures(self) -> Vec<MeasureSum> {
        [(DOCUMENTS_SENT, self.1), (DOCUMENTS_RECEIVED, self.2)]
            .map(|(name, value)| MeasureSum {
                name: name.to_owned(),
                value,
                value_high: 0,
            })
            .to_vec()
    }
}

pub(crate) fn answer(counted: Numbers, opening: Numbers) -> CountResponse {
    CountResponse {
        total: Some(Counts {
            transactions: counted.0,
            measures: counted.measures(),
            ..Counts::default()
        }),
        opening: Some(Opening {
            transactions: opening.0,
            measures: opening.measures(),
            sources: vec!["Report 105/BC-BTTTT".to_owned()],
            left_out: 0,
        }),
        distinct: Some(Distinct {
            systems: 103,
            members: 90,
            ..Distinct::default()
        }),
        proof: Some(Proof {
            watermark: 9,
            ..Proof::default()
        }),
        ..CountResponse::default()
    }
}

fn counted(transactions: u64) -> CountResponse {
    answer(Numbers(transactions, 0, 0), Numbers::default())
}

/// Every total is 0, and there is nothing to compare with.
fn zeros() -> Answers {
    Answers {
        month: counted(0),
        first_months: counted(0),
        year_to_date: counted(0),
        previous_year: counted(0),
        since_launch: counted(0),
        ..Answers::default()
    }
}

pub(crate) fn at(text: &str) -> Instant {
    Zone::viet_nam().moment(text).unwrap().from
}

/// Of the report on a month; as of the end of a day.
pub(crate) fn periods(month: &str, last_day: &str) -> Periods {
    let zone = Zone::viet_nam();
    let wanted = Wanted {
        month: Some(month),
        as_of: Some(zone.moment(last_day).unwrap().to),
        now: at("2026-01-01"),
        launched: None,
    };
    Periods::of(&zone, wanted).unwrap()
}

fn told(measure: &str, first: &str, last: &str) -> Told {
    Told {
        from: Some(at(first)),
        to: Zone::viet_nam().moment(last).unwrap().to,
        measure: measure.to_owned(),
        service: String::new(),
    }
}

/// The figures of the report on July 2022 as of the 22nd, of a platform whose journal begins then
/// and that knows of the time before by the balances.
struct Report {
    answers: Answers,
    told: Vec<Told>,
    began: &'static str,
    periods: Periods,
}

impl Report {
    fn new(answers: Answers, told: &[Told]) -> Self {
        Self {
            answers,
            told: told.to_vec(),
            began: "2022-07-01",
            periods: periods("2022-07", "2022-07-22"),
        }
    }

    fn figures(&self) -> Vec<Figure> {
        let zone = Zone::viet_nam();
        let known = Known::of(&zone, Some(at(self.began)), self.told.clone());
        let stock = nation();
        let facts = Facts {
            periods: &self.periods,
            answers: &self.answers,
            known: &known,
            stock: &stock,
            stock_sequence: 7,
        };
        assemble(&facts).unwrap()
    }

    #[track_caller]
    fn figure(&self, name: &str) -> Figure {
        let found = self.figures().into_iter().find(|it| it.name == name);
        found.unwrap_or_else(|| panic!("no figure {name}"))
    }

    #[track_caller]
    fn check(&self, rows: &[(&str, u64)]) {
        for (name, value) in rows {
            assert_eq!(self.figure(name).value, *value, "{name}");
        }
    }

    /// Value and base, or why there is none.
    #[track_caller]
    fn change(&self, name: &str) -> (u64, Result<u64, String>) {
        let figure = self.figure(name);
        let comparison = figure.comparison.expect("a change has another side");
        let base = match comparison.unavailable_en.as_str() {
            "" => Ok(comparison.base_value),
            reason => {
                assert_eq!(comparison.base_value, 0, "no number beside a reason");
                assert!(!comparison.unavailable_vi.is_empty());
                Err(reason.to_owned())
            }
        };
        (figure.value, base)
    }
}

/// 22 ministries and 63 provinces with an LGSP, five agencies with a system each, ten databases
/// and eight information systems in all.
fn nation() -> Stock {
    use MemberClass::{Agency, Ministry, Province};
    let member = |code: String, class: MemberClass| Member {
        code,
        class: class.into(),
        state: State::Active.into(),
        ..Member::default()
    };
    let system = |id: String, kind: SystemKind| System {
        id,
        kind: kind.into(),
        state: State::Active.into(),
        ..System::default()
    };
    let ministries = (1..=22).map(|place| (format!("G{place:02}"), Ministry));
    let provinces = (1..=63).map(|place| (format!("H{place:02}"), Province));
    let agencies = (1..=5).map(|place| (format!("A{place:02}"), Agency));
    let with_lgsp: Vec<_> = ministries.chain(provinces).collect();
    let lgsps = with_lgsp
        .iter()
        .map(|(code, _)| system(format!("{code}/lgsp"), SystemKind::Lgsp));
    let databases = (1..=10).map(|it| system(format!("G{it:02}/database"), SystemKind::Database));
    let owners = ["A01", "A02", "A03", "A04", "A05", "G01", "G02", "G03"];
    let of_agencies =
        owners.map(|code| system(format!("{code}/system"), SystemKind::InformationSystem));
    let systems = lgsps.chain(databases).chain(of_agencies).collect();
    let members = with_lgsp.into_iter().chain(agencies);
    let members = members.map(|(code, class)| member(code, class)).collect();
    Stock::of(members, systems, |_| true, None)
}

/// As Report 105/BC-BTTTT has it: July was counted, the years before are told.
fn july() -> Report {
    let answers = Answers {
        month: counted(10_385_415),
        year_to_date: answer(Numbers(10_385_415, 0, 0), Numbers(333_521_723, 0, 0)),
        since_launch: answer(Numbers(10_385_415, 0, 0), Numbers(543_584_063, 0, 0)),
        previous_year: answer(Numbers::default(), Numbers(180_919_031, 0, 0)),
        ..zeros()
    };
    let half = told(TRANSACTIONS, "2022-01", "2022-06");
    let year = told(TRANSACTIONS, "2021-01", "2021-12");
    let before = Told {
        from: None,
        ..told(TRANSACTIONS, "2020-12", "2020-12")
    };
    Report::new(answers, &[half, year, before])
}

#[test]
fn row_1_transactions_of_the_month_to_the_cut_off() {
    let figure = july().figure("transactions_month");
    assert_eq!((figure.value, figure.opening), (10_385_415, 0));
    assert_eq!(figure.unit, "transactions");
    let cut_off = at("2022-07-23").as_micros();
    assert_eq!(figure.proof.unwrap().cut_off_us, cut_off);
}

#[test]
fn row_2_transactions_since_launch_say_what_balances_add_and_their_sources() {
    let figure = july().figure("transactions_since_launch");
    assert_eq!((figure.value, figure.opening), (553_969_478, 543_584_063));
    assert_eq!(figure.opening_sources, ["Report 105/BC-BTTTT"]);
    assert_eq!(
        (figure.opening_left_out, figure.partial_en.as_str()),
        (0, "")
    );
}

#[test]
fn row_3_transactions_per_day_in_the_year_to_date() {
    let figure = july().figure("transactions_per_day_year_to_date");
    assert_eq!((figure.value, figure.days), (1_694_123, 203));
    july().check(&[("transactions_year_to_date", 343_907_138)]);
    july().check(&[("transactions_per_day_month", 472_064)]);
}

#[test]
fn row_4_members_with_a_connected_system() {
    let figure = july().figure("members_connected");
    assert_eq!((figure.value, figure.out_of), (90, 90));
    july().check(&[("members_transacting_month", 90)]);
}

#[test]
fn row_5_lgsps_of_ministries_and_provinces() {
    july().check(&[("systems_connected_lgsp", 85)]);
}

#[test]
fn row_6_databases_and_information_systems() {
    july().check(&[
        ("systems_connected_database", 10),
        ("systems_connected_information_system", 8),
        ("systems_connected", 103),
        ("systems_transacting_month", 103),
    ]);
}

#[test]
fn row_7_coverage_of_ministries_and_provinces() {
    for (name, all) in [
        ("coverage_lgsp_ministries", 22),
        ("coverage_lgsp_provinces", 63),
    ] {
        let figure = july().figure(name);
        assert_eq!((figure.value, figure.out_of), (all, all), "{name}");
        assert!(figure.missing.is_empty());
        let proof = figure.proof.unwrap();
        assert_eq!((proof.first_sequence, proof.last_sequence), (1, 7));
    }
}

fn documents() -> Report {
    let answers = Answers {
        month: answer(Numbers(0, 135_164, 485_666), Numbers::default()),
        first_months: answer(Numbers(0, 135_164, 485_666), Numbers(0, 624_836, 2_314_334)),
        since_launch: answer(
            Numbers(0, 135_164, 485_666),
            Numbers(0, 3_000_000, 9_500_000),
        ),
        month_previous: Some(answer(Numbers::default(), Numbers(0, 160_000, 584_400))),
        month_year_before: Some(answer(Numbers::default(), Numbers(0, 117_358, 400_000))),
        ..zeros()
    };
    let measures = [DOCUMENTS_SENT, DOCUMENTS_RECEIVED];
    let told: Vec<Told> = measures
        .into_iter()
        .flat_map(|measure| {
            let month = |month| told(measure, month, month);
            [
                month("2022-06"),
                month("2021-07"),
                told(measure, "2022-01", "2022-05"),
            ]
        })
        .collect();
    let mut report = Report::new(answers, &told);
    report.periods = periods("2022-07", "2022-07-31");
    report
}

#[test]
fn row_8_documents_sent_and_received_in_the_month() {
    documents().check(&[
        ("documents_month", 620_830),
        ("documents_sent_month", 135_164),
        ("documents_received_month", 485_666),
    ]);
    assert_eq!(documents().figure("documents_month").unit, "documents");
}

#[test]
fn row_9_documents_of_the_first_seven_months() {
    documents().check(&[
        ("documents_first_months", 3_560_000),
        ("documents_sent_first_months", 760_000),
        ("documents_received_first_months", 2_800_000),
    ]);
    let figure = documents().figure("documents_first_months");
    assert_eq!(
        (figure.opening, figure.partial_en.as_str()),
        (2_939_170, "")
    );
}

#[test]
fn row_10_documents_since_launch() {
    documents().check(&[
        ("documents_since_launch", 13_120_830),
        ("documents_sent_since_launch", 3_135_164),
        ("documents_received_since_launch", 9_985_666),
    ]);
}

#[test]
fn row_14_a_ratio_to_the_same_period_a_year_before() {
    let answers = Answers {
        month: counted(0),
        year_to_date: counted(745_000_000),
        year_to_date_year_before: Some(counted(500_000_000)),
        ..zeros()
    };
    let mut report = Report::new(answers, &[]);
    report.began = "2022-12-31";
    report.periods = periods("2024-09", "2024-09-30");
    let found = report.change("transactions_year_to_date_change_year_before");
    assert_eq!(found, (745_000_000, Ok(500_000_000)), "1.49 times");
}

#[test]
fn row_15_change_against_the_month_before_and_the_year_before() {
    let previous = documents().change("documents_month_change_previous");
    assert_eq!(previous, (620_830, Ok(744_400)), "-16.6 %");
    let year_before = documents().change("documents_month_change_year_before");
    assert_eq!(year_before, (620_830, Ok(517_358)), "+20.0 %");
    let figure = documents().figure("documents_month_change_previous");
    let comparison = figure.comparison.unwrap();
    assert_eq!(comparison.kind(), ComparisonKind::Previous);
    assert_eq!(comparison.base_opening, 744_400);
    let cut_off = comparison.base_proof.unwrap().cut_off_us;
    assert_eq!(cut_off, at("2022-08-01").as_micros());
}

#[test]
fn row_16_transactions_of_a_calendar_year_and_per_day() {
    let report = july();
    report.check(&[("transactions_previous_year", 180_919_031)]);
    let per_day = report.figure("transactions_per_day_previous_year");
    assert_eq!((per_day.value, per_day.days), (495_668, 365));
    assert_eq!(
        (per_day.opening, per_day.partial_en.as_str()),
        (495_668, "")
    );
}

#[test]
fn a_comparison_that_cannot_be_made_says_why() {
    let answers = Answers {
        month: counted(10),
        year_to_date: counted(10),
        month_previous: Some(counted(3)),
        month_year_before: Some(counted(4)),
        year_to_date_year_before: None,
        ..zeros()
    };
    let launched = "the platform launched on 2022-07-01, after that period";
    let apart = "opening balances do not tell that period apart";
    let half = [told(TRANSACTIONS, "2022-01", "2022-06")];
    let rows: [(&[Told], &str); 2] = [(&[], launched), (&half, apart)];
    for (told, reason) in rows {
        let report = Report::new(answers.clone(), told);
        let found = report.change("transactions_month_change_previous");
        assert_eq!(found, (10, Err(reason.to_owned())));
    }
    let found = Report::new(answers, &[]).change("transactions_year_to_date_change_year_before");
    let none = "there is no such period to compare with";
    assert_eq!(found, (10, Err(none.to_owned())));
}

#[test]
fn a_change_of_a_period_in_which_the_platform_launched_is_none() {
    let answers = Answers {
        month: counted(10),
        month_previous: Some(answer(Numbers::default(), Numbers(7, 0, 0))),
        ..zeros()
    };
    let june = told(TRANSACTIONS, "2022-06", "2022-06");
    let mut report = Report::new(answers, &[june]);
    report.periods = periods("2022-07", "2022-07-31");
    assert_eq!(
        report.change("transactions_month_change_previous"),
        (10, Ok(7))
    );
    report.began = "2022-07-05";
    let found = report.change("transactions_month_change_previous");
    let untold = "some of that period was neither counted nor told by opening balances";
    assert_eq!(found, (10, Err(untold.to_owned())));
}

#[test]
fn a_number_that_is_not_of_the_whole_period_says_so() {
    let report = Report::new(
        Answers {
            month: counted(1),
            ..zeros()
        },
        &[],
    );
    let year = report.figure("transactions_year_to_date");
    let within = "the platform launched on 2022-07-01, within that period";
    assert_eq!(year.partial_en, within);
    assert_eq!(report.figure("transactions_month").partial_en, "");
    assert_eq!(report.figure("transactions_since_launch").partial_en, "");
    let left_out = [told(TRANSACTIONS, "2021-07", "2022-03")];
    let report = Report::new(
        Answers {
            month: counted(1),
            ..zeros()
        },
        &left_out,
    );
    assert_eq!(
        report.figure("transactions_year_to_date").opening_left_out,
        1
    );
    assert_eq!(report.figure("documents_first_months").opening_left_out, 0);
    assert_eq!(report.figure("members_connected").opening_left_out, 0);
}

#[test]
fn figures_stand_in_the_order_of_their_definitions() {
    let names: Vec<_> = july().figures().into_iter().map(|it| it.name).collect();
    assert_eq!(names, crate::DEFINITIONS.map(|definition| definition.name));
}
