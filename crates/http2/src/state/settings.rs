//! What the two sides tell each other of the connection as a whole: settings, pings, good-byes.

use super::inbound::{Fault, too_wide};
use super::outbound::GOOD_BYE;
use super::{Going, Role, State};
use crate::error::{By, Error, Reason};
use crate::frame::{self, Head, STREAM_MAX, WINDOW_MAX, flag, kind, setting};

impl State {
    /// Says what this side allows: the first frame.
    pub fn put_own_settings(&mut self) {
        let window = (
            setting::INITIAL_WINDOW_SIZE,
            self.config.stream_window_bytes,
        );
        let list = (
            setting::MAX_HEADER_LIST_SIZE,
            self.config.header_list_bytes_max,
        );
        let third = match self.role {
            Role::Server => (setting::MAX_CONCURRENT_STREAMS, self.config.streams_max),
            Role::Client => (setting::ENABLE_PUSH, 0),
        };
        frame::put_settings(&mut self.out.bytes, &[third, window, list]);
    }

    pub(super) fn receive_settings(&mut self, head: Head, payload: &[u8]) -> Result<(), Fault> {
        let wrong = |why| Fault::Connection(Reason::PROTOCOL_ERROR, why);
        if head.stream != 0 {
            return Err(wrong("settings are of a stream"));
        }
        if head.has(flag::ACK) {
            let first = !std::mem::replace(&mut self.settings_acknowledged, true);
            return match first && payload.is_empty() {
                true => Ok(()),
                false => Err(wrong("settings are acknowledged that were not sent")),
            };
        }
        let (settings, rest) = payload.as_chunks::<6>();
        if !rest.is_empty() {
            return Err(wrong("settings are cut off"));
        }
        // The last of a kind holds; those before it were never in force.
        let (mut window, mut streams) = (None, None);
        for [a, b, value @ ..] in settings {
            let value = u32::from_be_bytes(*value);
            match u16::from_be_bytes([*a, *b]) {
                setting::HEADER_TABLE_SIZE => {
                    self.encoder
                        .resize(usize::try_from(value).unwrap_or(usize::MAX));
                }
                setting::ENABLE_PUSH | setting::ENABLE_CONNECT_PROTOCOL if value > 1 => {
                    return Err(wrong("what is on or off is set to neither"));
                }
                setting::MAX_CONCURRENT_STREAMS => streams = Some(value),
                setting::INITIAL_WINDOW_SIZE if value > STREAM_MAX => return Err(too_wide()),
                setting::INITIAL_WINDOW_SIZE => window = Some(i64::from(value)),
                setting::MAX_FRAME_SIZE if !(1 << 14..1 << 24).contains(&value) => {
                    return Err(wrong("MAX_FRAME_SIZE is no size of a frame"));
                }
                _ => {}
            }
        }
        if let Some(window) = window {
            self.resize_windows(window)?;
        }
        // Who does not say at first how many streams it takes, takes any number: section 6.5.2.
        let first = !std::mem::replace(&mut self.peer_has_settled, true);
        if let Some(streams) = streams.or(first.then_some(u32::MAX)) {
            self.peer_streams_max = usize::try_from(streams).unwrap_or(usize::MAX);
            self.grant_places();
        }
        self.put_reply(kind::SETTINGS, flag::ACK, 0, &[]);
        Ok(())
    }

    /// Each stream's window follows the initial one: section 6.9.2.
    fn resize_windows(&mut self, window: i64) -> Result<(), Fault> {
        let more = window - self.peer_window;
        self.peer_window = window;
        for (_, key) in &self.open {
            let Some(stream) = self.streams.get_mut(*key) else {
                continue;
            };
            stream.send_window += more;
            if stream.send_window > WINDOW_MAX {
                return Err(too_wide());
            }
            stream.wake_if_room();
        }
        Ok(())
    }

    pub(super) fn receive_ping(&mut self, head: Head, payload: &[u8]) -> Result<(), Fault> {
        if head.stream != 0 || payload.len() != 8 {
            let why = "a ping is of a stream, or not of eight bytes";
            return Err(Fault::Connection(Reason::PROTOCOL_ERROR, why));
        }
        if !head.has(flag::ACK) {
            self.put_reply(kind::PING, flag::ACK, 0, payload);
        } else if self.going == Going::Announced && payload == GOOD_BYE {
            // What was on its way when the good-bye was announced has come.
            self.name_last_stream();
        }
        Ok(())
    }

    fn name_last_stream(&mut self) {
        self.going = Going::Named;
        self.remote_max = self.highest_remote;
        frame::put_goaway(&mut self.out.bytes, self.remote_max, Reason::NO_ERROR, "");
    }

    pub(super) fn receive_go_away(&mut self, head: Head, payload: &[u8]) -> Result<(), Fault> {
        let last = frame::number(payload).map(|last| last & STREAM_MAX);
        let reason = payload.get(4..).and_then(frame::number);
        let (0, Some(last), Some(reason)) = (head.stream, last, reason) else {
            let why = "a good-bye is of a stream, or cut off";
            return Err(Fault::Connection(Reason::PROTOCOL_ERROR, why));
        };
        if last > self.local_max {
            let why = "a good-bye names more streams than the one before";
            return Err(Fault::Connection(Reason::PROTOCOL_ERROR, why));
        }
        self.local_max = last;
        self.peer_going = Some(reason.into());
        self.openers.dismiss();
        if self.role == Role::Client {
            let unseen: Vec<_> = self.open.iter().filter(|(id, _)| *id > last).collect();
            let unseen: Vec<_> = unseen.into_iter().map(|(_, key)| *key).collect();
            for key in unseen {
                self.fail(key, Error::go_away(reason.into(), By::Remote));
            }
        }
        Ok(())
    }

    /// Takes no new streams, and ends when those that there are have ended.
    pub fn go_gracefully(&mut self) {
        if self.going != Going::Not || self.ended.is_some() {
            return;
        }
        // Requests may be on their way: which one was the last is known when the ping is answered.
        self.going = Going::Announced;
        frame::put_goaway(&mut self.out.bytes, STREAM_MAX, Reason::NO_ERROR, "");
        frame::put(&mut self.out.bytes, kind::PING, 0, 0, &GOOD_BYE);
        self.wake();
    }
}
