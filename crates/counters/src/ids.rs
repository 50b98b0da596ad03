//! Numbers of lines, by what closings say.

use std::collections::HashMap;

use ndxp_proto::journal::v1::Connection;

use crate::key::LineId;
use crate::line::Line;
use crate::state::Hasher;

/// Stands in no text, as it stands nowhere in UTF-8.
const END: u8 = 0xff;

/// A connection and a method in one piece: what is looked up for every closing is best in one place.
#[derive(Debug, Default)]
pub struct Spelling(Vec<u8>);

#[derive(Debug, Default)]
pub struct Ids {
    lines: HashMap<Box<[u8]>, LineId, Hasher>,
    /// Of each connection, how many methods have a line of their own.
    methods: HashMap<Connection, usize, Hasher>,
}

impl Spelling {
    pub fn spell(&mut self, connection: &Connection, method: &str) -> &Self {
        let Connection {
            consumer,
            provider,
            service,
        } = connection;
        self.0.clear();
        for text in [consumer, provider, service] {
            self.0.extend_from_slice(text.as_bytes());
            self.0.push(END);
        }
        self.0.extend_from_slice(method.as_bytes());
        self
    }
}

impl Ids {
    pub fn get(&self, line: &Spelling) -> Option<LineId> {
        self.lines.get(line.0.as_slice()).copied()
    }

    pub fn add(&mut self, line: &Line, id: LineId) {
        let Line { connection, method } = line;
        let mut spelling = Spelling::default();
        spelling.spell(connection, method);
        self.lines.insert(spelling.0.into_boxed_slice(), id);
        if !method.is_empty() {
            *self.methods.entry(connection.clone()).or_default() += 1;
        }
    }

    /// How many methods of the connection are counted by name.
    pub fn methods(&self, connection: &Connection) -> usize {
        self.methods.get(connection).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_a_spelling_of_its_own() {
        let rows = [
            ["a", "b", "c", "d"],
            ["ab", "", "c", "d"],
            ["", "ab", "c", "d"],
            ["a", "b", "cd", ""],
            ["a", "b", "", "cd"],
            ["a", "b", "c", ""],
            ["", "", "", ""],
            ["\u{ff}", "", "", ""],
            ["", "\u{ff}", "", ""],
        ];
        let lines = rows.map(|[consumer, provider, service, method]| Line {
            connection: Connection {
                consumer: consumer.to_owned(),
                provider: provider.to_owned(),
                service: service.to_owned(),
            },
            method: method.to_owned(),
        });
        let mut ids = Ids::default();
        for (id, line) in (1..).map(LineId).zip(&lines) {
            ids.add(line, id);
        }
        let mut spelling = Spelling::default();
        for (id, line) in (1..).map(LineId).zip(&lines) {
            let spelled = spelling.spell(&line.connection, &line.method);
            assert_eq!(ids.get(spelled), Some(id), "{line:?}");
        }
        assert_eq!(ids.get(spelling.spell(&lines[0].connection, "e")), None);
        // Those without a method are of no method.
        let methods = lines.map(|line| ids.methods(&line.connection));
        assert_eq!(methods, [1, 1, 1, 0, 1, 1, 0, 0, 0]);
    }
}
