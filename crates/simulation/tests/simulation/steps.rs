//! One step of a world: calls, an act, a fault, a crash, or time that passes.

use std::sync::atomic::Ordering;
use std::time::Duration;

use ndxp_journal::Health;
use ndxp_model::Clock as _;
use ndxp_proto::registry::v1;
use ndxp_registry::Act;
use ndxp_sim_disk::{EIO, Fault};

use crate::consumer::Plan;
use crate::life::CONSUMERS;
use crate::outside::Mood;
use crate::world::{TURN_MS, World};

const ENDPOINTS: [&str; 3] = ["10.0.1.1:9001", "10.0.1.2:9001", "10.0.24.1:9024"];

/// Where calls go: path, and the provider where it has to be named.
const PATHS: [(&str, Option<&str>); 9] = [
    ("/test.Population/Find", None),
    ("/test.Population/Find", None),
    ("/test.Population/Verify", None),
    ("/test.Cards/Show", None),
    ("/test.Cards/Show", None),
    ("/test.Shared/Ask", Some("G24/insurance")),
    ("/test.Shared/Ask", Some("G01/population")),
    ("/test.Shared/Ask", None),
    ("/test.Nobody/Knows", None),
];

impl World {
    pub fn step(&mut self) {
        match self.random.u8(..40) {
            0..=17 => self.calls(),
            18..=20 => self.pass(3_000),
            21..=23 => self.act(),
            24..=26 => self.change_a_mood(),
            27..=29 => self.trouble_the_disk(),
            30 => self.jump(),
            31 => {
                self.live(|life| life.pack(&self.ground));
                self.recount();
            }
            32 => self.late(),
            33 => self.reconnect(),
            34 => self.stop(),
            35 | 36 => self.kill(),
            _ => self.cut_power(),
        }
        // What has failed for good is started again, sooner or later.
        let broken = self.life.as_ref().map(crate::life::Life::health);
        if matches!(broken, Some(Health::Poisoned { .. })) && self.random.bool() {
            self.kill();
        }
    }

    fn calls(&mut self) {
        let crowd = self.random.u8(..10) == 0;
        for _ in 0..self.random.u8(if crowd { 12..24 } else { 1..8 }) {
            // The last is a stranger, and one is enough now and then.
            let consumer = [0, 0, 0, 0, 1, 1, 1, 1, 2][self.random.usize(..9)];
            let (path, provider) = PATHS[self.random.usize(..PATHS.len())];
            let plan = Plan {
                path,
                provider,
                timeout_ms: [80, 400, 1_100, 2_000][self.random.usize(..4)],
                bytes: [0, 10, 300, 9_000][self.random.usize(..4)],
                test: self.random.u8(..10) == 0,
                patience_ms: (self.random.u8(..6) == 0).then(|| self.random.u64(..200)),
                ..self.sound_plan()
            };
            self.trace.note(format!("{} {plan:?}", CONSUMERS[consumer]));
            self.live(|life| life.call(consumer, plan));
            if self.random.bool() {
                let turns = self.random.usize(..30);
                self.live(|life| life.turns(turns));
            }
        }
        self.pass(120);
    }

    /// A call that both consumers may make.
    pub fn sound_plan(&mut self) -> Plan {
        self.calls += 1;
        Plan {
            request: format!("r{}", self.calls),
            provider: None,
            path: "/test.Population/Find",
            timeout_ms: 1_500,
            bytes: 20,
            test: false,
            patience_ms: None,
        }
    }

    fn pass(&mut self, ms_max: u64) {
        let ms = self.random.u64(..ms_max);
        self.live(|life| life.pass(ms));
    }

    fn act(&mut self) {
        let (cut, shuts) = (self.random.bool() && self.may_cut(), self.random.bool());
        let act = match self.random.u8(..3) {
            0 => transition("H29/lgsp", shuts, cut),
            1 => availability("G24/insurance/test.Cards", shuts, cut),
            _ => availability("G01/population/test.Population", shuts, cut),
        };
        self.live(|life| life.act(act));
        self.pass(30);
    }

    /// A cut wakes all calls that listen for it, and the runtime does so in an order of its own that
    /// no seed decides. One at most may listen, then: those that open before the act is durable do
    /// not yet.
    fn may_cut(&self) -> bool {
        let quick = self.ground.turn_ms.load(Ordering::Relaxed) == TURN_MS;
        quick && self.ground.outside.ledger().calls_open() <= 1
    }

    fn change_a_mood(&mut self) {
        let endpoint = ENDPOINTS[self.random.usize(..ENDPOINTS.len())];
        let mood = [Mood::Serves, Mood::Serves, Mood::Refuses, Mood::Hangs];
        let mood = mood[self.random.usize(..mood.len())];
        self.ground.outside.set_mood(endpoint, mood);
        self.ground.outside.set_misbehaving(self.random.u8(..60));
    }

    fn trouble_the_disk(&mut self) {
        let disk = &self.ground.disk;
        let kind = self.random.u8(..6);
        self.trace.note(format!("disk trouble {kind}"));
        match kind {
            0 => disk.set_full(true),
            1 => disk.set_full(false),
            2 => disk.fail_next_sync(EIO),
            3 => disk.set_fault(Some(Fault {
                first: disk.calls() + self.random.u64(..6),
                calls: 1,
                errno: EIO,
            })),
            4 => {
                let slow_ms = self.random.u64(20..900);
                self.ground.turn_ms.store(slow_ms, Ordering::Relaxed);
            }
            _ => self.ground.turn_ms.store(TURN_MS, Ordering::Relaxed),
        }
    }

    /// The disk and the providers are sound from now on.
    pub fn soothe(&mut self) {
        for endpoint in ENDPOINTS {
            self.ground.outside.set_mood(endpoint, Mood::Serves);
        }
        self.ground.turn_ms.store(TURN_MS, Ordering::Relaxed);
    }

    /// The machine's clock is set: mostly on, and sometimes back.
    fn jump(&mut self) {
        let seconds = match self.random.u8(..4) {
            0 => -self.random.i64(0..5_000),
            1 => self.random.i64(0..90_000),
            _ => self.random.i64(0..4_000),
        };
        self.trace.note(format!("the clock is set by {seconds} s"));
        self.ground.clock.jump(seconds);
    }

    /// A core says how late its tasks are.
    fn late(&mut self) {
        let late = Duration::from_millis(self.random.u64(..40));
        let now = self.ground.clock.now();
        self.live(|life| {
            for _ in 0..8 {
                let share = life.shared.admission.note_late(0, late, now);
                self.trace
                    .note(format!("{late:?} late: a share of {share}"));
            }
        });
    }

    fn reconnect(&mut self) {
        let consumer = self.random.usize(..CONSUMERS.len());
        self.trace
            .note(format!("{} connects anew", CONSUMERS[consumer]));
        if let Some(life) = &mut self.life {
            life.reconnect(consumer);
        }
        self.pass(10);
    }

    /// An orderly stop, as far as the disk allows.
    fn stop(&mut self) {
        self.trace.note("stopped");
        if let Some(life) = self.life.take() {
            life.stop(&self.ground);
        }
        let disk = self.ground.disk.killed();
        self.restart(disk);
    }

    /// The process is gone; the system still has all that was written.
    fn kill(&mut self) {
        let turns = self.random.usize(..40);
        self.trace.note(format!("killed after {turns} turns"));
        self.live(|life| life.turns(turns));
        let disk = self.ground.disk.killed();
        self.restart(disk);
    }

    /// What was not synced is gone, or part of it: at any call to the disk, or between any two
    /// things that happen.
    fn cut_power(&mut self) {
        let calls = self.random.u64(..24);
        self.trace
            .note(format!("power fails after {calls} calls to the disk"));
        self.ground.disk.die_after(calls);
        self.calls();
        let turns = self.random.usize(..40);
        self.live(|life| life.turns(turns));
        self.live(|life| life.pack(&self.ground));
        let disk = self.ground.disk.crashed(&mut self.random);
        self.restart(disk);
    }
}

pub fn apply(catalogue: v1::Catalogue) -> Act {
    Act::Apply(v1::ApplyRequest {
        catalogue: Some(catalogue),
        note: "the world begins".to_owned(),
        ..Default::default()
    })
}

/// What undoes all other acts.
pub fn restore() -> [Act; 3] {
    [
        transition("H29/lgsp", false, false),
        availability("G24/insurance/test.Cards", false, false),
        availability("G01/population/test.Population", false, false),
    ]
}

fn transition(system: &str, suspends: bool, cut: bool) -> Act {
    let action = match suspends {
        true => v1::Action::Suspend,
        false => v1::Action::Resume,
    };
    Act::Transition(v1::TransitionRequest {
        kind: v1::ItemKind::System.into(),
        key: system.to_owned(),
        action: action.into(),
        reason: "simulated".to_owned(),
        cut,
        ..Default::default()
    })
}

fn availability(service: &str, disabled: bool, cut: bool) -> Act {
    Act::SetAvailability(v1::SetAvailabilityRequest {
        kind: v1::ItemKind::Service.into(),
        key: service.to_owned(),
        disabled,
        notice: "bảo trì".to_owned(),
        reason: "simulated".to_owned(),
        cut,
        ..Default::default()
    })
}
