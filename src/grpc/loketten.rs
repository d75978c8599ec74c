//! Loketten on the wire.

use super::answers;
use crate::{
    domain::{Adres, Loket, PartnerNaam, Weigering},
    proto,
};

/// The partner whose loketten are asked for; nobody in particular where the name is empty.
///
/// # Errors
/// [`Weigering::OngeldigVeld`].
pub fn partner(text: &str) -> Result<Option<PartnerNaam>, Weigering> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |_| Weigering::veld("partner", "1 tot 64 kleine letters, cijfers en streepjes");
    text.parse().map(Some).map_err(wrong)
}

/// Loketten for the wire.
#[must_use]
pub fn response(loketten: Vec<(Adres, Loket)>) -> proto::ListLokettenResponse {
    proto::ListLokettenResponse { loketten: loketten.into_iter().map(loket).collect() }
}

fn loket((adres, loket): (Adres, Loket)) -> proto::Loket {
    let (functie, telefoon) =
        loket.contact.map(|contact| (contact.functie, contact.telefoon.as_str().to_owned())).unzip();
    let sluiting = loket.sluiting.as_ref();
    proto::Loket {
        partner: adres.partner.to_string(),
        loket: adres.loket.to_string(),
        functie,
        telefoon,
        gesloten_vanaf: sluiting.map(|sluiting| sluiting.vanaf.to_string()),
        verwijst_naar: sluiting.map(|sluiting| answers::adres(&sluiting.verwijst_naar)),
    }
}
