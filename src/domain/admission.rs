//! Admission: may this bericht go from this sender to these ontvangers, and with which stamp?
//!
//! Pure. [`Toegelaten`] can be made here and nowhere else, so that below this line no bericht exists
//! without a grondslag (promise 3). It does not look anything up: what it needs to know is handed in.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};

use super::{
    Adres, Bericht, BerichtId, Berichtsoort, Convenant, Doelgroep, Grondslag, Identiteit, Overtreding, Partner,
    PartnerNaam, Regel, Weigering,
    houdbaarheid::{amsterdam_date, houdbaar_tot_en_met},
};

/// What is in force: the partners and the convenanten by which berichten are judged.
#[derive(Clone, Debug, Default)]
pub struct VanKracht {
    /// The partners by name.
    pub partners: BTreeMap<PartnerNaam, Partner>,
    /// All convenanten, those outside their term too.
    pub convenanten: Vec<Convenant>,
}

/// What is known of the bericht that is answered.
#[derive(Clone, Debug)]
pub struct Verzoek {
    /// Its id.
    pub bericht: BerichtId,
    /// The thread it belongs to.
    pub gesprek: BerichtId,
    /// Its kind.
    pub soort: Berichtsoort,
    /// Who sent it.
    pub afzender: Adres,
    /// To whom it went.
    pub ontvangers: Vec<Adres>,
    /// Minor or adult, as it was judged then; its answer follows it.
    pub doelgroep: Option<Doelgroep>,
}

/// What the gateway stamps on a bericht for one ontvanger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stempel {
    /// Id of the legal basis (grondslag).
    pub grondslag: String,
    /// Id of the rule.
    pub regel: String,
    /// SHA-256 of the convenant file, lowercase hexadecimal.
    pub convenant: String,
    /// URI into the register of processing.
    pub verwerkingsactiviteit: String,
    /// The last day on which the content may be used, Europe/Amsterdam.
    pub houdbaar_tot_en_met: Date,
}

/// A bericht that a convenant allows, stamped for each ontvanger.
#[derive(Clone, Debug)]
pub struct Toegelaten {
    bericht: Bericht,
    afzender: Adres,
    identiteit: Identiteit,
    verzoek: Option<Verzoek>,
    doelgroep: Option<Doelgroep>,
    stempels: Vec<(Adres, Stempel)>,
    dag: Date,
}

impl Toegelaten {
    /// The bericht itself.
    #[must_use]
    pub fn bericht(&self) -> &Bericht {
        &self.bericht
    }

    /// The sender's address.
    #[must_use]
    pub fn afzender(&self) -> &Adres {
        &self.afzender
    }

    /// The verified sender.
    #[must_use]
    pub fn identiteit(&self) -> &Identiteit {
        &self.identiteit
    }

    /// What it answers.
    #[must_use]
    pub fn verzoek(&self) -> Option<&Verzoek> {
        self.verzoek.as_ref()
    }

    /// Minor or adult, as far as known.
    #[must_use]
    pub fn doelgroep(&self) -> Option<Doelgroep> {
        self.doelgroep
    }

    /// Each ontvanger with its stamp, in the order sent.
    #[must_use]
    pub fn stempels(&self) -> &[(Adres, Stempel)] {
        &self.stempels
    }

    /// The Amsterdam date on which it was judged; a stamp holds for an acceptance on that date only.
    #[must_use]
    pub fn dag(&self) -> Date {
        self.dag
    }
}

/// Judges a bericht: admitted as a whole, with one stamp an ontvanger, or refused as a whole.
///
/// `verzoek` is the bericht named by `in_antwoord_op`, if it exists.
///
/// # Errors
/// The first [`Weigering`] found, in the order: sender, content against the calendar, what is answered, each ontvanger.
pub fn admit(
    bericht: Bericht,
    identiteit: &Identiteit,
    verzoek: Option<Verzoek>,
    van_kracht: &VanKracht,
    now: Timestamp,
) -> Result<Toegelaten, Weigering> {
    let afzender = identiteit.adres(&bericht.loket)?;
    let today = amsterdam_date(now);
    check_calendar(&bericht, now, today)?;
    check_answer(&bericht, &afzender, verzoek.as_ref())?;
    let doelgroep = match &verzoek {
        Some(verzoek) if verzoek.doelgroep.is_some() => verzoek.doelgroep,
        _ => bericht.geboortedatum.doelgroep_on(bericht.pleegdatum.unwrap_or(today)),
    };
    let exchange = Exchange { bericht: &bericht, afzender: &afzender, doelgroep, today };
    let stempels = bericht
        .ontvangers
        .iter()
        .map(|ontvanger| Ok((ontvanger.clone(), exchange.stamp(ontvanger, van_kracht)?)))
        .collect::<Result<_, Weigering>>()?;
    Ok(Toegelaten { afzender, identiteit: identiteit.clone(), verzoek, doelgroep, stempels, dag: today, bericht })
}

/// Whether a stamp given earlier still holds at delivery: both partners there, and a convenant in force that
/// allows this berichtsoort between the two on that grondslag.
///
/// # Errors
/// The [`Weigering`] that the sender is told.
pub fn still_allowed(
    soort: Berichtsoort,
    afzender: &Adres,
    ontvanger: &Adres,
    stempel: &Stempel,
    van_kracht: &VanKracht,
    now: Timestamp,
) -> Result<(), Weigering> {
    let today = amsterdam_date(now);
    if stempel.houdbaar_tot_en_met < today {
        return Err(Weigering::Vervallen);
    }
    for adres in [afzender, ontvanger] {
        known(adres, van_kracht)?;
    }
    let mut found = Weigering::GeenRegel;
    for (convenant, regel) in rules(van_kracht, soort, afzender, ontvanger) {
        if !regel.grondslagen.contains(&stempel.grondslag) {
            continue;
        }
        match (convenant.in_force(today), convenant.grondslag(&stempel.grondslag).is_some_and(|g| g.in_force(today))) {
            (true, true) => return Ok(()),
            (true, false) => found = Weigering::GrondslagNietVanKracht,
            (false, _) => found = Weigering::ConvenantNietVanKracht,
        }
    }
    Err(found)
}

fn known(adres: &Adres, van_kracht: &VanKracht) -> Result<(), Weigering> {
    let partner = van_kracht.partners.get(&adres.partner).ok_or(Weigering::PartnerOnbekend)?;
    if partner.loketten.contains(&adres.loket) { Ok(()) } else { Err(Weigering::LoketOnbekend) }
}

fn check_calendar(bericht: &Bericht, now: Timestamp, today: Date) -> Result<(), Weigering> {
    if bericht.antwoord_nodig_voor.is_some_and(|moment| moment <= now) {
        return Err(Weigering::TermijnVerstreken);
    }
    let ahead = bericht.past_days.iter().filter(|(_, day)| *day > today);
    let ahead: Vec<_> = ahead.map(|(veld, _)| Overtreding::new(veld, "een dag die niet in de toekomst ligt")).collect();
    if !ahead.is_empty() {
        return Err(Weigering::OngeldigVeld(ahead));
    }
    if bericht.houdbaar_tot_en_met.is_some_and(|day| day < today) {
        return Err(Weigering::veld("houdbaar_tot_en_met", "vandaag of een latere dag"));
    }
    Ok(())
}

fn check_answer(bericht: &Bericht, afzender: &Adres, verzoek: Option<&Verzoek>) -> Result<(), Weigering> {
    match (bericht.soort.answers(), bericht.in_antwoord_op, verzoek) {
        (None, None, _) => Ok(()),
        (Some(_), None, _) => Err(Weigering::AntwoordOntbreekt),
        (None, Some(_), _) => Err(Weigering::AntwoordPastNiet),
        (Some(_), Some(_), None) => Err(Weigering::AntwoordNietVanU),
        (Some(soort), Some(_), Some(verzoek)) => {
            if !verzoek.ontvangers.contains(afzender) || bericht.ontvangers != [verzoek.afzender.clone()] {
                Err(Weigering::AntwoordNietVanU)
            } else if verzoek.soort == soort {
                Ok(())
            } else {
                Err(Weigering::AntwoordPastNiet)
            }
        }
    }
}

fn rules<'a>(
    van_kracht: &'a VanKracht,
    soort: Berichtsoort,
    van: &'a Adres,
    naar: &'a Adres,
) -> impl Iterator<Item = (&'a Convenant, &'a Regel)> {
    van_kracht.convenanten.iter().flat_map(move |convenant| {
        convenant.regels.iter().filter(move |regel| regel.covers(soort, van, naar)).map(move |regel| (convenant, regel))
    })
}

/// One bericht on its way from one sender, judged for one ontvanger after the other.
struct Exchange<'a> {
    bericht: &'a Bericht,
    afzender: &'a Adres,
    doelgroep: Option<Doelgroep>,
    today: Date,
}

impl Exchange<'_> {
    /// The stamp for one ontvanger: of all rules that allow it the one that keeps it usable longest, so that adding a
    /// convenant never shortens what another allows.
    fn stamp(&self, ontvanger: &Adres, van_kracht: &VanKracht) -> Result<Stempel, Weigering> {
        known(ontvanger, van_kracht)?;
        let mut best: Option<Stempel> = None;
        let mut nearest = Weigering::GeenRegel;
        for (convenant, regel) in rules(van_kracht, self.bericht.soort, self.afzender, ontvanger) {
            match self.stamp_by(convenant, regel) {
                Ok(stempel) => {
                    if best.as_ref().is_none_or(|best| best.houdbaar_tot_en_met < stempel.houdbaar_tot_en_met) {
                        best = Some(stempel);
                    }
                }
                Err(weigering) => nearest = weigering,
            }
        }
        let mut stempel = best.ok_or(nearest)?;
        if let Some(shorter) = self.bericht.houdbaar_tot_en_met {
            if shorter > stempel.houdbaar_tot_en_met {
                return Err(Weigering::HoudbaarheidTeLang);
            }
            stempel.houdbaar_tot_en_met = shorter;
        }
        Ok(stempel)
    }

    fn stamp_by(&self, convenant: &Convenant, regel: &Regel) -> Result<Stempel, Weigering> {
        if !convenant.in_force(self.today) {
            return Err(Weigering::ConvenantNietVanKracht);
        }
        if let Some(wanted) = regel.doelgroep {
            match self.doelgroep {
                None => return Err(Weigering::DoelgroepOnbepaald),
                Some(doelgroep) if doelgroep != wanted => return Err(Weigering::DoelgroepNietToegestaan),
                Some(_) => {}
            }
        }
        if self.bericht.bevat_bsn && !regel.bsn_toegestaan {
            return Err(Weigering::BsnNietToegestaan);
        }
        let grondslag = self.grondslag(convenant, regel)?;
        let until = houdbaar_tot_en_met(regel.houdbaarheid, regel.telt_vanaf, self.today, self.bericht.peildatum);
        if until < self.today {
            return Err(Weigering::HoudbaarheidVerstreken);
        }
        Ok(Stempel {
            grondslag: grondslag.id.clone(),
            regel: regel.id.clone(),
            convenant: convenant.hash.clone(),
            verwerkingsactiviteit: regel
                .verwerkingsactiviteit
                .as_ref()
                .unwrap_or(&grondslag.verwerkingsactiviteit)
                .clone(),
            houdbaar_tot_en_met: until,
        })
    }

    fn grondslag<'c>(&self, convenant: &'c Convenant, regel: &Regel) -> Result<&'c Grondslag, Weigering> {
        let id = match (&self.bericht.grondslag, regel.grondslagen.as_slice()) {
            (Some(chosen), possible) if possible.contains(chosen) => chosen,
            (Some(_), _) => return Err(Weigering::GrondslagNietToegestaan),
            (None, [only]) => only,
            (None, _) => return Err(Weigering::GrondslagKiezen),
        };
        let grondslag = convenant.grondslag(id).expect("config refuses a rule that names an unknown grondslag");
        if grondslag.in_force(self.today) { Ok(grondslag) } else { Err(Weigering::GrondslagNietVanKracht) }
    }
}
