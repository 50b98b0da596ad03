//! Grants as contracts: asked for, decided, replaced, revoked.

use super::*;

fn terms() -> v1::Grant {
    v1::Grant {
        consumer: "H29/lgsp".to_owned(),
        provider: "G01/population".to_owned(),
        service: "test.Population".to_owned(),
        purpose: "xác thực".to_owned(),
        ..Default::default()
    }
}

fn asked(grant: v1::Grant) -> Act {
    Act::RequestAccess(v1::RequestAccessRequest {
        grant: Some(grant),
        ..Default::default()
    })
}

fn decided(version: u32, approve: bool) -> Act {
    Act::DecideAccess(v1::DecideAccessRequest {
        id: GRANT.to_owned(),
        version,
        approve,
        reason: "đã xem".to_owned(),
        ..Default::default()
    })
}

fn revoked(version: u32) -> Act {
    Act::RevokeAccess(v1::RevokeAccessRequest {
        id: GRANT.to_owned(),
        version,
        reason: "hết việc".to_owned(),
        ..Default::default()
    })
}

/// Version, state, who asked, who decided.
fn told(registry: &Registry) -> Vec<(u32, GrantState, String, String)> {
    let versions = registry.grant_versions(GRANT).into_iter();
    let told = |it: v1::Grant| (it.version, it.state(), it.requested_by, it.decided_by);
    versions.map(told).collect()
}

fn call(registry: &Registry, day: i64) -> Result<u32, String> {
    let consumer = "H29/lgsp".parse().unwrap();
    let route = registry.route(&consumer, "test.Population", "Verify", None, january(day));
    route
        .map(|route| route.grant.version)
        .map_err(|refusal| refusal.reason.to_string())
}

#[test]
fn a_consumer_asks_a_provider_decides_and_either_ends() {
    let mut registry = registry(&[SMALL]);
    assert_eq!(call(&registry, 15), Err("NO_GRANT".to_owned()));
    let plan = done_by(&mut registry, "member H29", &asked(terms()));
    assert_eq!(plan.grant.unwrap().id, GRANT);
    assert_eq!(call(&registry, 15), Err("NO_GRANT".to_owned()));
    done_by(&mut registry, "member G01", &decided(0, true));
    assert_eq!(call(&registry, 15), Ok(1));
    let row = |version, state, by: &str| (version, state, "member H29".to_owned(), by.to_owned());
    assert_eq!(told(&registry), [row(1, GrantState::Active, "member G01")]);
    done_by(&mut registry, "operator", &revoked(0));
    assert_eq!(told(&registry), [row(1, GrantState::Revoked, "operator")]);
    assert_eq!(call(&registry, 15), Err("NO_GRANT".to_owned()));
    done_by(&mut registry, "member H29", &asked(terms()));
    done_by(&mut registry, "member G01", &decided(2, false));
    assert_eq!(
        told(&registry),
        [row(2, GrantState::Declined, "member G01")]
    );
}

#[test]
fn other_terms_are_another_version() {
    let mut registry = registry(&[SMALL]);
    done(&mut registry, &asked(terms()));
    done(&mut registry, &decided(0, true));
    let faster = v1::Grant {
        rate_per_second_max: 9,
        ..terms()
    };
    refused(
        &registry,
        &asked(faster.clone()),
        "overlaps version 1, which is active",
    );
    let replacing = v1::Grant {
        replaces: 1,
        ..faster
    };
    done(&mut registry, &asked(replacing));
    assert_eq!(call(&registry, 15), Ok(1), "until it is approved");
    done(&mut registry, &decided(0, true));
    assert_eq!(call(&registry, 15), Ok(2));
    let states: Vec<_> = told(&registry).into_iter().map(|it| (it.0, it.1)).collect();
    assert_eq!(states, [(1, GrantState::Replaced), (2, GrantState::Active)]);
}

#[test]
fn versions_follow_each_other_in_time() {
    let mut registry = registry(&[SMALL]);
    let from_to = |from: i64, until: i64| v1::Grant {
        valid_from_us: january(from).as_micros(),
        valid_until_us: january(until).as_micros(),
        ..terms()
    };
    done(&mut registry, &asked(from_to(10, 20)));
    done(&mut registry, &decided(0, true));
    refused(&registry, &asked(from_to(19, 30)), "overlaps version 1");
    done(&mut registry, &asked(from_to(20, 30)));
    refused(
        &registry,
        &asked(from_to(25, 40)),
        "overlaps version 2, which is requested",
    );
    done(&mut registry, &decided(0, true));
    let rows = [
        (9, Err("GRANT_EXPIRED".to_owned())),
        (10, Ok(1)),
        (19, Ok(1)),
        (20, Ok(2)),
        (30, Err("GRANT_EXPIRED".to_owned())),
    ];
    for (day, expected) in rows {
        assert_eq!(call(&registry, day), expected, "{day}");
    }
}

#[test]
fn every_step_that_a_grant_may_not_take_is_refused() {
    let mut registry = registry(&[SMALL]);
    refused(&registry, &decided(0, true), "there is no such grant");
    done(&mut registry, &asked(terms()));
    refused(&registry, &decided(7, true), "the grant has no version 7");
    let mut unreasoned = decided(0, false);
    if let Act::DecideAccess(request) = &mut unreasoned {
        request.reason.clear();
    }
    refused(&registry, &unreasoned, "the reason is missing");
    let mut unreasoned = revoked(0);
    if let Act::RevokeAccess(request) = &mut unreasoned {
        request.reason.clear();
    }
    refused(&registry, &unreasoned, "the reason is missing");
    done(&mut registry, &decided(0, true));
    refused(&registry, &decided(0, true), "no version that is requested");
    refused(
        &registry,
        &decided(1, true),
        "approve is not permitted while it is active",
    );
    refused(
        &registry,
        &decided(1, false),
        "decline is not permitted while it is active",
    );
    done(&mut registry, &revoked(1));
    refused(
        &registry,
        &revoked(1),
        "revoke is not permitted while it is revoked",
    );
    refused(
        &registry,
        &revoked(0),
        "no version that is requested or active",
    );
    refused(
        &registry,
        &decided(1, true),
        "approve is not permitted while it is revoked",
    );
    done(&mut registry, &asked(terms()));
    done(&mut registry, &decided(0, false));
    refused(
        &registry,
        &decided(2, true),
        "approve is not permitted while it is declined",
    );
    refused(
        &registry,
        &revoked(2),
        "revoke is not permitted while it is declined",
    );
}

#[test]
fn terms_that_cannot_be_are_refused() {
    let mut registry = registry(&[SMALL]);
    let close = transition(Kind::Member, "H26", Action::Close);
    done(&mut registry, &Act::Transition(close));
    let day = |day: i64| january(day).as_micros();
    let rows: [(v1::Grant, &str); 12] = [
        (
            v1::Grant {
                consumer: "h29".to_owned(),
                ..terms()
            },
            "does not have the form that is wanted",
        ),
        (
            v1::Grant {
                consumer: "000.00.00.H29/lgsp".to_owned(),
                ..terms()
            },
            "is the old form of a code, which reads right to left; write H29/lgsp",
        ),
        (
            v1::Grant {
                consumer: "H29/none".to_owned(),
                ..terms()
            },
            "there is no system H29/none",
        ),
        (
            v1::Grant {
                service: "test.None".to_owned(),
                ..terms()
            },
            "offers no such service",
        ),
        (
            v1::Grant {
                consumer: "G01/population".to_owned(),
                ..terms()
            },
            "consumer and provider are the same system",
        ),
        (
            v1::Grant {
                consumer: "H26/lgsp".to_owned(),
                ..terms()
            },
            "the member H26 is closed",
        ),
        (
            v1::Grant {
                valid_from_us: day(20),
                valid_until_us: day(16),
                ..terms()
            },
            "not after its start",
        ),
        (
            v1::Grant {
                valid_until_us: day(14),
                ..terms()
            },
            "its time is over already",
        ),
        (
            v1::Grant {
                burst_max: 5,
                ..terms()
            },
            "there is a burst and no rate",
        ),
        (
            v1::Grant {
                replaces: 3,
                ..terms()
            },
            "the grant has no version 3",
        ),
        (
            v1::Grant {
                on_behalf_of: "H29.99".to_owned(),
                ..terms()
            },
            "on_behalf_of = \"H29.99\": there is no member H29.99",
        ),
        (
            v1::Grant {
                purpose: "x".repeat(501),
                ..terms()
            },
            "has 501 characters, more than 500",
        ),
    ];
    for (grant, expected) in rows {
        refused(&registry, &asked(grant), expected);
    }
}

#[test]
fn delegation_is_told_with_the_route() {
    let mut registry = registry(&[SMALL]);
    done(&mut registry, &proposed("H29.12"));
    let delegated = v1::Grant {
        on_behalf_of: "H29.12".to_owned(),
        ..terms()
    };
    done(&mut registry, &asked(delegated));
    done(&mut registry, &decided(0, true));
    let consumer = "H29/lgsp".parse().unwrap();
    let route = registry.route(&consumer, "test.Population", "Verify", None, january(15));
    let behalf = route.unwrap().grant.on_behalf_of.clone();
    assert_eq!(behalf, Some("H29.12".parse().unwrap()));
}

#[test]
fn live_versions_are_bounded() {
    let mut registry = registry(&[SMALL]);
    let on = |number: i64| v1::Grant {
        valid_from_us: january(20 + number).as_micros(),
        valid_until_us: january(21 + number).as_micros(),
        ..terms()
    };
    for number in 0..8 {
        done(&mut registry, &asked(on(number)));
    }
    refused(&registry, &asked(on(8)), "there would be 9 versions");
    refused(&registry, &decided(0, true), "versions could be meant");
}
