//! The members of the example nation, as the example catalogue ships them.

use ndxp_model::MemberCode;
use ndxp_proto::registry::v1::MemberClass;

/// `deploy/example/members.csv`: illustrative, as its last column says row by row.
pub const MEMBERS_CSV: &str = include_str!("../../../deploy/example/members.csv");

/// One row of the list.
#[derive(Clone, Debug)]
pub struct Member {
    pub code: MemberCode,
    pub name_vi: String,
    pub class: MemberClass,
    /// The code that takes this one's place under Decision 09/2025/QĐ-TTg.
    pub successor_2025: Option<MemberCode>,
}

/// # Panics
/// Never: the list is compiled in, and a test reads it.
pub(crate) fn members() -> Vec<Member> {
    csv::Reader::from_reader(MEMBERS_CSV.as_bytes())
        .records()
        .map(|row| row.expect("the embedded list is well-formed CSV"))
        .map(|row| member(&row).expect("each row of the embedded list names a member"))
        .collect()
}

fn member(row: &csv::StringRecord) -> Option<Member> {
    let class = match row.get(2)? {
        "province" => MemberClass::Province,
        "ministry" => MemberClass::Ministry,
        "agency" => MemberClass::Agency,
        "enterprise" => MemberClass::Enterprise,
        _ => return None,
    };
    let successor_2025 = match row.get(3)? {
        "" => None,
        code => Some(code.parse().ok()?),
    };
    Some(Member {
        code: row.get(0)?.parse().ok()?,
        name_vi: row.get(1)?.to_owned(),
        class,
        successor_2025,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_a_member_and_every_successor_stands_in_the_list() {
        let members = members();
        let rows = MEMBERS_CSV.lines().skip(1).filter(|line| !line.is_empty());
        assert_eq!(members.len(), rows.count());
        for member in &members {
            let Some(successor) = &member.successor_2025 else {
                continue;
            };
            let heir = members.iter().find(|heir| heir.code == *successor);
            assert!(
                heir.is_some_and(|heir| heir.successor_2025.is_none()),
                "{} → {successor}",
                member.code
            );
        }
    }
}
