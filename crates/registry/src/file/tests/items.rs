//! What is wrong with single items, line by line.

use super::*;

const MEMBER: &str = "[[member]]\ncode = \"H26\"\nname_vi = \"Hà Nội\"\nclass = \"province\"\n";
const SYSTEM: &str = "[[system]]\nid = \"H26/lgsp\"\nkind = \"lgsp\"\n";
const SERVICE: &str = "[[service]]\nprovider = \"G01/population\"\nname = \"test.Population\"\n";
const GRANT: &str = "[[grant]]\nconsumer = \"H26/lgsp\"\nprovider = \"G01/population\"\n\
                     service = \"test.Population\"\n";

/// The item with a line more, which stands at line 4 or, in a grant, line 5.
#[track_caller]
fn check_line(item: &str, line: &str, expected: &str) {
    check(&format!("{item}{line}\n"), expected);
}

#[test]
fn a_mistyped_key_is_told_its_neighbour() {
    check(
        "[[member]]\ncode = \"H26\"\nname_vn = \"x\"\nname_vi = \"Hà Nội\"\nclass = \"province\"",
        "c.toml:3: member H26: \"name_vn\": no such key; did you mean name_vi?",
    );
    check_line(
        SYSTEM,
        "endpoint = [\"a:1\"]",
        "c.toml:4: system H26/lgsp: \"endpoint\": no such key; did you mean endpoints?",
    );
    check_line(
        GRANT,
        "id = \"x\"",
        "c.toml:5: grant H26/lgsp>G01/population/test.Population: \"id\": no such key; known are \
         consumer, provider, service, methods, valid_from, valid_until, rate_per_second_max, \
         burst_max, concurrency_max, message_bytes_max, metadata_bytes_max, deadline_ms_max, \
         purpose, legal_basis, on_behalf_of",
    );
}

#[test]
fn a_missing_key_is_named() {
    check(
        "\n[[member]]\nname_vi = \"Hà Nội\"\nclass = \"province\"",
        "c.toml:2: member number 1: code: the key is missing; write the member's code, such as H26",
    );
    assert_eq!(
        refused("[[system]]\n[[grant]]"),
        [
            "c.toml:1: system number 1: id: the key is missing; write member/system, such as \
             H26/lgsp",
            "c.toml:1: system number 1: kind: the key is missing; write lgsp, database or \
             information_system",
            "c.toml:2: grant number 1: consumer: the key is missing; write the system that may call",
            "c.toml:2: grant number 1: provider: the key is missing; write the system that offers \
             the service",
            "c.toml:2: grant number 1: service: the key is missing; write the full name of the \
             gRPC service",
        ]
    );
}

#[test]
fn a_value_of_the_wrong_type_is_named() {
    let rows = [
        (
            MEMBER,
            "name_en = 5",
            "c.toml:4: member H26: name_en = 5: is a number; write a text in \
             quotes",
        ),
        (
            SYSTEM,
            "endpoints = \"a:1\"",
            "c.toml:4: system H26/lgsp: endpoints = \"a:1\": is a text; write a list of texts, such as [\"a\", \"b\"]",
        ),
        (
            SYSTEM,
            "endpoints = [\n\"a:1\",\n2.5]",
            "c.toml:6: system H26/lgsp: endpoints = 2.5: is a number with a fraction; write a list of texts, such as [\"a\", \"b\"]",
        ),
        (
            SERVICE,
            "disabled = \"yes\"",
            "c.toml:4: service G01/population/test.Population: disabled = \"yes\": is a text; write true or false",
        ),
        (
            SERVICE,
            "deadline_ms_max = -1",
            "c.toml:4: service G01/population/test.Population: deadline_ms_max = -1: does not \
             have the form that is wanted; write a whole number, 0 or more",
        ),
        (
            SERVICE,
            "deadline_ms_max = true",
            "c.toml:4: service G01/population/test.Population: deadline_ms_max = true: is a truth \
             value; write a whole number, 0 or more",
        ),
    ];
    for (item, line, expected) in rows {
        let item = if item == MEMBER {
            "[[member]]\ncode = \"H26\"\nname_vi = \"Hà Nội\"\nLINE\nclass = \"province\"\n"
                .replace("LINE", line)
        } else {
            format!("{item}{line}\n")
        };
        check(&item, expected);
    }
}

#[test]
fn a_member_is_checked() {
    let member = |code: &str, more: &str| {
        format!("[[member]]\ncode = \"{code}\"\nname_vi = \"x\"\nclass = \"province\"\n{more}")
    };
    check(
        &member("000.00.00.H53", ""),
        "c.toml:2: member 000.00.00.H53: code = \"000.00.00.H53\": is the old form of a code, \
         which reads right to left; write H53",
    );
    check(
        &member("h53", ""),
        "c.toml:2: member h53: code = \"h53\": does not have the form that is wanted; write a code \
         such as H26 or H26.12: a letter, two digits, then groups of digits and capitals behind \
         full stops; at most 35 characters",
    );
    check(
        &member("H26", "state = \"gone\""),
        "c.toml:5: member H26: state = \"gone\": is none of the words that are known; write active, \
         suspended, proposed, declined or closed",
    );
    check(
        &member("H26", &format!("name_en = \"{}\"", "x".repeat(201))),
        &format!(
            "c.toml:5: member H26: name_en = \"{}\"…: has 201 characters, more than 200; shorten it",
            "x".repeat(80)
        ),
    );
    check(
        &member("H26", "name_en = \"a\\nb\""),
        "c.toml:5: member H26: name_en = \"a\\nb\": holds a control character such as a line break; \
         write it in one line of plain text",
    );
    check(
        "[[member]]\ncode = \"H26\"\nname_vi = \" \"\nclass = \"city\"",
        "c.toml:3: member H26: name_vi = \" \": does not have the form that is wanted; write the member's name in \
         Vietnamese\n\
         c.toml:4: member H26: class = \"city\": is none of the words that are known; write \
         province, ministry, agency or enterprise",
    );
}

#[test]
fn a_system_is_checked() {
    check(
        "[[system]]\nid = \"000.00.00.H53/lgsp\"\nkind = \"lgsp\"",
        "c.toml:2: system 000.00.00.H53/lgsp: id = \"000.00.00.H53/lgsp\": is the old form of a \
         code, which reads right to left; write H53/lgsp",
    );
    check(
        "[[system]]\nid = \"H53/LGSP\"\nkind = \"lgsp\"",
        "c.toml:2: system H53/LGSP: id = \"H53/LGSP\": does not have the form that is wanted; write \
         member/system such as H26/lgsp; behind the stroke lower-case letters, digits and hyphens, \
         at most 63 characters",
    );
    check_line(
        SYSTEM,
        "endpoints = [\n  \"a:1\",\n  \"https://a:1\",\n]",
        "c.toml:6: system H26/lgsp: endpoints = \"https://a:1\": does not have the form that is \
         wanted; write host:port without a scheme or path, such as lgsp.hanoi.example:9001, \
         10.0.0.5:9001 or [2001:db8::5]:9001",
    );
    check_line(
        SYSTEM,
        "endpoints = [\"a:1\", \"a:1\"]",
        "c.toml:4: system H26/lgsp: endpoints = \"a:1\": stands twice in the list; take one of the \
         two out",
    );
    check_line(
        SYSTEM,
        &format!("endpoints = [{}]", "\"a:1\",".repeat(17)),
        "c.toml:4: system H26/lgsp: endpoints: lists 17, more than 16; list at most 16",
    );
    check_line(
        SYSTEM,
        "fingerprints = [\"AB:CD\"]",
        "c.toml:4: system H26/lgsp: fingerprints = \"AB:CD\": does not have the form that is \
         wanted; write 64 lower-case hexadecimal digits, as openssl x509 -noout -fingerprint \
         -sha256 prints them, without the colons",
    );
    let claimed = format!("fingerprints = [\"{}\"]\n", "ab".repeat(32));
    check(
        &format!("{SYSTEM}{claimed}[[system]]\nid = \"H27/lgsp\"\nkind = \"lgsp\"\n{claimed}"),
        &format!(
            "c.toml:8: system H27/lgsp: fingerprints = \"{}\": is claimed by H26/lgsp too; a \
             certificate proves one system only: take it from one of the two",
            "ab".repeat(32)
        ),
    );
}

#[test]
fn a_service_is_checked() {
    check(
        "[[service]]\nprovider = \"G01\"\nname = \"a/b\"",
        "c.toml:2: service G01/a/b: provider = \"G01\": does not have the form that is wanted; \
         write member/system such as H26/lgsp; behind the stroke lower-case letters, digits and \
         hyphens, at most 63 characters\n\
         c.toml:3: service G01/a/b: name = \"a/b\": does not have the form that is wanted; write \
         the full name of the gRPC service, such as \
         ndxp.example.population.v1.PopulationService; at most 255 characters",
    );
    check_line(
        SERVICE,
        "measures = [\"Records\"]",
        "c.toml:4: service G01/population/test.Population: measures = \"Records\": does not have \
         the form that is wanted; write a lower-case letter, then lower-case letters, digits and \
         underscores, such as records or amount_vnd; at most 63 characters",
    );
    check_line(
        SERVICE,
        "deadline_ms_max = 86_400_001",
        "c.toml:4: service G01/population/test.Population: deadline_ms_max = 86400001: is more \
         than 86400000; write at most 86400000",
    );
    check_line(
        SERVICE,
        "deadline_ms_max = 99999999999999999999",
        "c.toml:4: service G01/population/test.Population: deadline_ms_max = \
         99999999999999999999: is more than 18446744073709551615; write at most \
         18446744073709551615",
    );
}

#[test]
fn a_grant_is_checked() {
    const LABEL: &str = "grant H26/lgsp>G01/population/test.Population";
    check(
        "[[grant]]\nconsumer = \"H26/lgsp\"\nprovider = \"H26/lgsp\"\nservice = \"test.A\"",
        "c.toml:3: grant H26/lgsp>H26/lgsp/test.A: provider = \"H26/lgsp\": consumer and provider \
         are the same system; take the grant out; a system needs no hub to call itself",
    );
    let rows = [
        (
            "methods = [\"Verify\", \"test.Population/Verify\"]",
            "methods = \"test.Population/Verify\": does not have the form that is wanted; write \
             the method's name alone, such as VerifyIdentity, without service or stroke; at most \
             255 characters",
        ),
        (
            "rate_per_second_max = 4294967296",
            "rate_per_second_max = 4294967296: is more than 4294967295; write at most 4294967295",
        ),
        (
            "valid_from = \"1/1/2026\"",
            "valid_from = \"1/1/2026\": does not have the form that is wanted; write a date such \
             as 2026-12-31, which is local and means the whole day, or an instant with its offset \
             such as 2026-12-31T17:00:00+07:00",
        ),
        (
            "valid_until = 2026-12-31T17:00:00",
            "valid_until = 2026-12-31T17:00:00: does not have the form that is wanted; write a \
             date such as 2026-12-31, which is local and means the whole day, or an instant with \
             its offset such as 2026-12-31T17:00:00+07:00",
        ),
    ];
    for (line, expected) in rows {
        check_line(GRANT, line, &format!("c.toml:5: {LABEL}: {expected}"));
    }
    check_line(
        GRANT,
        "valid_from = \"2026-02-02\"\nvalid_until = \"2026-02-01\"",
        "c.toml:6: grant H26/lgsp>G01/population/test.Population: valid_until: the grant ends at \
         2026-02-01T17:00:00Z, not after its start at 2026-02-01T17:00:00Z; move valid_until \
         behind valid_from",
    );
}

#[test]
fn an_item_that_stands_twice_is_named_with_both_places() {
    for (item, label, second) in [
        (MEMBER, "member H26", 5),
        (SYSTEM, "system H26/lgsp", 4),
        (SERVICE, "service G01/population/test.Population", 4),
        (GRANT, "grant H26/lgsp>G01/population/test.Population", 5),
    ] {
        check(
            &format!("{item}{item}"),
            &format!(
                "c.toml:{second}: {label}: stands twice; it stands first at c.toml:1; join the \
                 two, or take one out"
            ),
        );
    }
}
