//! What breaks between two contracts of one service, in words that name the thing that changed.

use std::collections::BTreeMap;

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, MethodDescriptorProto,
};

use super::Contract;

pub(super) fn breaks(before: &Contract, after: &Contract) -> Vec<String> {
    let mut breaks = Vec::new();
    for (name, method) in &before.methods {
        match after.methods.get(name) {
            None => breaks.push(format!("method {name} is removed")),
            Some(now) => of_method(name, method, now, &mut breaks),
        }
    }
    for (name, message) in &before.messages {
        // A type that nothing reaches any more is told by the field that named it.
        if let Some(now) = after.messages.get(name) {
            of_message(plain(name), message, now, &mut breaks);
        }
    }
    for (name, each) in &before.enums {
        if let Some(now) = after.enums.get(name) {
            of_enum(plain(name), each, now, &mut breaks);
        }
    }
    breaks
}

fn of_method(
    name: &str,
    before: &MethodDescriptorProto,
    after: &MethodDescriptorProto,
    breaks: &mut Vec<String>,
) {
    let mut differs = |what: &str, before: &str, after: &str| {
        if before != after {
            breaks.push(format!(
                "method {name}: its {what} was {before} and is {after}"
            ));
        }
    };
    differs(
        "request",
        plain(before.input_type()),
        plain(after.input_type()),
    );
    differs(
        "answer",
        plain(before.output_type()),
        plain(after.output_type()),
    );
    let kind = |streams: bool| if streams { "a stream" } else { "one message" };
    let (from, to) = (before.client_streaming(), after.client_streaming());
    differs("request side", kind(from), kind(to));
    let (from, to) = (before.server_streaming(), after.server_streaming());
    differs("answer side", kind(from), kind(to));
}

fn of_message(
    name: &str,
    before: &DescriptorProto,
    after: &DescriptorProto,
    breaks: &mut Vec<String>,
) {
    let now: BTreeMap<i32, &FieldDescriptorProto> = after
        .field
        .iter()
        .map(|field| (field.number(), field))
        .collect();
    for field in &before.field {
        let what = format!("field {} of {name}", field.name());
        let moved = after
            .field
            .iter()
            .find(|other| other.name() == field.name());
        match now.get(&field.number()) {
            Some(now) if now.name() == field.name() => {
                let oneofs = [oneof(before, field), oneof(after, now)];
                of_field(&what, (field, now), oneofs, breaks);
            }
            _ if moved.is_some() => {
                let number = moved.map_or(0, FieldDescriptorProto::number);
                let was = field.number();
                breaks.push(format!("{what} had number {was} and has {number}"));
            }
            Some(now) => {
                let (number, now) = (field.number(), now.name());
                breaks.push(format!(
                    "{what} is removed; its number {number} is now {now}"
                ));
            }
            None => breaks.push(format!("{what} is removed")),
        }
    }
    for field in &after.field {
        let is_new = before
            .field
            .iter()
            .all(|other| other.name() != field.name());
        if is_new && field.label() == Label::Required {
            breaks.push(format!(
                "field {} of {name} is new and required",
                field.name()
            ));
        }
    }
}

fn of_field(
    what: &str,
    (before, after): (&FieldDescriptorProto, &FieldDescriptorProto),
    [oneof_before, oneof_after]: [&str; 2],
    breaks: &mut Vec<String>,
) {
    let (from, to) = (type_of(before), type_of(after));
    if from != to {
        breaks.push(format!("{what} was of type {from} and is {to}"));
    }
    let (from, to) = (label(before), label(after));
    if from != to {
        breaks.push(format!("{what} was {from} and is {to}"));
    }
    if oneof_before != oneof_after {
        let shown = |oneof: &str| match oneof {
            "" => "in no oneof".to_owned(),
            oneof => format!("in the oneof {oneof}"),
        };
        let (from, to) = (shown(oneof_before), shown(oneof_after));
        breaks.push(format!("{what} was {from} and is {to}"));
    }
}

fn of_enum(
    name: &str,
    before: &EnumDescriptorProto,
    after: &EnumDescriptorProto,
    breaks: &mut Vec<String>,
) {
    for value in &before.value {
        let what = format!("value {} of {name}", value.name());
        match after.value.iter().find(|now| now.name() == value.name()) {
            None => breaks.push(format!("{what} is removed")),
            Some(now) if now.number() != value.number() => {
                let (from, to) = (value.number(), now.number());
                breaks.push(format!("{what} had number {from} and has {to}"));
            }
            Some(_) => {}
        }
    }
}

/// The oneof that the author wrote; empty when there is none.
fn oneof<'a>(message: &'a DescriptorProto, field: &FieldDescriptorProto) -> &'a str {
    if field.proto3_optional() {
        return "";
    }
    let index = field
        .oneof_index
        .and_then(|index| usize::try_from(index).ok());
    let oneof = index.and_then(|index| message.oneof_decl.get(index));
    oneof.map_or("", |oneof| oneof.name())
}

fn type_of(field: &FieldDescriptorProto) -> String {
    match field.type_name() {
        "" => Type::try_from(field.r#type.unwrap_or_default())
            .map_or_else(|_| "unknown".to_owned(), scalar),
        name => plain(name).to_owned(),
    }
}

/// `TYPE_UINT32` is `uint32`.
fn scalar(known: Type) -> String {
    let name = known.as_str_name();
    name.strip_prefix("TYPE_").unwrap_or(name).to_lowercase()
}

/// Singular with and without presence look the same on the wire and to older callers.
fn label(field: &FieldDescriptorProto) -> &'static str {
    match field.label() {
        Label::Optional => "singular",
        Label::Required => "required",
        Label::Repeated => "repeated",
    }
}

fn plain(name: &str) -> &str {
    name.strip_prefix('.').unwrap_or(name)
}
