//! Files of opening balances.

use ndxp_baseline::{ENTRY_BYTES_MAX, FINDINGS_MAX, Limits, ParseError, check, parse};
use prost::Message as _;

use crate::check_error;

/// Small, so that small inputs reach them.
const LIMITS: Limits = Limits {
    rows_max: 20,
    bytes_max: 1_000,
};

/// What is parsed is an import that the hub takes; what is not is told by row and column, up to a
/// limit.
pub fn file(data: &[u8]) {
    let rows_of_file = data.split(|byte| matches!(byte, b'\n' | b'\r')).count() as u64;
    for limits in [LIMITS, Limits::default()] {
        match parse(data, &limits) {
            Ok(parsed) => {
                assert_eq!(check(&parsed.baseline), Ok(()));
                assert_eq!(parsed.rows.len(), parsed.baseline.rows.len());
                assert!(parsed.rows.len() <= limits.rows_max);
                assert!(parsed.rows.is_sorted());
                assert!(parsed.baseline.encoded_len() <= ENTRY_BYTES_MAX);
            }
            Err(ParseError::Wrong(wrong)) => {
                assert!((1..=FINDINGS_MAX).contains(&wrong.found.len()));
                for finding in &wrong.found {
                    check_error(&finding.problem);
                    assert!(
                        finding
                            .row
                            .is_none_or(|row| (1..=rows_of_file).contains(&row))
                    );
                }
            }
            Err(error @ ParseError::Read(_)) => panic!("memory can be read: {error}"),
        }
    }
}
