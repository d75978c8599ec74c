//! Earlier berichten: what a new one may answer, replace or follow.
//!
//! Pure. A renewal replaces, an answer answers, and what follows (a rectificatie, what the gateway itself sends) rests on the
//! stamp of the original: what somebody got must remain correctable when a convenant has lapsed. A replacement names only what
//! exists already and is replaced once, so that no chain of replacements can turn back on itself.

use jiff::civil::Date;

use super::{Adres, Bericht, BerichtId, Berichtsoort, Bewaar, Doelgroep, Stempel, Termijn, VanKracht, Weigering};

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
    /// Who.
    pub adres: Adres,
    /// What was stamped on it.
    pub stempel: Stempel,
    /// Whether it was handed out.
    pub kreeg: bool,
    /// What became of it there.
    pub lot: Lot,
}

/// What became of an earlier bericht at one ontvanger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lot {
    /// Not ended: it can be read until its last day, as long as a convenant allows that.
    Geldig,
    /// Withdrawn by its afzender.
    Ingetrokken,
    /// Replaced by a renewal.
    Vervangen,
    /// Lapsed or damaged.
    Beeindigd,
}

impl EerdereOntvanger {
    /// Whether it can be read today.
    fn readable(&self, today: Date) -> bool {
        self.lot == Lot::Geldig && self.stempel.houdbaar_tot_en_met >= today
    }
}

/// The earlier berichten that a new one names.
#[derive(Clone, Debug, Default)]
pub struct Eerdere {
    /// By `in_antwoord_op`, if it exists.
    pub verzoek: Option<Eerder>,
    /// By `vervangt`, if it exists.
    pub vervangt: Option<Eerder>,
}

/// Whether an answer answers what it names. It goes to who asked; where that loket has closed since, to `asker`, where it refers
/// to.
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
            let own = verzoek.ontvangers.iter().find(|ontvanger| ontvanger.adres == *afzender);
            let back = |adres: &Adres| *adres == verzoek.afzender || Some(adres) == asker;
            let to_asker = matches!(bericht.ontvangers.as_slice(), [only] if back(only));
            let Some(own) = own.filter(|_| to_asker) else {
                return Err(Weigering::AntwoordNietVanU);
            };
            if verzoek.soort != answered {
                Err(Weigering::AntwoordPastNiet)
            } else if own.lot == Lot::Ingetrokken && soort.answers_once() {
                Err(Weigering::VerzoekIngetrokken)
            } else {
                Ok(())
            }
        }
    }
}

/// Whether a renewal may replace what it names. How often, its rule says.
pub(super) fn check_renewal(
    bericht: &Bericht,
    afzender: &Adres,
    vervangt: Option<&Eerder>,
    today: Date,
) -> Result<(), Weigering> {
    if bericht.vervangt.is_none() {
        return Ok(());
    }
    let old = vervangt.filter(|old| old.afzender == *afzender).ok_or(Weigering::VervangtNietVanU)?;
    let same_ontvangers = old.ontvangers.len() == bericht.ontvangers.len()
        && old.ontvangers.iter().all(|ontvanger| bericht.ontvangers.contains(&ontvanger.adres));
    if !bericht.feiten.soort.is_renewable() || old.soort != bericht.feiten.soort || !same_ontvangers {
        return Err(Weigering::VervangtPastNiet);
    }
    if old.ontvangers.iter().any(|ontvanger| ontvanger.lot == Lot::Vervangen) {
        return Err(Weigering::AlVervangen);
    }
    if !old.ontvangers.iter().any(|ontvanger| ontvanger.readable(today)) {
        return Err(Weigering::NietTeVerlengen);
    }
    // A check from before the old one was sent is not a check of what it says.
    match bericht.feiten.actualiteit_getoetst_op {
        Some(day) if day >= old.dag => Ok(()),
        _ => Err(Weigering::ActualiteitNietGetoetst),
    }
}

/// The stamp for each ontvanger of what follows an earlier bericht: that of the original, for three months from today.
pub(super) fn follow(
    bericht: &Bericht,
    afzender: &Adres,
    original: Option<&Eerder>,
    van_kracht: &VanKracht,
    today: Date,
) -> Result<Vec<(Adres, Stempel)>, Weigering> {
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
        van_kracht.partner_at(&adres)?;
        // An answer, and a warning to who sent the original, rest on what one of its ontvangers got.
        let of = |who: &Adres| original.ontvangers.iter().find(|ontvanger| ontvanger.adres == *who);
        let rests_on = of(&adres).or_else(|| of(afzender)).or(original.ontvangers.first());
        let rests_on = rests_on.expect("an accepted bericht has an ontvanger").stempel.clone();
        Ok((adres, Stempel { houdbaar_tot_en_met, bewaar_inhoud: Bewaar::Houdbaarheid, ..rests_on }))
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
    let reached = original.ontvangers.iter().filter(|ontvanger| ontvanger.kreeg || ontvanger.readable(today));
    let reached: Vec<Adres> =
        reached.map(|ontvanger| ontvanger.adres.clone()).filter(|adres| van_kracht.partner_at(adres).is_ok()).collect();
    let given = &bericht.ontvangers;
    let all = given.len() == reached.len() && given.iter().all(|adres| reached.contains(adres));
    if reached.is_empty() || !(given.is_empty() || all) {
        return Err(Weigering::RectificatieOntvangers);
    }
    Ok(reached)
}
