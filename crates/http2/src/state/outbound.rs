//! What is said: heads, content, ends, and what answers the other side's frames.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::stream::Phase;
use super::{Going, Key, Role, State, Ticket};
use crate::error::{By, Error, Reason};
use crate::frame::{self, HEAD_BYTES, Head, PAYLOAD_BYTES_MAX, STREAM_MAX, flag, kind};
use crate::hpack::Encoder;
use crate::outgoing::Outgoing;

/// Bytes that wait for the socket, above which no content is taken: four full frames.
const ROOM_BYTES: usize = 4 * PAYLOAD_BYTES_MAX;
/// Bytes that wait for the socket, above which no call is begun: a client sends no request then, and a server
/// reads none. Those of calls that are there come on top.
pub const WAITING_BYTES_MAX: usize = 256 * 1024;
const _: () = assert!(ROOM_BYTES + PAYLOAD_BYTES_MAX + REPLY_BYTES_MAX <= WAITING_BYTES_MAX);
/// Answers to the other side's frames that may wait until it reads them; then nothing more is read of it.
const REPLY_BYTES_MAX: usize = 64 * 1024;
/// In PING, says that this is asked before the last stream is named.
pub const GOOD_BYE: [u8; 8] = *b"ndxp-bye";

/// The stream takes nothing more: reset, or its connection lost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TakesNoMore;

/// What a request's head says beside its headers.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    pub authority: &'a str,
    pub path: &'a str,
}

impl State {
    /// Bytes that wait for the socket.
    fn waiting(&self) -> usize {
        self.out.len() + self.leaving
    }

    /// Whether more may be read: not while the other side does not take what answers it. A client reads
    /// answers all the same, or two ends could each wait for the other to read first.
    #[must_use]
    pub fn may_read(&self) -> bool {
        let answered = self.role == Role::Client || self.waiting() <= WAITING_BYTES_MAX;
        self.replies <= REPLY_BYTES_MAX && answered
    }

    /// What waits, to be written as a whole before anything else is.
    pub fn take_out(&mut self) -> Outgoing {
        self.leaving = self.out.len();
        self.replies = 0;
        std::mem::take(&mut self.out)
    }

    /// Tells those that wait that there is room, one frame each, and no more of them than will find it; whether
    /// others could be told as well.
    pub fn give_room(&mut self) -> bool {
        self.grant_places();
        let room = ROOM_BYTES.saturating_sub(self.waiting());
        let window = usize::try_from(self.send_window).unwrap_or_default();
        let frames = room.min(window).div_ceil(PAYLOAD_BYTES_MAX);
        for _ in 0..frames {
            let Some(key) = self.waiting_for_room.pop_front() else {
                return false;
            };
            let stream = self.stream(key);
            stream.waits_for_room = false;
            stream.has_turn = true;
            stream.wake_writer();
            self.turns += 1;
        }
        frames > 0 && !self.waiting_for_room.is_empty()
    }

    /// Whether another request may be sent now; otherwise a ticket holds its place in the queue.
    pub fn poll_open(
        &mut self,
        ticket: &mut Option<Ticket>,
        cx: &Context<'_>,
    ) -> Poll<Result<(), Error>> {
        if let Some(error) = self.takes_no_requests() {
            return Poll::Ready(Err(error));
        }
        let granted = ticket.is_some_and(|it| self.openers.is_granted(it));
        let first = ticket.is_none() && self.openers.is_empty() && self.places() > 0;
        if granted || first {
            return Poll::Ready(Ok(()));
        }
        *ticket = Some(self.openers.wait(*ticket, cx));
        Poll::Pending
    }

    fn takes_no_requests(&self) -> Option<Error> {
        if let Some(error) = self.ended {
            return Some(error);
        }
        if let Some(reason) = self.peer_going {
            return Some(Error::go_away(reason, By::Remote));
        }
        // All numbers are used up: another connection has them again.
        let none_left = self.next_local > STREAM_MAX || self.going != Going::Not;
        none_left.then(|| Error::go_away(Reason::NO_ERROR, By::Remote))
    }

    /// Streams that may be opened and are kept for nobody: none while much waits for the socket, where heads of
    /// calls that are over by now would gather without end.
    fn places(&self) -> usize {
        if self.waiting() > WAITING_BYTES_MAX {
            return 0;
        }
        self.peer_streams_max
            .saturating_sub(self.open.len() + self.openers.granted())
    }

    pub(super) fn grant_places(&mut self) {
        if !self.openers.is_empty() {
            let places = self.places();
            self.openers.grant(places);
        }
    }

    /// Whoever holds the ticket takes its place.
    pub fn use_ticket(&mut self, ticket: Ticket) {
        self.openers.give_up(ticket);
    }

    /// Whoever held the ticket has no use for it any more.
    pub fn give_up_ticket(&mut self, ticket: Ticket) {
        self.openers.give_up(ticket);
        self.grant_places();
    }

    /// Streams that the other side takes at once.
    #[must_use]
    pub fn peer_streams_max(&self) -> usize {
        self.peer_streams_max
    }

    /// Sends the head of a request. Its stream is held twice: by who reads and by who writes.
    pub fn send_request<'a>(
        &mut self,
        target: Target<'_>,
        headers: impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)>,
        ends: bool,
    ) -> Result<Key, Error> {
        if let Some(error) = self.takes_no_requests() {
            return Err(error);
        }
        let id = self.next_local;
        self.next_local += 2;
        let key = self.insert(id);
        self.put_head(id, ends, |encoder, block| {
            Encoder::known(block, METHOD_POST);
            Encoder::known(block, SCHEME_HTTPS);
            encoder.field(block, b":authority", target.authority.as_bytes(), false);
            encoder.field(block, b":path", target.path.as_bytes(), false);
            put_fields(encoder, block, headers);
        });
        let stream = self.stream(key);
        stream.holders = 2;
        stream.sending = phase_behind_head(ends);
        self.wake();
        Ok(key)
    }

    /// Sends the head of an answer.
    pub fn send_response(
        &mut self,
        key: Key,
        response: &Response<()>,
        ends: bool,
    ) -> Result<(), TakesNoMore> {
        let id = self.sendable(key)?;
        self.put_head(id, ends, |encoder, block| {
            put_status(encoder, block, response.status());
            put_fields(encoder, block, response.headers());
        });
        self.stream(key).sending = phase_behind_head(ends);
        self.wake();
        if ends {
            self.sent_all(key);
        }
        Ok(())
    }

    /// How many bytes of content may be sent now.
    pub fn poll_room(
        &mut self,
        key: Key,
        wanted: usize,
        cx: &Context<'_>,
    ) -> Poll<Result<usize, TakesNoMore>> {
        if let Err(over) = self.sendable(key) {
            return Poll::Ready(Err(over));
        }
        let crowded = self.send_window <= 0 || self.waiting() >= ROOM_BYTES;
        let connection_window = self.send_window;
        let has_turn = std::mem::take(&mut self.stream(key).has_turn);
        self.turns -= usize::from(has_turn);
        let others_wait = !self.waiting_for_room.is_empty() || self.turns > 0;
        let stream = self.stream(key);
        if stream.send_window <= 0 {
            stream.waits_for_window = true;
            stream.await_writing(cx);
            return Poll::Pending;
        }
        if crowded || (others_wait && !has_turn) {
            stream.await_writing(cx);
            let queued = std::mem::replace(&mut stream.waits_for_room, true);
            match (queued, has_turn) {
                (true, _) => {}
                (false, true) => self.waiting_for_room.push_front(key),
                (false, false) => self.waiting_for_room.push_back(key),
            }
            if !crowded {
                self.wake();
            }
            return Poll::Pending;
        }
        let window = usize::try_from(stream.send_window.min(connection_window));
        let room = window.unwrap_or_default().min(PAYLOAD_BYTES_MAX);
        Poll::Ready(Ok(wanted.min(room)))
    }

    /// Sends content, for which there has to be room.
    pub fn send_data(&mut self, key: Key, content: Bytes, ends: bool) -> Result<(), TakesNoMore> {
        let id = self.sendable(key)?;
        let bytes = i64::try_from(content.len()).map_err(|_| TakesNoMore)?;
        self.send_window -= bytes;
        let stream = self.stream(key);
        stream.send_window -= bytes;
        debug_assert!(bytes == 0 || stream.send_window >= 0, "room was asked for");
        let flags = if ends { flag::END_STREAM } else { 0 };
        self.out.make_room();
        let head = Head {
            length: content.len(),
            kind: kind::DATA,
            flags,
            stream: id,
        };
        self.out.bytes.extend_from_slice(&head.write());
        self.out.push(content);
        self.wake();
        if ends {
            self.sent_all(key);
        }
        Ok(())
    }

    /// Ends the stream with trailers.
    pub fn send_trailers(&mut self, key: Key, trailers: &HeaderMap) -> Result<(), TakesNoMore> {
        let id = self.sendable(key)?;
        self.put_head(id, true, |encoder, block| {
            put_fields(encoder, block, trailers);
        });
        self.wake();
        self.sent_all(key);
        Ok(())
    }

    fn sendable(&mut self, key: Key) -> Result<u32, TakesNoMore> {
        let stream = self.stream(key);
        match stream.failed.is_none() && stream.sending != Phase::Over {
            true => Ok(stream.id),
            false => Err(TakesNoMore),
        }
    }

    fn sent_all(&mut self, key: Key) {
        let stream = self.stream(key);
        stream.sending = Phase::Over;
        if stream.receiving == Phase::Over {
            self.close(key);
        }
    }

    /// Writes a header list as one frame, or as several where it does not fit into one.
    pub(super) fn put_head(
        &mut self,
        stream: u32,
        ends: bool,
        write: impl FnOnce(&mut Encoder, &mut Vec<u8>),
    ) {
        self.out.make_room();
        let out = &mut self.out.bytes;
        let start = out.len();
        let mut head = Head {
            length: 0,
            kind: kind::HEADERS,
            flags: if ends { flag::END_STREAM } else { 0 },
            stream,
        };
        out.extend_from_slice(&head.write());
        self.encoder.begin(out);
        write(&mut self.encoder, out);
        head.length = out.len() - start - HEAD_BYTES;
        if head.length <= PAYLOAD_BYTES_MAX {
            head.flags |= flag::END_HEADERS;
            if let Some(place) = out.get_mut(start..start + HEAD_BYTES) {
                place.copy_from_slice(&head.write());
            }
            return;
        }
        let block = out.split_off(start + HEAD_BYTES);
        out.truncate(start);
        let mut pieces = block.chunks(PAYLOAD_BYTES_MAX).peekable();
        while let Some(piece) = pieces.next() {
            if pieces.peek().is_none() {
                head.flags |= flag::END_HEADERS;
            }
            frame::put(out, head.kind, head.flags, stream, piece);
            head.kind = kind::CONTINUATION;
            head.flags = 0;
        }
    }

    /// Writes what answers the other side's frames.
    pub(super) fn put_reply(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.out.make_room();
        frame::put(&mut self.out.bytes, kind, flags, stream, payload);
        self.replies += HEAD_BYTES + payload.len();
    }

    pub(super) fn put_reset(&mut self, id: u32, reason: Reason) {
        self.out.make_room();
        let code = reason.code().to_be_bytes();
        frame::put(&mut self.out.bytes, kind::RST_STREAM, 0, id, &code);
        if self.lately_reset.len() >= self.config.reset_streams_max {
            self.lately_reset.pop_front();
        }
        self.lately_reset.push_back(id);
    }

    fn put_window(&mut self, stream: u32, bytes: u32) {
        self.out.make_room();
        let bytes = bytes.to_be_bytes();
        frame::put(&mut self.out.bytes, kind::WINDOW_UPDATE, 0, stream, &bytes);
        self.wake();
    }

    pub(super) fn renew_connection_window(&mut self) {
        if self.ended.is_none()
            && let Some(bytes) = self.window.renew()
        {
            self.put_window(0, bytes);
        }
    }

    pub(super) fn renew_window(&mut self, key: Key) {
        let stream = self.stream(key);
        if stream.open
            && stream.receiving != Phase::Over
            && let Some(bytes) = stream.window.renew()
        {
            let id = stream.id;
            self.put_window(id, bytes);
        }
    }
}

/// Entries of the static table.
const METHOD_POST: u8 = 3;
const SCHEME_HTTPS: u8 = 7;
const STATUS_OK: u8 = 8;

fn phase_behind_head(ends: bool) -> Phase {
    if ends { Phase::Over } else { Phase::Content }
}

pub(super) fn put_status(encoder: &mut Encoder, block: &mut Vec<u8>, status: StatusCode) {
    match status {
        StatusCode::OK => Encoder::known(block, STATUS_OK),
        other => encoder.field(block, b":status", other.as_str().as_bytes(), false),
    }
}

fn put_fields<'a>(
    encoder: &mut Encoder,
    block: &mut Vec<u8>,
    fields: impl IntoIterator<Item = (&'a HeaderName, &'a HeaderValue)>,
) {
    for (name, value) in fields {
        let name = name.as_str().as_bytes();
        encoder.field(block, name, value.as_bytes(), value.is_sensitive());
    }
}
