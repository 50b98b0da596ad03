//! The terminal as a screen: taken over whole, given back as it was however the command ends.

use std::io::IsTerminal as _;
use std::thread;
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc;

use super::screen::{Column, Wish};
use crate::failure::Failure;

/// The terminal while it is a screen.
pub struct Taken(pub DefaultTerminal);

impl Taken {
    /// Takes the terminal over. A panic gives it back before it says what happened.
    pub fn take() -> Result<Self, Failure> {
        ratatui::try_init().map(Self).map_err(|error| {
            Failure::usage(format_args!("the terminal cannot be a screen: {error}"))
                .remedy("print one frame as text: ndxp top --once")
        })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // What cannot be given back is gone.
        drop(ratatui::try_restore());
    }
}

/// Whether there is somebody to look at a screen and to press keys.
pub fn is_there() -> bool {
    std::io::stdout().is_terminal() && std::io::stdin().is_terminal()
}

/// What the terminal reports.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Input {
    Wish(Wish),
    Resized,
}

/// Keys that wait to be looked at; more are held back in the terminal.
const AHEAD_MAX: usize = 16;

/// How long the thread sleeps at most before it looks whether anybody still listens.
const PATIENCE: Duration = Duration::from_millis(200);

/// Listens to the keyboard on a thread of its own, until nobody wants to know.
pub fn listen() -> mpsc::Receiver<Input> {
    let (sender, receiver) = mpsc::channel(AHEAD_MAX);
    thread::spawn(move || {
        while !sender.is_closed() {
            let input = match event::poll(PATIENCE) {
                Ok(false) => continue,
                Ok(true) => event::read(),
                Err(error) => Err(error),
            };
            // A terminal that has gone ends the screen: the receiver learns it by the end.
            let Ok(input) = input else { return };
            if let Some(input) = meaning(&input)
                && sender.blocking_send(input).is_err()
            {
                return;
            }
        }
    });
    receiver
}

fn meaning(event: &Event) -> Option<Input> {
    match event {
        Event::Resize(..) => Some(Input::Resized),
        Event::Key(key) if key.kind != KeyEventKind::Release => wish(*key).map(Input::Wish),
        _ => None,
    }
}

/// Rows that a page key goes.
const PAGE: isize = 10;

fn wish(key: KeyEvent) -> Option<Wish> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return matches!(key.code, KeyCode::Char('c')).then_some(Wish::Quit);
    }
    Some(match key.code {
        KeyCode::Char('q') | KeyCode::Esc => Wish::Quit,
        KeyCode::Char('t') => Wish::Sort(Column::Transactions),
        KeyCode::Char('r') => Wish::Sort(Column::Rate),
        KeyCode::Char('e') => Wish::Sort(Column::Errors),
        KeyCode::Char('l') => Wish::Sort(Column::Latency),
        KeyCode::Char('b') => Wish::Sort(Column::Bytes),
        KeyCode::Char('v') => Wish::Reverse,
        KeyCode::Down => Wish::Scroll(1),
        KeyCode::Up => Wish::Scroll(-1),
        KeyCode::PageDown => Wish::Scroll(PAGE),
        KeyCode::PageUp => Wish::Scroll(-PAGE),
        KeyCode::Home => Wish::First,
        KeyCode::End => Wish::Last,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::words;
    use super::*;

    fn press(code: KeyCode) -> Option<Input> {
        meaning(&Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
    }

    #[test]
    fn every_way_out_leads_out() {
        let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        let quit = Some(Input::Wish(Wish::Quit));
        assert_eq!(meaning(&Event::Key(control_c)), quit);
        assert_eq!(press(KeyCode::Char('q')), quit);
        assert_eq!(press(KeyCode::Esc), quit);
        assert_eq!(
            press(KeyCode::Char('c')),
            None,
            "without Ctrl it is a key like others"
        );
    }

    #[test]
    fn the_key_of_each_column_sorts_by_it() {
        use ndxp_report::Language;
        for column in [
            Column::Transactions,
            Column::Rate,
            Column::Errors,
            Column::Latency,
            Column::Bytes,
        ] {
            let (_, key) = words::column(column, Language::English);
            assert_eq!(
                press(KeyCode::Char(key)),
                Some(Input::Wish(Wish::Sort(column)))
            );
        }
        assert_eq!(meaning(&Event::Resize(80, 24)), Some(Input::Resized));
    }

    #[test]
    fn a_key_that_is_let_go_is_not_pressed_again() {
        let mut key = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
        key.kind = KeyEventKind::Release;
        assert_eq!(meaning(&Event::Key(key)), None);
    }
}
