//! What is sealed beside the logboek: openings of commitments, pseudonyms, and what a repeated request needs. Only who has the keys
//! can look.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};
use sqlx::Row;
use uuid::Uuid;

use super::{error::VerifyError, onverantwoord::Onverantwoord};
use crate::{
    domain::{Adres, BerichtId},
    logboek::{Logregel, Soort, commitment, leaf_hash},
    sleutels::{
        CommitmentOpening, Herhaling, HerhalingContext, KeyError, KeyStore, OpeningKeys, Veld, openingen::Place,
    },
    store::{
        DbConnection, DbRow,
        values::{bericht_id, int, uint},
    },
};

/// Rows that are read at once.
const PAGE: u64 = 1024;

/// The keys of a gateway that sign nothing.
pub struct Keys {
    /// Of content, by day.
    pub store: KeyStore,
    /// Of openings.
    pub openingen: OpeningKeys,
    /// By what gateways know that they have the same keys.
    pub merk: String,
}

/// What could not be looked at, by the day whose key is not there.
pub(super) type WithoutKey = BTreeMap<Date, u64>;

type Wanted = BTreeSet<(u64, &'static str, u16)>;

/// The openings of the regels on the way.
#[derive(Default)]
pub(super) struct Openings {
    count: u64,
    /// The bericht of the regel before, if that was accepted: its other ontvangers have the same commitments.
    accepted: Option<String>,
    /// What was erased, by the regels that say so.
    gewist: BTreeSet<(u64, Veld, u16)>,
    /// How many of those regels there are on the way.
    wissingen: u64,
}

impl Openings {
    /// Before the first regel. Reads which openings were erased: each of the regels that say so is met on the way.
    pub(super) async fn load(tx: &mut DbConnection) -> Result<Self, VerifyError> {
        let rows = sqlx::query("SELECT r.regel FROM gewist g JOIN logregels r ON r.log_index = g.log_index");
        let mut gewist = BTreeSet::new();
        for row in rows.fetch_all(tx).await? {
            let regel = Logregel::from_leaf(row.try_get("regel")?).unwrap_or_default();
            let erased = regel.gewist.iter().filter(|_| regel.soort == Soort::OpeningenGewist);
            gewist.extend(erased.filter_map(|of| {
                let (index, which) = of.split_once('/')?;
                let (veld, volgnummer) = match which {
                    "besluit" => (Veld::Besluit, 0),
                    volgnummer => (Veld::Betrokkene, volgnummer.parse::<u16>().ok()?),
                };
                Some((index.parse::<u64>().ok()?, veld, volgnummer))
            }));
        }
        Ok(Self { gewist, ..Self::default() })
    }

    /// Compares the openings of a page of regels, which follow those before: each commitment has one, and no other is there.
    pub(super) async fn page(
        &mut self,
        tx: &mut DbConnection,
        leaves: &[(u64, Vec<u8>, Logregel)],
        keys: Option<&Keys>,
        onverantwoord: &Onverantwoord,
    ) -> Result<(), VerifyError> {
        let (Some((first, ..)), Some((last, ..))) = (leaves.first(), leaves.last()) else { return Ok(()) };
        let rows = sqlx::query(
            "SELECT log_index, veld, volgnummer, verzegeld FROM openingen WHERE log_index >= $1 AND log_index <= $2",
        )
        .bind(int(*first))
        .bind(int(*last))
        .fetch_all(&mut *tx)
        .await?;
        let mut found: BTreeMap<(u64, String, i64), Vec<u8>> = BTreeMap::new();
        for row in rows {
            let index = uint(row.try_get("log_index")?);
            if !onverantwoord.covers(index) {
                let key = (index, row.try_get("veld")?, row.try_get("volgnummer")?);
                found.insert(key, row.try_get("verzegeld")?);
            }
        }
        self.count += found.len() as u64;
        let pseudoniemen = match keys {
            Some(_) => Some(pseudoniemen(tx, leaves).await?),
            None => None,
        };
        for (index, leaf, regel) in leaves {
            let bad = |what: &str| VerifyError::Regel { index: *index, what: what.to_owned() };
            self.wissingen += u64::from(regel.soort == Soort::OpeningenGewist);
            let mut people = Vec::new();
            for (_, veld, volgnummer) in self.wanted(*index, regel) {
                let sealed = found.remove(&(*index, veld.to_owned(), i64::from(volgnummer)));
                let sealed = sealed.ok_or_else(|| bad(&format!("de opening van {veld} ontbreekt")))?;
                let Some(keys) = keys else { continue };
                let opening = open(keys, leaf, regel, (veld, volgnummer), &sealed)
                    .ok_or_else(|| bad(&format!("de opening van {veld} is een andere, of beschadigd")))?;
                if veld == Veld::Betrokkene.as_str() {
                    people.push((i64::from(volgnummer), opening));
                }
            }
            if let (Some(kept), Some(bericht)) = (&pseudoniemen, &regel.bericht)
                && regel.soort == Soort::Aanvaard
                && self.accepted.as_ref() != Some(bericht)
                && kept.get(bericht).map_or(&[][..], Vec::as_slice) != rows_of(&people)
            {
                return Err(bad("de pseudoniemen van de betrokkenen zijn andere dan in de openingen"));
            }
            self.accepted = regel.bericht.clone().filter(|_| regel.soort == Soort::Aanvaard);
        }
        match found.into_keys().next() {
            Some((index, veld, _)) => {
                Err(VerifyError::Regel { index, what: format!("er is een opening van {veld} waar niets voor instaat") })
            }
            None => Ok(()),
        }
    }

    /// The openings that a regel must have.
    fn wanted(&self, index: u64, regel: &Logregel) -> Wanted {
        let is_of_the_same =
            regel.soort == Soort::Aanvaard && regel.bericht.is_some() && self.accepted == regel.bericht;
        if is_of_the_same {
            return Wanted::new();
        }
        let one =
            |veld: Veld, of: &Option<String>| of.iter().map(move |_| (index, veld.as_str(), 0)).collect::<Wanted>();
        let people = (0..).zip(&regel.betrokkene).map(|(number, _)| (index, Veld::Betrokkene.as_str(), number));
        // What was erased must not be there any more.
        let people = people.filter(|(index, _, number)| !self.gewist.contains(&(*index, Veld::Betrokkene, *number)));
        let besluit = regel.besluit.clone().filter(|_| !self.gewist.contains(&(index, Veld::Besluit, 0)));
        one(Veld::Medewerker, &regel.medewerker)
            .into_iter()
            .chain(one(Veld::Reden, &regel.reden))
            .chain(one(Veld::Bekeken, &regel.bekeken))
            .chain(one(Veld::Besluit, &besluit))
            .chain(people)
            .collect()
    }

    /// Whether there are openings of regels that do not exist.
    pub(super) async fn finish(&self, tx: &mut DbConnection, onverantwoord: &Onverantwoord) -> Result<(), VerifyError> {
        let rows: Vec<i64> = sqlx::query_scalar("SELECT log_index FROM gewist").fetch_all(&mut *tx).await?;
        let vouched = rows.into_iter().filter(|index| !onverantwoord.covers(uint(*index))).count();
        if vouched as u64 != self.wissingen {
            let what = "zegt iets anders dan de regels die openingen wisten".to_owned();
            return Err(VerifyError::Table { table: "gewist", what });
        }
        let all: i64 = sqlx::query_scalar("SELECT count(*) FROM openingen").fetch_one(&mut *tx).await?;
        let known = self.count + onverantwoord.openingen(tx).await?;
        let what = || "er zijn openingen bij regels die er niet zijn".to_owned();
        if uint(all) == known { Ok(()) } else { Err(VerifyError::Table { table: "openingen", what: what() }) }
    }
}

/// Opens an opening, and holds it to the commitment where it has the value itself.
fn open(
    keys: &Keys,
    leaf: &[u8],
    regel: &Logregel,
    (veld, volgnummer): (&'static str, u16),
    sealed: &[u8],
) -> Option<CommitmentOpening> {
    let veld = Veld::ALL.into_iter().find(|one| one.as_str() == veld)?;
    let tijd: Timestamp = regel.tijd.parse().ok()?;
    let place = Place { leaf: &leaf_hash(leaf), veld, volgnummer };
    let opening = keys.openingen.of(tijd).open(&place, sealed).ok()?;
    let said = match veld {
        Veld::Medewerker => regel.medewerker.as_ref(),
        Veld::Reden => regel.reden.as_ref(),
        Veld::Bekeken => regel.bekeken.as_ref(),
        Veld::Besluit => regel.besluit.as_ref(),
        // Of who asks for inzage; what is said of others stands in the content.
        Veld::Betrokkene if opening.tekst.is_some() => regel.betrokkene.get(usize::from(volgnummer)),
        Veld::Betrokkene => return Some(opening),
    };
    let is = commitment(&opening.zout, opening.tekst.as_ref()?.as_bytes());
    (said == Some(&is)).then_some(opening)
}

/// A mark of a betrokkene in a row: which, what kind, whether the hoofdpersoon, the pseudonym.
type Mark = (i64, String, i64, Vec<u8>);

fn rows_of(people: &[(i64, CommitmentOpening)]) -> Vec<Mark> {
    let marks = people.iter().flat_map(|(number, of)| {
        of.pseudoniemen.iter().map(move |(kenmerk, pseudoniem)| {
            let kenmerk = kenmerk.map_or("", crate::domain::Kenmerk::as_str);
            (*number, kenmerk.to_owned(), i64::from(of.hoofdpersoon), pseudoniem.to_vec())
        })
    });
    let mut marks: Vec<Mark> = marks.collect();
    marks.sort();
    marks
}

/// The pseudonyms of the berichten that are accepted in these regels, in order.
async fn pseudoniemen(
    tx: &mut DbConnection,
    leaves: &[(u64, Vec<u8>, Logregel)],
) -> Result<BTreeMap<String, Vec<Mark>>, VerifyError> {
    let (Some((first, ..)), Some((last, ..))) = (leaves.first(), leaves.last()) else { return Ok(BTreeMap::new()) };
    let rows = sqlx::query(
        "SELECT m.bericht, m.volgnummer, m.kenmerk, m.hoofdpersoon, m.pseudoniem FROM pseudoniemen m WHERE m.bericht IN \
         (SELECT bericht FROM logregels WHERE log_index >= $1 AND log_index <= $2 AND bericht IS NOT NULL)",
    )
    .bind(int(*first))
    .bind(int(*last))
    .fetch_all(tx)
    .await?;
    let mut found: BTreeMap<String, Vec<Mark>> = BTreeMap::new();
    for row in rows {
        let bericht = bericht_id(row.try_get("bericht")?, "pseudoniemen")?.to_string();
        let mark = (
            row.try_get("volgnummer")?,
            row.try_get("kenmerk")?,
            row.try_get("hoofdpersoon")?,
            row.try_get("pseudoniem")?,
        );
        found.entry(bericht).or_default().push(mark);
    }
    for marks in found.values_mut() {
        marks.sort();
    }
    Ok(found)
}

/// Opens the day keys that gateways share. One that was made since the keys were read is passed over.
pub(super) async fn dagsleutels(tx: &mut DbConnection, keys: &Keys) -> Result<(), VerifyError> {
    let days: Vec<String> = sqlx::query_scalar("SELECT dag FROM dagsleutels ORDER BY dag").fetch_all(tx).await?;
    for text in days {
        let day = text.parse::<Date>().ok().filter(|day| day.to_string() == text);
        let opens = match day {
            Some(day) => !matches!(keys.store.existing(day).await, Err(KeyError::DamagedDay(_))),
            None => false,
        };
        if !opens {
            let what = format!("de sleutel van {text} is beschadigd, of hoort bij andere sleutels");
            return Err(VerifyError::Table { table: "dagsleutels", what });
        }
    }
    Ok(())
}

/// Opens what repeated requests need: it is bound to what no regel says of its bericht.
pub(super) async fn herhalingen(tx: &mut DbConnection, keys: &Keys) -> Result<WithoutKey, VerifyError> {
    let (mut after, mut without) = (Vec::new(), WithoutKey::new());
    loop {
        let rows = sqlx::query(
            "SELECT b.id, b.afzender_partner, b.afzender_loket, b.request_id, b.betwist, b.vingerafdruk, b.herhaling, \
             (SELECT max(p.houdbaar_tot_en_met) FROM postvak p WHERE p.bericht = b.id) AS dag, \
             (SELECT min(p.log_index) FROM postvak p WHERE p.bericht = b.id) AS eerste \
             FROM berichten b WHERE b.id > $1 ORDER BY b.id LIMIT $2",
        )
        .bind(after)
        .bind(int(PAGE))
        .fetch_all(&mut *tx)
        .await?;
        let Some(last) = rows.last() else { return Ok(without) };
        after = last.try_get("id")?;
        for row in rows {
            let index = uint(row.try_get::<Option<i64>, _>("eerste")?.unwrap_or_default());
            let bad = || VerifyError::Regel {
                index,
                what: "request_id, betwist, vingerafdruk of herhaling is anders dan toen het werd aanvaard".to_owned(),
            };
            let day: Date = row.try_get::<String, _>("dag")?.parse().map_err(|_| bad())?;
            match keys.store.existing(day).await {
                Ok(day_key) => {
                    let (id, afzender, request_id, vingerafdruk) = of_request(&row).ok_or_else(bad)?;
                    let betwist = match row.try_get::<i64, _>("betwist")? {
                        0 => false,
                        1 => true,
                        _ => return Err(bad()),
                    };
                    let context = HerhalingContext {
                        bericht: id,
                        afzender: &afzender,
                        request_id,
                        betwist,
                        vingerafdruk: &vingerafdruk,
                    };
                    let sealed: Vec<u8> = row.try_get("herhaling")?;
                    Herhaling::open(&day_key.in_use(), &context, &sealed).map_err(|_| bad())?;
                }
                Err(_) => *without.entry(day).or_default() += 1,
            }
        }
    }
}

fn of_request(row: &DbRow) -> Option<(BerichtId, Adres, Uuid, Vec<u8>)> {
    let id = bericht_id(row.try_get("id").ok()?, "berichten").ok()?;
    let partner = row.try_get::<&str, _>("afzender_partner").ok()?.parse().ok()?;
    let loket = row.try_get::<&str, _>("afzender_loket").ok()?.parse().ok()?;
    let request_id = Uuid::from_slice(row.try_get("request_id").ok()?).ok()?;
    Some((id, Adres { partner, loket }, request_id, row.try_get("vingerafdruk").ok()?))
}
