//! The only table from a [`Weigering`] to a gRPC status, and back.

use std::{collections::HashMap, error::Error};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::domain::{Weigering, weigering::Aard};

/// Domain of every `ErrorInfo`.
pub const DOMAIN: &str = "ketenpoort";

/// The gRPC code of a kind of refusal.
#[must_use]
pub fn code(aard: Aard) -> Code {
    match aard {
        Aard::Ongeldig => Code::InvalidArgument,
        Aard::Verboden => Code::PermissionDenied,
        Aard::Onbekend => Code::NotFound,
        Aard::Toestand => Code::FailedPrecondition,
        Aard::Bestaat => Code::AlreadyExists,
        Aard::Teveel => Code::ResourceExhausted,
        Aard::Onbeschikbaar => Code::Unavailable,
        Aard::GeenMethode => Code::Unimplemented,
        Aard::TeLaat => Code::DeadlineExceeded,
    }
}

/// The status that a partner gets: one `ErrorInfo`, the fields to blame, a sentence for its developers in English and one
/// for its employees in Dutch (google.rpc.Status and `LocalizedMessage`).
#[must_use]
pub fn status(weigering: &Weigering) -> Status {
    let mut details = ErrorDetails::new();
    details
        .set_error_info(weigering.code().to_ascii_uppercase(), DOMAIN, HashMap::new())
        .set_localized_message("nl-NL", weigering.uitleg());
    for veld in weigering.overtredingen() {
        details.add_bad_request_violation(&veld.veld, &veld.uitleg);
    }
    Status::with_error_details(code(weigering.aard()), weigering.explanation(), details)
}

/// The weigering that stands in a status of ours, in `lower_snake`.
#[must_use]
pub fn weigering_in(status: &Status) -> Option<String> {
    let info = status.get_details_error_info()?;
    (info.domain == DOMAIN).then(|| info.reason.to_ascii_lowercase())
}

/// What tonic or the codec refused before any handler ran, as a weigering of ours; `None` where the connection broke and
/// there is nobody to refuse.
#[must_use]
pub fn of_tonic(status: &Status) -> Option<Weigering> {
    // Errors of the transport carry their cause; those of decoding do not.
    if status.source().is_some() {
        return None;
    }
    Some(match status.code() {
        Code::Unimplemented if status.message().is_empty() => Weigering::MethodeOnbekend,
        Code::OutOfRange | Code::ResourceExhausted => Weigering::TeGroot,
        Code::DeadlineExceeded => Weigering::DeadlineVerstreken,
        // Of the codec, which can hand up no more than a status.
        Code::InvalidArgument if status.message() == Weigering::OnbekendVeld.code() => Weigering::OnbekendVeld,
        Code::InvalidArgument if status.message() == Weigering::TeGroot.code() => Weigering::TeGroot,
        _ => Weigering::Onleesbaar,
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;
    use crate::domain::weigering::Row;

    /// `docs/weigeringen.md` is the table that integrators read; it is the snapshot of this one.
    #[test]
    fn the_documented_table_is_the_table() {
        let mut table = String::from(
            "# Weigeringen\n\nEvery refusal of the gateway: reason in `ErrorInfo` (domain `ketenpoort`), gRPC code, and the \
             sentence in `LocalizedMessage` (Dutch) and in the status itself (English). The logboek writes the reason in lower \
             case.\n\n| reason | gRPC code | uitleg | explanation |\n|---|---|---|---|\n",
        );
        for Row { code: name, aard, uitleg, explanation } in Weigering::TABLE {
            let name = name.to_ascii_uppercase();
            writeln!(table, "| `{name}` | `{:?}` | {uitleg} | {explanation} |", code(*aard)).unwrap();
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/weigeringen.md");
        if std::env::var_os("KETENPOORT_UPDATE_DOCS").is_some() {
            std::fs::write(path, &table).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(path).unwrap(),
            table,
            "run with KETENPOORT_UPDATE_DOCS=1 and read the diff"
        );
    }

    #[test]
    fn a_status_tells_its_weigering_and_its_fields() {
        let status = status(&Weigering::veld("inhoud.medewerker", "1 tot 64 tekens"));
        assert_eq!(weigering_in(&status).as_deref(), Some("ongeldig_veld"));
        assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "inhoud.medewerker");
    }
}
