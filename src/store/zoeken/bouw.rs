//! Bouw (building): takes regels up in the projection, in order, a page in each transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use roaring::RoaringBitmap;
use sqlx::{Connection, Executor, Row};

use super::{
    merk::{self, Merk, Waarop},
    vraag::{DEEL, read_bitmap},
};
use crate::{
    domain::Oin,
    logboek::Logregel,
    sleutels::OpeningKeys,
    store::{
        DbConnection, DbRow, Pool, StoreError,
        database::{
            dialect::Dialect,
            rows::{Column, Rows, Script, fetch},
        },
        reading::{
            namen::Namen,
            openingen::{Months, Sealed, between},
            personen::newest_gewist,
        },
        values::{int, uint},
    },
};

/// Regels in one transaction.
const PAGE: u64 = 2048;

/// A regel, as it is taken up.
struct Leaf {
    index: u64,
    hash: [u8; 32],
    regel: Logregel,
}

/// Which regels of one `deel` have a mark, by their place in it.
type Bitmaps = BTreeMap<(Merk, u64), RoaringBitmap>;

/// How far it is: the index after the last regel, and the hash of that regel's leaf.
pub(super) async fn stand(connection: &mut DbConnection) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
    let row = sqlx::query("SELECT tot, hash FROM stand WHERE id = 1").fetch_optional(connection).await?;
    row.map(|row| Ok((uint(row.try_get("tot")?), row.try_get("hash")?))).transpose()
}

/// What writes in the file.
pub(super) struct Builder {
    connection: DbConnection,
    openingen: OpeningKeys,
    /// The names by the version of what is in force for which they were read.
    namen: (u64, Namen),
}

/// The regels from an index on.
async fn leaves(read: &Pool, from: u64) -> Result<Vec<Leaf>, StoreError> {
    let rows =
        sqlx::query("SELECT log_index, regel, hash FROM logregels WHERE log_index >= $1 ORDER BY log_index LIMIT $2")
            .bind(int(from))
            .bind(int(PAGE))
            .fetch_all(read)
            .await?;
    let leaf = |row: &DbRow| {
        let index = uint(row.try_get("log_index")?);
        let damaged = |column| StoreError::inconsistent("logregels", column, index);
        let regel = Logregel::from_leaf(row.try_get("regel")?).map_err(|_| damaged("regel"))?;
        let hash = row.try_get::<&[u8], _>("hash")?.try_into().map_err(|_| damaged("hash"))?;
        Ok(Leaf { index, hash, regel })
    };
    rows.iter().map(leaf).collect()
}

/// Leaves the regels at the end that accept one bericht for the next page: they are taken up together, because one opening serves all.
fn together(leaves: &mut Vec<Leaf>) {
    let Some(Leaf { regel: last, .. }) = leaves.last() else { return };
    let same = |leaf: &Leaf| merk::begins_bericht(&leaf.regel) && leaf.regel.bericht == last.bericht;
    let run = leaves.iter().rev().take_while(|leaf| same(leaf)).count();
    if run < leaves.len() {
        leaves.truncate(leaves.len() - run);
    }
}

/// What becomes of a page of regels.
struct Marked {
    bitmaps: Bitmaps,
    /// By bericht what holds for what happens to it later.
    learned: BTreeSet<(String, Merk)>,
}

/// Marks regels one after the other.
struct Marking<'b> {
    builder: &'b Builder,
    /// By bericht what holds for what happens to it later.
    known: HashMap<String, BTreeSet<Merk>>,
    learned: BTreeSet<(String, Merk)>,
    months: Months<'b>,
}

impl Marking<'_> {
    fn mark(mut self, leaves: &[Leaf], openings: &Sealed) -> Marked {
        let mut bitmaps = Bitmaps::new();
        // Several ontvangers have one opening: that of the first.
        let mut before: Option<(String, Vec<Merk>)> = None;
        for leaf in leaves {
            let Leaf { index, regel, hash } = leaf;
            let sealed = openings.get(index).map(Vec::as_slice).unwrap_or_default();
            let opened = self.months.open(hash, regel, sealed);
            let mut opened: Vec<Merk> =
                opened.iter().flat_map(|(veld, opening)| merk::of_opening(*veld, opening)).collect();
            match (&regel.bericht, &before) {
                (Some(bericht), Some((same, of_first))) if opened.is_empty() && bericht == same => {
                    opened.clone_from(of_first);
                }
                _ => {}
            }
            let mut marks: BTreeSet<Merk> =
                merk::of_regel(*index, regel, &self.builder.namen.1).into_iter().chain(opened.clone()).collect();
            self.inherit(regel, &mut marks);
            before = regel.bericht.clone().filter(|_| merk::begins_bericht(regel)).map(|bericht| (bericht, opened));
            let place = u32::try_from(index % DEEL).expect("a place in a bitmap is below 65,536");
            for merk in marks {
                bitmaps.entry((merk, index / DEEL)).or_default().insert(place);
            }
        }
        Marked { bitmaps, learned: self.learned }
    }

    /// Adds what is known of the bericht of a regel, or remembers it where the bericht begins with this regel. What the gateway or a
    /// partner sends after another bericht, and names nobody, is about the same people.
    fn inherit(&mut self, regel: &Logregel, marks: &mut BTreeSet<Merk>) {
        let Some(bericht) = &regel.bericht else { return };
        if !merk::begins_bericht(regel) {
            marks.extend(self.known.get(bericht).into_iter().flatten().cloned());
            return;
        }
        if regel.betrokkene.is_empty() {
            let earlier = [&regel.in_antwoord_op, &regel.vervangt].into_iter().flatten();
            let people = earlier.filter_map(|id| self.known.get(id)).flatten();
            marks.extend(people.filter(|merk| merk.waarop == Waarop::Betrokkene).cloned());
        }
        let stays = marks.iter().filter(|merk| matches!(merk.waarop, Waarop::Betrokkene | Waarop::Gesprek));
        let stays: Vec<Merk> = stays.cloned().collect();
        self.learned.extend(stays.iter().map(|merk| (bericht.clone(), merk.clone())));
        self.known.entry(bericht.clone()).or_default().extend(stays);
    }
}

impl Builder {
    pub(super) fn new(connection: DbConnection, openingen: OpeningKeys) -> Self {
        Self { connection, openingen, namen: (u64::MAX, Namen::default()) }
    }

    pub(super) fn connection(&mut self) -> &mut DbConnection {
        &mut self.connection
    }

    pub(super) async fn close(self) {
        drop(self.connection.close().await);
    }

    /// Takes up the next page of regels. Gives whether there may be more.
    pub(super) async fn take_up(&mut self, read: &Pool, versie: u64, poort: &Oin) -> Result<bool, StoreError> {
        if self.namen.0 != versie {
            self.namen = (versie, Namen::read(read, Some(poort.clone())).await?);
        }
        self.forget_erased(read).await?;
        let from = self.from(read).await?;
        let mut leaves = leaves(read, from).await?;
        let more = leaves.len() as u64 == PAGE;
        if more {
            together(&mut leaves);
        }
        let Some(last) = leaves.last() else { return Ok(false) };
        let openings = between(read, from, last.index).await?;
        let (tot, hash) = (last.index + 1, last.hash);
        let known = self.known(&leaves).await?;
        let marked = Marking { builder: self, known, learned: BTreeSet::new(), months: Months::new(&self.openingen) }
            .mark(&leaves, &openings);
        self.write(marked, tot, hash).await?;
        Ok(more)
    }

    /// Where something was erased since this was built, all of it is built anew: it tells nothing that the logboek does not.
    async fn forget_erased(&mut self, read: &Pool) -> Result<(), StoreError> {
        let Some(newest) = newest_gewist(read).await? else { return Ok(()) };
        let known: Option<i64> =
            sqlx::query_scalar("SELECT tot FROM stand WHERE id = 2").fetch_optional(&mut self.connection).await?;
        if known == Some(int(newest)) {
            return Ok(());
        }
        tracing::info!("openings were erased: what is searched in is built anew without them");
        let mut tx = self.connection.begin().await?;
        tx.execute("DELETE FROM stand; DELETE FROM posten; DELETE FROM berichten").await?;
        let row = sqlx::query("INSERT INTO stand (id, tot, hash) VALUES (2, $1, $2)");
        row.bind(int(newest)).bind(Vec::<u8>::new()).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// The index from which on regels are to be taken up. Where the last one that was taken up is not in the logboek any more, another
    /// logboek was put in its place: then all of it is built anew.
    async fn from(&mut self, read: &Pool) -> Result<u64, StoreError> {
        let Some((tot, hash)) = stand(&mut self.connection).await? else { return Ok(0) };
        let there: Option<Vec<u8>> = sqlx::query_scalar("SELECT hash FROM logregels WHERE log_index = $1")
            .bind(int(tot.saturating_sub(1)))
            .fetch_optional(read)
            .await?;
        if there.as_ref() == Some(&hash) {
            return Ok(tot);
        }
        tracing::warn!(tot, "the logboek does not go on from what was taken up for searching: that is built anew");
        self.connection.execute("DELETE FROM stand WHERE id = 1; DELETE FROM posten; DELETE FROM berichten").await?;
        Ok(0)
    }

    /// What is known of the berichten that these regels name.
    async fn known(&mut self, leaves: &[Leaf]) -> Result<HashMap<String, BTreeSet<Merk>>, StoreError> {
        let named = leaves.iter().flat_map(|Leaf { regel, .. }| {
            [&regel.bericht, &regel.in_antwoord_op, &regel.vervangt].into_iter().flatten()
        });
        let named: BTreeSet<&String> = named.collect();
        let rows = Rows::of(&[Column::Text("bericht")], named, |bericht| [bericht.as_str().into()]);
        let sql = "SELECT b.bericht, b.waarop, b.waarde FROM {v} JOIN berichten b ON b.bericht = v.bericht";
        let mut known: HashMap<String, BTreeSet<Merk>> = HashMap::new();
        for row in fetch(&mut self.connection, sql, rows).await? {
            let waarop = [Waarop::Betrokkene, Waarop::Gesprek]
                .into_iter()
                .find(|waarop| row.try_get("waarop").is_ok_and(|number: i64| number == *waarop as i64));
            if let Some(waarop) = waarop {
                let merk = Merk { waarop, waarde: row.try_get("waarde")? };
                known.entry(row.try_get("bericht")?).or_default().insert(merk);
            }
        }
        Ok(known)
    }

    /// Writes a page: joined with what was there before.
    async fn write(&mut self, marked: Marked, tot: u64, hash: [u8; 32]) -> Result<(), StoreError> {
        // Whoever gives up in the middle leaves nothing half done: it is undone when this is dropped.
        let mut tx = self.connection.begin().await?;
        let Marked { mut bitmaps, learned } = marked;
        let keys = bitmaps.keys().cloned();
        let rows =
            Rows::of(&KEY, keys, |(merk, deel)| [(merk.waarop as i64).into(), merk.waarde.into(), int(deel).into()]);
        let sql = "SELECT p.waarop, p.waarde, p.deel, p.treffers FROM {v} JOIN posten p \
                   ON p.waarop = v.waarop AND p.waarde = v.waarde AND p.deel = v.deel";
        let mut before: HashMap<(i64, String, i64), Vec<u8>> = HashMap::new();
        for row in fetch(&mut tx, sql, rows).await? {
            let key = (row.try_get("waarop")?, row.try_get("waarde")?, row.try_get("deel")?);
            before.insert(key, row.try_get("treffers")?);
        }
        for ((merk, deel), bitmap) in &mut bitmaps {
            if let Some(bytes) = before.get(&(merk.waarop as i64, merk.waarde.clone(), int(*deel))) {
                *bitmap |= read_bitmap(bytes)?;
            }
        }
        let mut script = Script::new(Dialect::Sqlite);
        let post = |((merk, deel), bitmap): ((Merk, u64), RoaringBitmap)| {
            let mut bytes = Vec::with_capacity(bitmap.serialized_size());
            bitmap.serialize_into(&mut bytes).expect("memory takes everything");
            [(merk.waarop as i64).into(), merk.waarde.into(), int(deel).into(), bytes.into()]
        };
        script.insert(
            "posten",
            Rows::of(&POSTEN, bitmaps, post),
            "ON CONFLICT (waarop, waarde, deel) DO UPDATE SET treffers = excluded.treffers",
        );
        let fact = |(bericht, merk): (String, Merk)| [bericht.into(), (merk.waarop as i64).into(), merk.waarde.into()];
        script.insert("berichten", Rows::of(&BERICHTEN, learned, fact), "ON CONFLICT DO NOTHING");
        script.insert(
            "stand",
            Rows::of(&STAND, [()], |()| [1.into(), int(tot).into(), hash.as_slice().into()]),
            "ON CONFLICT (id) DO UPDATE SET tot = excluded.tot, hash = excluded.hash",
        );
        script.execute(&mut tx).await?;
        Ok(tx.commit().await?)
    }
}

const KEY: [Column<'_>; 3] = [Column::Int("waarop"), Column::Text("waarde"), Column::Int("deel")];
const POSTEN: [Column<'_>; 4] =
    [Column::Int("waarop"), Column::Text("waarde"), Column::Int("deel"), Column::Bytes("treffers")];
const BERICHTEN: [Column<'_>; 3] = [Column::Text("bericht"), Column::Int("waarop"), Column::Text("waarde")];
const STAND: [Column<'_>; 3] = [Column::Int("id"), Column::Int("tot"), Column::Bytes("hash")];
