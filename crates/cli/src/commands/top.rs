//! `ndxp top`: what goes through the hub now, on a screen. The screen's state, its picture and
//! the hub's answers are apart; here they meet in one loop.

mod draw;
mod feed;
mod screen;
mod terminal;
mod track;
mod words;

use std::time::Duration;

use clap::Args;
use ndxp_model::{Clock as _, SystemClock, Zone};
use ndxp_proto::statistics::v1::CountRequest;
use ndxp_report::Language;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use super::stats::{By, Filters};
use crate::connect::Remote;
use crate::failure::{Exit, Failure};
use crate::output::Output;

use draw::Moment;
use feed::{Feed, Heard};
use screen::Screen;
use terminal::{Input, Taken};

/// Shows live what goes through the hub: rate, outcomes, latency, the busiest connections
///
/// Totals are of the hub's local day, rates of the last ten seconds, and the latency is that of
/// today's transactions. The screen goes on when the hub is away for a while.
///
/// Keys: q, Esc or Ctrl-C quit; t, r, e, l and b sort by transactions, rate, errors, latency and
/// bytes, and once more the other way round, as v does; arrows, PgUp, PgDn, Home and End scroll.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Top {
    /// What the rows are
    #[arg(long, value_enum, default_value = "connection")]
    by: By,

    /// Seconds between two pictures, 0.5 to 60
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = interval)]
    interval: Duration,

    /// Print one picture as text after the interval, and end
    #[arg(long)]
    once: bool,

    /// Add the rows of members that have closed to their successors'
    #[arg(long)]
    by_successor: bool,

    /// Language of the screen: vi or en
    #[arg(long, value_name = "LANG", default_value = "en")]
    lang: Language,

    #[command(flatten)]
    filters: Filters,

    #[command(flatten, next_help_heading = "Where to ask")]
    remote: Remote,
}

const EXAMPLES: &str = "\
Examples:
  ndxp top
  ndxp top --by consumer --lang vi
  ndxp top --provider G01/population --by consumer-member
  ndxp top --once --interval 10 >> rates.txt";

/// Rows that the hub answers: more than a screen has, and few enough to come twice a second.
const ROWS_MAX: u32 = 500;

/// Of a single picture: as many rows as one looks through.
const ROWS_ONCE: u16 = 40;
const COLUMNS_ONCE: u16 = 120;

impl Top {
    pub async fn run(self) -> Result<(), Failure> {
        self.check()?;
        let config = self.remote.load()?;
        let zone = config.hub.zone.clone();
        let hub = config.client.control.to_string();
        let mut screen = Screen::new(self.by.dimension(), self.lang, hub);
        let feed = Feed {
            config,
            clock: SystemClock,
            request: CountRequest {
                by: self.by.dimension().into(),
                by_successor: self.by_successor,
                filter: self.filters.to_proto(),
                top: ROWS_MAX,
                ..CountRequest::default()
            },
        };
        let mut line = Wire::start(feed);
        let begun = Instant::now();
        // The first answer comes before the screen: what is wrong is said where one reads it.
        let first = line.next().await?;
        listened(&mut screen, first, begun.elapsed());
        if self.once {
            self.frame(&mut screen, &mut line, begun).await?;
            let text = picture(&screen, begun.elapsed(), &zone);
            return Output::open().text(&text);
        }
        self.show(&mut screen, &mut line, begun, &zone).await
    }

    fn check(&self) -> Result<(), Failure> {
        if self.by.is_time() {
            let by = ndxp_report::dimension_name(self.by.dimension()).unwrap_or_default();
            let what = format!("--by {by}: a time is not busy now");
            return Err(Failure::usage(what).remedy(format!("see `ndxp stats --by {by}`")));
        }
        if !self.once && !terminal::is_there() {
            let what = "top needs a terminal, and there is none at both ends";
            return Err(Failure::usage(what).remedy("print one frame as text: ndxp top --once"));
        }
        Ok(())
    }

    /// Listens for one interval.
    async fn frame(
        &self,
        screen: &mut Screen,
        line: &mut Wire,
        begun: Instant,
    ) -> Result<(), Failure> {
        let until = Instant::now() + self.interval;
        loop {
            tokio::select! {
                heard = line.next() => listened(screen, heard?, begun.elapsed()),
                () = tokio::time::sleep_until(until) => break,
            }
        }
        screen.tick(begun.elapsed());
        Ok(())
    }

    /// The loop: whatever happens changes the screen's state; pictures come at their pace, and at
    /// once when somebody has pressed a key.
    async fn show(
        &self,
        screen: &mut Screen,
        line: &mut Wire,
        begun: Instant,
        zone: &Zone,
    ) -> Result<(), Failure> {
        let mut ends = Ends::new()?;
        let mut terminal = Taken::take()?;
        let mut inputs = terminal::listen();
        let mut pace = tokio::time::interval(self.interval);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                heard = line.next() => {
                    listened(screen, heard?, begun.elapsed());
                    continue;
                }
                input = inputs.recv() => match input {
                    None => return Err(Failure::internal("the terminal has gone")),
                    Some(Input::Resized) => {}
                    Some(Input::Wish(wish)) => {
                        if screen.wish(wish, begun.elapsed()) {
                            return Ok(());
                        }
                    }
                },
                () = ends.wait() => return Ok(()),
                _ = pace.tick() => {}
            }
            let now = begun.elapsed();
            screen.tick(now);
            let local = local(zone);
            let drawn = terminal.0.draw(|frame| {
                let moment = Moment { now, local: &local };
                draw::draw(screen, moment, frame.area(), frame.buffer_mut());
            });
            drawn.map_err(|error| Failure::internal(format_args!("the terminal: {error}")))?;
        }
    }
}

/// A half to sixty seconds: the hub answers at most twice a second.
fn interval(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "is not a number".to_owned())?;
    if !(0.5..=60.0).contains(&seconds) {
        return Err("is not between 0.5 and 60".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

fn listened(screen: &mut Screen, heard: Heard, now: Duration) {
    match heard {
        Heard::Answer(answer) => screen.fold(*answer, now),
        Heard::Lost(why) => screen.lost(why, now),
    }
}

/// The hub's answers as they come.
struct Wire {
    heard: mpsc::Receiver<Heard>,
    feed: JoinHandle<Result<(), Failure>>,
}

impl Wire {
    fn start(feed: Feed<SystemClock>) -> Self {
        let (sender, heard) = mpsc::channel(feed::AHEAD_MAX);
        let feed = tokio::spawn(feed.run(sender));
        Self { heard, feed }
    }

    /// Waits for the next; fails when none will come.
    async fn next(&mut self) -> Result<Heard, Failure> {
        if let Some(heard) = self.heard.recv().await {
            return Ok(heard);
        }
        match (&mut self.feed).await {
            Ok(Err(failure)) => Err(failure),
            Ok(Ok(())) => Err(Failure::new(Exit::Unavailable, "the hub is silent")),
            Err(error) => Err(Failure::internal(error)),
        }
    }
}

/// The ways in which others end a command.
struct Ends {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Ends {
    fn new() -> Result<Self, Failure> {
        let on = |kind| signal(kind).map_err(Failure::internal);
        Ok(Self {
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
            hang_up: on(SignalKind::hangup())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

fn local(zone: &Zone) -> String {
    let local = zone.local(SystemClock.now());
    local.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// One picture as text.
fn picture(screen: &Screen, now: Duration, zone: &Zone) -> String {
    let area = Rect::new(0, 0, COLUMNS_ONCE, draw::height(screen, ROWS_ONCE));
    let mut cells = Buffer::empty(area);
    let local = local(zone);
    let moment = Moment { now, local: &local };
    draw::draw(screen, moment, area, &mut cells);
    draw::plain(&cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_half_a_second_to_a_minute() {
        assert_eq!(interval("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(interval("60"), Ok(Duration::from_secs(60)));
        for wrong in ["", "0", "0.49", "60.1", "-1", "NaN", "inf", "1s"] {
            assert!(interval(wrong).is_err(), "{wrong}");
        }
    }
}
