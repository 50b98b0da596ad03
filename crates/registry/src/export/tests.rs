//! Exports: applying what was exported changes nothing, in both languages, pruning or not; and
//! pruning takes away what is not named, and nothing else.

use ndxp_model::Zone;

use super::*;
use crate::fixture::{SMALL, changed, january, parse, registry};
use crate::{Act, Plan, parse_catalogue};

const MORE: &str = r#"
[[member]]
code = "H30"
name_vi = "Tên \"có\" \\ dấu"
name_en = "Name"
class = "agency"
state = "closed"
successor = "H26"
aliases = ["000.00.00.H30"]

[[system]]
id = "H26/portal"
kind = "information_system"
disabled = true
notice = "hỏng"
rate_per_second_max = 10
burst_max = 20
concurrency_max = 3
message_bytes_max = 4000000
metadata_bytes_max = 8000
deadline_ms_max = 5000
maintenance = [{ from = "2026-01-01", until = "2026-01-02", notice = "nâng cấp, {1}" }]

[[grant]]
consumer = "H26/portal"
provider = "G01/population"
service = "test.Population"
valid_until = "2026-06-30"
purpose = "tra cứu"
legal_basis = "NĐ 47/2020"
on_behalf_of = "H26"

[[grant]]
consumer = "H26/portal"
provider = "G01/population"
service = "test.Population"
valid_from = "2026-07-01"
"#;

fn pruned(registry: &Registry, catalogue: v1::Catalogue) -> Plan {
    let act = Act::Apply(v1::ApplyRequest {
        catalogue: Some(catalogue),
        prune: true,
        note: "dọn".to_owned(),
        ..Default::default()
    });
    let planned = registry.plan_act(&act, "operator", january(15));
    planned.unwrap_or_else(|errors| panic!("{errors}"))
}

fn after(registry: &Registry, plan: Plan) -> Registry {
    let mut after = registry.clone();
    let next = after.watermark().next().get();
    after.apply(&changed(next, plan.changes)).unwrap();
    after
}

#[test]
fn export_and_apply_change_nothing() {
    for texts in [&[SMALL] as &[_], &[SMALL, MORE]] {
        let registry = registry(texts);
        let exported = registry.export();
        for format in [CatalogueFormat::Toml, CatalogueFormat::Yaml] {
            let name = if format == CatalogueFormat::Toml {
                "e.toml"
            } else {
                "e.yaml"
            };
            let text = write_catalogue(&exported, format);
            let read = parse_catalogue(name, &text, &Zone::viet_nam());
            let read = read.unwrap_or_else(|errors| panic!("{errors}\n{text}"));
            assert_eq!(registry.plan(&read).unwrap(), Plan::default(), "{text}");
            assert_eq!(pruned(&registry, read.clone()), Plan::default(), "{text}");
            let anew = after(&Registry::empty(), Registry::empty().plan(&read).unwrap());
            assert_eq!(anew.export(), exported);
        }
    }
}

#[test]
fn a_grant_of_a_closed_member_is_not_exported_and_not_pruned() {
    let mut closed = registry(&[SMALL]);
    let close = Act::Transition(v1::TransitionRequest {
        kind: v1::ItemKind::Member.into(),
        key: "H26".to_owned(),
        action: v1::Action::Close.into(),
        reason: "nhập tỉnh".to_owned(),
        ..Default::default()
    });
    let plan = closed.plan_act(&close, "operator", january(15)).unwrap();
    closed = after(&closed, plan);
    assert_eq!(closed.export().grants, []);
    assert_eq!(closed.grants().len(), 3);
    assert_eq!(pruned(&closed, closed.export()), Plan::default());
}

/// Items that the plan takes away.
fn removed(plan: &Plan) -> Vec<&str> {
    let removed = plan
        .differences
        .iter()
        .filter(|difference| difference.removed);
    removed.map(|difference| difference.item.as_str()).collect()
}

#[test]
fn pruning_takes_away_what_is_not_named() {
    let registry = registry(&[SMALL]);
    let mut wanted = parse(SMALL);
    wanted.members.retain(|member| member.code != "H53");
    wanted.systems.retain(|system| system.id != "H53/lgsp");
    wanted
        .services
        .retain(|service| service.provider != "H53/lgsp" && service.name != "test.Cards");
    wanted
        .grants
        .retain(|grant| grant.service == "test.Population");
    let plan = pruned(&registry, wanted.clone());
    assert_eq!(
        removed(&plan),
        [
            "grant H26/lgsp>G01/population/test.Shared version 1",
            "grant H26/lgsp>G24/insurance/test.Cards",
            "service G24/insurance/test.Cards",
            "service H53/lgsp/test.OfSuspendedMember",
            "system H53/lgsp",
            "member H53",
        ]
    );
    let after = after(&registry, plan);
    assert_eq!(pruned(&after, wanted), Plan::default(), "idempotent");
    assert_eq!(
        (after.services_count, after.grants_count),
        (after.services().len(), 2)
    );
    let shared = &after.grant_versions("H26/lgsp>G01/population/test.Shared")[0];
    assert_eq!(shared.state(), v1::GrantState::Revoked);
    assert_eq!(after.descriptors("G24/insurance", "test.Cards"), None);
}

#[test]
fn pruning_leaves_nothing_dangling_and_needs_a_reason() {
    let registry = registry(&[SMALL]);
    let mut wanted = parse(SMALL);
    wanted.members.retain(|member| member.code != "H26");
    let mut request = v1::ApplyRequest {
        catalogue: Some(wanted),
        prune: true,
        note: "dọn".to_owned(),
        ..Default::default()
    };
    let plan = |request: &v1::ApplyRequest| {
        registry.plan_act(&Act::Apply(request.clone()), "operator", january(15))
    };
    let told = plan(&request).unwrap_err().to_string();
    assert!(
        told.contains("system H26/lgsp: id = \"H26/lgsp\": there is no member H26"),
        "{told}"
    );
    request.catalogue = Some(v1::Catalogue::default());
    request.note = String::new();
    let told = plan(&request).unwrap_err().to_string();
    assert_eq!(
        told,
        "catalogue: note: the reason is missing; say why; the journal keeps it"
    );
    request.note = "hết".to_owned();
    let empty = after(&registry, plan(&request).unwrap());
    assert_eq!(empty.export(), v1::Catalogue::default());
    assert_eq!((empty.services_count, empty.grants_count), (0, 0));
}
