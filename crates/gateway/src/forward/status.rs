//! The gRPC status that an answer has, where it states one and where it does not.

use http::{HeaderMap, StatusCode};

use crate::metadata::GRPC_STATUS;

/// gRPC status codes that the hub gives itself while forwarding.
pub const CANCELLED: u8 = 1;
pub const UNKNOWN: u8 = 2;

/// The status that an answer carries. An answer without one is UNKNOWN, or what its HTTP status
/// means by the gRPC specification's table.
pub fn grpc_status(headers: &HeaderMap, http_status: StatusCode) -> u8 {
    if let Some(value) = headers.get(GRPC_STATUS) {
        let status = value.to_str().ok().and_then(|text| text.parse().ok());
        return status.filter(|status| *status <= 16).unwrap_or(UNKNOWN);
    }
    match http_status.as_u16() {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502 | 503 | 504 => 14,
        _ => UNKNOWN,
    }
}

/// The table of the gRPC over HTTP/2 specification, section "Errors".
pub fn status_of_reset(reason: ndxp_http2::Reason) -> u8 {
    match reason {
        ndxp_http2::Reason::REFUSED_STREAM => 14,
        ndxp_http2::Reason::CANCEL => CANCELLED,
        ndxp_http2::Reason::ENHANCE_YOUR_CALM => 8,
        ndxp_http2::Reason::INADEQUATE_SECURITY => 7,
        _ => 13,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_status_is_the_answers_own_or_what_http_means_by_it() {
        let rows = [
            (Some("0"), 200, 0),
            (Some("5"), 200, 5),
            (Some("5"), 503, 5),
            (Some("17"), 200, UNKNOWN),
            (Some("x"), 200, UNKNOWN),
            (None, 200, UNKNOWN),
            (None, 401, 16),
            (None, 404, 12),
            (None, 503, 14),
        ];
        for (stated, http, expected) in rows {
            let mut headers = HeaderMap::new();
            if let Some(stated) = stated {
                headers.insert(GRPC_STATUS, HeaderValue::from_static(stated));
            }
            let found = grpc_status(&headers, StatusCode::from_u16(http).unwrap());
            assert_eq!(found, expected, "{stated:?} under HTTP {http}");
        }
    }
}
