//! What the journal is told of a call: the steps' findings put into entries.

use ndxp_model::{Fault, Outcome};
use ndxp_proto::journal::v1;

use crate::metadata::Stated;

/// The connection of a call, made on first use.
pub fn connection(call: &mut v1::Call) -> &mut v1::Connection {
    call.connection.get_or_insert_default()
}

/// Takes down what the consumer stated. A call without a trace gets one here.
pub fn note_stated(call: &mut v1::Call, stated: &Stated) {
    call.request_id.clone_from(&stated.request_id);
    call.origin.clone_from(&stated.origin);
    call.hop = stated.hop;
    call.user.clone_from(&stated.user);
    call.case.clone_from(&stated.case);
    call.test = stated.test;
    call.trace_id = if stated.trace_id.is_empty() {
        fastrand::u128(1..).to_be_bytes().to_vec()
    } else {
        stated.trace_id.clone()
    };
}

/// The outcome's number in the contract: the same as in the model, by test.
pub fn outcome(outcome: Outcome) -> i32 {
    i32::from(outcome.number())
}

/// The fault's number in the contract.
pub fn fault(fault: Option<Fault>) -> i32 {
    let fault = match fault {
        None => v1::Fault::None,
        Some(Fault::Consumer) => v1::Fault::Consumer,
        Some(Fault::Hub) => v1::Fault::Hub,
        Some(Fault::Provider) => v1::Fault::Provider,
    };
    fault.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_have_the_same_numbers_and_names_in_model_and_contract() {
        for it in Outcome::ALL {
            let contract = v1::Outcome::try_from(outcome(it)).unwrap();
            let name = format!("OUTCOME_{}", it.as_str().to_uppercase());
            assert_eq!(contract.as_str_name(), name);
        }
    }
}
