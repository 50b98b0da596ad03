//! A terminal for a command that wants one: a pseudo-terminal on which it draws, what it has drawn
//! so far, and keys for it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::process::ndxp;
use super::wait::until;

pub struct Terminal {
    child: Child,
    keyboard: File,
    /// Held open, so that the terminal can be looked at when the command has ended.
    screen: OwnedFd,
    drawn: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Starts the binary on a terminal of its own.
    pub fn run(arguments: &[&str], columns: u16, rows: u16) -> Self {
        // Not to be inherited: a terminal ends when the last has left it.
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let keyboard = openpt(flags).expect("this system has pseudo-terminals");
        grantpt(&keyboard).expect("it is ours");
        unlockpt(&keyboard).expect("it is ours");
        let screen = ioctl_tiocgptpeer(&keyboard, flags).expect("it has another side");
        tcsetwinsize(&keyboard, size(columns, rows)).expect("a terminal has a size");
        let end = || Stdio::from(screen.try_clone().expect("there are descriptors left"));
        let child = ndxp()
            .args(arguments)
            .env("TERM", "xterm-256color")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("the built binary starts");
        let keyboard = File::from(keyboard);
        let drawn = Arc::<Mutex<Vec<u8>>>::default();
        let reader = {
            let (drawn, mut from) = (Arc::clone(&drawn), keyboard.try_clone().unwrap());
            thread::spawn(move || {
                let mut bytes = [0; 4_096];
                // Ends when nobody holds the screen any more.
                while let Ok(count @ 1..) = from.read(&mut bytes) {
                    drawn.lock().unwrap().extend_from_slice(&bytes[..count]);
                }
            })
        };
        Self {
            child,
            keyboard,
            screen,
            drawn,
            reader: Some(reader),
        }
    }

    /// What stands on the screen, each row with single blanks.
    fn text(&self) -> String {
        let drawn = self.drawn.lock().unwrap();
        let rows = rows(&String::from_utf8_lossy(&drawn));
        let single = |row: &Vec<char>| {
            let row: String = row.iter().collect();
            row.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let rows: Vec<_> = rows.iter().map(single).collect();
        rows.join("\n")
    }

    /// Waits until this stands on the screen, blanks counted once.
    pub async fn shows(&mut self, text: &str) {
        let shown = until(text, async || {
            let ended = self.child.try_wait().expect("a child can be waited for");
            let screen = self.text();
            assert!(ended.is_none(), "it ended with {ended:?}:\n{screen}");
            screen.contains(text).then_some(())
        });
        shown.await;
    }

    pub fn press(&mut self, keys: &str) {
        self.keyboard
            .write_all(keys.as_bytes())
            .expect("it is read");
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        tcsetwinsize(&self.keyboard, size(columns, rows)).expect("a terminal has a size");
        // The kernel tells only those whose controlling terminal it is.
        self.signal(Signal::WINCH);
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Waits for the command's end, and checks that the terminal is as it was before: what was on
    /// it is back, the cursor too, and keys are echoed line by line.
    pub async fn exited(mut self) -> (ExitStatus, String) {
        let status = until("the command's end", async || {
            self.child.try_wait().expect("a child can be waited for")
        });
        let status = status.await;
        let modes = tcgetattr(&self.screen)
            .expect("it is a terminal")
            .local_modes;
        let usual = LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        assert!(modes.contains(usual), "{modes:?}");
        drop(self.screen);
        let reader = self.reader.take().expect("it is joined once");
        reader.join().expect("reading does not fail");
        let bytes = self.drawn.lock().unwrap();
        let drawn = String::from_utf8_lossy(&bytes).into_owned();
        drop(bytes);
        let left = drawn
            .rfind("\x1b[?1049l")
            .expect("the other screen is left");
        assert!(drawn.rfind("\x1b[?1049h") < Some(left), "{drawn:?}");
        let shown = drawn.rfind("\x1b[?25h").expect("the cursor is shown");
        assert!(drawn.rfind("\x1b[?25l") < Some(shown), "{drawn:?}");
        (status, drawn)
    }
}

/// What stands where after everything that was drawn: of a terminal's language, moving the cursor,
/// clearing the screen, and text.
fn rows(drawn: &str) -> Vec<Vec<char>> {
    let (mut rows, mut row, mut column) = (Vec::<Vec<char>>::new(), 0, 0);
    let mut chars = drawn.chars();
    while let Some(char) = chars.next() {
        match char {
            '\x1b' => {
                let mut parameters = String::new();
                if chars.next() != Some('[') {
                    continue;
                }
                let last = chars.by_ref().find(|char| {
                    parameters.push(*char);
                    char.is_ascii_alphabetic()
                });
                let mut numbers = parameters
                    .split(|char: char| !char.is_ascii_digit())
                    .map(|number| number.parse::<usize>().unwrap_or(1));
                let mut number = || numbers.next().unwrap_or(1) - 1;
                match last {
                    Some('H') => (row, column) = (number(), number()),
                    Some('J') => rows.clear(),
                    _ => {}
                }
            }
            '\r' => column = 0,
            '\n' => row += 1,
            char => {
                if rows.len() <= row {
                    rows.resize(row + 1, Vec::new());
                }
                let line = &mut rows[row];
                if line.len() <= column {
                    line.resize(column + 1, ' ');
                }
                line[column] = char;
                column += 1;
            }
        }
    }
    rows
}

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}
