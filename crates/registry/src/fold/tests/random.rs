//! Random catalogues over a small world, applied one after the other, beside the plainest
//! registry there can be: maps of items, asked by going through the rules one by one.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::*;

const CODES: [&str; 4] = ["G01", "G24", "H26", "H29"];
const NAMES: [&str; 3] = ["a", "b", "lgsp"];
const SERVICES: [&str; 3] = ["test.A", "test.B", "test.C"];
const METHODS: [&str; 3] = ["Get", "Put", "Verify"];

/// The plainest registry.
#[derive(Debug, Default)]
struct Plain {
    members: BTreeMap<String, v1::Member>,
    systems: BTreeMap<String, v1::System>,
    services: BTreeMap<(String, String), v1::Service>,
    grants: BTreeMap<(String, String, String), BTreeMap<u32, v1::Grant>>,
}

impl Plain {
    fn put(&mut self, change: v1::Change) {
        use v1::change::Item;
        match change.item.unwrap() {
            Item::Member(item) => drop(self.members.insert(item.code.clone(), item)),
            Item::System(item) => drop(self.systems.insert(item.id.clone(), item)),
            Item::Service(item) => {
                let key = (item.provider.clone(), item.name.clone());
                self.services.insert(key, item);
            }
            Item::Grant(mut item) => {
                item.id = item.key();
                let key = (
                    item.consumer.clone(),
                    item.provider.clone(),
                    item.service.clone(),
                );
                let versions = self.grants.entry(key).or_default();
                versions.insert(item.version, item);
                let active = i32::from(v1::GrantState::Active);
                let mut ended = versions.values().filter(|grant| grant.state != active);
                let last_ended = ended.next_back().map(|grant| grant.version);
                versions
                    .retain(|version, grant| grant.state == active || Some(*version) == last_ended);
            }
            Item::Descriptors(_) | Item::Removed(_) => panic!("not made here"),
        }
    }

    fn is_active(&self, system: &str) -> bool {
        let member = system.split('/').next().unwrap();
        let active = i32::from(v1::State::Active);
        self.systems
            .get(system)
            .is_some_and(|item| item.state == active)
            && self
                .members
                .get(member)
                .is_some_and(|item| item.state == active)
    }

    /// The rules of design §3, said once more.
    fn route(&self, call: &Call) -> Result<String, Reason> {
        let offers = self.services.values().filter(|item| {
            item.name == call.service
                && call
                    .provider
                    .as_ref()
                    .is_none_or(|named| *named == item.provider)
        });
        let offers: Vec<_> = offers.collect();
        let offer = match offers.as_slice() {
            [] => return Err(Reason::UnknownService),
            [offer] => offer,
            _ => return Err(Reason::AmbiguousProvider),
        };
        if offer.disabled || !self.is_active(&offer.provider) {
            return Err(Reason::ServiceDisabled);
        }
        let (consumer, service) = (call.consumer.to_owned(), offer.name.clone());
        let grant = self
            .grants
            .get(&(consumer, offer.provider.clone(), service));
        let versions = grant.ok_or(Reason::NoGrant)?;
        let active = i32::from(v1::GrantState::Active);
        let mut active = versions.values().filter(|grant| grant.state == active);
        let now = call.at.as_micros();
        let valid: Vec<_> = active
            .clone()
            .filter(|grant| {
                let ended = grant.valid_until_us != 0 && grant.valid_until_us <= now;
                grant.valid_from_us <= now && !ended
            })
            .collect();
        match valid.as_slice() {
            [] if active.next().is_some() => Err(Reason::GrantExpired),
            [] => Err(Reason::NoGrant),
            [grant] => {
                let method = call.method.to_owned();
                if !grant.methods.is_empty() && !grant.methods.contains(&method) {
                    return Err(Reason::NoGrant);
                }
                Ok(grant.id.clone())
            }
            several => panic!("{several:?} permit calls at once"),
        }
    }
}

struct Call {
    consumer: String,
    service: String,
    method: &'static str,
    provider: Option<String>,
    at: Instant,
}

trait Few<'a> {
    fn of<T: Copy>(&mut self, values: &[T]) -> T;
    fn system(&mut self) -> String;
    fn some(&mut self, values: &[&str]) -> Vec<String>;
    fn day(&mut self) -> i64;
}

impl Few<'_> for Rng {
    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        *self.choice(values).unwrap()
    }

    fn system(&mut self) -> String {
        format!("{}/{}", self.of(&CODES), self.of(&NAMES))
    }

    fn some(&mut self, values: &[&str]) -> Vec<String> {
        let mut values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        self.shuffle(&mut values);
        values.truncate(self.usize(..=values.len()));
        values
    }

    /// An end of a grant: open, or one of the first days of 2026.
    fn day(&mut self) -> i64 {
        match self.i64(0..6) {
            0..=2 => 0,
            day => january(day).as_micros(),
        }
    }
}

/// Mostly refers to what stands, and mostly makes sense.
fn random_catalogue(random: &mut Rng, plain: &Plain) -> v1::Catalogue {
    let mut catalogue = v1::Catalogue::default();
    for _ in 0..random.usize(..3) {
        catalogue.members.push(v1::Member {
            code: random.of(&CODES).to_owned(),
            name_vi: random.of(&["x", "y"]).to_owned(),
            name_en: String::new(),
            class: random.i32(1..=4),
            state: random.of(&[0, 1, 1, 2]),
            ..Default::default()
        });
    }
    for _ in 0..random.usize(..3) {
        let fingerprints = match random.u8(..6) {
            0 => vec![random.of(&["1", "2", "3"]).repeat(64)],
            _ => Vec::new(),
        };
        catalogue.systems.push(v1::System {
            id: random.system(),
            kind: random.i32(1..=3),
            name: String::new(),
            endpoints: random.some(&["a:1", "b:1"]),
            fingerprints,
            state: random.of(&[0, 1, 1, 2]),
            ..Default::default()
        });
    }
    for _ in 0..random.usize(..2) {
        catalogue.services.push(v1::Service {
            provider: random_standing(random, plain),
            name: random.of(&SERVICES).to_owned(),
            disabled: random.u8(..5) == 0,
            measures: random.some(&["records", "amount_vnd"]),
            ..Default::default()
        });
    }
    for _ in 0..random.usize(..3) {
        let offered: Vec<_> = plain.services.keys().collect();
        let (provider, service) = match random.choice(&offered) {
            Some((provider, service)) => (provider.clone(), service.clone()),
            None => (random.system(), SERVICES[0].to_owned()),
        };
        let mut ends = [random.day(), random.day()];
        if ends[1] != 0 {
            ends.sort_unstable();
        }
        catalogue.grants.push(v1::Grant {
            consumer: random_standing(random, plain),
            provider,
            service,
            methods: random.some(&METHODS),
            valid_from_us: ends[0],
            valid_until_us: ends[1],
            rate_per_second_max: random.u32(..3),
            ..Default::default()
        });
    }
    catalogue
}

/// A system that stands, or seldom any.
fn random_standing(random: &mut Rng, plain: &Plain) -> String {
    let standing: Vec<_> = plain.systems.keys().cloned().collect();
    match random.choice(&standing) {
        Some(standing) if random.u8(..20) > 0 => standing.clone(),
        _ => random.system(),
    }
}

/// Any call, or one that a grant has in mind.
fn random_call(random: &mut Rng, plain: &Plain) -> Call {
    let method = random.of(&METHODS);
    let at = january(random.i64(1..7));
    let granted: Vec<_> = plain.grants.keys().collect();
    let (consumer, provider, service) = match random.choice(&granted) {
        Some((consumer, provider, service)) if random.bool() => {
            (consumer.clone(), provider.clone(), service.clone())
        }
        _ => {
            let service = random.of(&SERVICES).to_owned();
            (random.system(), random.system(), service)
        }
    };
    Call {
        consumer,
        service,
        method,
        provider: random.bool().then_some(provider),
        at,
    }
}

#[track_caller]
fn compare(registry: &Registry, plain: &Plain, random: &mut Rng) -> usize {
    let mut permitted = 0;
    assert!(registry.members().iter().eq(plain.members.values()));
    assert!(registry.systems().iter().eq(plain.systems.values()));
    assert!(registry.services().iter().eq(plain.services.values()));
    assert!(
        registry
            .grants()
            .iter()
            .eq(plain.grants.values().flat_map(BTreeMap::values))
    );
    assert_eq!(registry.unreadable(), []);
    for _ in 0..20 {
        let call = random_call(random, plain);
        let consumer = call.consumer.parse().unwrap();
        let provider = call.provider.as_deref();
        let route = registry.route(&consumer, &call.service, call.method, provider, call.at);
        let answer = match route {
            Ok(route) => Ok(route.grant.id.to_string()),
            Err(refusal) => Err(refusal.reason),
        };
        permitted += usize::from(answer.is_ok());
        assert_eq!(answer, plain.route(&call));
        assert_eq!(
            registry.is_active(&call.consumer),
            plain.is_active(&call.consumer)
        );
    }
    for digit in ["1", "2", "3"] {
        let mut systems = plain.systems.values();
        let holder = systems.find(|item| item.fingerprints.contains(&digit.repeat(64)));
        let byte = u8::from_str_radix(&digit.repeat(2), 16).unwrap();
        let holders = registry.fingerprints.get(&[byte; 32]);
        let holders = holders.map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(holders, holder.map(|item| vec![item.id.clone()]));
    }
    permitted
}

/// How many catalogues of the run were applied, and how many calls permitted.
fn run(seed: u64) -> (usize, usize) {
    eprintln!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    let mut registry = Registry::empty();
    let mut plain = Plain::default();
    let mut journal: Vec<Entry> = Vec::new();
    let (mut applied, mut permitted) = (0, 0);
    for sequence in 1..=150 {
        let entry = if random.u8(..10) == 0 {
            connected(sequence, &random.system())
        } else {
            let wanted = random_catalogue(&mut random, &plain);
            let Ok(plan) = registry.plan(&wanted) else {
                continue;
            };
            for change in plan.changes.clone() {
                plain.put(change);
            }
            applied += 1;
            let entry = changed(sequence, plan.changes);
            let mut after = registry.clone();
            after.apply(&entry).unwrap();
            let again = after.plan(&wanted).unwrap();
            assert_eq!(again.changes, [], "what stands needs no change");
            entry
        };
        registry.apply(&entry).unwrap();
        journal.push(entry);
        permitted += compare(&registry, &plain, &mut random);
    }
    let mut anew = Registry::empty();
    for entry in &journal {
        anew.apply(entry).unwrap();
    }
    assert_eq!(
        anew, registry,
        "the fold from scratch is the incremental state"
    );

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("registry.checkpoint");
    registry.save(&file).unwrap();
    let loaded = Registry::load(&file).unwrap();
    assert_eq!(loaded, registry);
    compare(&loaded, &plain, &mut random);
    (applied, permitted)
}

#[test]
fn random_catalogues_are_folded_as_the_plainest_registry_would() {
    let runs: Vec<(usize, usize)> = (0..30).map(run).collect();
    let applied: usize = runs.iter().map(|(applied, _)| applied).sum();
    let permitted: usize = runs.iter().map(|(_, permitted)| permitted).sum();
    assert!(
        applied > 1_000,
        "only {applied} of the catalogues could be applied"
    );
    assert!(
        permitted > 1_000,
        "only {permitted} of the calls were permitted"
    );
}

#[test]
fn a_seed_can_be_replayed() {
    let seed = std::env::var("NDXP_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    run(seed.unwrap_or(7));
}
