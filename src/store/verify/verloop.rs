//! Verloop (course): what the regels say became of each bericht, taken up one after the other. The rows must say the same.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;

use crate::{
    domain::{BerichtId, Berichtsoort, Oin, PartnerNaam, Toestand, Vernietiging},
    logboek::{Logregel, Oorzaak, Soort},
};

/// A bericht for one ontvanger, by its regels.
#[derive(Clone, Debug)]
pub(super) struct Stand {
    pub(super) toestand: Toestand,
    pub(super) moved_by: u64,
    pub(super) ended_by: Option<u64>,
    pub(super) poging: u32,
    pub(super) gelezen: bool,
    pub(super) bevestigd: Option<Timestamp>,
    pub(super) terugkoppeling_open: Option<Timestamp>,
    pub(super) vernietiging: Option<Vernietiging>,
    pub(super) weigering: Option<String>,
    /// When it was accepted, or handed out last.
    pub(super) since: Timestamp,
}

/// A bericht, by its regels.
#[derive(Clone, Debug, Default)]
pub(super) struct Bericht {
    pub(super) verlenging: u8,
    pub(super) doelgroep: Option<String>,
    pub(super) gewaarschuwd: bool,
}

/// What all regels so far say.
#[derive(Default)]
pub(super) struct Verloop {
    /// By the index of its regel `aanvaard`.
    pub(super) standen: BTreeMap<u64, Stand>,
    pub(super) berichten: HashMap<BerichtId, Bericht>,
    /// Those that a regel touched for which no checkpoint vouches: what became of them cannot be reckoned.
    pub(super) onverantwoord: HashSet<BerichtId>,
    /// Where each stands, by the ontvanger as the logboek writes it.
    places: HashMap<BerichtId, Vec<(String, u64)>>,
}

/// Which OIN is or was whose.
pub(super) type Oins = BTreeMap<PartnerNaam, BTreeSet<Oin>>;

/// Whether two OINs are or were those of one organisation.
fn same_partner(oins: &Oins, one: &str, other: &str) -> bool {
    let has = |of: &BTreeSet<Oin>, oin: &str| of.iter().any(|known| known.as_str() == oin);
    one == other || oins.values().any(|of| has(of, one) && has(of, other))
}

/// The bericht before this one that a regel names.
fn earlier(id: Option<&String>) -> Option<BerichtId> {
    id.and_then(|id| id.parse().ok())
}

/// The OIN in an address.
fn oin_of(adres: Option<&String>) -> &str {
    adres.and_then(|adres| adres.split('/').next()).unwrap_or_default()
}

impl Verloop {
    /// Before the first regel.
    pub(super) fn new(onverantwoord: HashSet<BerichtId>) -> Self {
        Self { onverantwoord, ..Self::default() }
    }

    /// Takes up a regel.
    ///
    /// # Errors
    /// What cannot follow the regels before it.
    pub(super) fn take(&mut self, index: u64, regel: &Logregel, oins: &Oins) -> Result<(), &'static str> {
        if let (Some(warned), Some("vervalwaarschuwing")) =
            (earlier(regel.in_antwoord_op.as_ref()), regel.berichtsoort.as_deref())
            && matches!(regel.soort, Soort::Aanvaard | Soort::Geweigerd)
            && let Some(bericht) = self.berichten.get_mut(&warned)
        {
            bericht.gewaarschuwd = true;
        }
        let (Some(bericht), Some(ontvanger)) = (&regel.bericht, &regel.ontvanger) else { return Ok(()) };
        let bericht: BerichtId = bericht.parse().map_err(|_| "noemt geen bericht")?;
        let tijd: Timestamp = regel.tijd.parse().map_err(|_| "noemt geen tijd")?;
        if regel.soort == Soort::Aanvaard {
            self.touches_others(bericht, regel, oins)?;
        }
        if self.onverantwoord.contains(&bericht) {
            return Ok(());
        }
        if regel.soort == Soort::Aanvaard {
            self.aanvaard(index, (bericht, tijd), regel);
            return Ok(());
        }
        let place = self.places.get(&bericht).and_then(|of| of.iter().find(|(adres, _)| adres == ontvanger));
        let (_, place) = place.ok_or("gaat over een bericht dat niet in het postvak staat")?;
        let stand = self.standen.get_mut(place).ok_or("gaat over een bericht dat niet in het postvak staat")?;
        is_by_whom(regel, oins)?;
        stand.take(index, tijd, regel)
    }

    fn aanvaard(&mut self, index: u64, (bericht, tijd): (BerichtId, Timestamp), regel: &Logregel) {
        let stand = Stand {
            toestand: Toestand::Wacht,
            moved_by: index,
            ended_by: None,
            poging: 0,
            gelezen: false,
            bevestigd: None,
            terugkoppeling_open: None,
            vernietiging: None,
            weigering: None,
            since: tijd,
        };
        self.standen.insert(index, stand);
        let ontvanger = regel.ontvanger.clone().unwrap_or_default();
        self.places.entry(bericht).or_default().push((ontvanger, index));
        let replaced = earlier(regel.vervangt.as_ref()).and_then(|old| self.berichten.get(&old));
        let verlenging = replaced.map_or(0, |old| old.verlenging.saturating_add(1));
        let of = Bericht { verlenging, doelgroep: regel.doelgroep.clone(), gewaarschuwd: false };
        self.berichten.entry(bericht).or_insert(of);
    }

    /// What it does to earlier berichten that this one is accepted; and what is not known of this one, because it is not of those.
    fn touches_others(&mut self, bericht: BerichtId, regel: &Logregel, oins: &Oins) -> Result<(), &'static str> {
        if earlier(regel.vervangt.as_ref()).is_some_and(|old| self.onverantwoord.contains(&old)) {
            self.onverantwoord.insert(bericht);
        }
        if regel.berichtsoort.as_deref() == Some(Berichtsoort::Terugkoppeling.as_str()) {
            let about = earlier(regel.in_antwoord_op.as_ref()).ok_or("een terugkoppeling op niets")?;
            self.fed_back(about, regel, oins);
        }
        Ok(())
    }

    /// A terugkoppeling came of this scenario: its afzender waits for none from that loket any more.
    fn fed_back(&mut self, scenario: BerichtId, regel: &Logregel, oins: &Oins) {
        let (oin, loket) = regel.afzender.as_deref().and_then(|adres| adres.split_once('/')).unwrap_or_default();
        let is_its = |adres: &str| {
            let (own, at) = adres.split_once('/').unwrap_or_default();
            at == loket && same_partner(oins, own, oin)
        };
        for (adres, place) in self.places.get(&scenario).into_iter().flatten() {
            if let Some(stand) = self.standen.get_mut(place).filter(|_| is_its(adres)) {
                stand.terugkoppeling_open = None;
            }
        }
    }
}

/// Whether the one who did it is the one who can: an ontvanger takes and reads, an afzender ends, the gateway lets lapse.
fn is_by_whom(regel: &Logregel, oins: &Oins) -> Result<(), &'static str> {
    let actor = regel.actor.as_deref().unwrap_or_default();
    let ontvanger = same_partner(oins, actor, oin_of(regel.ontvanger.as_ref()));
    let afzender = same_partner(oins, actor, oin_of(regel.afzender.as_ref()));
    let poort = regel.rol.as_deref() == Some("poort");
    let right = match regel.soort {
        Soort::Afgeleverd | Soort::Bevestigd | Soort::Geraadpleegd | Soort::VernietigingBevestigd => ontvanger,
        Soort::Geweigerd => ontvanger || poort,
        Soort::Ingetrokken | Soort::VernietigingGevraagd => afzender,
        Soort::Vernietigd => ontvanger || afzender,
        Soort::Vervallen | Soort::Beschadigd => poort,
        _ => true,
    };
    if right { Ok(()) } else { Err("is van iemand die dit bij dit bericht niet kan doen") }
}

impl Stand {
    fn take(&mut self, index: u64, tijd: Timestamp, regel: &Logregel) -> Result<(), &'static str> {
        match regel.soort {
            Soort::Afgeleverd => {
                if regel.poging != Some(self.poging + 1) {
                    return Err("telt een andere aflevering dan de volgende");
                }
                self.poging += 1;
                self.since = tijd;
                self.step(Toestand::Afgeleverd, index)
            }
            Soort::Bevestigd => {
                if self.poging == 0 || self.bevestigd.is_some() {
                    return Err("bevestigt wat niet is afgeleverd, of nog eens");
                }
                self.bevestigd = Some(tijd);
                // A confirmation that comes late moves nothing.
                if self.toestand.may_become(Toestand::Bevestigd) {
                    self.step(Toestand::Bevestigd, index)
                } else {
                    Ok(())
                }
            }
            Soort::Geweigerd => {
                self.weigering.clone_from(&regel.weigering);
                self.step(Toestand::Geweigerd, index)
            }
            // A search looks at nothing but that it is there.
            Soort::Geraadpleegd if regel.uitkomst.is_some() => Ok(()),
            Soort::Geraadpleegd => {
                self.gelezen = true;
                if regel.berichtsoort.as_deref() == Some(Berichtsoort::Scenario.as_str()) {
                    self.terugkoppeling_open.get_or_insert(tijd);
                }
                Ok(())
            }
            Soort::Vernietigd if regel.oorzaak.as_deref() == Some(Oorzaak::Bevestigd.as_str()) => {
                self.ended_by.get_or_insert(index);
                Ok(())
            }
            Soort::Vernietigd => self.step(Toestand::Vervangen, index),
            Soort::Vervallen => self.step(Toestand::Vervallen, index),
            Soort::Beschadigd => self.step(Toestand::Beschadigd, index),
            // That it was a data leak can come to light later, and is said once more.
            Soort::Ingetrokken | Soort::VernietigingGevraagd if self.toestand == Toestand::Ingetrokken => Ok(()),
            Soort::Ingetrokken | Soort::VernietigingGevraagd => self.step(Toestand::Ingetrokken, index),
            Soort::VernietigingBevestigd => {
                let kept = regel.weigering.as_deref().map(str::parse).transpose();
                let kept: Option<Vernietiging> = kept.map_err(|()| "bevestigt geen vernietiging")?;
                self.vernietiging = Some(kept.unwrap_or(Vernietiging::Vernietigd));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn step(&mut self, next: Toestand, index: u64) -> Result<(), &'static str> {
        if !self.toestand.may_become(next) {
            return Err("brengt een bericht ergens waar het vanaf daar niet kan komen");
        }
        self.toestand = next;
        self.moved_by = index;
        if !next.is_current() {
            self.ended_by.get_or_insert(index);
        }
        Ok(())
    }
}
