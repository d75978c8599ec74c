//! Vraag: what a rule is asked about a bericht on its way to one ontvanger, and which rule stamps it.
//!
//! Two questions are kept apart. Inside one convenant the rule stamps that keeps the bericht usable longest: its partijen
//! wrote all of them. Between convenanten the senior one stamps ([`super::voorrang`]), so that adding a convenant never
//! changes what was allowed before it. The verschil and the samenloop ask here too, so that they tell what admission does.

use jiff::{Timestamp, civil::Date};

use super::{
    Adres, Berichtsoort, Bewaar, Categorie, Convenant, Doelgroep, Grondslag, Mandaat, Mandaathouder, Regel, VanKracht,
    Weigering, convenant::matches_any, houdbaarheid::houdbaar_tot_en_met,
};

/// How far a rule came with a bericht that it does not allow, from the first thing that is asked to the last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Condition {
    /// Whether there is a rule.
    Rule,
    /// Whether its convenant is in force.
    InForce,
    /// Whether it is for this doelgroep.
    Doelgroep,
    /// Whether the doelgroep is known at all.
    DoelgroepKnown,
    /// The categorie.
    Categorie,
    /// Another ontvanger.
    MedeOntvanger,
    /// A BSN, and how often it was renewed.
    Content,
    /// Which grondslag its sender chose.
    Choice,
    /// Whether that grondslag holds today.
    Grondslag,
    /// Whether there is a mandaat today.
    Mandaat,
    /// Whether its last day is still to come.
    LastDay,
}

/// Why a rule does not allow what it speaks of, and how far it came: the nearest miss tells a sender most.
pub(super) struct Miss {
    condition: Condition,
    pub(super) weigering: Weigering,
}

impl Miss {
    pub(super) fn none(weigering: Weigering) -> Self {
        Self { condition: Condition::Rule, weigering }
    }

    fn at(condition: Condition) -> impl FnOnce(Weigering) -> Self {
        move |weigering| Self { condition, weigering }
    }

    pub(super) fn or(self, other: Self) -> Self {
        if other.condition > self.condition { other } else { self }
    }
}

/// What must hold on the day itself, at acceptance and at delivery: the terms of convenant and grondslag, and the mandaat.
/// Gives the grondslag and the mandaten.
pub(super) fn rests_on<'a>(
    van_kracht: &'a VanKracht,
    (convenant, regel): (&'a Convenant, &Regel),
    grondslag: &str,
    van: &Adres,
    naar: &Adres,
    today: Date,
) -> Result<(&'a Grondslag, Vec<&'a Mandaat>), Miss> {
    if !convenant.in_force(today) {
        return Err(Miss::at(Condition::InForce)(Weigering::ConvenantNietVanKracht));
    }
    let grondslag = convenant.grondslag(grondslag).expect("config refuses a rule that names an unknown grondslag");
    grondslag.usable(today, van_kracht.productie()).map_err(Miss::at(Condition::Grondslag))?;
    let mandaten = match regel.mandaat {
        None => Ok(Vec::new()),
        Some(Mandaathouder::Afzender) => van_kracht.mandaten(&van.partner, regel.berichtsoort, today),
        Some(Mandaathouder::Ontvanger) => van_kracht.mandaten(&naar.partner, regel.berichtsoort, today),
    };
    Ok((grondslag, mandaten.map_err(Miss::at(Condition::Mandaat))?))
}

/// What rules look at in a bericht on its way to one ontvanger.
#[derive(Clone, Copy)]
pub(super) struct Vraag<'a> {
    pub(super) soort: Berichtsoort,
    pub(super) van: &'a Adres,
    pub(super) naar: &'a Adres,
    /// Everybody who gets it, for rules that ask for another ontvanger beside this one.
    pub(super) ontvangers: &'a [Adres],
    pub(super) doelgroep: Option<Doelgroep>,
    pub(super) categorie: Option<Categorie>,
    pub(super) bevat_bsn: bool,
    pub(super) verlenging: u8,
    /// The sender's choice of grondslag.
    pub(super) grondslag: Option<&'a str>,
    /// The sender's choice of convenant.
    pub(super) convenant: Option<&'a str>,
    /// The day from which a term counts: what was said by telephone gets no fresh months by being registered later.
    pub(super) vanaf: Date,
    pub(super) peildatum: Option<Date>,
    pub(super) now: Timestamp,
    /// The day of `now` in Europe/Amsterdam.
    pub(super) today: Date,
}

/// The rule that stamps, with its convenant, its grondslag and the last day that it gives.
#[derive(Clone, Copy)]
pub(super) struct Gestempeld<'a> {
    pub(super) convenant: &'a Convenant,
    pub(super) regel: &'a Regel,
    pub(super) grondslag: &'a Grondslag,
    pub(super) tot_en_met: Date,
}

impl Gestempeld<'_> {
    /// By which the longest rule of one convenant is found.
    pub(super) fn length(&self) -> (Date, Bewaar) {
        (self.tot_en_met, self.regel.bewaar_inhoud)
    }
}

impl Vraag<'_> {
    /// The rule that stamps: of the senior convenant the one that keeps the bericht usable longest.
    ///
    /// # Errors
    /// The [`Weigering`] of the rule that came nearest, where none allows it; [`Weigering::GrondslagKiezen`] where the senior
    /// convenant leaves a choice and the sender made none.
    pub(super) fn stamp<'k>(&self, van_kracht: &'k VanKracht) -> Result<Gestempeld<'k>, Weigering> {
        self.senior(van_kracht)?.1.ok_or(Weigering::GrondslagKiezen)
    }

    /// The number of the senior convenant, and what it stamps; nothing where its sender must choose a grondslag first. One that leaves
    /// a choice is asked like any other: who forgets to choose must not get the stamp of another one.
    pub(super) fn senior<'k>(&self, van_kracht: &'k VanKracht) -> Result<(usize, Option<Gestempeld<'k>>), Weigering> {
        let mut nearest = Miss::none(match self.convenant {
            Some(_) => Weigering::ConvenantNietToegestaan,
            None => Weigering::GeenRegel,
        });
        let allowing = self.by_convenant(van_kracht, |miss| {
            let so_far = std::mem::replace(&mut nearest, Miss::none(Weigering::GeenRegel));
            nearest = so_far.or(miss);
        });
        let choosing = self.choosing(van_kracht, &allowing);
        match (allowing.as_slice(), choosing.as_slice()) {
            ([], []) => Err(nearest.weigering),
            ([(at, only)], []) => Ok((*at, Some(*only))),
            ([], [only]) => Ok((*only, None)),
            // Only now is the past asked: most berichten have one convenant that allows them.
            (several, choosing) => {
                let all: Vec<usize> = several.iter().map(|(at, _)| *at).chain(choosing.iter().copied()).collect();
                let place = van_kracht.senior(self, all.iter().copied());
                Ok((all[place], several.get(place).map(|(_, gestempeld)| *gestempeld)))
            }
        }
    }

    /// The numbers of other convenanten that would allow it if its sender chose one of their grondslagen.
    fn choosing(&self, van_kracht: &VanKracht, allowing: &[(usize, Gestempeld<'_>)]) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        if self.grondslag.is_some() {
            return found;
        }
        let all = van_kracht.regels(self.soort, self.van, self.naar);
        for (at, convenant, regel) in all.filter(|(_, _, regel)| regel.grondslagen.len() > 1) {
            let named = self.convenant.is_none_or(|named| named == convenant.naam);
            let known = found.last() == Some(&at) || allowing.iter().any(|(other, _)| *other == at);
            let mut chosen = self.each_grondslag(regel);
            if named && !known && chosen.any(|vraag| vraag.stamp_by(van_kracht, convenant, regel).is_ok()) {
                found.push(at);
            }
        }
        found
    }

    /// The same with each choice that its sender has under a rule; itself where a choice was made.
    pub(super) fn each_grondslag<'r>(&self, regel: &'r Regel) -> impl Iterator<Item = Vraag<'r>>
    where
        Self: 'r,
    {
        let chosen = self.grondslag;
        let possible = regel.grondslagen.iter().filter(move |id| chosen.is_none_or(|chosen| chosen == *id));
        possible.map(|id| Vraag { grondslag: Some(id), ..*self })
    }

    /// What each convenant would stamp that allows it, by the number of the convenant; `missed` hears why rules do not.
    pub(super) fn by_convenant<'k>(
        &self,
        van_kracht: &'k VanKracht,
        mut missed: impl FnMut(Miss),
    ) -> Vec<(usize, Gestempeld<'k>)> {
        let mut allowing: Vec<(usize, Gestempeld<'k>)> = Vec::new();
        for (at, convenant, regel) in van_kracht.regels(self.soort, self.van, self.naar) {
            if self.convenant.is_some_and(|named| named != convenant.naam) {
                continue;
            }
            let gestempeld = match self.stamp_by(van_kracht, convenant, regel) {
                Ok(gestempeld) => gestempeld,
                Err(miss) => {
                    missed(miss);
                    continue;
                }
            };
            // The rules of one convenant come together.
            match allowing.last_mut() {
                Some((last, best)) if *last == at => {
                    if best.length() < gestempeld.length() {
                        *best = gestempeld;
                    }
                }
                _ => allowing.push((at, gestempeld)),
            }
        }
        allowing
    }

    fn stamp_by<'k>(
        &self,
        van_kracht: &'k VanKracht,
        convenant: &'k Convenant,
        regel: &'k Regel,
    ) -> Result<Gestempeld<'k>, Miss> {
        if !convenant.in_force(self.today) {
            return Err(Miss::at(Condition::InForce)(Weigering::ConvenantNietVanKracht));
        }
        self.conditions(regel)?;
        let grondslag = self.grondslag(regel).map_err(Miss::at(Condition::Choice))?;
        let (grondslag, _) = rests_on(van_kracht, (convenant, regel), grondslag, self.van, self.naar, self.today)?;
        let tot_en_met = self.last_day(regel);
        if tot_en_met < self.today {
            return Err(Miss::at(Condition::LastDay)(Weigering::HoudbaarheidVerstreken));
        }
        Ok(Gestempeld { convenant, regel, grondslag, tot_en_met })
    }

    fn last_day(&self, regel: &Regel) -> Date {
        houdbaar_tot_en_met(regel.houdbaarheid, regel.telt_vanaf, self.vanaf, self.peildatum)
    }

    /// First and last day on which a rule, of today or of an earlier version, allows this; for each grondslag that its sender can
    /// choose. Everything that the convenant itself asks counts; a mandaat does not, because it stands outside the convenant.
    pub(super) fn terms_in(&self, convenant: &Convenant, regel: &Regel, productie: bool) -> Vec<(Date, Date)> {
        self.each_grondslag(regel).filter_map(|vraag| vraag.term_in(convenant, regel, productie)).collect()
    }

    fn term_in(&self, convenant: &Convenant, regel: &Regel, productie: bool) -> Option<(Date, Date)> {
        if !regel.covers(self.soort, self.van, self.naar) || self.conditions(regel).is_err() {
            return None;
        }
        // A text of the past is read leniently, and may name a grondslag that could not be read.
        let grondslag = convenant.grondslag(self.grondslag(regel).ok()?)?;
        if !grondslag.counts(productie) || self.last_day(regel) < self.today {
            return None;
        }
        let from = grondslag.geldig_van.map_or(convenant.geldig_van, |van| van.max(convenant.geldig_van));
        let last = convenant.geldig_tot_en_met;
        Some((from, grondslag.geldig_tot_en_met.map_or(last, |tot| tot.min(last))))
    }

    /// What a rule would stamp in its term, whoever has a mandaat.
    pub(super) fn claim<'k>(
        &self,
        convenant: &'k Convenant,
        regel: &'k Regel,
        productie: bool,
    ) -> Option<Gestempeld<'k>> {
        let (from, last) = self.term_in(convenant, regel, productie)?;
        let grondslag = convenant.grondslag(self.grondslag(regel).ok()?)?;
        (from <= self.today && self.today <= last).then(|| Gestempeld {
            convenant,
            regel,
            grondslag,
            tot_en_met: self.last_day(regel),
        })
    }

    /// What a rule asks of the bericht itself.
    fn conditions(&self, regel: &Regel) -> Result<(), Miss> {
        if let Some(wanted) = regel.doelgroep {
            match self.doelgroep {
                None => return Err(Miss::at(Condition::DoelgroepKnown)(Weigering::DoelgroepOnbepaald)),
                Some(doelgroep) if doelgroep != wanted => {
                    return Err(Miss::at(Condition::Doelgroep)(Weigering::DoelgroepNietToegestaan));
                }
                Some(_) => {}
            }
        }
        if regel.categorie.is_some() && regel.categorie != self.categorie {
            return Err(Miss::at(Condition::Categorie)(Weigering::CategorieNietToegestaan));
        }
        let among = |adres: &Adres| matches_any(&regel.mede_ontvanger, adres);
        if !regel.mede_ontvanger.is_empty() && !self.ontvangers.iter().any(among) {
            return Err(Miss::at(Condition::MedeOntvanger)(Weigering::MedeOntvangerOntbreekt));
        }
        if self.bevat_bsn && !regel.bsn_toegestaan {
            return Err(Miss::at(Condition::Content)(Weigering::BsnNietToegestaan));
        }
        if self.verlenging > regel.max_verlengingen {
            return Err(Miss::at(Condition::Content)(Weigering::TeVaakVerlengd));
        }
        Ok(())
    }

    /// The sender's choice among the rule's grondslagen, or the only one.
    fn grondslag<'r>(&self, regel: &'r Regel) -> Result<&'r str, Weigering> {
        match (self.grondslag, regel.grondslagen.as_slice()) {
            (Some(chosen), possible) => {
                possible.iter().find(|id| *id == chosen).map(String::as_str).ok_or(Weigering::GrondslagNietToegestaan)
            }
            (None, [only]) => Ok(only),
            (None, _) => Err(Weigering::GrondslagKiezen),
        }
    }
}
