//! How large the registry and each of its parts may grow. Each limit is far above what a
//! national hub needs and far below what would make a change slow or a refusal unreadable.

/// A catalogue file: 100,000 grants of some 100 bytes, written out by hand or by a tool.
pub const FILE_BYTES_MAX: usize = 10_000_000;

/// Members that can stand: ministries, provinces and their 3,321 communes, six times over.
pub const MEMBERS_MAX: usize = 20_000;

/// Systems that can stand: five for each member.
pub const SYSTEMS_MAX: usize = 100_000;

/// Offered services that can stand: some for each system.
pub const SERVICES_MAX: usize = 200_000;

/// Grants that can stand, their versions counted: twenty for each system.
pub const GRANTS_MAX: usize = 2_000_000;

/// Versions of one grant that are requested or active: this year's, the next one's, some requests.
pub const LIVE_VERSIONS_MAX: usize = 8;

/// Aliases of one member: its own old code and those of the members that it took in.
pub const ALIASES_MAX: usize = 16;

/// Windows of maintenance of one service or system.
pub const WINDOWS_MAX: usize = 16;

/// Characters of a grant's purpose, and of its legal basis.
pub const TERMS_CHARS_MAX: usize = 500;

/// Characters of the reason for an act.
pub const REASON_CHARS_MAX: usize = 1_000;

/// A service's descriptors: they are one entry of the journal, with 64 KiB left for the rest.
/// The descriptors of all contracts of this repository have some 50 KiB.
pub const DESCRIPTORS_BYTES_MAX: usize = ndxp_journal::format::BODY_BYTES_MAX - (64 << 10);

/// The changes of one administrative act, encoded: they are one entry of the journal, whose
/// bodies hold 1 MiB, and 16 KiB of that are left for who acted and why. Some 7,000 grants.
pub const CHANGES_BYTES_MAX: usize = ndxp_journal::format::BODY_BYTES_MAX - (16 << 10);

/// Characters of a display name.
pub const NAME_CHARS_MAX: usize = 200;

/// Characters of the notice that callers of a disabled service are given: it travels in a
/// `grpc-message`, which clients cap at 8 KiB with all other metadata, and Vietnamese text may
/// take nine bytes a character there.
pub const NOTICE_CHARS_MAX: usize = 500;

/// Endpoints of one system.
pub const ENDPOINTS_MAX: usize = 16;

/// Certificates registered for one system: the present one, the next, and a few machines.
pub const FINGERPRINTS_MAX: usize = 16;

/// Measures of one service; each takes a metadata key in a call.
pub const MEASURES_MAX: usize = 16;

/// Bytes of a measure's name.
pub const MEASURE_NAME_BYTES_MAX: usize = 63;

/// Methods that one grant lists; a grant to more is a grant to all.
pub const METHODS_MAX: usize = 128;

/// Bytes of a method's name.
pub const METHOD_BYTES_MAX: usize = 255;

/// Longest `deadline_ms_max`: one day.
pub const DEADLINE_MS_MAX: u64 = 86_400_000;

/// Errors of one catalogue that are listed; the others are counted.
pub const ERRORS_LISTED_MAX: usize = 100;
