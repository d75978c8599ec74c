//! Rapport (report): what happened in a period, counted and told to an FG in sentences and tables.
//!
//! `lezing` goes once through the regels of the period that are seen, and hands each to every section. Each section keeps what it needs
//! of them, and then tells it: `omvang` how much and on which grondslag, `weigeringen` what was refused, `openstaand` what nobody
//! collected, answered or confirmed, `einde` what ended and what is kept, `lekken` the data leaks, `wijzigingen` what changed of what is
//! in force, `blikken` who looked, `opvallend` what is unusual, `integriteit` what happened to the gateway and its logboek.
//!
//! The same report of the same period says the same later, but for what it says of now: what is kept where, and what waits for a
//! terugkoppeling. Nobody whom a bericht is about is named, and no employee.

mod blikken;
mod einde;
mod integriteit;
mod inzage;
mod lekken;
mod lezing;
mod mensen;
mod omvang;
mod openstaand;
mod opvallend;
mod weigeringen;
mod wijzigingen;

use std::{collections::BTreeMap, fmt::Display};

use jiff::{Timestamp, ToSpan, civil::Date};

use super::{Gezien, Inzage, oog::Oog, read_regel};
use crate::{
    documenten::Omgeving,
    domain::{
        Weigering,
        houdbaarheid::{amsterdam, amsterdam_date, start_of, unreadable_from},
    },
    exchange::{Call, Exchange, unavailable},
    store::ledger::{
        proofs::keten,
        regels::{index_at, regel},
    },
};

pub use self::omvang::Kern;
pub use crate::store::ledger::proofs::Schakel;

/// Rows of one table, at most.
const MOST_ROWS: usize = 500;
/// Characters of one value, at most.
const LONGEST_VALUE: usize = 1000;

/// Days of one report, at most.
pub const MOST_DAYS: i32 = 366;

/// What is reported.
#[derive(Clone, Copy, Debug)]
pub struct Periode {
    /// The first day, Europe/Amsterdam.
    pub van: Date,
    /// The last day.
    pub tot_en_met: Date,
}

impl Periode {
    /// The day before it: what can be read until then ends with the first moment of the period.
    fn eve(self) -> Date {
        self.van.saturating_sub(1.day())
    }
}

/// A stretch of the logboek.
#[derive(Clone, Copy, Debug)]
struct Stuk {
    /// Of these days.
    periode: Periode,
    /// From this index on.
    van: u64,
    /// Before this index.
    tot: u64,
}

/// The report of a period.
pub struct Rapport {
    /// Of which days.
    pub periode: Periode,
    /// When it was made, Europe/Amsterdam, RFC 3339.
    pub gemaakt: String,
    /// The partners whose regels it is about; empty where it is about all.
    pub partners: Vec<String>,
    /// It is about the regels from this index on.
    pub eerste: u64,
    /// And before this one.
    pub tot: u64,
    /// How much there was.
    pub kern: Kern,
    /// Its sections.
    pub afdelingen: Vec<Afdeling>,
    /// By what these regels are proven.
    pub keten: Vec<Schakel>,
}

/// A section.
pub struct Afdeling {
    /// Short, the same in each report.
    pub naam: &'static str,
    /// For people.
    pub titel: &'static str,
    /// In Dutch.
    pub zinnen: Vec<String>,
    /// Its tables.
    pub tabellen: Vec<Tabel>,
}

/// A table.
pub struct Tabel {
    /// Short, unique in the report.
    pub naam: &'static str,
    /// For people.
    pub titel: &'static str,
    /// Its columns.
    pub kolommen: &'static [&'static str],
    /// A value for each column.
    pub rijen: Vec<Vec<String>>,
    /// How many rows there are beyond these.
    pub weggelaten: u64,
}

impl Tabel {
    fn new(
        (naam, titel): (&'static str, &'static str),
        kolommen: &'static [&'static str],
        rijen: impl IntoIterator<Item = Vec<String>>,
    ) -> Self {
        let cut = |value: String| match value.char_indices().nth(LONGEST_VALUE) {
            Some((end, _)) => format!("{} ...", &value[..end]),
            None => value,
        };
        let mut rijen = rijen.into_iter().map(|rij| rij.into_iter().map(cut).collect());
        let shown: Vec<Vec<String>> = rijen.by_ref().take(MOST_ROWS).collect();
        Self { naam, titel, kolommen, rijen: shown, weggelaten: rijen.count() as u64 }
    }

    /// Whether the values of a column are names of the logboek, which a page can write as people read them.
    #[must_use]
    pub fn names(kolom: &str) -> bool {
        ["berichtsoort", "oorzaak", "reden van intrekking", "soort", "uitkomst", "wat", "weigering"].contains(&kolom)
    }

    /// Whether the values of a column are counts. Other numbers are names: of a logregel, a dossier, a proposal.
    #[must_use]
    pub fn counts(kolom: &str) -> bool {
        ["aantal", "dagen"].contains(&kolom)
    }
}

/// How often each of something was there.
#[derive(Debug)]
struct Tellen<K>(BTreeMap<K, u64>);

impl<K> Default for Tellen<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord> Tellen<K> {
    fn add(&mut self, key: K, aantal: u64) {
        *self.0.entry(key).or_default() += aantal;
    }

    fn sum(&self) -> u64 {
        self.0.values().sum()
    }

    /// The most frequent first.
    fn sorted(&self) -> Vec<(&K, u64)> {
        let mut sorted: Vec<(&K, u64)> = self.0.iter().map(|(key, aantal)| (key, *aantal)).collect();
        sorted.sort_by_key(|(_, aantal)| std::cmp::Reverse(*aantal));
        sorted
    }
}

/// A value, or a dash.
fn of_none(value: Option<impl Display>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// A moment for people: `30 november 2026` would need a table of months, and a machine could not sort it.
fn moment(tijd: Timestamp) -> String {
    amsterdam(tijd).strftime("%Y-%m-%d %H:%M").to_string()
}

impl Oog<'_> {
    /// The stretch of the logboek of a period, as far as it was taken up for searching.
    async fn stuk(&self, periode: Periode) -> Result<Stuk, Weigering> {
        let reached = self.zoeken.bijgewerkt_tot().await.map_err(unavailable)?;
        let index = async |moment: Timestamp| index_at(self.read, moment).await.map_err(unavailable);
        let van = index(start_of(periode.van)).await?.min(reached);
        let tot = index(unreadable_from(periode.tot_en_met)).await?.min(reached);
        Ok(Stuk { periode, van, tot })
    }

    /// The day of the first regel of all.
    pub(super) async fn begonnen(&self) -> Result<Option<Date>, Weigering> {
        let Some(first) = regel(self.read, 0).await.map_err(unavailable)? else { return Ok(None) };
        Ok(Some(amsterdam_date(read_regel(&first)?.tijd.parse().map_err(unavailable)?)))
    }

    /// From which index on a period is, and before which.
    pub(super) async fn stretch(&self, periode: Periode) -> Result<(u64, u64), Weigering> {
        let Stuk { van, tot, .. } = self.stuk(periode).await?;
        Ok((van, tot))
    }

    /// How much there was in a period, of what is seen.
    pub(super) async fn kern(&self, periode: Periode) -> Result<Kern, Weigering> {
        let gelezen = self.lezing(self.stuk(periode).await?).await?;
        Ok(gelezen.kern())
    }

    /// The report of a period, of what is seen.
    ///
    /// # Errors
    /// [`Weigering::OngeldigVeld`] where the period is not over; [`Weigering::NietBeschikbaar`] when the logboek or what stands beside it
    /// cannot be read.
    pub async fn rapport(&self, periode: Periode, omgeving: &Omgeving, now: Timestamp) -> Result<Rapport, Weigering> {
        if periode.tot_en_met > amsterdam_date(now) {
            return Err(Weigering::veld("tot_en_met", "geen dag in de toekomst"));
        }
        let stuk = self.stuk(periode).await?;
        let Stuk { van, tot, .. } = stuk;
        let gelezen = self.lezing(stuk).await?;
        let (omvang, kern) = self.omvang(&gelezen).await?;
        let mut afdelingen = vec![omvang, gelezen.weigeringen.afdeling()];
        let (waiting, lapsed) = (self.wacht_op_terugkoppeling(now).await?, self.never_collected(stuk).await?);
        afdelingen.push(gelezen.openstaand.afdeling(periode, waiting, lapsed));
        afdelingen.extend(self.einde(&gelezen.einde).await?);
        afdelingen.push(self.inzage(stuk, now).await?);
        afdelingen.push(self.lekken(&gelezen.lekken, now).await?);
        afdelingen.push(self.wijzigingen(gelezen.wijzigingen, omgeving).await?);
        afdelingen.push(gelezen.blikken.afdeling());
        afdelingen.push(self.opvallend(&gelezen.opvallend, stuk).await?);
        let keten = keten(self.read, van, tot).await.map_err(unavailable)?;
        afdelingen.push(gelezen.integriteit.afdeling(stuk, keten.len()));
        afdelingen.push(unknown());
        Ok(Rapport {
            periode,
            gemaakt: amsterdam(now).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            partners: self.ziet.partners().iter().map(ToString::to_string).collect(),
            eerste: van,
            tot,
            kern,
            afdelingen,
            keten,
        })
    }
}

/// What no gateway can tell.
fn unknown() -> Afdeling {
    let zinnen = [
        "Of wat partners elkaar schreven klopt, en of zij het terecht stuurden: de poort toetst het convenant, niet het oordeel.",
        "Wat een ontvanger ermee deed: afdrukken, kopiëren, in een dossier zetten. Dat iemand vernietigde is een mededeling van de \
         ontvanger.",
        "Wie er achter een personeelsreferentie zit: die geeft de partner op.",
        "Wat er buiten de poort om is gedeeld, en wat er in reservekopieën staat.",
    ];
    Afdeling {
        naam: "onbekend",
        titel: "Wat de poort niet kan weten",
        zinnen: zinnen.map(str::to_owned).to_vec(),
        tabellen: Vec::new(),
    }
}

impl Exchange {
    /// The report of a period. That it was made is a regel.
    ///
    /// # Errors
    /// [`Weigering::OngeldigVeld`] where the period is not over, not yet logged.
    pub async fn rapport(&self, call: &Call, inzage: &Inzage, periode: Periode) -> Result<Rapport, Weigering> {
        let now = self.klok.now();
        let oog = self.oog(call).await?;
        let rapport = Box::pin(oog.rapport(periode, &self.in_force.omgeving, now)).await?;
        self.log_look(call, inzage, Gezien::default()).await?;
        Ok(rapport)
    }
}
