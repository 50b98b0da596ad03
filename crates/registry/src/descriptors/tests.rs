//! Contracts beside each other: each change that breaks callers, and those that do not.

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{EnumValueDescriptorProto, FieldDescriptorProto, ServiceDescriptorProto};

use super::*;

const SERVICE: &str = "vn.test.v1.Registers";

fn name(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn field(text: &str, number: i32, kind: Type, type_name: &str) -> FieldDescriptorProto {
    FieldDescriptorProto {
        name: name(text),
        number: Some(number),
        label: Some(Label::Optional.into()),
        r#type: Some(kind.into()),
        type_name: (!type_name.is_empty()).then(|| type_name.to_owned()),
        ..Default::default()
    }
}

/// `Look(Request) returns (Answer)`; the answer holds a state and a nested row.
fn file() -> FileDescriptorProto {
    let message = |text: &str, field: Vec<FieldDescriptorProto>| DescriptorProto {
        name: name(text),
        field,
        ..Default::default()
    };
    let mut answer = message(
        "Answer",
        vec![
            field("state", 1, Type::Enum, ".vn.test.v1.State"),
            field("row", 2, Type::Message, ".vn.test.v1.Answer.Row"),
        ],
    );
    answer.nested_type = vec![message("Row", vec![field("name", 1, Type::String, "")])];
    let value = |text: &str, number: i32| EnumValueDescriptorProto {
        name: name(text),
        number: Some(number),
        ..Default::default()
    };
    let state = EnumDescriptorProto {
        name: name("State"),
        value: vec![value("STATE_UNSPECIFIED", 0), value("STATE_LIVING", 1)],
        ..Default::default()
    };
    let method = |text: &str| MethodDescriptorProto {
        name: name(text),
        input_type: name(".vn.test.v1.Request"),
        output_type: name(".vn.test.v1.Answer"),
        ..Default::default()
    };
    FileDescriptorProto {
        name: name("vn/test/v1/registers.proto"),
        package: name("vn.test.v1"),
        message_type: vec![
            message("Request", vec![field("id", 1, Type::Uint32, "")]),
            answer,
            message("Unused", Vec::new()),
        ],
        enum_type: vec![state],
        service: vec![ServiceDescriptorProto {
            name: name("Registers"),
            method: vec![method("Look"), method("Put")],
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn encoded(file: FileDescriptorProto) -> Vec<u8> {
    FileDescriptorSet { file: vec![file] }.encode_to_vec()
}

#[track_caller]
fn check(change: impl FnOnce(&mut FileDescriptorProto), expected: &[&str]) {
    let before = Contract::read(&encoded(file()), SERVICE).unwrap();
    let mut after = file();
    change(&mut after);
    let after = Contract::read(&encoded(after), SERVICE).unwrap();
    assert_eq!(before.breaks_under(&after), expected);
}

#[test]
fn what_is_added_breaks_nobody() {
    check(|_| {}, &[]);
    check(
        |file| {
            let mut added = file.service[0].method[0].clone();
            added.name = name("Search");
            file.service[0].method.push(added);
            file.message_type[0]
                .field
                .push(field("born", 2, Type::String, ""));
            file.enum_type[0].value.push(EnumValueDescriptorProto {
                name: name("STATE_DEAD"),
                number: Some(2),
                ..Default::default()
            });
            file.message_type.remove(2);
        },
        &[],
    );
    check(
        |file| file.message_type[0].field[0].proto3_optional = Some(true),
        &[],
    );
}

#[test]
fn methods_stay_as_they_are() {
    check(
        |file| drop(file.service[0].method.pop()),
        &["method Put is removed"],
    );
    check(
        |file| file.service[0].method[0].server_streaming = Some(true),
        &["method Look: its answer side was one message and is a stream"],
    );
    check(
        |file| file.service[0].method[0].client_streaming = Some(true),
        &["method Look: its request side was one message and is a stream"],
    );
    check(
        |file| file.service[0].method[0].input_type = name(".vn.test.v1.Answer"),
        &["method Look: its request was vn.test.v1.Request and is vn.test.v1.Answer"],
    );
}

#[test]
fn fields_stay_as_they_are() {
    check(
        |file| drop(file.message_type[0].field.pop()),
        &["field id of vn.test.v1.Request is removed"],
    );
    check(
        |file| file.message_type[0].field[0].name = name("code"),
        &["field id of vn.test.v1.Request is removed; its number 1 is now code"],
    );
    check(
        |file| file.message_type[0].field[0].number = Some(7),
        &["field id of vn.test.v1.Request had number 1 and has 7"],
    );
    check(
        |file| file.message_type[0].field[0].r#type = Some(Type::String.into()),
        &["field id of vn.test.v1.Request was of type uint32 and is string"],
    );
    check(
        |file| file.message_type[0].field[0].label = Some(Label::Repeated.into()),
        &["field id of vn.test.v1.Request was singular and is repeated"],
    );
    check(
        |file| {
            file.message_type[0]
                .oneof_decl
                .push(prost_types::OneofDescriptorProto {
                    name: name("which"),
                    options: None,
                });
            file.message_type[0].field[0].oneof_index = Some(0);
        },
        &["field id of vn.test.v1.Request was in no oneof and is in the oneof which"],
    );
    check(
        |file| {
            let mut required = field("must", 9, Type::String, "");
            required.label = Some(Label::Required.into());
            file.message_type[0].field.push(required);
        },
        &["field must of vn.test.v1.Request is new and required"],
    );
    check(
        |file| drop(file.message_type[1].nested_type[0].field.pop()),
        &["field name of vn.test.v1.Answer.Row is removed"],
    );
}

#[test]
fn values_stay_as_they_are() {
    check(
        |file| drop(file.enum_type[0].value.pop()),
        &["value STATE_LIVING of vn.test.v1.State is removed"],
    );
    check(
        |file| file.enum_type[0].value[1].number = Some(5),
        &["value STATE_LIVING of vn.test.v1.State had number 1 and has 5"],
    );
}

#[test]
fn a_set_that_is_none_or_lacks_something_is_refused() {
    let mut incomplete = file();
    incomplete.enum_type.clear();
    let rows = [
        (vec![0xff, 0xff], SERVICE, "is no encoded FileDescriptorSet"),
        (
            encoded(file()),
            "vn.test.v1.Other",
            "lacks the service; it holds vn.test.v1.Registers",
        ),
        (
            Vec::new(),
            SERVICE,
            "lacks the service; it holds no service at all",
        ),
        (
            encoded(incomplete),
            SERVICE,
            "lacks vn.test.v1.State, which the service needs",
        ),
        (
            vec![0; DESCRIPTORS_BYTES_MAX + 1],
            SERVICE,
            "bytes, more than",
        ),
    ];
    for (bytes, service, expected) in rows {
        let refused = Contract::read(&bytes, service).unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
}

#[test]
fn the_repositorys_own_contracts_can_be_read() {
    let service = "ndxp.example.population.v1.PopulationService";
    let contract = Contract::read(ndxp_proto::DESCRIPTORS, service).unwrap();
    assert!(
        contract
            .method_names()
            .contains(&"VerifyIdentity".to_owned())
    );
    assert_eq!(contract.breaks_under(&contract), Vec::<String>::new());
}
