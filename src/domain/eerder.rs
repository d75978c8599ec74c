//! Earlier berichten: what a new one may answer, replace or follow.
//!
//! Pure. A renewal replaces, an answer answers, and what follows (a rectificatie, what the gateway itself sends) rests on the
//! stamp of the original: what somebody got must remain correctable when a convenant has lapsed. A replacement names only what
//! exists already and is replaced once, so that no chain of replacements can turn back on itself.
//!
//! What an earlier bericht says for ever is judged at the admission; where it stands now is judged in [`may_come_after`].

use jiff::{Timestamp, civil::Date};

use super::{
    Adres, Bericht, BerichtId, Berichtsoort, Bewaar, Doelgroep, Ontvanger, Stempel, Termijn, Toegelaten, Toestand,
    VanKracht, Weigering,
    persoon::{Pseudoniemen, contradict, may_be_same},
};

/// So often one loket can follow a bericht with one berichtsoort.
const MOST_FOLLOWING: u64 = 20;

/// What is known of an earlier bericht.
#[derive(Clone, Debug)]
pub struct Eerder {
    /// Its id.
    pub bericht: BerichtId,
    /// The thread it belongs to.
    pub gesprek: BerichtId,
    /// Its kind.
    pub soort: Berichtsoort,
    /// Who sent it.
    pub afzender: Adres,
    /// To whom it went.
    pub ontvangers: Vec<EerdereOntvanger>,
    /// Minor or adult, as it was judged then; its answer follows it.
    pub doelgroep: Option<Doelgroep>,
    /// How often it was renewed.
    pub verlenging: u8,
    /// The day on which it was accepted.
    pub dag: Date,
}

/// An earlier bericht for one ontvanger.
#[derive(Clone, Debug)]
pub struct EerdereOntvanger {
    /// Who, and what was stamped on it.
    pub ontvanger: Ontvanger,
    /// Where it stands there.
    pub toestand: Toestand,
    /// Whether it was handed out there, or read.
    pub was_received: bool,
}

impl EerdereOntvanger {
    /// Whether it can be read on this day, as long as a convenant allows that.
    fn is_readable(&self, day: Date) -> bool {
        self.toestand.is_current() && self.ontvanger.stempel.houdbaar_tot_en_met >= day
    }
}

impl Eerder {
    /// The ontvanger at this address, if there is one.
    fn at(&self, adres: &Adres) -> Option<&EerdereOntvanger> {
        self.ontvangers.iter().find(|of| of.ontvanger.adres == *adres)
    }
}

/// A rectificatie of a bericht, as whoever reads the original must see it.
#[derive(Clone, Debug)]
pub struct Correctie {
    /// The rectificatie.
    pub bericht: BerichtId,
    /// When it was accepted.
    pub tijd: Timestamp,
    /// Whether it disputes the original.
    pub betwist: bool,
}

/// The earlier berichten that a new one names.
#[derive(Clone, Debug, Default)]
pub struct Eerdere {
    /// By `in_antwoord_op`, if it exists.
    pub verzoek: Option<Eerder>,
    /// By `vervangt`, if it exists.
    pub vervangt: Option<Eerder>,
}

/// What came of an earlier bericht since, as whoever writes the next one finds it.
#[derive(Clone, Debug, Default)]
pub struct Sindsdien {
    /// Whether a renewal replaced it.
    pub is_replaced: bool,
    /// Whether its afzender was warned that it lapses.
    pub is_warned: bool,
    /// Until when an Ask waits for its answers.
    pub asked_until: Option<Timestamp>,
    /// What was sent in answer to it, or followed it.
    pub vervolg: Vec<Vervolg>,
    /// The people it is about.
    pub personen: Vec<Pseudoniemen>,
}

/// What one loket sent, of one kind, in answer to an earlier bericht or after it.
#[derive(Clone, Debug)]
pub struct Vervolg {
    /// Its kind.
    pub soort: Berichtsoort,
    /// Who sent it.
    pub afzender: Adres,
    /// How often.
    pub aantal: u64,
    /// Whether one of them arrived, or still can. One that was withdrawn, lapsed or was damaged before it arrived does not count:
    /// another may come in its place. One that was refused at delivery does: it can still arrive.
    pub stands: bool,
}

/// Whether an admitted bericht may still come after the earlier one. Only what changes from one moment to the next is judged here;
/// the store asks it in the transaction that writes the bericht.
///
/// # Errors
/// The [`Weigering`] that its sender gets.
pub fn may_come_after(
    toegelaten: &Toegelaten,
    personen: &[Pseudoniemen],
    eerder: &Eerder,
    sindsdien: &Sindsdien,
) -> Result<(), Weigering> {
    let (bericht, afzender) = (toegelaten.bericht(), toegelaten.afzender());
    let soort = bericht.feiten.soort;
    let from_here = sindsdien.vervolg.iter().find(|of| of.soort == soort && of.afzender == *afzender);
    if soort.answers_once() {
        if eerder.at(afzender).is_some_and(|own| own.toestand == Toestand::Ingetrokken) {
            return Err(Weigering::VerzoekIngetrokken);
        }
        if from_here.is_some_and(|of| of.stands) {
            return Err(Weigering::AlBeantwoord);
        }
    }
    // A warning is of use only as long as there is something to renew.
    if bericht.vervangt.is_some() || soort == Berichtsoort::Vervalwaarschuwing {
        may_still_be_renewed(toegelaten, eerder, sindsdien)?;
    }
    // Berichten that need no rule must not become a way around the rules.
    let by_partner = soort.follows() && !soort.from_gateway();
    if by_partner && from_here.is_some_and(|of| of.aantal >= MOST_FOLLOWING) {
        return Err(Weigering::TeVaakGevolgd);
    }
    if about_the_same(bericht, personen, &sindsdien.personen) { Ok(()) } else { Err(Weigering::BetrokkeneAnders) }
}

fn may_still_be_renewed(toegelaten: &Toegelaten, eerder: &Eerder, sindsdien: &Sindsdien) -> Result<(), Weigering> {
    if sindsdien.is_replaced {
        return Err(Weigering::AlVervangen);
    }
    // Another gateway may have warned meanwhile.
    let warned = toegelaten.bericht().vervangt.is_none() && sindsdien.is_warned;
    if warned || !eerder.ontvangers.iter().any(|of| of.is_readable(toegelaten.dag())) {
        return Err(Weigering::NietTeVerlengen);
    }
    Ok(())
}

/// Whether a bericht is about nobody else than the earlier one.
fn about_the_same(bericht: &Bericht, personen: &[Pseudoniemen], earlier: &[Pseudoniemen]) -> bool {
    let first = || earlier.iter().filter(|of| of.hoofdpersoon);
    let (follows, renews) = (bericht.feiten.soort.follows(), bericht.vervangt.is_some());
    let agrees = |of: &Pseudoniemen| match (follows, of.hoofdpersoon) {
        (true, _) => earlier.iter().any(|known| may_be_same(&of.kenmerken, &known.kenmerken)),
        (false, true) if renews => first().any(|known| may_be_same(&of.kenmerken, &known.kenmerken)),
        // An answer may write a name differently.
        (false, true) => !first().any(|known| contradict(&of.kenmerken, &known.kenmerken)),
        // Other people may be new: a systeem can grow.
        (false, false) => true,
    };
    earlier.is_empty() || personen.iter().all(agrees)
}

/// Whether an answer answers the bericht that it names, and goes to the loket that asked. Where that loket has closed since, the
/// answer may go to `asker`, the loket that the closed one refers to.
pub(super) fn check_answer(
    bericht: &Bericht,
    afzender: &Adres,
    verzoek: Option<&Eerder>,
    asker: Option<&Adres>,
) -> Result<(), Weigering> {
    let soort = bericht.feiten.soort;
    match (soort.answers(), bericht.in_antwoord_op, verzoek) {
        (None, None, _) => Ok(()),
        (Some(_), None, _) if soort.stands_alone() => Ok(()),
        (Some(_), None, _) => Err(Weigering::AntwoordOntbreekt),
        (None, Some(_), _) => Err(Weigering::AntwoordPastNiet),
        (Some(_), Some(_), None) => Err(Weigering::AntwoordNietVanU),
        (Some(answered), Some(_), Some(verzoek)) => {
            let back = |adres: &Adres| *adres == verzoek.afzender || Some(adres) == asker;
            let to_asker = matches!(bericht.ontvangers.as_slice(), [only] if back(only));
            match verzoek.at(afzender) {
                Some(_) if to_asker && verzoek.soort == answered => Ok(()),
                Some(_) if to_asker => Err(Weigering::AntwoordPastNiet),
                _ => Err(Weigering::AntwoordNietVanU),
            }
        }
    }
}

/// Whether a renewal may replace what it names. How often, its rule says.
pub(super) fn check_renewal(bericht: &Bericht, afzender: &Adres, vervangt: Option<&Eerder>) -> Result<(), Weigering> {
    if bericht.vervangt.is_none() {
        return Ok(());
    }
    let old = vervangt.filter(|old| old.afzender == *afzender).ok_or(Weigering::VervangtNietVanU)?;
    let same_ontvangers = old.ontvangers.len() == bericht.ontvangers.len()
        && old.ontvangers.iter().all(|of| bericht.ontvangers.contains(&of.ontvanger.adres));
    if !bericht.feiten.soort.is_renewable() || old.soort != bericht.feiten.soort || !same_ontvangers {
        return Err(Weigering::VervangtPastNiet);
    }
    // A check from before the old one was sent is not a check of what it says.
    match bericht.feiten.actualiteit_getoetst_op {
        Some(day) if day >= old.dag => Ok(()),
        _ => Err(Weigering::ActualiteitNietGetoetst),
    }
}

/// The stamp for each ontvanger of what follows an earlier bericht: that of the original, for three months from today, or shorter
/// if its sender wished so.
pub(super) fn follow(
    bericht: &Bericht,
    afzender: &Adres,
    original: Option<&Eerder>,
    van_kracht: &VanKracht,
    today: Date,
) -> Result<Vec<Ontvanger>, Weigering> {
    let ontvangers = match bericht.feiten.soort {
        Berichtsoort::Rectificatie => rectified(bericht, afzender, original, van_kracht, today)?,
        _ => bericht.ontvangers.clone(),
    };
    let original = original.ok_or(Weigering::AntwoordNietVanU)?;
    if bericht.feiten.bevat_bsn {
        return Err(Weigering::BsnNietToegestaan);
    }
    let until = Termijn::Maanden(3).last_day(today);
    if bericht.houdbaar_tot_en_met.is_some_and(|day| day > until) {
        return Err(Weigering::HoudbaarheidTeLang);
    }
    let houdbaar_tot_en_met = bericht.houdbaar_tot_en_met.unwrap_or(until);
    let stamp = |adres: Adres| {
        let oin = van_kracht.partner_at(&adres)?.oin().clone();
        // An answer, and a warning to who sent the original, rest on what one of its ontvangers got.
        let rests_on = original.at(&adres).or_else(|| original.at(afzender)).or(original.ontvangers.first());
        let rests_on = rests_on.expect("an accepted bericht has an ontvanger").ontvanger.stempel.clone();
        let stempel = Stempel { houdbaar_tot_en_met, bewaar_inhoud: Bewaar::Houdbaarheid, ..rests_on };
        Ok(Ontvanger { adres, oin, stempel })
    };
    ontvangers.into_iter().map(stamp).collect()
}

/// Everyone who got the original, or can still get it, and is still a deelnemer: who never saw it has nothing to correct.
fn rectified(
    bericht: &Bericht,
    afzender: &Adres,
    original: Option<&Eerder>,
    van_kracht: &VanKracht,
    today: Date,
) -> Result<Vec<Adres>, Weigering> {
    let original = original.filter(|original| original.afzender == *afzender).ok_or(Weigering::RectificatieNietVanU)?;
    if original.soort.from_gateway() {
        return Err(Weigering::AntwoordPastNiet);
    }
    let reached = original.ontvangers.iter().filter(|of| of.was_received || of.is_readable(today));
    let reached = reached.map(|of| of.ontvanger.adres.clone());
    let reached: Vec<Adres> = reached.filter(|adres| van_kracht.partner_at(adres).is_ok()).collect();
    let given = &bericht.ontvangers;
    let all = given.len() == reached.len() && given.iter().all(|adres| reached.contains(adres));
    if reached.is_empty() || !(given.is_empty() || all) {
        return Err(Weigering::RectificatieOntvangers);
    }
    Ok(reached)
}
