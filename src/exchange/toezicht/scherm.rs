//! Scherm (screen): what somebody of toezicht sees first: whether the logboek holds, what waits, and the report of a period beside the
//! one before it.

use jiff::{Timestamp, ToSpan, civil::Date};

use super::{
    Gezien, Inzage,
    nareken::Nagerekend,
    oog::{Oog, Sight, rights},
    rapport::{Kern, Periode, Rapport, Tabel},
    read_regel,
};
use crate::{
    domain::{Identiteit, Status, Weigering, houdbaarheid::amsterdam_date},
    exchange::{Call, Exchange, dossier, unavailable, voorstel::Voorgelegd},
    logboek::{self, Soort, verify_consistency},
    store::{
        ledger::proofs::{self, Under},
        reading::rapport::vervalt,
        zoeken::{Eis, Merk, Waarop},
    },
};

pub use crate::store::reading::rapport::Vervalt;

/// Content that ends within so many days is told.
pub const SOON_DAYS: i64 = 14;
/// A data leak waits for whoever watches for so many days: its 72 hours, and some to see that they are over.
const RECENT_DAYS: i64 = 30;
/// Looks of one's own that are gone through for checkpoints, at most.
const MOST_SHOWN: usize = 50;

/// What is seen first.
pub struct Scherm {
    /// Whether the logboek only grew since the caller looked last.
    pub groei: Groei,
    /// When it was last recomputed as a whole.
    pub nagerekend: Option<Nagerekend>,
    /// The period.
    pub rapport: Rapport,
    /// The one before it, counted; nothing where there was no logboek yet.
    pub vorige: (Periode, Option<Kern>),
    /// The first day of the logboek.
    pub begonnen: Option<Date>,
    /// What was proposed and does not hold yet.
    pub voorstellen: Vec<Voorgelegd>,
    /// Requests for inzage that are open.
    pub dossiers: Vec<dossier::Getoond>,
    /// What ends soon.
    pub vervalt: Vec<Vervalt>,
    /// The data leaks of the last days, whatever the period is.
    pub lekken: (Periode, Tabel),
    /// Grondslagen in force that no jurist confirmed and on which something rests, each with the name of its convenant.
    pub ongetoetst: Vec<(String, String)>,
}

/// What became of the logboek since somebody looked last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Groei {
    /// This employee did not look before.
    Eerste,
    /// Proven: it only grew since this moment.
    Aangevuld(Timestamp),
    /// Not proven, though it must be: something was changed or taken away.
    Onbewezen(Timestamp),
}

/// A checkpoint that somebody was shown.
pub struct Vertoond {
    /// When.
    pub tijd: Timestamp,
    /// The checkpoint under which that look was written: a signed note. Nothing where none can be read.
    pub checkpoint: Option<String>,
}

impl Periode {
    /// The period before this one: the same part of the quarter before, where it begins as a quarter does, stays within it and is longer than a
    /// month; else as many days as it has.
    #[must_use]
    pub fn before(self) -> Self {
        let Self { van, tot_en_met } = self;
        let is_long = tot_en_met > van.last_of_month();
        let is_quarter = is_long && van.day() == 1 && (van.month() - 1) % 3 == 0;
        let next = van.saturating_add(3.months());
        if is_quarter && tot_en_met < next {
            let is_whole = tot_en_met == next.saturating_sub(1.day());
            let end = if is_whole { van.saturating_sub(1.day()) } else { tot_en_met.saturating_sub(3.months()) };
            return Self { van: van.saturating_sub(3.months()), tot_en_met: end };
        }
        let days = i64::from((tot_en_met - van).get_days());
        let end = van.saturating_sub(1.day());
        Self { van: end.saturating_sub(days.days()), tot_en_met: end }
    }
}

/// The first day of the quarter of a day.
#[must_use]
pub fn quarter(day: Date) -> Date {
    jiff::civil::date(day.year(), (day.month() - 1) / 3 * 3 + 1, 1)
}

impl Exchange {
    /// What is seen first. That it was looked at is one regel.
    ///
    /// # Errors
    /// [`Weigering::OngeldigVeld`] where the period is not over, not yet logged.
    pub async fn scherm(&self, call: &Call, inzage: &Inzage, periode: Periode) -> Result<Scherm, Weigering> {
        let now = self.klok.now();
        let oog = self.oog(call).await?;
        let groei = self.groei(&oog, (call.identiteit(), &inzage.medewerker)).await?;
        let rapport = Box::pin(oog.rapport(periode, &self.in_force.omgeving, now)).await?;
        let vorige = periode.before();
        let begonnen = oog.begonnen().await?;
        let kern = match begonnen {
            Some(begin) if begin <= vorige.tot_en_met => Some(Box::pin(oog.kern(vorige)).await?),
            _ => None,
        };
        let today = amsterdam_date(now);
        let soon = vervalt(oog.read, today, today.saturating_add(SOON_DAYS.days())).await.map_err(unavailable)?;
        let recent = Periode { van: today.saturating_sub(RECENT_DAYS.days()), tot_en_met: today };
        let lekken = (recent, oog.lekken_van(recent, now).await?);
        let scherm = Scherm {
            lekken,
            ongetoetst: self.ongetoetst(&oog).await?,
            groei,
            nagerekend: self.nagerekend.newest(),
            rapport,
            vorige: (vorige, kern),
            begonnen,
            voorstellen: self.voorgelegde().await?,
            dossiers: self.dossiers_seen(call, false).await?.0,
            vervalt: soon.into_iter().filter(|of| oog.sees_pair(&of.afzender, &of.ontvanger.0)).collect(),
        };
        self.log_look(call, inzage, Gezien::default()).await?;
        Ok(scherm)
    }

    /// Grondslagen in force that no jurist confirmed and on which something that is seen was accepted.
    async fn ongetoetst(&self, oog: &Oog<'_>) -> Result<Vec<(String, String)>, Weigering> {
        let mut found = Vec::new();
        let reached = oog.zoeken.bijgewerkt_tot().await.map_err(unavailable)?;
        for convenant in self.van_kracht().convenanten() {
            for grondslag in convenant.grondslagen.iter().filter(|of| of.status != Status::Bevestigd) {
                let mut vraag = oog.seen(0, reached);
                let marks = [
                    Merk::new(Waarop::Soort, Soort::Aanvaard.as_str()),
                    Merk::new(Waarop::Convenant, convenant.hash.as_str()),
                    Merk::new(Waarop::Grondslag, grondslag.id.as_str()),
                ];
                vraag.eisen.extend(marks.map(|merk| Eis::EenVan(vec![merk])));
                if oog.zoeken.find(&vraag).await.map_err(unavailable)?.count() > 0 {
                    found.push((convenant.naam.clone(), grondslag.id.clone()));
                }
            }
        }
        Ok(found)
    }

    /// The checkpoints that the caller was shown by its looks, the newest first; not yet a look itself.
    pub(super) async fn vertoond(&self, call: &Call, inzage: &Inzage) -> Result<Vec<Vertoond>, Weigering> {
        let oog = self.oog(call).await?;
        let mut shown = Vec::new();
        for (log_index, tijd) in oog.looks_of((call.identiteit(), &inzage.medewerker), MOST_SHOWN).await? {
            let proof = proofs::prove(oog.read, log_index, Under::Original).await.map_err(unavailable)?;
            shown.push(Vertoond { tijd, checkpoint: proof.map(|of| of.checkpoint) });
        }
        Ok(shown)
    }

    /// Whether what the caller saw last still stands there: the regel of that look under the checkpoint of its commit, and that checkpoint
    /// under the newest one.
    async fn groei(&self, oog: &Oog<'_>, who: (&Identiteit, &str)) -> Result<Groei, Weigering> {
        let Some((log_index, tijd)) = oog.looks_of(who, 1).await?.pop() else { return Ok(Groei::Eerste) };
        let holds = async {
            let proof = proofs::prove(oog.read, log_index, Under::Original).await.ok()??;
            let naam = proof.checkpoint.lines().next()?.to_owned();
            let key = self.vkey.named(&naam).ok()?;
            let old = proof.verify(&key).ok()?.checkpoint;
            let (newest, hashes) = proofs::prove_growth(oog.read, &naam, old.size).await.ok()??;
            let new = logboek::open(&newest, &key).ok()?;
            verify_consistency(old.size, &old.root, new.size, &new.root, &hashes).ok()
        };
        Ok(if holds.await.is_some() { Groei::Aangevuld(tijd) } else { Groei::Onbewezen(tijd) })
    }
}

impl Oog<'_> {
    /// The last looks of an employee, the newest first: index and moment.
    async fn looks_of(
        &self,
        (who, medewerker): (&Identiteit, &str),
        most: usize,
    ) -> Result<Vec<(u64, Timestamp)>, Weigering> {
        let mut vraag = self.seen(0, self.zoeken.bijgewerkt_tot().await.map_err(unavailable)?);
        vraag.eisen = rights(&self.ziet, Sight::AndNobodys).into_iter().collect();
        for merk in [
            Merk::new(Waarop::Soort, Soort::Ingezien.as_str()),
            Merk::pseudoniem(Waarop::Medewerker, &self.sleutels.medewerker(&who.oin, medewerker)),
        ] {
            vraag.eisen.push(Eis::EenVan(vec![merk]));
        }
        let found = self.zoeken.find(&vraag).await.map_err(unavailable)?;
        let indexes = found.page(None, most, true);
        let leaves = crate::store::ledger::regels::regels_at(self.read, &indexes).await.map_err(unavailable)?;
        let mut looks = Vec::new();
        for (log_index, leaf) in leaves {
            let tijd = read_regel(&leaf)?.tijd.parse().map_err(unavailable)?;
            looks.push((log_index, tijd));
        }
        looks.sort_by_key(|(log_index, _)| std::cmp::Reverse(*log_index));
        Ok(looks)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_quarter_is_held_beside_the_same_part_of_the_one_before() {
        let before = |van: &str, tot_en_met: &str| {
            let Periode { van, tot_en_met } =
                Periode { van: van.parse().unwrap(), tot_en_met: tot_en_met.parse().unwrap() }.before();
            format!("{van} {tot_en_met}")
        };
        assert_eq!(before("2026-10-01", "2026-11-30"), "2026-07-01 2026-08-30");
        assert_eq!(before("2026-10-01", "2026-12-31"), "2026-07-01 2026-09-30");
        assert_eq!(before("2026-01-01", "2026-03-31"), "2025-10-01 2025-12-31");
        assert_eq!(before("2026-11-10", "2026-11-19"), "2026-10-31 2026-11-09");
        assert_eq!(before("2026-10-01", "2026-10-01"), "2026-09-30 2026-09-30");
        assert_eq!(before("2026-01-01", "2026-12-31"), "2025-01-01 2025-12-31");
        assert_eq!(quarter("2026-11-30".parse().unwrap()).to_string(), "2026-10-01");
    }

    #[test]
    fn the_quarter_of_a_day_begins_where_it_should() {
        for (day, first) in [((2026, 1, 1), 1), ((2026, 3, 31), 1), ((2026, 4, 1), 4), ((2026, 12, 31), 10)] {
            let (year, month, of_month) = day;
            assert_eq!(quarter(date(year, month, of_month)), date(2026, first, 1));
        }
    }
}
