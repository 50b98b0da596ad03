//! What a call of each method looks like: whose rhythm it follows, how large it is, how long its
//! provider takes.

use fastrand::Rng;

use super::rhythm::Pace;
use crate::{CallKind, Method};

/// The likeness of a method's calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub pace: Pace,
    pub kind: CallKind,
    /// Bytes of a call's request and answer: so many at least, and so many for each row.
    request: Size,
    answer: Size,
    /// Rows of one call on average, where nothing declares how many there are.
    rows: u64,
    /// Median of what the provider takes, microseconds: for the call, and for each row.
    provider_us: u64,
    row_us: u64,
}

#[derive(Clone, Copy, Debug)]
struct Size {
    base: u64,
    row: u64,
}

/// One call, measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub request_bytes: u64,
    pub answer_bytes: u64,
    pub request_messages: u64,
    pub answer_messages: u64,
    pub provider_us: u64,
}

/// Factors by which calls of a method differ, in thousandths: log-normal around 1,000.
#[derive(Clone, Debug)]
pub(super) struct Factors(Vec<u64>);

const fn size(base: u64, row: u64) -> Size {
    Size { base, row }
}

impl Shape {
    /// Sizes are those of the example contracts' messages, a signed page or scan for a document;
    /// times are what look-ups, writes and batches take at databases of this kind.
    pub fn of(method: Method) -> Self {
        use Pace::{Citizens, Machines, Office};
        let shape = |pace, request, answer, rows, (provider_us, row_us)| Self {
            pace,
            kind: method.kind(),
            request,
            answer,
            rows,
            provider_us,
            row_us,
        };
        match method {
            Method::VerifyIdentity => shape(Office, size(64, 0), size(21, 0), 1, (38_000, 0)),
            Method::VerifyBatch => shape(Machines, size(5, 58), size(5, 24), 180, (60_000, 900)),
            Method::AssignPersonalNumber => {
                shape(Office, size(88, 0), size(21, 0), 1, (120_000, 0))
            }
            Method::LookUpCard => shape(Office, size(19, 0), size(142, 0), 1, (45_000, 0)),
            Method::DeclareBirths => shape(Machines, size(0, 82), size(9, 0), 1, (30_000, 4_000)),
            Method::RegisterBirth | Method::RegisterDeath | Method::RegisterMarriage => {
                shape(Office, size(118, 0), size(34, 0), 1, (210_000, 0))
            }
            Method::StreamRegistrations => {
                shape(Machines, size(24, 0), size(0, 96), 40, (400_000, 9_000))
            }
            Method::LookUpParcel | Method::LookUpCertificate => {
                shape(Office, size(26, 0), size(310, 0), 1, (160_000, 0))
            }
            Method::LookUpEnterprise => shape(Office, size(17, 0), size(264, 0), 1, (52_000, 0)),
            Method::BusinessListChanges => {
                shape(Machines, size(22, 0), size(0, 140), 60, (90_000, 700))
            }
            Method::SyncStatus => shape(Citizens, size(0, 52), size(9, 0), 4, (40_000, 3_000)),
            Method::GetStatus => shape(Citizens, size(27, 0), size(48, 0), 1, (28_000, 0)),
            Method::Pay => shape(Citizens, size(71, 0), size(46, 0), 1, (640_000, 0)),
            Method::GetReceipt => shape(Citizens, size(22, 0), size(180, 0), 1, (55_000, 0)),
            Method::SubmitReport => shape(Office, size(30, 14), size(12, 0), 24, (140_000, 0)),
            Method::StreamIndicator => shape(Machines, size(28, 0), size(0, 26), 63, (70_000, 400)),
            Method::DeliverSlip | Method::GetOpinion => {
                shape(Office, size(92, 0), size(30, 0), 1, (75_000, 0))
            }
            Method::GetList => shape(Machines, size(16, 0), size(8_200, 0), 1, (24_000, 0)),
            Method::CategoriesStreamChanges => {
                shape(Machines, size(18, 0), size(0, 74), 12, (20_000, 300))
            }
            Method::SendDocument => shape(Office, size(184_000, 0), size(40, 0), 1, (320_000, 0)),
            Method::ReceiveDocuments => {
                shape(Office, size(24, 0), size(662_000, 0), 1, (290_000, 0))
            }
            Method::Exchange => {
                let row = size(0, 40_000);
                shape(Office, row, size(0, 46), 5, (90_000, 60_000))
            }
            Method::MatchBeneficiaries => {
                shape(Machines, size(0, 34), size(0, 30), 40, (50_000, 1_500))
            }
        }
    }

    /// Rows of one call on average.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// A call that was answered as it should be; `rows` where something declares how many.
    pub fn completed(&self, rows: Option<u64>, factors: &Factors, dice: &mut Rng) -> Measured {
        let rows = rows.unwrap_or_else(|| match self.rows {
            1 => 1,
            average => 1 + dice.u64(0..2 * average),
        });
        let bytes = |size: Size, factor: u64| (size.base + size.row * rows) * factor / 1_000 + 5;
        let near = |dice: &mut Rng| 1_000 + (factors.draw(dice) / 8);
        let rows_sent = matches!(
            self.kind,
            CallKind::ClientStreaming | CallKind::Bidirectional
        );
        let rows_answered = matches!(
            self.kind,
            CallKind::ServerStreaming | CallKind::Bidirectional
        );
        Measured {
            request_bytes: bytes(self.request, near(dice)),
            answer_bytes: bytes(self.answer, near(dice)),
            request_messages: if rows_sent { rows } else { 1 },
            answer_messages: if rows_answered { rows } else { 1 },
            provider_us: (self.provider_us + self.row_us * rows) * factors.draw(dice) / 1_000,
        }
    }

    /// A call that its provider answered with an error: the request, and no message back.
    pub fn failed(&self, factors: &Factors, dice: &mut Rng) -> Measured {
        let measured = self.completed(None, factors, dice);
        Measured {
            answer_bytes: 0,
            answer_messages: 0,
            ..measured
        }
    }
}

impl Factors {
    /// As many as make the tail smooth: one in a thousand takes ten times the median.
    const COUNT: usize = 8_192;
    /// Standard deviation of the logarithm.
    const SIGMA: f64 = 0.75;

    /// The same each time.
    pub fn new() -> Self {
        let mut dice = Rng::with_seed(0x006e_6478_7000);
        let draw = |_| {
            // Box and Muller's way from two even numbers to a normal one.
            let (radius, angle) = (dice.f64(), dice.f64());
            let normal =
                (-2.0 * (1.0 - radius).ln()).sqrt() * (std::f64::consts::TAU * angle).cos();
            let factor = (Self::SIGMA * normal).exp() * 1_000.0;
            // Between a fiftieth and fifty times the median.
            factor.clamp(20.0, 50_000.0) as u64
        };
        Self((0..Self::COUNT).map(draw).collect())
    }

    fn draw(&self, dice: &mut Rng) -> u64 {
        let place = dice.usize(..self.0.len());
        self.0.get(place).copied().unwrap_or(1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_factors_lie_below_the_median_and_the_tail_is_long() {
        let mut factors = Factors::new().0;
        factors.sort_unstable();
        let at = |per_mille: usize| factors[factors.len() * per_mille / 1_000];
        assert!((950..1_050).contains(&at(500)), "{}", at(500));
        assert!((4_500..7_500).contains(&at(990)), "{}", at(990));
    }

    #[test]
    fn every_method_has_messages_of_its_kind() {
        let (factors, mut dice) = (Factors::new(), Rng::with_seed(1));
        for method in Method::ALL {
            let call = Shape::of(method).completed(Some(7), &factors, &mut dice);
            let messages = (call.request_messages, call.answer_messages);
            let wanted = match method.kind() {
                CallKind::Unary => (1, 1),
                CallKind::ClientStreaming => (7, 1),
                CallKind::ServerStreaming => (1, 7),
                CallKind::Bidirectional => (7, 7),
            };
            assert_eq!(messages, wanted, "{method:?}");
            assert!(call.request_bytes > 0 && call.provider_us > 0, "{method:?}");
        }
    }
}
