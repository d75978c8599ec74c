//! Zinnen (sentences): what a row tells, for the person it is about.

use jiff::Timestamp;

use super::{
    leven::Leven,
    rijen::{Herkend, RijSoort},
    woorden,
};
use crate::{
    domain::{Berichtsoort, Weigering, weigering::Aard},
    exchange::{datum, toezicht::oog::Convenanten},
    logboek::Logregel,
    store::reading::namen::Namen,
};

/// With what sentences are made.
pub(super) struct Zinnen<'n> {
    pub(super) namen: &'n Namen,
    pub(super) convenanten: Convenanten,
}

impl Zinnen<'_> {
    /// What a row tells: first what happened, then why and what became of it.
    pub(super) fn of(
        &self,
        (index, regel): (u64, &Logregel),
        (soort, herkend): (RijSoort, Herkend),
        leven: Option<&Leven>,
    ) -> Vec<String> {
        let op = regel.tijd.parse::<Timestamp>().map(datum::moment).unwrap_or_default();
        let called = |adres: &Option<String>| self.called(index, adres.as_deref());
        let (van, naar, wie) = (called(&regel.afzender), called(&regel.ontvanger), called(&regel.actor));
        let what = what(regel, herkend);
        match soort {
            RijSoort::Uitwisseling => {
                let mut zinnen = vec![format!("Op {op} stuurde {van} aan {naar}: {what}.")];
                zinnen.extend(self.basis(regel));
                let last_day = regel.houdbaar_tot_en_met.as_deref();
                zinnen.extend(leven.unwrap_or(&Leven::default()).told(&van, &naar, last_day));
                zinnen
            }
            RijSoort::Zoekvraag if regel.uitkomst.as_deref() == Some("gevonden") => {
                vec![format!("Op {op} zocht {wie} naar een plan (scenario) over u, en vond er een van {van}.")]
            }
            RijSoort::Zoekvraag => {
                vec![format!("Op {op} zocht {wie} naar een plan (scenario) over u. Er lag er geen.")]
            }
            // A refused search has no loket that sent.
            RijSoort::Weigering if regel.afzender.is_none() => {
                vec![format!("Op {op} wilde {wie} iets over u opvragen. De poort hield dat tegen: {}.", refused(regel))]
            }
            RijSoort::Weigering => {
                let aan = if regel.ontvanger.is_some() { format!(" aan {naar}") } else { String::new() };
                let zin = format!("Op {op} wilde {wie}{aan} iets sturen: {what}.");
                vec![zin, format!("De poort hield dat tegen: {}. Niemand kreeg het.", refused(regel))]
            }
            RijSoort::Toezicht => {
                let wie = match regel.rol.as_deref() {
                    Some("fg") => "een functionaris gegevensbescherming",
                    Some("auditor") => "een auditor",
                    _ => "iemand die de poort beheert",
                };
                vec![format!(
                    "Op {op} zocht {wie} op wat er over u is uitgewisseld. De inhoud is daarbij niet te zien."
                )]
            }
        }
    }

    /// On what an exchange rests: law and agreement.
    fn basis(&self, regel: &Logregel) -> Vec<String> {
        let convenant = regel.convenant.as_ref().and_then(|hash| self.convenanten.get(hash));
        let grondslag = convenant.zip(regel.grondslag.as_deref()).and_then(|(of, id)| of.grondslag(id));
        let ended = |text: &str| text.trim_end_matches('.').to_owned();
        let mut zinnen = vec![match grondslag {
            Some(of) => {
                format!("De grondslag, dus waarom dat mocht: {}. {}.", ended(&of.citaat), ended(&of.omschrijving))
            }
            None => "De grondslag is niet meer in woorden na te gaan.".to_owned(),
        }];
        zinnen.extend(convenant.map(|of| format!("De afspraak tussen de organisaties: {}.", ended(&of.titel))));
        let doel = regel.verwerkingsactiviteit.as_ref();
        zinnen.extend(doel.map(|of| format!("Het doel staat in het register van verwerkingen: {of}")));
        zinnen
    }

    /// How an address or OIN is called.
    fn called(&self, index: u64, adres: Option<&str>) -> String {
        let Some(adres) = adres else { return "een organisatie".to_owned() };
        let oin = adres.split('/').next().unwrap_or_default();
        let naam = self.namen.naam(index, oin);
        naam.map_or_else(|| "de poort zelf".to_owned(), |naam| self.namen.organisatie(naam).to_owned())
    }
}

/// What kind of bericht it is, for whom it is about first; others hear that they are named in it.
fn what(regel: &Logregel, herkend: Herkend) -> String {
    let soort = regel.berichtsoort.as_deref();
    let parsed = soort.and_then(|naam| naam.parse::<Berichtsoort>().ok());
    match (parsed, herkend.hoofdpersoon) {
        (Some(soort), true) => woorden::bericht(soort).to_owned(),
        (_, true) => "een bericht over u".to_owned(),
        (_, false) => {
            let naam = soort.unwrap_or("bericht").replace('_', " ");
            format!("een bericht over iemand anders, waarin u wordt genoemd ({naam})")
        }
    }
}

/// Why something was refused, for who was not there. The sentence of the weigering speaks to the partner.
fn refused(regel: &Logregel) -> &'static str {
    let row = Weigering::TABLE.iter().find(|row| Some(row.code) == regel.weigering.as_deref());
    match row.map(|row| row.aard) {
        Some(Aard::Verboden) => "volgens de afspraken tussen de organisaties mocht het niet",
        Some(Aard::Toestand | Aard::TeLaat) => "het mocht toen niet, of niet meer",
        Some(Aard::Teveel) => "er was te veel tegelijk",
        _ => "er klopte iets niet aan de aanvraag",
    }
}
