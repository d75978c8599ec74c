//! Handshakes that were refused, counted until they are logged: by reason, class of address and minute, so that whoever knocks without
//! end cannot fill the logboek.

use std::{
    collections::BTreeMap,
    io,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use rustls::{CertificateError, Error};

/// Why, where from, and in which minute since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// The minute.
    pub minute: i64,
    /// Why: a word of `reason`, or of what was lost before its handshake was done.
    pub oorzaak: &'static str,
    /// Class of the address: `lokaal`, `privaat` or `openbaar`.
    pub adres: &'static str,
}

/// What was refused and is not logged yet.
#[derive(Default)]
pub struct Refused(Mutex<BTreeMap<Refusal, u64>>);

impl Refused {
    /// Counts so many.
    pub fn add(&self, refusal: Refusal, aantal: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(refusal).or_default() += aantal;
    }

    /// Takes the counts of one reason, class and minute before `minute`, the oldest first.
    pub fn take_before(&self, minute: i64) -> Option<(Refusal, u64)> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts
            .first_entry()
            .filter(|first| first.key().minute < minute)
            .map(std::collections::btree_map::OccupiedEntry::remove_entry)
    }
}

/// What kind of network an address is in. The address itself is personal data of whoever knocks, and is in no logboek.
pub(super) fn class(address: IpAddr) -> &'static str {
    let private = match address.to_canonical() {
        IpAddr::V4(address) if address.is_loopback() => return "lokaal",
        IpAddr::V6(address) if address.is_loopback() => return "lokaal",
        IpAddr::V4(address) => address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
    };
    if private { "privaat" } else { "openbaar" }
}

/// Why TLS refused, in a word.
pub(super) fn reason(error: &io::Error) -> &'static str {
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else { return "geen_tls" };
    match error {
        Error::NoCertificatesPresented => "geen_certificaat",
        Error::InvalidCertificate(wrong) => match wrong {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => "certificaat_ongeldig_op_deze_dag",
            CertificateError::Revoked => "certificaat_ingetrokken",
            CertificateError::UnknownRevocationStatus
            | CertificateError::ExpiredRevocationList
            | CertificateError::ExpiredRevocationListContext { .. } => "intrekkingslijst_ontbreekt_of_verlopen",
            CertificateError::UnknownIssuer => "onbekende_ca",
            CertificateError::ApplicationVerificationFailure => "geen_deelnemer",
            _ => "certificaat_onjuist",
        },
        Error::PeerIncompatible(_) => "tls_past_niet",
        Error::InvalidMessage(_) => "geen_tls",
        _ => "handdruk_afgebroken",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_known_by_its_class_alone() {
        for (address, is) in [
            ("127.0.0.1", "lokaal"),
            ("::1", "lokaal"),
            ("::ffff:127.0.0.9", "lokaal"),
            ("10.1.2.3", "privaat"),
            ("192.168.0.1", "privaat"),
            ("169.254.1.1", "privaat"),
            ("fd00::1", "privaat"),
            ("fe80::1", "privaat"),
            ("::ffff:10.0.0.1", "privaat"),
            ("192.0.2.1", "openbaar"),
            ("2001:db8::1", "openbaar"),
        ] {
            assert_eq!(class(address.parse().unwrap()), is, "{address}");
        }
    }

    #[test]
    fn what_is_counted_is_taken_once_when_its_minute_is_over() {
        let refused = Refused::default();
        let of = |minute, oorzaak| Refusal { minute, oorzaak, adres: "privaat" };
        for (minute, oorzaak) in [(7, "geen_tls"), (6, "geen_tls"), (7, "geen_tls"), (7, "onbekende_ca")] {
            refused.add(of(minute, oorzaak), 1);
        }
        assert_eq!(refused.take_before(7), Some((of(6, "geen_tls"), 1)));
        assert_eq!(refused.take_before(7), None);
        assert_eq!(refused.take_before(8), Some((of(7, "geen_tls"), 2)));
        assert_eq!(refused.take_before(8), Some((of(7, "onbekende_ca"), 1)));
        assert_eq!(refused.take_before(8), None);
    }
}
