//! All that is known of a connection, without its socket: what came, what is to go out, and who waits
//! for either. Pure: bytes are handed in and taken out, time plays no part.
//!
//! Whatever is to be sent is written into `out` at once, in the order in which it was said. So there are
//! no frames that wait, only bytes; content enters when there is room for it and both windows allow it, and
//! until then stays with whoever sends it.

mod ending;
mod inbound;
mod openers;
mod outbound;
mod reading;
mod settings;
mod stream;
mod window;

use std::collections::VecDeque;
use std::task::{Context, Waker};

use http::Request;
use slab::Slab;

use crate::config::Config;
use crate::error::{Error, Reason};
use crate::frame::{STREAM_MAX, WINDOW_BYTES_DEFAULT};
use crate::hpack::{Decoder, Encoder};
use crate::outgoing::Outgoing;
use inbound::Block;
pub use inbound::Breach;
use openers::Openers;
pub use openers::Ticket;
pub use outbound::{TakesNoMore, Target, WAITING_BYTES_MAX};
use stream::Stream;
use window::Window;

/// Which end of the connection this is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    Client,
    Server,
}

/// A stream's place in a connection's state.
pub type Key = usize;

/// Streams that a client may have until the server has said how many.
const STREAMS_MAX_DEFAULT: usize = 100;

/// A connection's state.
#[derive(Debug)]
pub struct State {
    pub role: Role,
    config: Config,

    decoder: Decoder,
    /// A header list that frames to come will complete.
    block: Option<Block>,
    encoder: Encoder,

    /// Bytes that wait to be taken to the socket.
    pub out: Outgoing,
    /// Bytes that were taken and have not left.
    pub leaving: usize,
    /// Of the bytes that wait, those that answer the other side's frames.
    replies: usize,

    streams: Slab<Stream>,
    /// The open ones, in the order of their numbers.
    open: Vec<(u32, Key)>,
    /// Streams that were reset here: what still comes for them is no fault. The latest last.
    lately_reset: VecDeque<u32>,
    /// Requests that nobody has taken yet.
    arrived: VecDeque<(Key, Request<()>)>,
    /// Those that the other side has reset before, and nobody has been told of yet.
    withdrawn: u32,
    error_resets: usize,

    /// The highest number that the other side has used.
    highest_remote: u32,
    /// Streams of the other side above this are passed over, because it was told so.
    remote_max: u32,
    next_local: u32,
    /// Streams of this side above this were not seen.
    local_max: u32,

    /// What the other side allows: a new stream's window, and streams at once.
    peer_window: i64,
    peer_streams_max: usize,
    send_window: i64,
    window: Window,
    settings_acknowledged: bool,
    /// The other side's first settings have come.
    peer_has_settled: bool,

    waiting_for_room: VecDeque<Key>,
    /// Streams that were told that there is room, and have not used it yet.
    turns: usize,
    openers: Openers,
    /// Handles by which requests may be sent.
    pub senders: usize,

    going: Going,
    /// The other side has said good-bye, and why.
    peer_going: Option<Reason>,
    ended: Option<Error>,

    task: Option<Waker>,
    woken: bool,
}

/// How far this side is with its good-bye.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Going {
    Not,
    /// No number was named yet: streams may be on their way.
    Announced,
    /// The last stream was named; what is open ends in order.
    Named,
}

impl State {
    #[must_use]
    pub fn new(role: Role, config: Config) -> Self {
        Self {
            role,
            config,
            decoder: Decoder::default(),
            block: None,
            encoder: Encoder::default(),
            out: Outgoing::default(),
            leaving: 0,
            replies: 0,
            streams: Slab::new(),
            open: Vec::new(),
            lately_reset: VecDeque::new(),
            arrived: VecDeque::new(),
            withdrawn: 0,
            error_resets: 0,
            highest_remote: 0,
            remote_max: STREAM_MAX,
            next_local: 1,
            local_max: STREAM_MAX,
            peer_window: i64::from(WINDOW_BYTES_DEFAULT),
            peer_streams_max: STREAMS_MAX_DEFAULT,
            send_window: i64::from(WINDOW_BYTES_DEFAULT),
            window: Window::of_connection(),
            settings_acknowledged: false,
            peer_has_settled: false,
            waiting_for_room: VecDeque::new(),
            turns: 0,
            openers: Openers::default(),
            senders: 0,
            going: Going::Not,
            peer_going: None,
            ended: None,
            task: None,
            woken: false,
        }
    }

    /// Whose turn it is to move bytes: woken when there are new ones.
    pub fn begin_turn(&mut self, cx: &Context<'_>) {
        self.woken = false;
        match &mut self.task {
            Some(task) => task.clone_from(cx.waker()),
            None => self.task = Some(cx.waker().clone()),
        }
    }

    /// Has the connection's task look at what changed.
    pub fn wake(&mut self) {
        if !std::mem::replace(&mut self.woken, true)
            && let Some(task) = &self.task
        {
            task.wake_by_ref();
        }
    }

    /// A stream that somebody holds.
    fn stream(&mut self, key: Key) -> &mut Stream {
        self.streams
            .get_mut(key)
            .expect("a stream is kept while somebody holds it")
    }

    /// The open stream of this number.
    fn find(&self, id: u32) -> Option<Key> {
        let place = self.open.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.open.get(place).map(|(_, key)| *key)
    }

    /// Opens a stream; numbers only rise.
    fn insert(&mut self, id: u32) -> Key {
        let stream = Stream::new(id, self.config.stream_window_bytes, self.peer_window);
        let key = self.streams.insert(stream);
        self.open.push((id, key));
        key
    }

    /// Takes a stream out of those that are open: both sides are done with it.
    fn close(&mut self, key: Key) {
        let stream = self.stream(key);
        if !std::mem::replace(&mut stream.open, false) {
            return;
        }
        let id = stream.id;
        self.turns -= usize::from(std::mem::take(&mut stream.has_turn));
        let stream = self.stream(key);
        if std::mem::take(&mut stream.waits_for_room) {
            self.waiting_for_room.retain(|waiting| *waiting != key);
        }
        if let Ok(place) = self.open.binary_search_by_key(&id, |(id, _)| *id) {
            self.open.remove(place);
        }
        self.remove_unheld(key);
        self.grant_places();
        if self.is_over() {
            self.wake();
        }
    }

    /// Forgets a stream that is closed and that nobody holds.
    fn remove_unheld(&mut self, key: Key) {
        let stream = self.stream(key);
        if stream.open || stream.holders > 0 || stream.arrived {
            return;
        }
        let held = stream.window.held();
        self.streams.remove(key);
        self.release_of_connection(held);
    }

    /// Gives bytes back to the connection's window.
    fn release_of_connection(&mut self, bytes: usize) {
        self.window.release(bytes);
        self.renew_connection_window();
    }

    /// How wide the connection's window is meant to be.
    pub fn set_target_window(&mut self, bytes: u32) {
        self.window.set_target(bytes);
        self.renew_connection_window();
    }
}
