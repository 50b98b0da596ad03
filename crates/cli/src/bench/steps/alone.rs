//! Steps that have no seam by which they could be left out: the look-up of a call's way, and the
//! digests. Each is done alone, again and again, on one thread.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use ndxp_model::{Clock as _, SystemClock};
use ndxp_workload::{Country, measured, message};

use crate::bench::caller::FULL_MESSAGE_BYTES;
use crate::bench::process::cpu_of;
use crate::bench::rows::count;

/// CPU time is told in hundredths of a second: one of them is a fiftieth of this.
const LASTS: Duration = Duration::from_millis(500);
/// Between two looks at the time.
const CALLS_AT_ONCE: u64 = 1_000;

/// What the steps of one call take, done alone.
pub struct Alone {
    pub look_up_us: f64,
    pub digests_us: f64,
}

impl Alone {
    /// Nothing else may be at work in this process meanwhile.
    pub fn measure() -> anyhow::Result<Self> {
        let country = Country::new()?;
        let now = SystemClock.now();
        let message = message(FULL_MESSAGE_BYTES);
        Ok(Self {
            look_up_us: cpu_us(|number| {
                black_box(country.look_up(number, now)?);
                Ok(())
            })?,
            digests_us: cpu_us(|_| {
                // The request, and the answer.
                black_box((measured(&message)?, measured(&message)?));
                Ok(())
            })?,
        })
    }
}

/// CPU of one call's step.
fn cpu_us(mut step: impl FnMut(u64) -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let began = Instant::now();
    let (calls, seconds) = cpu_of(|| {
        let mut calls = 0;
        while began.elapsed() < LASTS {
            for number in calls..calls + CALLS_AT_ONCE {
                step(number).context("a step that is measured alone failed")?;
            }
            calls += CALLS_AT_ONCE;
        }
        Ok(calls)
    })?;
    Ok(seconds * 1e6 / count(calls))
}
