//! What the nation does: call number n of a seed, as a pure function, so that the same seed
//! makes the same calls whatever the scheduler does, and every call knows how it should end.

use std::collections::BTreeSet;
use std::time::Duration;

use fastrand::Rng;
use ndxp_model::{Outcome, ServiceName, SystemId, SystemKind};

use crate::documents::Passed;
use crate::mixed::mixed;
use crate::nation::{
    LAPSED_CONSUMER, LAPSED_PROVIDER, Link, Nation, UNOFFERED_SERVICE, WITHDRAWN_PROVIDER,
    WITHDRAWN_SERVICE,
};
use crate::tally::Target;
use crate::{CallKind, Failure, Method, Script};

/// What is called.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// A method of an example service, with its own messages.
    Typed(Method),
    /// A method that no contract here describes, with an empty message.
    Bare(&'static str),
}

/// One call, before it is made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Call {
    pub target: Target,
    pub action: Action,
    /// First key of the request; decides what the provider does (see `Script`).
    pub key: String,
    /// Messages or rows that the request carries where it carries several; at least 1.
    pub records: u32,
    pub amount_vnd: u64,
    /// The consumer breaks off behind so many answers of a stream that never ends.
    pub break_off_after: Option<u32>,
    /// Marked as a test: journaled, and counted nowhere.
    pub test: bool,
    pub request_id: String,
    pub user: String,
    pub case: String,
    /// W3C trace context, made by the consumer.
    pub traceparent: String,
    /// How it ends where hub and provider do as they should.
    pub expected: Outcome,
}

/// How many of a thousand calls are of a special sort; the rest are ordinary. Shares that sum
/// to more than a thousand are met in their order here, and what lies behind is cut off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Shares {
    /// The provider answers with an error.
    pub failing: u32,
    /// The provider takes 50 to 400 ms.
    pub slow: u32,
    /// The provider never answers; the hub's cap ends the call.
    pub timed_out: u32,
    /// Nobody listens at the provider's endpoint.
    pub unreachable: u32,
    /// The hub has a reason to refuse.
    pub refused: u32,
    /// The consumer breaks off.
    pub cancelled: u32,
    /// Marked `ndxp-test: 1`.
    pub test: u32,
    /// Of a thousand of the ordinary, failing and test calls, so many stream.
    pub streaming: u32,
}

impl Default for Shares {
    fn default() -> Self {
        Self {
            failing: 40,
            slow: 5,
            timed_out: 1,
            unreachable: 3,
            refused: 8,
            cancelled: 4,
            test: 2,
            streaming: 200,
        }
    }
}

impl Shares {
    /// Ordinary unary calls alone.
    pub const NONE: Self = Self {
        failing: 0,
        slow: 0,
        timed_out: 0,
        unreachable: 0,
        refused: 0,
        cancelled: 0,
        test: 0,
        streaming: 0,
    };
}

/// All calls of one seed.
#[derive(Clone, Debug)]
pub struct Plan {
    seed: u64,
    shares: Shares,
    /// What the first calls are, one after the other; those behind them are drawn.
    roll_call: Vec<Link>,
    unary: Table,
    streaming: Table,
    /// Streams of registrations, which can be followed without end.
    followed: Table,
    /// Unary methods of services whose calls are capped.
    hanging: Table,
    provinces: Vec<SystemId>,
    absent: SystemId,
}

/// Links by weight.
#[derive(Clone, Debug)]
struct Table {
    links: Vec<Link>,
    /// Sum of the weights up to and with each link.
    sums: Vec<u64>,
}

impl Table {
    fn of(nation: &Nation, wanted: impl Fn(Method) -> bool) -> Self {
        let links: Vec<_> = nation
            .links()
            .iter()
            .filter(|link| wanted(link.method))
            .cloned()
            .collect();
        let sums = links
            .iter()
            .scan(0, |sum, link| {
                *sum += link.weight;
                Some(*sum)
            })
            .collect();
        Self { links, sums }
    }

    fn draw(&self, dice: &mut Rng) -> &Link {
        let whole = self.sums.last().copied().unwrap_or(0);
        let drawn = dice.u64(0..whole.max(1));
        let place = self.sums.partition_point(|sum| *sum <= drawn);
        self.links
            .get(place)
            .expect("the nation calls methods of every sort, and the draw is below their sum")
    }
}

impl Plan {
    #[must_use]
    pub fn new(nation: &Nation, shares: Shares, seed: u64) -> Self {
        let is_province =
            |id: &&SystemId| id.name() == "lgsp" && id.member().as_str().starts_with('H');
        Self {
            seed,
            shares,
            roll_call: Vec::new(),
            unary: Table::of(nation, |method| method.kind() == CallKind::Unary),
            streaming: Table::of(nation, |method| method.kind() != CallKind::Unary),
            followed: Table::of(nation, |method| method == Method::StreamRegistrations),
            hanging: Table::of(nation, |method| Method::HANGING.contains(&method)),
            provinces: nation
                .systems()
                .iter()
                .filter(|system| system.kind == SystemKind::Lgsp)
                .map(|system| &system.id)
                .filter(is_province)
                .cloned()
                .collect(),
            absent: nation.absent().id.clone(),
        }
    }

    /// The same calls behind those of a roll call, in which each system that exchanges anything
    /// takes part.
    #[must_use]
    pub fn with_roll_call(mut self, nation: &Nation) -> Self {
        let mut taken = BTreeSet::new();
        for link in nation.links() {
            let consumer_is_new = taken.insert(&link.consumer);
            if taken.insert(&link.provider) || consumer_is_new {
                self.roll_call.push(link.clone());
            }
        }
        self
    }

    /// Whether call number `n` belongs to the roll call.
    #[must_use]
    pub fn is_roll_call(&self, n: u64) -> bool {
        self.called_on(n).is_some()
    }

    fn called_on(&self, n: u64) -> Option<&Link> {
        self.roll_call.get(usize::try_from(n).ok()?)
    }

    /// Call number `n`. Depends on the nation, the shares, the seed and `n` alone.
    #[must_use]
    pub fn call(&self, n: u64) -> Call {
        let mut dice = Rng::with_seed(mixed(self.seed, n));
        let dice = &mut dice;
        let mut call = match self.called_on(n) {
            Some(link) => scripted(link, dice, Script::Answer, Outcome::Completed),
            None => self.drawn(dice),
        };
        call.request_id = format!("{:x}-{n}", self.seed);
        call.user = format!("officer-{}", dice.u32(1..=40));
        call.case = format!("{}-220722-{n:08}", call.target.consumer.member());
        call.traceparent = format!("00-{:032x}-{:016x}-01", dice.u128(1..), dice.u64(1..));
        call
    }

    fn drawn(&self, dice: &mut Rng) -> Call {
        let shares = self.shares;
        let mut rest = dice.u32(0..1_000);
        // Whether the draw falls into the next share of the thousand.
        let mut falls_into = |share: u32| {
            let inside = rest < share;
            rest = rest.wrapping_sub(share);
            inside
        };
        if falls_into(shares.failing) {
            let failure = dice.choice(Failure::ALL).unwrap_or(Failure::NotFound);
            let link = self.ordinary(dice);
            scripted(link, dice, Script::Fail(failure), Outcome::ProviderError)
        } else if falls_into(shares.slow) {
            let delay = Duration::from_millis(dice.u64(50..=400));
            let link = self.unary.draw(dice);
            scripted(link, dice, Script::AnswerAfter(delay), Outcome::Completed)
        } else if falls_into(shares.timed_out) {
            let link = self.hanging.draw(dice);
            scripted(link, dice, Script::Hang, Outcome::TimedOut)
        } else if falls_into(shares.unreachable) {
            let target = Target {
                consumer: self.province(dice),
                provider: Some(self.absent.clone()),
                service: Method::GetList.service(),
            };
            Call::new(target, Action::Typed(Method::GetList), "schools").ends(Outcome::Unreachable)
        } else if falls_into(shares.refused) {
            self.refused(dice).ends(Outcome::Refused)
        } else if falls_into(shares.cancelled) {
            let link = self.followed.draw(dice);
            let mut call = scripted(link, dice, Script::Answer, Outcome::Cancelled);
            call.break_off_after = Some(dice.u32(1..=call.records));
            call
        } else {
            let test = falls_into(shares.test);
            let link = self.ordinary(dice);
            let mut call = scripted(link, dice, Script::Answer, Outcome::Completed);
            call.test = test;
            call
        }
    }

    fn ordinary(&self, dice: &mut Rng) -> &Link {
        if dice.u32(0..1_000) < self.shares.streaming {
            self.streaming.draw(dice)
        } else {
            self.unary.draw(dice)
        }
    }

    fn province(&self, dice: &mut Rng) -> SystemId {
        dice.choice(&self.provinces)
            .expect("the nation has provinces")
            .clone()
    }

    /// A call that the hub has a reason to refuse, one of each sort.
    fn refused(&self, dice: &mut Rng) -> Call {
        let typed = |consumer: SystemId, provider: Option<&str>, method: Method| {
            let target = Target {
                consumer,
                provider: provider.map(system),
                service: method.service(),
            };
            Call::new(target, Action::Typed(method), "001203004567")
        };
        let bare = |provider: Option<&str>, service: &str, method, dice: &mut Rng| {
            let target = Target {
                consumer: self.province(dice),
                provider: provider.map(system),
                service: name(service),
            };
            Call::new(target, Action::Bare(method), "")
        };
        match dice.u8(0..6) {
            // No grant for the service.
            0 => typed(self.province(dice), Some("G22/payment"), Method::Pay),
            // A grant for the service, and none for the method.
            1 => {
                let province = self.province(dice);
                typed(province, Some("G24/insurance"), Method::DeclareBirths)
            }
            // A grant that has lapsed.
            2 => typed(
                system(LAPSED_CONSUMER),
                Some(LAPSED_PROVIDER),
                Method::LookUpParcel,
            ),
            // Several systems offer the service, and none is named.
            3 => typed(self.province(dice), None, Method::GetList),
            // A service that its provider has withdrawn.
            4 => bare(
                Some(WITHDRAWN_PROVIDER),
                WITHDRAWN_SERVICE,
                "LookUpParcel",
                dice,
            ),
            // A service that nobody offers.
            _ => bare(None, UNOFFERED_SERVICE, "LookUpVehicle", dice),
        }
    }
}

impl Call {
    /// A plain call: one record, no marks, expected to be completed.
    #[must_use]
    pub fn new(target: Target, action: Action, key: &str) -> Self {
        Self {
            target,
            action,
            key: key.to_owned(),
            records: 1,
            amount_vnd: 0,
            break_off_after: None,
            test: false,
            request_id: String::new(),
            user: String::new(),
            case: String::new(),
            traceparent: String::new(),
            expected: Outcome::Completed,
        }
    }

    /// The value that the call declares in `ndxp-measure-<name>`.
    #[must_use]
    pub fn measure(&self) -> Option<(&'static str, u64)> {
        let Action::Typed(method) = self.action else {
            return None;
        };
        match method.measure()? {
            name @ crate::method::AMOUNT_VND => Some((name, self.amount_vnd)),
            name => Some((name, self.records.into())),
        }
    }

    /// The values that the provider states with its answer where the call is completed.
    pub(crate) fn answered_measures(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let passed = match self.action {
            Action::Typed(Method::SendDocument) => Passed::ONE_SENT,
            Action::Typed(Method::ReceiveDocuments) => Passed::waiting(&self.key),
            Action::Typed(Method::Exchange) => Passed::on_line(self.records),
            _ => Passed::default(),
        };
        passed.measures()
    }

    fn ends(mut self, expected: Outcome) -> Self {
        self.expected = expected;
        self
    }
}

fn scripted(link: &Link, dice: &mut Rng, script: Script, expected: Outcome) -> Call {
    let target = Target {
        consumer: link.consumer.clone(),
        provider: Some(link.provider.clone()),
        service: link.method.service(),
    };
    let serial = dice.u64(..);
    // Personal numbers begin with the code of a province, 001 to 096.
    let ordinary = || format!("{:03}{:09}", 1 + serial % 96, serial % 1_000_000_000);
    let key = script.key(serial).unwrap_or_else(ordinary);
    let mut call = Call::new(target, Action::Typed(link.method), &key).ends(expected);
    call.records = dice.u32(1..=20);
    call.amount_vnd = 10_000 * dice.u64(1..=500);
    call
}

fn system(text: &str) -> SystemId {
    text.parse()
        .expect("the plan's systems stand in the nation")
}

fn name(text: &str) -> ServiceName {
    text.parse().expect("the plan's services have proper names")
}

#[cfg(test)]
mod tests;
