//! Loketten: whom one reaches where, for any partner that asks. Functions and telephone numbers, no personal data: asking is
//! not logged.

use super::{Call, Exchange};
use crate::domain::{Adres, Loket, PartnerNaam, Weigering};

impl Exchange {
    /// Every loket of one partner, or of all, closed ones too; by name.
    ///
    /// # Errors
    /// [`Weigering::PartnerOnbekend`], and [`Weigering::ToegangVervallen`] for who is no deelnemer any more; not yet logged.
    pub fn loketten(&self, call: &Call, partner: Option<&PartnerNaam>) -> Result<Vec<(Adres, Loket)>, Weigering> {
        let van_kracht = self.van_kracht();
        van_kracht.deelnemers().still(&call.aangemeld)?;
        let partners = van_kracht.partners();
        if partner.is_some_and(|naam| !partners.contains_key(naam)) {
            return Err(Weigering::PartnerOnbekend);
        }
        let asked = partners.values().filter(|of| partner.is_none_or(|naam| *naam == of.naam));
        let loketten = asked.flat_map(|of| of.adressen().zip(of.loketten.values().cloned()));
        Ok(loketten.collect())
    }
}
