//! What is known of one stream.

use std::task::{Context, Waker};

use http::{HeaderMap, Response};

use super::window::Window;
use crate::backlog::Backlog;
use crate::error::Error;

/// How far one direction of a stream has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phase {
    Head,
    Content,
    Over,
}

/// One stream: kept until it is closed and nobody holds it.
#[derive(Debug)]
pub struct Stream {
    pub id: u32,
    /// Whoever may still read or write it.
    pub holders: u32,
    /// It waits to be taken by the server.
    pub arrived: bool,
    /// It counts among those that are open, and frames find it.
    pub open: bool,
    /// Why it ended early.
    pub failed: Option<Error>,

    pub receiving: Phase,
    /// The head of an answer.
    pub head: Option<Response<()>>,
    pub content: Backlog,
    pub trailers: Option<HeaderMap>,
    /// What is announced and has not come.
    pub content_left: Option<u64>,
    pub window: Window,
    /// Nobody reads it any more.
    pub unread: bool,
    reader: Option<Waker>,

    pub sending: Phase,
    /// What the other side takes; negative where it has narrowed its windows.
    pub send_window: i64,
    /// Somebody waits for its window to open.
    pub waits_for_window: bool,
    /// It stands among those that wait for the connection.
    pub waits_for_room: bool,
    /// It was told that there is room for a frame of it.
    pub has_turn: bool,
    writer: Option<Waker>,
}

impl Stream {
    pub fn new(id: u32, window_bytes: u32, send_window: i64) -> Self {
        Self {
            id,
            holders: 0,
            arrived: false,
            open: true,
            failed: None,
            receiving: Phase::Head,
            head: None,
            content: Backlog::default(),
            trailers: None,
            content_left: None,
            window: Window::new(window_bytes),
            unread: false,
            reader: None,
            sending: Phase::Head,
            send_window,
            waits_for_window: false,
            waits_for_room: false,
            has_turn: false,
            writer: None,
        }
    }

    /// Whether nothing comes any more, trailers neither.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.receiving == Phase::Over && self.content.is_empty() && self.trailers.is_none()
    }

    pub fn await_reading(&mut self, cx: &Context<'_>) {
        register(&mut self.reader, cx);
    }

    pub fn await_writing(&mut self, cx: &Context<'_>) {
        register(&mut self.writer, cx);
    }

    pub fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    pub fn wake_writer(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }

    /// The window was opened; whoever only waits for the stream's end is left alone.
    pub fn wake_if_room(&mut self) {
        if self.send_window > 0 && std::mem::take(&mut self.waits_for_window) {
            self.wake_writer();
        }
    }
}

/// Most of the time it is the same task that waits again.
fn register(place: &mut Option<Waker>, cx: &Context<'_>) {
    match place {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *place = Some(cx.waker().clone()),
    }
}
