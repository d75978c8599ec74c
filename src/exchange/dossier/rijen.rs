//! Rijen (rows): what the logboek has about somebody, one row for each thing that was exchanged, searched or refused.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    super::{
        toezicht::{oog::Oog, read_regel},
        unavailable,
    },
    leven::Leven,
    zinnen::Zinnen,
};
use crate::{
    domain::{
        BerichtId, Kenmerk, PartnerNaam, Weigering,
        persoon::{agreeing, values},
    },
    logboek::{Logregel, Soort},
    sleutels::Veld,
    store::{
        reading::{openingen::opened, rapport::marks},
        zoeken::{Eis, Merk, Waarop},
    },
};

/// Regels whose openings are read at once.
const PAGE: usize = 1024;
/// Regels about one person, at most: the answer must fit in a message.
const MOST_REGELS: usize = 20_000;

/// By what somebody is found.
pub(super) type Kenmerken = [(Kenmerk, [u8; 32])];

/// Something about somebody.
pub(super) struct Rij {
    /// The index of its regel.
    pub(super) log_index: u64,
    pub(super) soort: RijSoort,
    /// Who decides whether it is shown: the partners that took part. Nobody, where somebody of toezicht searched.
    pub(super) partners: BTreeSet<PartnerNaam>,
    /// By what the person was recognised.
    pub(super) herkend_op: Kenmerk,
    /// What happened, in words.
    pub(super) zinnen: Vec<String>,
}

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RijSoort {
    /// A bericht for one ontvanger.
    Uitwisseling,
    /// A partner searched.
    Zoekvraag,
    /// A partner was refused.
    Weigering,
    /// Somebody of toezicht searched.
    Toezicht,
}

/// A regel that marks of somebody led to.
struct Gevonden {
    index: u64,
    leaf: Vec<u8>,
    regel: Logregel,
}

impl Gevonden {
    /// What row it begins by itself, if any.
    fn begins(&self) -> Option<RijSoort> {
        match self.regel.soort {
            Soort::Aanvaard => Some(RijSoort::Uitwisseling),
            Soort::Geraadpleegd if self.regel.uitkomst.is_some() => Some(RijSoort::Zoekvraag),
            Soort::Geweigerd if self.regel.bericht.is_none() => Some(RijSoort::Weigering),
            Soort::Ingezien | Soort::Geexporteerd => Some(RijSoort::Toezicht),
            _ => None,
        }
    }

    /// Whether somebody wanted to send it and could not; a refused search has no loket that sent.
    fn is_refused_bericht(&self) -> bool {
        self.regel.soort == Soort::Geweigerd && self.regel.afzender.is_some()
    }

    fn bericht(&self) -> Option<BerichtId> {
        self.regel.bericht.as_deref()?.parse().ok()
    }

    /// The bericht for the ontvanger that it tells of. Who is refused a bericht that it reads again is named as the caller.
    fn at(&self) -> Option<(BerichtId, &str)> {
        let adres = self.regel.ontvanger.as_deref().or(self.regel.afzender.as_deref());
        Some((self.bericht()?, adres?))
    }
}

/// Somebody in a bericht or a search.
struct Bekend {
    hoofdpersoon: bool,
    kenmerken: Vec<(Kenmerk, [u8; 32])>,
}

/// How somebody was recognised.
#[derive(Clone, Copy)]
pub(super) struct Herkend {
    pub(super) kenmerk: Kenmerk,
    /// Whether it is about this person first.
    pub(super) hoofdpersoon: bool,
}

impl Bekend {
    fn herkend(&self, kenmerken: &Kenmerken) -> Option<Herkend> {
        let Self { hoofdpersoon, kenmerken: known } = self;
        agreeing(kenmerken, known).map(|kenmerk| Herkend { kenmerk, hoofdpersoon: *hoofdpersoon })
    }
}

/// The regels that marks of somebody led to, and who is named in them.
pub(super) struct Sporen {
    regels: Vec<Gevonden>,
    /// Of each bericht.
    berichten: BTreeMap<BerichtId, Vec<Bekend>>,
    /// Of each regel that is no exchange, by its index.
    looked_for: BTreeMap<u64, Vec<Bekend>>,
}

impl Sporen {
    /// Numbers that belong to somebody and are not among the marks by which was searched; nothing where these lead to more people than one.
    ///
    /// A number is learned of whom another number recognises. Where none is known yet, everybody of the name counts: they must not differ.
    fn learned(&self, kenmerken: &Kenmerken) -> Option<Vec<(Kenmerk, [u8; 32])>> {
        let is_number = |kenmerk: Kenmerk| Kenmerk::NUMBERS.contains(&kenmerk);
        let is_numbered = kenmerken.iter().any(|(kenmerk, _)| is_number(*kenmerk));
        let everybody = || self.berichten.values().chain(self.looked_for.values()).flatten();
        let recognised = |sure: bool| {
            let by = move |of: &&Bekend| of.herkend(kenmerken).is_some_and(|by| !sure || is_number(by.kenmerk));
            everybody().filter(by).map(|of| &of.kenmerken)
        };
        let mut learned = Vec::new();
        for kenmerk in Kenmerk::NUMBERS.into_iter().filter(|kind| kenmerken.iter().all(|(known, _)| known != kind)) {
            let of_sure = values(kenmerk, recognised(is_numbered));
            if of_sure.len() > 1 {
                return None;
            }
            learned.extend(of_sure.into_iter().map(|number| (kenmerk, number)));
            // Of whom the name alone recognises two numbers are two people, and nobody knows which of them asks.
            if learned.is_empty() && values(kenmerk, recognised(false)).len() > 1 {
                return None;
            }
        }
        Some(learned)
    }

    /// The berichten that are about somebody; and what follows such a bericht and names nobody itself.
    fn recognised(&self, kenmerken: &Kenmerken) -> BTreeMap<BerichtId, Herkend> {
        let surest = |people: &Vec<Bekend>| {
            let meant = people.iter().filter_map(|of| of.herkend(kenmerken));
            meant.min_by_key(|herkend| (herkend.kenmerk, !herkend.hoofdpersoon))
        };
        let mut found: BTreeMap<BerichtId, Herkend> =
            self.berichten.iter().filter_map(|(bericht, people)| Some((*bericht, surest(people)?))).collect();
        for of in self.regels.iter().filter(|of| of.regel.soort == Soort::Aanvaard && of.regel.betrokkene.is_empty()) {
            let mut earlier = [&of.regel.in_antwoord_op, &of.regel.vervangt].into_iter().flatten();
            let herkend = earlier.find_map(|id| found.get(&id.parse().ok()?).copied());
            found.extend(of.bericht().zip(herkend));
        }
        found
    }
}

impl Oog<'_> {
    /// The marks of somebody, with the numbers that turn out to be theirs too, and what all of these lead to.
    ///
    /// # Errors
    /// [`Weigering::OngeldigVeld`] where they lead to more people than one, or to too much for one answer.
    pub(super) async fn identified(
        &self,
        mut kenmerken: Vec<(Kenmerk, [u8; 32])>,
    ) -> Result<(Vec<(Kenmerk, [u8; 32])>, Sporen), Weigering> {
        loop {
            let sporen = self.sporen(&kenmerken).await?;
            let learned = sporen.learned(&kenmerken).ok_or_else(|| {
                let asked = "ook een skn of bsn, of beide: met deze naam en geboortedatum zijn er meer mensen";
                Weigering::veld("persoon", asked)
            })?;
            // There are two kinds of numbers, so this ends.
            if learned.is_empty() {
                return Ok((kenmerken, sporen));
            }
            kenmerken.extend(learned);
        }
    }

    /// What marks of somebody lead to.
    ///
    /// # Errors
    /// [`Weigering::OngeldigVeld`] where that is too much for one answer.
    pub(super) async fn sporen(&self, kenmerken: &Kenmerken) -> Result<Sporen, Weigering> {
        let of = |(_, pseudoniem): &(Kenmerk, [u8; 32])| Merk::pseudoniem(Waarop::Betrokkene, pseudoniem);
        let found = self.found(vec![Eis::EenVan(kenmerken.iter().map(of).collect())]).await?;
        if found.len() > MOST_REGELS {
            let asked =
                format!("iemand over wie er hoogstens {MOST_REGELS} logregels zijn; vraag beheer om een zoekopdracht");
            return Err(Weigering::veld("persoon", asked));
        }
        let gevonden = |(index, leaf): (u64, Vec<u8>)| Ok(Gevonden { index, regel: read_regel(&leaf)?, leaf });
        let regels: Vec<Gevonden> = found.into_iter().map(gevonden).collect::<Result<_, Weigering>>()?;
        let (berichten, looked_for) = (self.named(&regels).await?, self.looked_for(&regels).await?);
        Ok(Sporen { regels, berichten, looked_for })
    }

    /// The people that accepted berichten name.
    async fn named(&self, regels: &[Gevonden]) -> Result<BTreeMap<BerichtId, Vec<Bekend>>, Weigering> {
        let named = regels.iter().filter(|of| of.regel.soort == Soort::Aanvaard && !of.regel.betrokkene.is_empty());
        let named: BTreeSet<BerichtId> = named.filter_map(Gevonden::bericht).collect();
        let named: Vec<BerichtId> = named.into_iter().collect();
        let mut people: BTreeMap<(BerichtId, u64), Bekend> = BTreeMap::new();
        for mark in marks(self.read, &named).await.map_err(unavailable)? {
            let Ok(pseudoniem) = mark.pseudoniem.try_into() else { continue };
            let fresh = || Bekend { hoofdpersoon: mark.hoofdpersoon, kenmerken: Vec::new() };
            let bekend = people.entry((mark.bericht, mark.volgnummer)).or_insert_with(fresh);
            bekend.kenmerken.push((mark.kenmerk, pseudoniem));
        }
        let mut by_bericht: BTreeMap<BerichtId, Vec<Bekend>> = BTreeMap::new();
        for ((bericht, _), bekend) in people {
            by_bericht.entry(bericht).or_default().push(bekend);
        }
        Ok(by_bericht)
    }

    /// Who was looked for, or named in what was refused, by what opens each regel.
    async fn looked_for(&self, regels: &[Gevonden]) -> Result<BTreeMap<u64, Vec<Bekend>>, Weigering> {
        let asked = regels.iter().filter(|of| of.begins().is_some_and(|soort| soort != RijSoort::Uitwisseling));
        let asked: Vec<&Gevonden> = asked.collect();
        let mut found = BTreeMap::new();
        for page in asked.chunks(PAGE) {
            let leaves: Vec<(u64, &[u8], &Logregel)> =
                page.iter().map(|of| (of.index, of.leaf.as_slice(), &of.regel)).collect();
            let mut opened = opened(self.read, &self.openingen, &leaves).await.map_err(unavailable)?;
            for of in page {
                let openings = opened.remove(&of.index).unwrap_or_default();
                let people = openings.into_iter().filter(|(veld, _)| *veld == Veld::Betrokkene);
                let people = people.map(|(_, opening)| {
                    let known = opening.pseudoniemen.into_iter().filter_map(|(kenmerk, of)| Some((kenmerk?, of)));
                    // Who is searched for is whom it is about; a bericht that was refused can name others too.
                    let hoofdpersoon = opening.hoofdpersoon || !of.is_refused_bericht();
                    Bekend { hoofdpersoon, kenmerken: known.collect() }
                });
                found.insert(of.index, people.collect());
            }
        }
        Ok(found)
    }

    /// What happened to somebody before an index, and what became of it before another one.
    pub(super) async fn rijen(
        &self,
        sporen: &Sporen,
        (kenmerken, op_nummer): (&Kenmerken, bool),
        (tot, leven_tot): (u64, u64),
    ) -> Result<Vec<Rij>, Weigering> {
        let berichten = sporen.recognised(kenmerken);
        let hashes = sporen.regels.iter().filter_map(|of| of.regel.convenant.as_deref());
        let zinnen = Zinnen { namen: &self.namen, convenanten: self.convenanten(hashes).await? };
        let mut levens: HashMap<(BerichtId, &str), Leven> = HashMap::new();
        for of in sporen.regels.iter().filter(|of| of.begins().is_none() && of.index < leven_tot) {
            if let Some(at) = of.at() {
                levens.entry(at).or_default().take(&of.regel);
            }
        }
        let mut rijen = Vec::new();
        for of in sporen.regels.iter().filter(|of| of.index < tot) {
            let Some(soort) = of.begins() else { continue };
            let in_bericht = of.bericht().map(|bericht| berichten.get(&bericht).copied());
            let looked = sporen.looked_for.get(&of.index).into_iter().flatten();
            let looked = looked.filter_map(|bekend| bekend.herkend(kenmerken)).min_by_key(|of| of.kenmerk);
            let herkend = match (soort, in_bericht) {
                (RijSoort::Uitwisseling, of_bericht) => of_bericht.flatten(),
                // What was found at somebody of the same name is not about this person.
                (_, Some(None)) => None,
                (..) => looked,
            };
            let Some(herkend) = herkend else { continue };
            let leven = of.at().and_then(|at| levens.get(&at));
            let mut zinnen = zinnen.of((of.index, &of.regel), (soort, herkend), leven);
            // Numbers that were learned of a name are as sure as that name.
            let herkend_op = if op_nummer { herkend.kenmerk } else { Kenmerk::NaamGeboortedatum };
            if op_nummer && herkend_op == Kenmerk::NaamGeboortedatum {
                zinnen.push("Dit is gevonden op uw naam en geboortedatum, en niet op uw nummer.".to_owned());
            }
            let partners = self.namen.partijen(of.index, &of.regel);
            rijen.push(Rij { log_index: of.index, soort, partners, herkend_op, zinnen });
        }
        Ok(rijen)
    }
}
