//! Appending to the logboek inside a transaction: leaves, tree, tiles, signed checkpoint, head.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use sqlx::Row;

use crate::{
    domain::BerichtId,
    logboek::{
        Checkpoint, Frontier, Hash, Logregel, Node, Signer, TILE_WIDTH, TlogProof, inclusion_proof, leaf_hash, tijd,
        tile_of,
    },
    store::{
        DbConnection, DbRow, StoreError,
        database::rows::{Column, Rows, Script, fetch_all},
        values::{int, micros, moment, uint},
    },
};

/// The head of the logboek.
#[derive(Clone, Debug)]
pub struct Head {
    pub(in crate::store) naam: String,
    pub(in crate::store) frontier: Frontier,
    /// `tijd` of the last regel; never runs back.
    pub(in crate::store) tijd: Timestamp,
    /// The version of what is in force.
    pub(in crate::store) versie: u64,
}

impl Head {
    /// Reads the head without keeping anybody from it.
    pub(in crate::store) async fn load(connection: &mut DbConnection) -> Result<Self, StoreError> {
        Self::read(
            &sqlx::query("SELECT naam, grootte, frontier, tijd, versie FROM logboek WHERE id = 1")
                .fetch_one(connection)
                .await?,
        )
    }

    /// Starts a logboek of this name and with keys of this mark, where there is none. Gives the name and the mark of the keys that it has.
    pub(in crate::store) async fn start(
        connection: &mut DbConnection,
        naam: &str,
        sleutels: &str,
    ) -> Result<(String, String), StoreError> {
        sqlx::query(
            "INSERT INTO logboek (id, naam, grootte, frontier, tijd, versie, sleutels) VALUES (1, $1, 0, $2, 0, 0, $3) \
             ON CONFLICT (id) DO UPDATE SET sleutels = coalesce(logboek.sleutels, excluded.sleutels) \
             WHERE logboek.naam = excluded.naam",
        )
        .bind(naam)
        .bind(Frontier::default().to_bytes())
        .bind(sleutels)
        .execute(&mut *connection)
        .await?;
        Ok(sqlx::query_as("SELECT naam, coalesce(sleutels, '') FROM logboek WHERE id = 1")
            .fetch_one(connection)
            .await?)
    }

    /// The head in its row.
    pub(in crate::store) fn read(row: &DbRow) -> Result<Self, StoreError> {
        let frontier = Frontier::from_bytes(uint(row.try_get("grootte")?), row.try_get("frontier")?)
            .ok_or_else(|| StoreError::inconsistent("logboek", "frontier", 1))?;
        let versie = uint(row.try_get("versie")?);
        Ok(Self { naam: row.try_get("naam")?, frontier, tijd: moment(row.try_get("tijd")?), versie })
    }
}

/// A commit: the checkpoint it issued, and the nodes that prove what it appended.
#[derive(Debug)]
pub struct Commit {
    /// The signed note.
    pub nota: String,
    /// Its tree size.
    pub grootte: u64,
    nodes: HashMap<Node, Hash>,
}

impl Commit {
    /// The tlog-proof of a regel that this commit appended, with the regel itself as `extra`.
    #[must_use]
    pub fn proof(&self, log_index: u64, regel: Vec<u8>) -> TlogProof {
        let read = |node: Node| self.nodes.get(&node).copied().ok_or(());
        let hashes = inclusion_proof(log_index, self.grootte, read)
            .expect("a proof of a new regel needs only the old frontier and what the commit made");
        TlogProof { extra: Some(regel), index: log_index, hashes, checkpoint: self.nota.clone() }
    }
}

/// The regels of one transaction.
pub struct Appender {
    head: Head,
    nodes: HashMap<Node, Hash>,
    regels: Vec<NewRegel>,
    openingen: Vec<(u64, Vec<u8>)>,
}

struct NewRegel {
    leaf: Vec<u8>,
    hash: Hash,
    bericht: Option<BerichtId>,
}

impl Appender {
    /// Goes on after this head, at a moment that is never before its last regel.
    #[must_use]
    pub fn new(head: &Head, now: Timestamp) -> Self {
        let mut head = head.clone();
        // The database keeps microseconds. So what is judged in this transaction is judged by the very moment that its regels have.
        head.tijd = head.tijd.max(moment(micros(now)));
        let nodes = head.frontier.nodes().into_iter().collect();
        Self { head, nodes, regels: Vec::new(), openingen: Vec::new() }
    }

    /// `tijd` of everything in this transaction.
    #[must_use]
    pub fn tijd(&self) -> Timestamp {
        self.head.tijd
    }

    /// Appends one regel; `tijd` and `bericht` are filled in here. Gives its index and its bytes.
    ///
    /// # Errors
    /// [`StoreError::Regel`] when it cannot stand in a logboek, for example because it is too long; then nothing was appended.
    pub fn append(&mut self, bericht: Option<BerichtId>, regel: Logregel) -> Result<(u64, Vec<u8>), StoreError> {
        let regel = Logregel { tijd: tijd(self.head.tijd), bericht: bericht.map(|id| id.to_string()), ..regel };
        let leaf = regel.to_leaf()?;
        let hash = leaf_hash(&leaf);
        let index = self.head.frontier.size();
        let nodes = &mut self.nodes;
        self.head.frontier.push(hash, &mut |node, hash| {
            nodes.insert(node, hash);
        });
        self.regels.push(NewRegel { leaf: leaf.clone(), hash, bericht });
        Ok((index, leaf))
    }

    /// Keeps the salts of the commitments in the regel at `log_index`.
    pub fn keep_salts(&mut self, log_index: u64, zouten: Vec<u8>) {
        self.openingen.push((log_index, zouten));
    }

    /// The version of what is in force.
    #[must_use]
    pub fn versie(&self) -> u64 {
        self.head.versie
    }

    /// Sets the version of what is in force, which changes with this transaction.
    pub(in crate::store) fn set_versie(&mut self, versie: u64) {
        self.head.versie = versie;
    }

    /// Adds to `script` what is to be written, the head last. Gives the commit; it may be used only once the transaction is
    /// durable.
    pub(in crate::store) async fn finish(
        self,
        tx: &mut DbConnection,
        script: &mut Script,
        signer: &Signer,
    ) -> Result<Commit, StoreError> {
        let Self { head, nodes, regels, openingen } = self;
        let grootte = head.frontier.size();
        let first = grootte - regels.len() as u64;
        let tiles = grown_tiles(tx, first, &regels, &nodes).await?;
        insert_regels(script, first, regels);
        let opening = |(log_index, zouten): (u64, Vec<u8>)| [int(log_index).into(), zouten.into()];
        script.insert(
            "openingen",
            Rows::of(&[Column::Int("log_index"), Column::Bytes("zouten")], openingen, opening),
            "",
        );
        let tile = |((niveau, nummer), hashes): ((u8, u64), Vec<u8>)| {
            [i64::from(niveau).into(), int(nummer).into(), hashes.into()]
        };
        script.insert(
            "tegels",
            Rows::of(&TEGELS, tiles, tile),
            "ON CONFLICT (niveau, nummer) DO UPDATE SET hashes = excluded.hashes",
        );
        let checkpoint = Checkpoint { origin: head.naam.clone(), size: grootte, root: head.frontier.root() };
        let nota = signer.sign(&checkpoint);
        let issued = [int(grootte).into(), nota.as_str().into()];
        script.insert("checkpoints", Rows::of(&CHECKPOINTS, [issued], |row| row), "");
        let new_head =
            [int(grootte).into(), head.frontier.to_bytes().into(), micros(head.tijd).into(), int(head.versie).into()];
        script.statement(
            "UPDATE logboek SET grootte = v.grootte, frontier = v.frontier, tijd = v.tijd, versie = v.versie FROM {v} \
             WHERE logboek.id = 1",
            Rows::of(&HEAD, [new_head], |row| row),
        );
        Ok(Commit { nota, grootte, nodes })
    }

    /// Whether anything was appended.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.regels.is_empty()
    }
}

const HEAD: [Column<'_>; 4] =
    [Column::Int("grootte"), Column::Bytes("frontier"), Column::Int("tijd"), Column::Int("versie")];
const CHECKPOINTS: [Column<'_>; 2] = [Column::Int("grootte"), Column::Text("nota")];
const TEGELS: [Column<'_>; 3] = [Column::Int("niveau"), Column::Int("nummer"), Column::Bytes("hashes")];
const REGELS: [Column<'_>; 4] =
    [Column::Int("log_index"), Column::Bytes("regel"), Column::Bytes("hash"), Column::Bytes("bericht")];

fn insert_regels(script: &mut Script, first: u64, regels: Vec<NewRegel>) {
    let row = |(index, NewRegel { leaf, hash, bericht }): (u64, NewRegel)| {
        let bericht = bericht.map(|id| id.0.as_bytes().to_vec());
        [int(index).into(), leaf.into(), hash.as_slice().into(), bericht.into()]
    };
    script.insert("logregels", Rows::of(&REGELS, (first..).zip(regels), row), "");
}

/// The level-0 tiles that became full, and every higher tile that grew: by level and number, with all their hashes.
async fn grown_tiles(
    tx: &mut DbConnection,
    first: u64,
    regels: &[NewRegel],
    nodes: &HashMap<Node, Hash>,
) -> Result<BTreeMap<(u8, u64), Vec<u8>>, StoreError> {
    let mut added: BTreeMap<(u8, u64), BTreeMap<u64, Hash>> = BTreeMap::new();
    let full = first / TILE_WIDTH..(first + regels.len() as u64) / TILE_WIDTH;
    for (index, regel) in (first..).zip(regels).filter(|(index, _)| full.contains(&(index / TILE_WIDTH))) {
        added.entry((0, index / TILE_WIDTH)).or_default().insert(index, regel.hash);
    }
    for (node, hash) in nodes {
        let (niveau, nummer, _) = tile_of(*node);
        // Nodes of the old frontier are in their tile already.
        let is_new = (node.index + 1) << node.level > first;
        if node.level > 0 && node.level % 8 == 0 && is_new {
            added.entry((niveau, nummer)).or_default().insert(node.index, *hash);
        }
    }
    let mut tiles = begun_tiles(tx, first, added.keys().copied().collect()).await?;
    for (tile, hashes) in added {
        let bytes = tiles.entry(tile).or_default();
        bytes.extend(hashes.values().flatten());
    }
    Ok(tiles)
}

/// What these tiles hold already: a tile of level 0 the hashes of the regels before `first`, a higher tile what was written of it.
async fn begun_tiles(
    tx: &mut DbConnection,
    first: u64,
    tiles: Vec<(u8, u64)>,
) -> Result<BTreeMap<(u8, u64), Vec<u8>>, StoreError> {
    let (leaves, higher): (Vec<_>, Vec<_>) = tiles.into_iter().partition(|(niveau, _)| *niveau == 0);
    // Of several tiles that become full only the first was begun before.
    let leaves = leaves.into_iter().filter(|(_, nummer)| nummer * TILE_WIDTH < first);
    let leaves = Rows::of(&[Column::Int("nummer"), Column::Int("van"), Column::Int("tot")], leaves, |(_, nummer)| {
        [int(nummer).into(), int(nummer * TILE_WIDTH).into(), int(first).into()]
    });
    let higher = Rows::of(&[Column::Int("niveau"), Column::Int("nummer")], higher, |(niveau, nummer)| {
        [i64::from(niveau).into(), int(nummer).into()]
    });
    let of_leaves = "SELECT CAST(0 AS BIGINT) AS niveau, v.nummer, r.log_index, r.hash AS hashes FROM {v} \
                     JOIN logregels r ON r.log_index >= v.van AND r.log_index < v.tot";
    let of_higher = "SELECT t.niveau, t.nummer, CAST(0 AS BIGINT) AS log_index, t.hashes FROM {v} \
                     JOIN tegels t ON t.niveau = v.niveau AND t.nummer = v.nummer";
    let mut found: BTreeMap<(u8, u64), BTreeMap<i64, Vec<u8>>> = BTreeMap::new();
    for row in fetch_all(tx, [(of_leaves, leaves), (of_higher, higher)]).await? {
        let nummer = uint(row.try_get("nummer")?);
        let niveau = u8::try_from(row.try_get::<i64, _>("niveau")?);
        let niveau = niveau.map_err(|_| StoreError::inconsistent("tegels", "niveau", nummer))?;
        found.entry((niveau, nummer)).or_default().insert(row.try_get("log_index")?, row.try_get("hashes")?);
    }
    Ok(found.into_iter().map(|(tile, parts)| (tile, parts.into_values().flatten().collect())).collect())
}
