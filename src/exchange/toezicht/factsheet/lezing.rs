//! Lezing (reading): the regels of a period, once, as far as figures need them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};

use super::super::{oog::Oog, rapport::Periode, read_regel};
use crate::{
    domain::{BerichtId, Berichtsoort, Weigering, houdbaarheid::amsterdam_date},
    exchange::{RedenIntrekking, unavailable},
    logboek::{Logregel, Soort},
    store::{ledger::regels::regels_at, reading::rapport::betwist, zoeken::outside_office_hours},
};

/// Regels that are read at once.
const PAGE: usize = 2048;

/// A bericht for one ontvanger, and what became of it.
pub(super) struct Bericht {
    pub(super) soort: Berichtsoort,
    pub(super) afzender: String,
    /// The loket: partner and loket.
    pub(super) ontvanger: String,
    pub(super) tijd: Timestamp,
    pub(super) vervangt: bool,
    pub(super) opgehaald: Option<Timestamp>,
    pub(super) beantwoord: Option<Timestamp>,
    pub(super) einde: Option<Soort>,
    pub(super) teruggekoppeld: bool,
    /// Whether it was consulted.
    pub(super) geraadpleegd: bool,
}

impl Bericht {
    pub(super) fn dag(&self) -> Date {
        amsterdam_date(self.tijd)
    }

    pub(super) fn is_at_night(&self) -> bool {
        outside_office_hours(self.tijd)
    }

    /// The Zorg- en Veiligheidshuis that has a part in it, the ontvanger first.
    pub(super) fn zvh(&self) -> Option<&str> {
        [&self.ontvanger, &self.afzender].map(|adres| partner(adres)).into_iter().find(|naam| naam.starts_with("zvh-"))
    }
}

fn partner(adres: &str) -> &str {
    adres.split('/').next().unwrap_or_default()
}

/// What the regels of a period say.
#[derive(Default)]
pub(super) struct Gelezen {
    pub(super) berichten: BTreeMap<(BerichtId, String), Bericht>,
    /// Refusals to partners, by month.
    pub(super) geweigerd: BTreeMap<String, u64>,
    /// What was withdrawn as wrongly addressed, by month; each ontvanger once.
    pub(super) verkeerd: BTreeSet<(String, BerichtId, String)>,
    /// What corrects something, by month.
    pub(super) rectificaties: BTreeMap<String, Vec<BerichtId>>,
    /// Each time that a scenario was read again, whenever it was sent, and whether that was outside office hours.
    pub(super) geraadpleegd: Vec<bool>,
    /// How many of those say that the betrokkene disputes it, by month.
    pub(super) betwist: BTreeMap<String, u64>,
}

impl Gelezen {
    fn take(&mut self, regel: &Logregel, ontvanger: Option<String>, afzender: Option<String>) -> Result<(), Weigering> {
        let tijd: Timestamp = regel.tijd.parse().map_err(unavailable)?;
        let maand = super::maand(amsterdam_date(tijd));
        if regel.soort == Soort::Geweigerd && regel.rol.as_deref() == Some("partner") {
            *self.geweigerd.entry(maand).or_default() += regel.aantal.unwrap_or(1);
            return Ok(());
        }
        let is_scenario = regel.berichtsoort.as_deref() == Some(Berichtsoort::Scenario.as_str());
        if regel.soort == Soort::Geraadpleegd && regel.uitkomst.is_none() && is_scenario {
            self.geraadpleegd.push(outside_office_hours(tijd));
        }
        let bericht = regel.bericht.as_deref().and_then(|id| id.parse::<BerichtId>().ok());
        let (Some(bericht), Some(ontvanger)) = (bericht, ontvanger) else { return Ok(()) };
        let at = (bericht, ontvanger);
        if regel.soort == Soort::Aanvaard {
            self.accepted(regel, at, (afzender.unwrap_or_default(), tijd, maand));
            return Ok(());
        }
        let is_wrong = regel.weigering.as_deref() == Some(RedenIntrekking::VerkeerdGeadresseerd.as_str());
        if is_wrong && matches!(regel.soort, Soort::Ingetrokken | Soort::VernietigingGevraagd) {
            self.verkeerd.insert((maand, at.0, at.1.clone()));
        }
        let Some(known) = self.berichten.get_mut(&at) else { return Ok(()) };
        match regel.soort {
            Soort::Afgeleverd => known.opgehaald = known.opgehaald.or(Some(tijd)),
            // Who searches and finds has not read it yet: that is a regel of its own.
            Soort::Geraadpleegd if regel.uitkomst.is_none() => {
                known.opgehaald = known.opgehaald.or(Some(tijd));
                known.geraadpleegd = true;
            }
            Soort::Vervallen | Soort::Vernietigd | Soort::Ingetrokken | Soort::VernietigingGevraagd => {
                known.einde = known.einde.or(Some(regel.soort));
            }
            _ => {}
        }
        Ok(())
    }

    fn accepted(
        &mut self,
        regel: &Logregel,
        at: (BerichtId, String),
        (afzender, tijd, maand): (String, Timestamp, String),
    ) {
        let Some(soort) = regel.berichtsoort.as_deref().and_then(|naam| naam.parse().ok()) else { return };
        let answered = regel.in_antwoord_op.as_deref().and_then(|id| id.parse::<BerichtId>().ok());
        if let Some(asked) = answered.and_then(|id| self.berichten.get_mut(&(id, afzender.clone()))) {
            if soort == Berichtsoort::Terugkoppeling {
                asked.teruggekoppeld = true;
            } else {
                asked.beantwoord = asked.beantwoord.or(Some(tijd));
            }
        }
        if soort == Berichtsoort::Rectificatie {
            self.rectificaties.entry(maand).or_default().push(at.0);
        }
        let ontvanger = at.1.clone();
        let bericht = Bericht {
            soort,
            afzender,
            ontvanger,
            tijd,
            vervangt: regel.vervangt.is_some(),
            opgehaald: None,
            beantwoord: None,
            einde: None,
            teruggekoppeld: false,
            geraadpleegd: false,
        };
        self.berichten.insert(at, bericht);
    }
}

impl Oog<'_> {
    /// What the regels of a period say that figures need.
    pub(super) async fn gelezen(&self, periode: Periode) -> Result<Gelezen, Weigering> {
        let (van, tot) = self.stretch(periode).await?;
        let found = self.zoeken.find(&self.seen(van, tot)).await.map_err(unavailable)?;
        let mut gelezen = Gelezen::default();
        for indexes in found.page(None, usize::MAX, false).chunks(PAGE) {
            for (index, leaf) in regels_at(self.read, indexes).await.map_err(unavailable)? {
                let regel = read_regel(&leaf)?;
                let named = |adres: &Option<String>| adres.as_ref().map(|adres| self.namen.adres(index, adres));
                gelezen.take(&regel, named(&regel.ontvanger), named(&regel.afzender))?;
            }
        }
        for (maand, berichten) in &mut gelezen.rectificaties {
            berichten.dedup();
            let disputed = betwist(self.read, berichten).await.map_err(unavailable)?;
            gelezen.betwist.insert(maand.clone(), disputed);
        }
        Ok(gelezen)
    }
}
