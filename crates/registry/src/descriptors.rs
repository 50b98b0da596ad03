//! The protobuf contract of a service: read from an encoded `FileDescriptorSet`, and held beside
//! the contract before it. What callers were built against must stay: services, methods, fields,
//! values, and how each looks on the wire and in generated code. Adding is free.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    MethodDescriptorProto,
};

use crate::limits::DESCRIPTORS_BYTES_MAX;
use crate::problem::Problem;

mod compare;

/// The descriptors of one service as they stand.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Descriptors {
    pub file_descriptor_set: Vec<u8>,
}

impl Descriptors {
    pub(crate) fn of(file_descriptor_set: &[u8]) -> Self {
        let file_descriptor_set = file_descriptor_set.to_vec();
        Self {
            file_descriptor_set,
        }
    }
}

/// A service, and every type that its methods reach.
#[derive(Debug)]
pub(crate) struct Contract {
    methods: BTreeMap<String, MethodDescriptorProto>,
    /// By full name with the leading full stop, as references write it.
    messages: BTreeMap<String, DescriptorProto>,
    enums: BTreeMap<String, EnumDescriptorProto>,
}

impl Contract {
    /// # Errors
    /// When the bytes are no descriptor set, lack the service, or lack what it needs.
    pub fn read(bytes: &[u8], service: &str) -> Result<Self, Problem> {
        if bytes.len() > DESCRIPTORS_BYTES_MAX {
            let (bytes, max) = (bytes.len(), DESCRIPTORS_BYTES_MAX);
            return Err(Problem::DescriptorsTooLarge { bytes, max });
        }
        let set = FileDescriptorSet::decode(bytes).map_err(|error| {
            let message = error.to_string();
            Problem::DescriptorsUnreadable { message }
        })?;
        let methods = methods_of(&set, service)?;
        let mut contract = Self {
            methods,
            messages: BTreeMap::new(),
            enums: BTreeMap::new(),
        };
        for file in &set.file {
            contract.take_types(file);
        }
        contract.keep_reachable()?;
        Ok(contract)
    }

    /// In their order.
    pub fn method_names(&self) -> Vec<String> {
        self.methods.keys().cloned().collect()
    }

    /// What of this contract's callers would break under the other, one line each.
    pub fn breaks_under(&self, other: &Self) -> Vec<String> {
        compare::breaks(self, other)
    }

    fn take_types(&mut self, file: &FileDescriptorProto) {
        let scope = match file.package() {
            "" => String::new(),
            package => format!(".{package}"),
        };
        self.take_enums(&scope, &file.enum_type);
        // Walked with a list of our own, so that deep nesting cannot exhaust the stack.
        let mut waiting: Vec<(String, &DescriptorProto)> = file
            .message_type
            .iter()
            .map(|message| (scope.clone(), message))
            .collect();
        while let Some((scope, message)) = waiting.pop() {
            let name = format!("{scope}.{}", message.name());
            self.take_enums(&name, &message.enum_type);
            let nested = message.nested_type.iter();
            waiting.extend(nested.map(|nested| (name.clone(), nested)));
            self.messages.insert(name, message.clone());
        }
    }

    fn take_enums(&mut self, scope: &str, enums: &[EnumDescriptorProto]) {
        for each in enums {
            let name = format!("{scope}.{}", each.name());
            self.enums.insert(name, each.clone());
        }
    }

    /// Drops the types that no method reaches; one that is reached and not there is an error.
    fn keep_reachable(&mut self) -> Result<(), Problem> {
        let mut waiting: Vec<&str> = self
            .methods
            .values()
            .flat_map(|method| [method.input_type(), method.output_type()])
            .collect();
        let mut reached = BTreeSet::new();
        while let Some(name) = waiting.pop() {
            if !reached.insert(name.to_owned()) || self.enums.contains_key(name) {
                continue;
            }
            let message = self.messages.get(name).ok_or_else(|| {
                let name = name.trim_start_matches('.').to_owned();
                Problem::DescriptorsIncomplete { name }
            })?;
            let named = message.field.iter().map(|field| field.type_name());
            waiting.extend(named.filter(|name| !name.is_empty()));
        }
        self.messages.retain(|name, _| reached.contains(name));
        self.enums.retain(|name, _| reached.contains(name));
        Ok(())
    }
}

fn methods_of(
    set: &FileDescriptorSet,
    service: &str,
) -> Result<BTreeMap<String, MethodDescriptorProto>, Problem> {
    const LISTED_MAX: usize = 10;
    let mut found = Vec::new();
    for file in &set.file {
        for each in &file.service {
            let name = match file.package() {
                "" => each.name().to_owned(),
                package => format!("{package}.{}", each.name()),
            };
            if name == service {
                let by_name =
                    |method: &MethodDescriptorProto| (method.name().to_owned(), method.clone());
                return Ok(each.method.iter().map(by_name).collect());
            }
            found.push(name);
        }
    }
    found.truncate(LISTED_MAX);
    let found = match found.as_slice() {
        [] => "no service at all".to_owned(),
        found => found.join(", "),
    };
    Err(Problem::DescriptorsLackService { found })
}

#[cfg(test)]
mod tests;
