//! Admission: may this bericht go from this sender to these ontvangers, and with which stamp?
//!
//! Pure. [`Toegelaten`] can be made here and nowhere else, so that below this line no bericht exists
//! without a grondslag (promise 3). It does not look anything up: what it needs to know is handed in.

use jiff::{Timestamp, civil::Date};

use super::{
    Adres, Bericht, BerichtId, Berichtsoort, Bewaar, Convenant, Doelgroep, Eerdere, Grondslag, Identiteit, Mandaat,
    Mandaathouder, Overtreding, Regel, VanKracht, Weigering,
    convenant::matches_any,
    eerder::{check_answer, check_renewal, follow},
    houdbaarheid::{amsterdam_date, houdbaar_tot_en_met},
};

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
    /// How long the gateway keeps the content.
    pub bewaar_inhoud: Bewaar,
}

/// A bericht that a convenant allows, stamped for each ontvanger.
#[derive(Clone, Debug)]
pub struct Toegelaten {
    bericht: Bericht,
    afzender: Adres,
    identiteit: Identiteit,
    gesprek: Option<BerichtId>,
    verlenging: u8,
    doelgroep: Option<Doelgroep>,
    stempels: Vec<(Adres, Stempel)>,
    dag: Date,
    versie: u64,
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

    /// The thread of what it answers, replaces or follows; none where it begins one.
    #[must_use]
    pub fn gesprek(&self) -> Option<BerichtId> {
        self.gesprek
    }

    /// How often this was renewed, this time included.
    #[must_use]
    pub fn verlenging(&self) -> u8 {
        self.verlenging
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

    /// The version of what was in force then; a stamp holds for an acceptance under that version only.
    #[must_use]
    pub fn versie(&self) -> u64 {
        self.versie
    }
}

/// Judges a bericht: admitted as a whole, with one stamp an ontvanger, or refused as a whole.
///
/// # Errors
/// The first [`Weigering`] found, in the order: sender, content against the calendar, earlier berichten, closed loketten, each
/// ontvanger.
pub fn admit(
    bericht: Bericht,
    identiteit: &Identiteit,
    eerdere: Eerdere,
    van_kracht: &VanKracht,
    now: Timestamp,
) -> Result<Toegelaten, Weigering> {
    let afzender = identiteit.adres(&bericht.loket)?;
    let today = amsterdam_date(now);
    check_calendar(&bericht, now, today)?;
    let Eerdere { verzoek, vervangt } = eerdere;
    // What the gateway itself sends is addressed by the gateway, and the original of a rectificatie is its own afzender's.
    if bericht.feiten.soort.answers().is_some() || !bericht.feiten.soort.follows() {
        let asker = verzoek.as_ref().map(|verzoek| van_kracht.reached_at(&verzoek.afzender, today));
        check_answer(&bericht, &afzender, verzoek.as_ref(), asker)?;
    }
    if !bericht.feiten.soort.follows() {
        van_kracht.all_open(&bericht.ontvangers, today)?;
    }
    check_renewal(&bericht, &afzender, vervangt.as_ref(), today)?;
    let earlier = vervangt.as_ref().or(verzoek.as_ref());
    let verlenging = vervangt.as_ref().map_or(0, |old| old.verlenging.saturating_add(1));
    let doelgroep = match &verzoek {
        Some(verzoek) if verzoek.doelgroep.is_some() => verzoek.doelgroep,
        _ => doelgroep(&bericht, today),
    };
    let stempels = if bericht.feiten.soort.follows() {
        follow(&bericht, &afzender, verzoek.as_ref(), van_kracht, today)?
    } else {
        let exchange = Exchange { bericht: &bericht, afzender: &afzender, doelgroep, verlenging, today, van_kracht };
        let stamped = bericht.ontvangers.iter().map(|ontvanger| Ok((ontvanger.clone(), exchange.stamp(ontvanger)?)));
        stamped.collect::<Result<_, Weigering>>()?
    };
    Ok(Toegelaten {
        afzender,
        identiteit: identiteit.clone(),
        gesprek: earlier.map(|earlier| earlier.gesprek),
        verlenging,
        doelgroep,
        stempels,
        dag: today,
        versie: van_kracht.versie(),
        bericht,
    })
}

/// On the day of the offence where there is one, else today.
fn doelgroep(bericht: &Bericht, today: Date) -> Option<Doelgroep> {
    let day = bericht.feiten.pleegdatum.unwrap_or(today);
    bericht.feiten.geboortedatum.and_then(|born| born.doelgroep_on(day))
}

/// Whether a stamp given earlier still holds at delivery: both partners there, and a convenant in force that
/// allows this berichtsoort between the two on that grondslag. What follows another bericht asks for its ontvanger only.
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
    van_kracht.partner_at(ontvanger)?;
    if soort.follows() {
        return Ok(());
    }
    van_kracht.partner_at(afzender)?;
    let mut nearest = Miss::none();
    for (convenant, regel) in van_kracht.regels(soort, afzender, ontvanger) {
        if !regel.grondslagen.contains(&stempel.grondslag) {
            continue;
        }
        match rests_on(van_kracht, (convenant, regel), &stempel.grondslag, afzender, ontvanger, today) {
            Ok(_) => return Ok(()),
            Err(miss) => nearest = nearest.or(miss),
        }
    }
    Err(nearest.weigering)
}

/// Why a rule does not allow what it speaks of, and how far it came: the nearest miss tells a sender most.
pub(super) struct Miss {
    step: u8,
    weigering: Weigering,
}

impl Miss {
    fn none() -> Self {
        Self { step: 0, weigering: Weigering::GeenRegel }
    }

    fn at(step: u8) -> impl FnOnce(Weigering) -> Self {
        move |weigering| Self { step, weigering }
    }

    fn or(self, other: Self) -> Self {
        if other.step > self.step { other } else { self }
    }
}

/// What must hold on the day itself, at acceptance and at delivery: the terms of convenant and grondslag, and the mandaat.
/// Gives the grondslag and the mandaten.
pub(super) fn rests_on<'a>(
    van_kracht: &'a VanKracht,
    (convenant, regel): (&'a Convenant, &Regel),
    grondslag: &str,
    afzender: &Adres,
    ontvanger: &Adres,
    today: Date,
) -> Result<(&'a Grondslag, Vec<&'a Mandaat>), Miss> {
    if !convenant.in_force(today) {
        return Err(Miss::at(1)(Weigering::ConvenantNietVanKracht));
    }
    let grondslag = convenant.grondslag(grondslag).expect("config refuses a rule that names an unknown grondslag");
    grondslag.usable(today, van_kracht.productie()).map_err(Miss::at(8))?;
    let mandaten = match regel.mandaat {
        None => Ok(Vec::new()),
        Some(Mandaathouder::Afzender) => van_kracht.mandaten(&afzender.partner, regel.berichtsoort, today),
        Some(Mandaathouder::Ontvanger) => van_kracht.mandaten(&ontvanger.partner, regel.berichtsoort, today),
    };
    Ok((grondslag, mandaten.map_err(Miss::at(9))?))
}

fn check_calendar(bericht: &Bericht, now: Timestamp, today: Date) -> Result<(), Weigering> {
    if bericht.feiten.antwoord_nodig_voor.is_some_and(|moment| moment <= now) {
        return Err(Weigering::TermijnVerstreken);
    }
    let days = bericht.feiten.past_days.iter().filter(|(_, day)| *day > today);
    let days = days.map(|(veld, _)| Overtreding::new(veld, "een dag die niet in de toekomst ligt"));
    let moments = bericht.feiten.past_moments.iter().filter(|(_, moment)| *moment > now);
    let moments = moments.map(|(veld, _)| Overtreding::new(veld, "een moment dat niet in de toekomst ligt"));
    let ahead: Vec<_> = days.chain(moments).collect();
    if !ahead.is_empty() {
        return Err(Weigering::OngeldigVeld(ahead));
    }
    if bericht.houdbaar_tot_en_met.is_some_and(|day| day < today) {
        return Err(Weigering::veld("houdbaar_tot_en_met", "vandaag of een latere dag"));
    }
    Ok(())
}

/// One bericht on its way from one sender, judged for one ontvanger after the other.
struct Exchange<'a> {
    bericht: &'a Bericht,
    afzender: &'a Adres,
    doelgroep: Option<Doelgroep>,
    verlenging: u8,
    today: Date,
    van_kracht: &'a VanKracht,
}

impl Exchange<'_> {
    /// The stamp for one ontvanger: of all rules that allow it the one that keeps it usable longest, so that adding a
    /// convenant never shortens what another allows.
    fn stamp(&self, ontvanger: &Adres) -> Result<Stempel, Weigering> {
        self.van_kracht.partner_at(ontvanger)?;
        let mut best: Option<Stempel> = None;
        let mut nearest = Miss::none();
        for (convenant, regel) in self.van_kracht.regels(self.bericht.feiten.soort, self.afzender, ontvanger) {
            let longest = |stempel: &Stempel| (stempel.houdbaar_tot_en_met, stempel.bewaar_inhoud);
            match self.stamp_by(convenant, regel, ontvanger) {
                Ok(stempel) if best.as_ref().is_none_or(|best| longest(best) < longest(&stempel)) => {
                    best = Some(stempel);
                }
                Ok(_) => {}
                Err(miss) => nearest = nearest.or(miss),
            }
        }
        let mut stempel = best.ok_or(nearest.weigering)?;
        if let Some(shorter) = self.bericht.houdbaar_tot_en_met {
            if shorter > stempel.houdbaar_tot_en_met {
                return Err(Weigering::HoudbaarheidTeLang);
            }
            stempel.houdbaar_tot_en_met = shorter;
        }
        Ok(stempel)
    }

    fn stamp_by(&self, convenant: &Convenant, regel: &Regel, ontvanger: &Adres) -> Result<Stempel, Miss> {
        if !convenant.in_force(self.today) {
            return Err(Miss::at(1)(Weigering::ConvenantNietVanKracht));
        }
        self.conditions(regel)?;
        let grondslag = self.grondslag(regel).map_err(Miss::at(7))?;
        let (grondslag, _) =
            rests_on(self.van_kracht, (convenant, regel), grondslag, self.afzender, ontvanger, self.today)?;
        // What was said by telephone gets no fresh months by being registered later.
        let from = self.bericht.feiten.gegeven_op.map_or(self.today, amsterdam_date);
        let until = houdbaar_tot_en_met(regel.houdbaarheid, regel.telt_vanaf, from, self.bericht.feiten.peildatum);
        if until < self.today {
            return Err(Miss::at(10)(Weigering::HoudbaarheidVerstreken));
        }
        let verwerkingsactiviteit = regel.verwerkingsactiviteit.as_ref().unwrap_or(&grondslag.verwerkingsactiviteit);
        Ok(Stempel {
            grondslag: grondslag.id.clone(),
            regel: regel.id.clone(),
            convenant: convenant.hash.clone(),
            verwerkingsactiviteit: verwerkingsactiviteit.clone(),
            houdbaar_tot_en_met: until,
            bewaar_inhoud: regel.bewaar_inhoud,
        })
    }

    /// What a rule asks of the bericht itself.
    fn conditions(&self, regel: &Regel) -> Result<(), Miss> {
        if let Some(wanted) = regel.doelgroep {
            match self.doelgroep {
                None => return Err(Miss::at(3)(Weigering::DoelgroepOnbepaald)),
                Some(doelgroep) if doelgroep != wanted => {
                    return Err(Miss::at(2)(Weigering::DoelgroepNietToegestaan));
                }
                Some(_) => {}
            }
        }
        if regel.categorie.is_some() && regel.categorie != self.bericht.feiten.categorie {
            return Err(Miss::at(4)(Weigering::CategorieNietToegestaan));
        }
        let among = |adres: &Adres| matches_any(&regel.mede_ontvanger, adres);
        if !regel.mede_ontvanger.is_empty() && !self.bericht.ontvangers.iter().any(among) {
            return Err(Miss::at(5)(Weigering::MedeOntvangerOntbreekt));
        }
        if self.bericht.feiten.bevat_bsn && !regel.bsn_toegestaan {
            return Err(Miss::at(6)(Weigering::BsnNietToegestaan));
        }
        if self.verlenging > regel.max_verlengingen {
            return Err(Miss::at(6)(Weigering::TeVaakVerlengd));
        }
        Ok(())
    }

    /// The sender's choice among the rule's grondslagen, or the only one.
    fn grondslag<'r>(&self, regel: &'r Regel) -> Result<&'r str, Weigering> {
        match (&self.bericht.grondslag, regel.grondslagen.as_slice()) {
            (Some(chosen), possible) => {
                possible.iter().find(|id| *id == chosen).map(String::as_str).ok_or(Weigering::GrondslagNietToegestaan)
            }
            (None, [only]) => Ok(only),
            (None, _) => Err(Weigering::GrondslagKiezen),
        }
    }
}
