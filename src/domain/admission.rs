//! Admission: may this bericht go from this sender to these ontvangers, and with which stamp?
//!
//! Pure. [`Toegelaten`] can be made here and nowhere else, so that below this line no bericht exists
//! without a grondslag. It does not look anything up: what it needs to know is handed in.

use jiff::{Timestamp, civil::Date};

use super::{
    Adres, Bericht, BerichtId, Berichtsoort, Bewaar, Doelgroep, Eerdere, Identiteit, Oin, Overtreding, VanKracht,
    Weigering,
    eerder::{check_answer, check_renewal, follow},
    houdbaarheid::amsterdam_date,
    vraag::{Gestempeld, Miss, Vraag, rests_on},
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

/// Who gets a bericht, and with which stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ontvanger {
    /// Where it goes.
    pub adres: Adres,
    /// The OIN that the partner there has on that day: whoever gets its name later does not get this.
    pub oin: Oin,
    /// The stamp.
    pub stempel: Stempel,
}

impl Ontvanger {
    /// The address as the logboek writes it.
    #[must_use]
    pub fn in_logboek(&self) -> String {
        format!("{}/{}", self.oin, self.adres.loket)
    }
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
    ontvangers: Vec<Ontvanger>,
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

    /// Each ontvanger with its stamp, in the order sent; at least one.
    #[must_use]
    pub fn ontvangers(&self) -> &[Ontvanger] {
        &self.ontvangers
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
/// The first [`Weigering`] found, in the order: sender, content against the calendar, what it answers, closed loketten, what it
/// replaces, each ontvanger.
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
    // Not for what the gateway makes, which it addresses itself, nor for a rectificatie, whose original its own afzender sent.
    if bericht.feiten.soort.answers().is_some() || !bericht.feiten.soort.follows() {
        let asker = verzoek.as_ref().map(|verzoek| van_kracht.reached_at(&verzoek.afzender, today));
        check_answer(&bericht, &afzender, verzoek.as_ref(), asker)?;
    }
    if !bericht.feiten.soort.follows() {
        van_kracht.all_open(&bericht.ontvangers, today)?;
    }
    check_renewal(&bericht, &afzender, vervangt.as_ref())?;
    let earlier = vervangt.as_ref().or(verzoek.as_ref());
    let verlenging = vervangt.as_ref().map_or(0, |old| old.verlenging.saturating_add(1));
    let doelgroep = match &verzoek {
        Some(verzoek) if verzoek.doelgroep.is_some() => verzoek.doelgroep,
        _ => doelgroep(&bericht, today),
    };
    let ontvangers = if bericht.feiten.soort.follows() {
        follow(&bericht, &afzender, verzoek.as_ref(), van_kracht, today)?
    } else {
        let exchange =
            Uitwisseling { bericht: &bericht, afzender: &afzender, doelgroep, verlenging, now, today, van_kracht };
        bericht.ontvangers.iter().map(|adres| exchange.stamp(adres)).collect::<Result<_, Weigering>>()?
    };
    Ok(Toegelaten {
        afzender,
        identiteit: identiteit.clone(),
        gesprek: earlier.map(|earlier| earlier.gesprek),
        verlenging,
        doelgroep,
        ontvangers,
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

/// Whether a stamp given earlier still holds at delivery: its last day has not passed, the ontvanger is still the organisation that
/// it was given for, and what is in force allows this berichtsoort between the two on that grondslag. For a bericht that follows
/// another one, it is not asked whether a convenant allows it.
///
/// # Errors
/// The [`Weigering`] that the sender is told.
pub fn still_allowed(
    soort: Berichtsoort,
    afzender: &Adres,
    ontvanger: &Ontvanger,
    van_kracht: &VanKracht,
    now: Timestamp,
) -> Result<(), Weigering> {
    let today = amsterdam_date(now);
    let Ontvanger { adres, oin, stempel } = ontvanger;
    if stempel.houdbaar_tot_en_met < today {
        return Err(Weigering::Vervallen);
    }
    let partner = van_kracht.partner_at(adres)?;
    if !soort.follows() {
        rests_on_something(soort, afzender, (adres, stempel), van_kracht, today)?;
    }
    if partner.oins.contains(oin) { Ok(()) } else { Err(Weigering::OntvangerAnders) }
}

/// Whether a convenant in force allows this berichtsoort between the two on the grondslag of this stamp.
fn rests_on_something(
    soort: Berichtsoort,
    afzender: &Adres,
    (ontvanger, stempel): (&Adres, &Stempel),
    van_kracht: &VanKracht,
    today: Date,
) -> Result<(), Weigering> {
    van_kracht.partner_at(afzender)?;
    let mut nearest = Miss::none(Weigering::GeenRegel);
    for (_, convenant, regel) in van_kracht.regels(soort, afzender, ontvanger) {
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
struct Uitwisseling<'a> {
    bericht: &'a Bericht,
    afzender: &'a Adres,
    doelgroep: Option<Doelgroep>,
    verlenging: u8,
    now: Timestamp,
    today: Date,
    van_kracht: &'a VanKracht,
}

impl Uitwisseling<'_> {
    /// The stamp for one ontvanger, and the sender's own wish for a shorter houdbaarheid.
    fn stamp(&self, adres: &Adres) -> Result<Ontvanger, Weigering> {
        let oin = self.van_kracht.partner_at(adres)?.oin().clone();
        let Gestempeld { convenant, regel, grondslag, mut tot_en_met } = self.vraag(adres).stamp(self.van_kracht)?;
        if let Some(shorter) = self.bericht.houdbaar_tot_en_met {
            if shorter > tot_en_met {
                return Err(Weigering::HoudbaarheidTeLang);
            }
            tot_en_met = shorter;
        }
        let verwerkingsactiviteit = regel.verwerkingsactiviteit.as_ref().unwrap_or(&grondslag.verwerkingsactiviteit);
        let stempel = Stempel {
            grondslag: grondslag.id.clone(),
            regel: regel.id.clone(),
            convenant: convenant.hash.clone(),
            verwerkingsactiviteit: verwerkingsactiviteit.clone(),
            houdbaar_tot_en_met: tot_en_met,
            bewaar_inhoud: regel.bewaar_inhoud,
        };
        Ok(Ontvanger { adres: adres.clone(), oin, stempel })
    }

    fn vraag<'v>(&'v self, ontvanger: &'v Adres) -> Vraag<'v> {
        let feiten = &self.bericht.feiten;
        Vraag {
            soort: feiten.soort,
            van: self.afzender,
            naar: ontvanger,
            ontvangers: &self.bericht.ontvangers,
            doelgroep: self.doelgroep,
            categorie: feiten.categorie,
            bevat_bsn: feiten.bevat_bsn,
            verlenging: self.verlenging,
            grondslag: self.bericht.grondslag.as_deref(),
            convenant: self.bericht.convenant.as_deref(),
            vanaf: feiten.gegeven_op.map_or(self.today, amsterdam_date),
            peildatum: feiten.peildatum,
            now: self.now,
            today: self.today,
        }
    }
}
