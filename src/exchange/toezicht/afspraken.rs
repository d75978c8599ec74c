//! Afspraken (agreements): what is allowed beside what really went, for who watches.

use super::{
    Gezien, Inzage,
    rapport::{Afdeling, Periode},
    zoek::{Paren, Zoekfilter, Zoekveld},
};
use crate::{
    domain::{Berichtsoort, Weigering},
    exchange::{Call, Exchange, voorstel::Voorgelegd},
    logboek::Soort,
};

/// What really went, and what changes of what is allowed.
pub struct Afspraken {
    /// What was accepted in the period by a rule, from whom to whom.
    pub aanvaard: Paren,
    /// What was refused in it, from whom to whom, where it was said to whom.
    pub geweigerd: Paren,
    /// What was proposed and does not hold yet.
    pub voorstellen: Vec<Voorgelegd>,
    /// What changed in the period, in sentences.
    pub wijzigingen: Option<Afdeling>,
}

impl Exchange {
    /// What really went in a period, and what changes of what is allowed. That it was looked at is one regel.
    ///
    /// # Errors
    /// [`Weigering::OngeldigVeld`] where the period is not over, not yet logged.
    pub async fn afspraken(&self, call: &Call, inzage: &Inzage, periode: Periode) -> Result<Afspraken, Weigering> {
        let oog = self.oog(call).await?;
        // What follows an earlier bericht rests on no rule, and is not allowed or forbidden by one.
        let by_rule = Berichtsoort::ALL.into_iter().filter(|soort| !soort.follows());
        let filter = Zoekfilter {
            van: Some(periode.van),
            tot_en_met: Some(periode.tot_en_met),
            velden: vec![(Zoekveld::Berichtsoort, by_rule.map(|soort| soort.as_str().to_owned()).collect())],
            ..Zoekfilter::default()
        };
        let rapport = Box::pin(oog.rapport(periode, &self.in_force.omgeving, self.klok.now())).await?;
        let afspraken = Afspraken {
            aanvaard: oog.paren(&filter, Soort::Aanvaard).await?,
            geweigerd: oog.paren(&filter, Soort::Geweigerd).await?,
            voorstellen: self.voorgelegde().await?,
            wijzigingen: rapport.afdelingen.into_iter().find(|of| of.naam == "wijzigingen"),
        };
        self.log_look(call, inzage, Gezien::default()).await?;
        Ok(afspraken)
    }
}
