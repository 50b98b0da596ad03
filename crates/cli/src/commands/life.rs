//! What members and systems go through alike: they are approved or declined, suspended, resumed
//! and closed.

use clap::Args;
use ndxp_proto::registry::v1::{Action, TransitionRequest};

use crate::act::{Act, Cut, Note, Why};
use crate::commands::key::Key;
use crate::failure::Failure;

/// Gives: approve, resume.
#[derive(Args, Debug)]
pub struct Admit<K: Key> {
    #[command(flatten)]
    key: K,

    #[command(flatten)]
    note: Note,

    #[command(flatten)]
    act: Act,
}

/// Turns down what was only put forward.
#[derive(Args, Debug)]
pub struct Decline<K: Key> {
    #[command(flatten)]
    key: K,

    #[command(flatten)]
    why: Why,

    #[command(flatten)]
    act: Act,
}

/// Takes away for a time.
#[derive(Args, Debug)]
pub struct Suspend<K: Key> {
    #[command(flatten)]
    key: K,

    #[command(flatten)]
    why: Why,

    #[command(flatten)]
    cut: Cut,

    #[command(flatten)]
    act: Act,
}

/// Takes away for ever.
#[derive(Args, Debug)]
pub struct Close<K: Key> {
    #[command(flatten)]
    key: K,

    /// Who carries on: figures can be asked for by successor
    #[arg(
        long,
        value_name = "KEY",
        default_value = "",
        hide_default_value = true
    )]
    successor: String,

    #[command(flatten)]
    why: Why,

    #[command(flatten)]
    cut: Cut,

    #[command(flatten)]
    act: Act,
}

impl<K: Key> Admit<K> {
    pub async fn run(self, action: Action) -> Result<(), Failure> {
        let request = TransitionRequest {
            reason: self.note.text,
            ..of(&self.key, action)
        };
        ask(&self.act, request).await
    }
}

impl<K: Key> Decline<K> {
    pub async fn run(self) -> Result<(), Failure> {
        let request = TransitionRequest {
            reason: self.why.text,
            ..of(&self.key, Action::Decline)
        };
        ask(&self.act, request).await
    }
}

impl<K: Key> Suspend<K> {
    pub async fn run(self) -> Result<(), Failure> {
        let request = TransitionRequest {
            reason: self.why.text,
            cut: self.cut.now,
            ..of(&self.key, Action::Suspend)
        };
        ask(&self.act, request).await
    }
}

impl<K: Key> Close<K> {
    pub async fn run(self) -> Result<(), Failure> {
        let request = TransitionRequest {
            reason: self.why.text,
            cut: self.cut.now,
            successor: self.successor,
            ..of(&self.key, Action::Close)
        };
        ask(&self.act, request).await
    }
}

fn of(key: &impl Key, action: Action) -> TransitionRequest {
    TransitionRequest {
        kind: item_kind(key),
        key: key.text(),
        action: action.into(),
        ..TransitionRequest::default()
    }
}

fn item_kind<K: Key>(_: &K) -> i32 {
    K::KIND.into()
}

async fn ask(act: &Act, request: TransitionRequest) -> Result<(), Failure> {
    let request = TransitionRequest {
        dry_run: act.dry_run,
        ..request
    };
    act.ask(
        |_| Ok(request),
        async |mut client, request| client.transition(request).await,
    )
    .await
}
