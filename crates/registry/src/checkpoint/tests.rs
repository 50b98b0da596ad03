//! Checkpoints: what is saved is loaded, and what is damaged is refused by name.

use std::path::PathBuf;

use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorSet};

use super::*;
use crate::fixture::{SMALL, apply, changed, connected, parse, registry};

/// What the fixtures hold.
fn fixture_registry() -> Registry {
    let mut registry = registry(&[SMALL]);
    registry.put(&v1::Change {
        item: Some(v1::change::Item::Descriptors(v1::Descriptors {
            provider: "G01/population".to_owned(),
            service: "test.Population".to_owned(),
            file_descriptor_set: vec![1, 2, 3],
        })),
    });
    finished(registry)
}

/// What the fixture of the first format holds: entries of that time say nothing of who decided.
fn first_registry() -> Registry {
    let mut plan = Registry::empty().plan(&parse(SMALL)).unwrap();
    for change in &mut plan.changes {
        if let Some(v1::change::Item::Grant(grant)) = &mut change.item {
            grant.decided_by.clear();
            grant.version = 0;
            grant.state = 0;
        }
    }
    let mut registry = Registry::empty();
    registry.apply(&changed(1, plan.changes)).unwrap();
    finished(registry)
}

fn finished(mut registry: Registry) -> Registry {
    registry.apply(&connected(2, "H26/lgsp")).unwrap();
    registry.advance(Sequence::new(40));
    registry
}

fn fixture_path(format: u32) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/checkpoint");
    folder.join(format!("format-{format}.checkpoint"))
}

#[test]
fn what_was_saved_is_what_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.checkpoint");
    let mut registry = fixture_registry();
    registry.save(&path).unwrap();
    assert_eq!(Registry::load(&path).unwrap(), registry);
    apply(
        &mut registry,
        &parse("[[member]]\ncode = \"H01\"\nname_vi = \"x\"\nclass = \"agency\""),
    );
    registry.save(&path).unwrap();
    assert_eq!(Registry::load(&path).unwrap(), registry);
    let names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["registry.checkpoint"], "nothing is left beside it");
}

#[test]
fn an_item_that_cannot_be_read_is_kept_and_still_denies() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.checkpoint");
    let mut registry = fixture_registry();
    let system = v1::System {
        id: "H26/lgsp".to_owned(),
        kind: 99,
        ..Default::default()
    };
    let item = Some(v1::change::Item::System(system));
    registry.put(&v1::Change { item });
    registry.save(&path).unwrap();
    let loaded = Registry::load(&path).unwrap();
    assert_eq!(loaded, registry);
    assert_eq!(loaded.unreadable(), registry.unreadable());
    assert_eq!(loaded.unreadable().len(), 1);
}

#[test]
fn every_format_is_read_for_ever() {
    assert!(Registry::load(&fixture_path(1)).unwrap() == first_registry());
    assert!(Registry::load(&fixture_path(2)).unwrap() == fixture_registry());
}

/// Writes the fixture anew; to be run by hand, once, when the format gets a new version.
#[test]
#[ignore = "writes into the source tree"]
fn write_the_fixture() {
    fixture_registry().save(&fixture_path(VERSION)).unwrap();
}

#[test]
fn a_missing_checkpoint_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none");
    let refused = Registry::load(&path).unwrap_err();
    assert!(
        matches!(refused, CheckpointError::Absent { .. }),
        "{refused}"
    );
}

#[test]
fn any_flipped_bit_is_found() {
    let sound = fixture_registry().encoded();
    for index in 0..sound.len() {
        for bit in [0x01, 0x80] {
            let mut bytes = sound.clone();
            bytes[index] ^= bit;
            assert!(decode(&bytes).is_err(), "byte {index}, bit {bit}");
        }
    }
}

#[test]
fn any_other_length_is_found() {
    let sound = fixture_registry().encoded();
    for length in 0..sound.len() {
        assert!(decode(&sound[..length]).is_err(), "{length} bytes");
    }
    let longer = [sound.as_slice(), &[0]].concat();
    assert!(decode(&longer).is_err());
}

/// A file with a sound checksum around the body.
fn with_body(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend((body.len() as u64).to_le_bytes());
    bytes.extend(crc32c::crc32c_append(crc32c::crc32c(&bytes), body).to_le_bytes());
    bytes.extend(body);
    bytes
}

#[test]
fn damage_is_refused_by_name() {
    let sound = fixture_registry().encoded();
    let mut magic = sound.clone();
    magic[0] = b'X';
    let mut version = sound.clone();
    version[8] = 9;
    let mut huge = sound.clone();
    huge[12..20].fill(0xff);
    let unknown = Body {
        items: vec![v1::Change { item: None }],
        ..Default::default()
    };
    let rows = [
        (magic, "it does not begin as a checkpoint does"),
        (version, "has format 9, and this version reads format 2"),
        (huge, "and says that it has 18446744073709551615"),
        (Vec::new(), "it has 0 bytes and says that it has 24"),
        (
            with_body(&[0xff]),
            "its body is not the message that it should be",
        ),
        (
            with_body(&unknown.encode_to_vec()),
            "item number 1 is of a kind that this version does not know",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.checkpoint");
    for (bytes, expected) in rows {
        fs::write(&path, bytes).unwrap();
        let refused = Registry::load(&path).unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
        assert!(refused.contains(path.to_str().unwrap()), "{refused}");
        assert!(refused.contains("remove it"), "{refused}");
    }
}

#[test]
fn a_failed_save_leaves_the_checkpoint_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.checkpoint");
    let before = fixture_registry();
    before.save(&path).unwrap();
    // The file beside cannot be made where a folder has its name.
    fs::create_dir(path.with_extension("new")).unwrap();
    let refused = Registry::empty().save(&path).unwrap_err();
    assert!(
        refused
            .to_string()
            .starts_with("cannot create the checkpoint"),
        "{refused}"
    );
    assert_eq!(Registry::load(&path).unwrap(), before);
}

#[test]
fn what_a_crash_left_beside_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.checkpoint");
    fs::write(path.with_extension("new"), "half").unwrap();
    fixture_registry().save(&path).unwrap();
    assert_eq!(Registry::load(&path).unwrap(), fixture_registry());
}

/// An older program would drop the fields that it does not know. When this fails, raise
/// `VERSION`, add a fixture, and put the new value here.
#[test]
fn a_changed_contract_gets_a_new_format() {
    const CONTRACT_OF_FORMAT_2: u32 = 4_227_649_485;
    let all = FileDescriptorSet::decode(ndxp_proto::DESCRIPTORS).unwrap();
    let is_contract = |name: &str| name == "ndxp/registry/v1/registry.proto";
    let file = all
        .file
        .iter()
        .find(|file| is_contract(file.name()))
        .unwrap();
    let kept = [
        "Member",
        "System",
        "Service",
        "Grant",
        "Change",
        "Descriptors",
        "Removed",
        "MaintenanceWindow",
    ];
    let messages = file.message_type.iter();
    let messages = messages.filter(|message| kept.contains(&message.name()));
    let messages: Vec<Vec<u8>> = messages.map(DescriptorProto::encode_to_vec).collect();
    assert_eq!(messages.len(), kept.len());
    // The state of circuits is told and never kept.
    let enums = file
        .enum_type
        .iter()
        .filter(|kind| kind.name() != "CircuitState")
        .map(EnumDescriptorProto::encode_to_vec);
    let bytes = messages
        .into_iter()
        .chain(enums)
        .flatten()
        .collect::<Vec<_>>();
    assert_eq!((VERSION, crc32c::crc32c(&bytes)), (2, CONTRACT_OF_FORMAT_2));
}
