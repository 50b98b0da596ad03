//! What the other side says, frame by frame: RFC 9113, section 6, and what a peer may not do without end.

use bytes::Bytes;
use http::Response;

use super::stream::Phase;
use super::{Key, Role, State};
use crate::error::{By, Error, Reason};
use crate::frame::{self, Head, PAYLOAD_BYTES_MAX, STREAM_MAX, WINDOW_MAX, flag, kind};
use crate::head::{FieldList, Unusable, content_length};

/// CONTINUATION frames of one header list, at least; a list of the largest size may take a quarter more
/// than it needs.
const CONTINUATIONS_MIN: usize = 5;

/// A header list of which the last frame has not come.
#[derive(Debug)]
pub(super) struct Block {
    stream: u32,
    ends: bool,
    bytes: Vec<u8>,
    continuations: usize,
}

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    /// The connection ends; what is said to the other side for its log.
    Connection(Reason, &'static str),
    Stream(u32, Reason),
}

/// A connection that has to end: the code, and what is said beside it.
pub type Breach = (Reason, &'static str);

impl State {
    /// Takes in a frame whose payload has come as a whole; `whole`, if there is one, is a buffer of its
    /// own that holds the payload.
    pub fn receive(
        &mut self,
        head: Head,
        payload: &[u8],
        whole: Option<Bytes>,
    ) -> Result<(), Breach> {
        match self.receive_frame(head, payload, whole) {
            Ok(()) => Ok(()),
            Err(Fault::Connection(reason, why)) => Err((reason, why)),
            Err(Fault::Stream(id, reason)) => self.reset_for_fault(id, reason),
        }
    }

    fn receive_frame(
        &mut self,
        head: Head,
        payload: &[u8],
        whole: Option<Bytes>,
    ) -> Result<(), Fault> {
        if self.block.is_some() && head.kind != kind::CONTINUATION {
            return Err(protocol_error("a frame stands within a header list"));
        }
        match head.kind {
            kind::DATA => self.receive_data(head, payload, whole),
            kind::HEADERS => self.receive_headers(head, payload),
            kind::CONTINUATION => self.receive_continuation(head, payload),
            kind::RST_STREAM => self.receive_reset(head, payload),
            kind::WINDOW_UPDATE => self.receive_window_update(head, payload),
            kind::SETTINGS => self.receive_settings(head, payload),
            kind::PING => self.receive_ping(head, payload),
            kind::GOAWAY => self.receive_go_away(head, payload),
            kind::PRIORITY => self.receive_priority(head, payload),
            kind::PUSH_PROMISE => Err(protocol_error("nothing may be pushed")),
            // Kinds that nobody knows are passed over: section 5.5.
            _ => Ok(()),
        }
    }

    fn receive_data(
        &mut self,
        head: Head,
        payload: &[u8],
        whole: Option<Bytes>,
    ) -> Result<(), Fault> {
        let id = head.stream;
        let content = frame::without_padding(head, payload)
            .map_err(|_| protocol_error("padding is longer than its frame"))?;
        let Some(key) = self.find(id) else {
            return self.receive_data_of_none(head);
        };
        if self.stream(key).receiving != Phase::Content {
            return Err(protocol_error("content comes where none is expected"));
        }
        self.take_of_connection(head.length)?;
        let stream = self.stream(key);
        if stream.window.take(head.length).is_err() {
            self.release_of_connection(head.length);
            return Err(Fault::Stream(id, Reason::FLOW_CONTROL_ERROR));
        }
        let ends = head.has(flag::END_STREAM);
        if let Some(left) = &mut stream.content_left {
            let came = u64::try_from(content.len()).unwrap_or(u64::MAX);
            match left.checked_sub(came) {
                Some(rest) if rest == 0 || !ends => *left = rest,
                _ => return Err(Fault::Stream(id, Reason::PROTOCOL_ERROR)),
            }
        }
        if !stream.unread && !content.is_empty() {
            // What is not thin is not copied once more, if it stands by itself.
            stream.content.push(match whole {
                Some(whole) => whole.slice_ref(content),
                None => Bytes::copy_from_slice(content),
            });
        }
        let unused = match stream.unread {
            true => head.length,
            false => head.length - content.len(),
        };
        if ends {
            stream.receiving = Phase::Over;
        }
        stream.wake_reader();
        if unused > 0 {
            self.release(key, unused);
        }
        if ends {
            self.received_all(key);
        }
        Ok(())
    }

    /// Content of a stream that is not open: nobody reads it, but it came by the connection's window.
    fn receive_data_of_none(&mut self, head: Head) -> Result<(), Fault> {
        let (id, passed_over) = (head.stream, self.is_passed_over(head.stream));
        if !passed_over && self.is_idle(id) {
            return Err(protocol_error(
                "content comes on a stream that has not begun",
            ));
        }
        self.take_of_connection(head.length)?;
        self.release_of_connection(head.length);
        match passed_over {
            true => Ok(()),
            false => Err(Fault::Stream(id, Reason::STREAM_CLOSED)),
        }
    }

    fn take_of_connection(&mut self, bytes: usize) -> Result<(), Fault> {
        self.window.take(bytes).map_err(|_| {
            let why = "content is beyond the connection's window";
            Fault::Connection(Reason::FLOW_CONTROL_ERROR, why)
        })
    }

    fn receive_headers(&mut self, head: Head, payload: &[u8]) -> Result<(), Fault> {
        if head.stream == 0 {
            return Err(protocol_error("headers are of no stream"));
        }
        let mut block = frame::without_padding(head, payload)
            .map_err(|_| protocol_error("padding is longer than its frame"))?;
        if head.has(flag::PRIORITY) {
            let (priority, rest) = block
                .split_at_checked(5)
                .ok_or_else(|| protocol_error("a priority is cut off"))?;
            // The block is read all the same: the table needs it.
            block = rest;
            if depends_on_itself(head.stream, priority) {
                self.read_block(block)?;
                if self.role == Role::Server && !head.stream.is_multiple_of(2) {
                    self.highest_remote = self.highest_remote.max(head.stream);
                }
                return Err(Fault::Stream(head.stream, Reason::PROTOCOL_ERROR));
            }
        }
        let ends = head.has(flag::END_STREAM);
        if head.has(flag::END_HEADERS) {
            return self.receive_block(head.stream, ends, block);
        }
        self.block = Some(Block {
            stream: head.stream,
            ends,
            bytes: block.to_vec(),
            continuations: 0,
        });
        Ok(())
    }

    fn receive_continuation(&mut self, head: Head, payload: &[u8]) -> Result<(), Fault> {
        let block = self.block.as_mut().filter(|it| it.stream == head.stream);
        let Some(block) = block else {
            return Err(protocol_error("a header list goes on that has not begun"));
        };
        block.bytes.extend_from_slice(payload);
        if head.has(flag::END_HEADERS) {
            let block = self.block.take();
            return block.map_or(Ok(()), |it| {
                self.receive_block(it.stream, it.ends, &it.bytes)
            });
        }
        block.continuations += 1;
        let needed = (self.header_list_bytes_max() / PAYLOAD_BYTES_MAX).max(1);
        let allowed = (needed + needed / 4).max(CONTINUATIONS_MIN);
        if self
            .block
            .as_ref()
            .is_some_and(|it| it.continuations > allowed)
        {
            return Err(calm("too_many_continuations"));
        }
        Ok(())
    }

    fn header_list_bytes_max(&self) -> usize {
        usize::try_from(self.config.header_list_bytes_max).unwrap_or(usize::MAX)
    }

    fn read_block(&mut self, block: &[u8]) -> Result<FieldList, Fault> {
        let mut list = FieldList::new(self.header_list_bytes_max(), self.config.fields);
        let read = self.decoder.decode(block, |field| list.take(field));
        if list.is_abuse() {
            return Err(calm("header_list_way_too_large"));
        }
        read.map_err(|error| {
            let why = "a header block cannot be read";
            Fault::Connection(error.reason(), why)
        })?;
        Ok(list)
    }

    /// A whole header list: it begins a stream, answers one, or ends one.
    fn receive_block(&mut self, id: u32, ends: bool, block: &[u8]) -> Result<(), Fault> {
        let list = self.read_block(block)?;
        let Some(key) = self.find(id) else {
            return match self.role {
                Role::Server => self.receive_request(id, ends, list),
                Role::Client if self.is_idle(id) => Err(protocol_error(
                    "an answer comes to a request that was not sent",
                )),
                Role::Client if self.is_passed_over(id) => Ok(()),
                Role::Client => Err(Fault::Stream(id, Reason::STREAM_CLOSED)),
            };
        };
        match self.stream(key).receiving {
            Phase::Head => self.receive_response(key, id, ends, list),
            Phase::Content => self.receive_trailers(key, id, ends, list),
            Phase::Over => Err(protocol_error(
                "headers come behind the end of their stream",
            )),
        }
    }

    fn receive_request(&mut self, id: u32, ends: bool, list: FieldList) -> Result<(), Fault> {
        if id > self.remote_max || (id <= self.highest_remote && self.is_passed_over(id)) {
            return Ok(());
        }
        if id.is_multiple_of(2) || id <= self.highest_remote {
            return Err(protocol_error(
                "a stream's number is none that a client may use",
            ));
        }
        self.highest_remote = id;
        let streams_max = usize::try_from(self.config.streams_max).unwrap_or(usize::MAX);
        if self.open.len() >= streams_max {
            return Err(Fault::Stream(id, Reason::REFUSED_STREAM));
        }
        let malformed = Fault::Stream(id, Reason::PROTOCOL_ERROR);
        let announced = content_length(&list.fields);
        let request = match list.into_request() {
            Ok(request) => request,
            Err(Unusable::TooLarge) => {
                self.refuse_large_request(id);
                return Ok(());
            }
            Err(Unusable::Malformed) => return Err(malformed),
        };
        let announced = announced.map_err(|_| malformed)?;
        if ends && announced.is_some_and(|bytes| bytes > 0) {
            return Err(malformed);
        }
        let key = self.insert(id);
        let stream = self.stream(key);
        stream.arrived = true;
        stream.content_left = announced;
        stream.receiving = if ends { Phase::Over } else { Phase::Content };
        self.arrived.push_back((key, request));
        Ok(())
    }

    /// Says what HTTP says to a request whose headers are too large, and takes nothing more of it.
    fn refuse_large_request(&mut self, id: u32) {
        self.put_head(id, true, |encoder, block| {
            let status = http::StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            super::outbound::put_status(encoder, block, status);
        });
        self.put_reset(id, Reason::PROTOCOL_ERROR);
    }

    fn receive_response(
        &mut self,
        key: Key,
        id: u32,
        ends: bool,
        list: FieldList,
    ) -> Result<(), Fault> {
        let malformed = |_| Fault::Stream(id, Reason::PROTOCOL_ERROR);
        let announced = content_length(&list.fields).map_err(malformed);
        let response = list.into_response().map_err(malformed)?;
        if response.status().is_informational() {
            // One that says more comes behind it.
            return match ends {
                true => Err(Fault::Stream(id, Reason::PROTOCOL_ERROR)),
                false => Ok(()),
            };
        }
        let announced = announced?;
        let lacks = announced.is_some_and(|bytes| bytes > 0) && !has_no_content(&response);
        if ends && lacks {
            return Err(Fault::Stream(id, Reason::PROTOCOL_ERROR));
        }
        let stream = self.stream(key);
        stream.content_left = announced;
        stream.head = Some(response);
        stream.receiving = if ends { Phase::Over } else { Phase::Content };
        stream.wake_reader();
        if ends {
            self.received_all(key);
        }
        Ok(())
    }

    fn receive_trailers(
        &mut self,
        key: Key,
        id: u32,
        ends: bool,
        list: FieldList,
    ) -> Result<(), Fault> {
        let stream = self.stream(key);
        if !ends || stream.content_left.is_some_and(|left| left > 0) {
            return Err(Fault::Stream(id, Reason::PROTOCOL_ERROR));
        }
        let trailers = list.into_trailers();
        let trailers = trailers.map_err(|_| Fault::Stream(id, Reason::PROTOCOL_ERROR))?;
        stream.trailers = Some(trailers);
        stream.receiving = Phase::Over;
        stream.wake_reader();
        self.received_all(key);
        Ok(())
    }

    fn received_all(&mut self, key: Key) {
        if self.stream(key).sending == Phase::Over {
            self.close(key);
        }
    }

    fn receive_reset(&mut self, head: Head, payload: &[u8]) -> Result<(), Fault> {
        let reason = frame::number(payload).filter(|_| payload.len() == 4);
        let (Some(reason), true) = (reason, head.stream != 0) else {
            return Err(protocol_error(
                "a reset is of no stream, or without its code",
            ));
        };
        let Some(key) = self.find(head.stream) else {
            return match self.is_idle(head.stream) && !self.is_passed_over(head.stream) {
                true => Err(protocol_error("a stream is reset that has not begun")),
                false => Ok(()),
            };
        };
        if std::mem::take(&mut self.stream(key).arrived) {
            // Nobody has looked at it, and nobody needs to: it costs nothing from here on.
            if let Some(place) = self
                .arrived
                .iter()
                .rposition(|(arrived, _)| *arrived == key)
            {
                self.arrived.remove(place);
            }
            self.withdrawn += 1;
        }
        self.fail(key, Error::reset(reason.into(), By::Remote));
        Ok(())
    }

    fn receive_window_update(&mut self, head: Head, payload: &[u8]) -> Result<(), Fault> {
        let bytes = frame::number(payload).filter(|_| payload.len() == 4);
        let bytes = i64::from(bytes.unwrap_or_default() & STREAM_MAX);
        if bytes == 0 {
            return Err(protocol_error("a window is opened by nothing"));
        }
        if head.stream == 0 {
            self.send_window += bytes;
            return match self.send_window > WINDOW_MAX {
                true => Err(too_wide()),
                false => Ok(()),
            };
        }
        let Some(key) = self.find(head.stream) else {
            return match self.is_idle(head.stream) && !self.is_passed_over(head.stream) {
                true => Err(protocol_error(
                    "a window is opened of a stream that has not begun",
                )),
                false => Ok(()),
            };
        };
        let stream = self.stream(key);
        if stream.send_window + bytes > WINDOW_MAX {
            return Err(Fault::Stream(head.stream, Reason::FLOW_CONTROL_ERROR));
        }
        stream.send_window += bytes;
        stream.wake_if_room();
        Ok(())
    }

    fn receive_priority(&mut self, head: Head, payload: &[u8]) -> Result<(), Fault> {
        if head.stream == 0 || payload.len() != 5 {
            return Err(protocol_error("a priority is of no stream, or cut off"));
        }
        match (
            depends_on_itself(head.stream, payload),
            self.find(head.stream),
        ) {
            (false, _) => Ok(()),
            (true, Some(_)) => Err(Fault::Stream(head.stream, Reason::PROTOCOL_ERROR)),
            (true, None) => Err(protocol_error("a stream depends on itself")),
        }
    }

    /// Whether a stream of this number has never been.
    pub(super) fn is_idle(&self, id: u32) -> bool {
        match (self.role, id.is_multiple_of(2)) {
            (Role::Server, false) => id > self.highest_remote,
            (Role::Client, false) => id >= self.next_local,
            // Servers begin none here.
            (_, true) => true,
        }
    }

    /// Whether what comes for a stream that is not open is no fault: it was reset here, or is above the
    /// last one that this side will look at.
    fn is_passed_over(&self, id: u32) -> bool {
        id > self.remote_max || self.lately_reset.contains(&id)
    }
}

fn protocol_error(why: &'static str) -> Fault {
    Fault::Connection(Reason::PROTOCOL_ERROR, why)
}

fn calm(why: &'static str) -> Fault {
    Fault::Connection(Reason::ENHANCE_YOUR_CALM, why)
}

pub(super) fn too_wide() -> Fault {
    let why = "a window is opened wider than any can be";
    Fault::Connection(Reason::FLOW_CONTROL_ERROR, why)
}

fn depends_on_itself(stream: u32, priority: &[u8]) -> bool {
    frame::number(priority).is_some_and(|on| on & STREAM_MAX == stream)
}

/// Answers that announce a length without having any content: RFC 9110, section 8.6.
fn has_no_content(response: &Response<()>) -> bool {
    use http::StatusCode;
    [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&response.status())
}
