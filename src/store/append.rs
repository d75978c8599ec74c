//! Appending to the logboek inside a transaction: leaves, tree, tiles, signed checkpoint, head.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use sqlx::Row;

use super::{DbConnection, DbRow, Pool, StoreError, int, many::insert_all, tijd, uint};
use crate::{
    domain::BerichtId,
    logboek::{
        Checkpoint, Frontier, Hash, Logregel, Node, Signer, TILE_WIDTH, TlogProof, inclusion_proof, leaf_hash, tile_of,
    },
};

/// The head of the logboek.
#[derive(Clone, Debug)]
pub struct Head {
    pub(super) naam: String,
    pub(super) frontier: Frontier,
    /// `tijd` of the last regel, microseconds; never runs back.
    pub(super) tijd: i64,
}

impl Head {
    /// Reads the head without keeping anybody from it.
    pub(super) async fn load(connection: &mut DbConnection) -> Result<Self, StoreError> {
        Self::read(
            &sqlx::query("SELECT naam, grootte, frontier, tijd FROM logboek WHERE id = 1")
                .fetch_one(connection)
                .await?,
        )
    }

    /// Starts a logboek of this name and with these keys, where there is none. Gives the name and the keys that it has.
    pub(super) async fn start(
        connection: &mut DbConnection,
        naam: &str,
        sleutels: &str,
    ) -> Result<(String, String), StoreError> {
        sqlx::query(
            "INSERT INTO logboek (id, naam, grootte, frontier, tijd, sleutels) VALUES (1, $1, 0, $2, 0, $3) \
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
    pub(super) fn read(row: &DbRow) -> Result<Self, StoreError> {
        let frontier = Frontier::from_bytes(uint(row.try_get("grootte")?), row.try_get("frontier")?)
            .ok_or_else(|| StoreError::inconsistent("logboek", "frontier", 1))?;
        Ok(Self { naam: row.try_get("naam")?, frontier, tijd: row.try_get("tijd")? })
    }
}

/// The name of the logboek in a database, if one was begun.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn logboek_naam(read: &Pool) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar("SELECT naam FROM logboek WHERE id = 1").fetch_optional(read).await?)
}

/// When the last regel was written, if there is one: by the regel itself.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn last_moment(read: &Pool) -> Result<Option<Timestamp>, StoreError> {
    let last: Option<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT log_index, regel FROM logregels ORDER BY log_index DESC LIMIT 1")
            .fetch_optional(read)
            .await?;
    let Some((index, leaf)) = last else { return Ok(None) };
    let moment = Logregel::from_leaf(&leaf).ok().and_then(|regel| regel.tijd.parse().ok());
    moment.map(Some).ok_or_else(|| StoreError::inconsistent("logregels", "regel", index))
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
    /// Starts after this head, at a moment that is never before its last regel.
    #[must_use]
    pub fn new(head: &Head, now_micros: i64) -> Self {
        let mut head = head.clone();
        head.tijd = head.tijd.max(now_micros);
        let nodes = head.frontier.nodes().into_iter().collect();
        Self { head, nodes, regels: Vec::new(), openingen: Vec::new() }
    }

    /// `tijd` of everything in this transaction, microseconds.
    #[must_use]
    pub fn micros(&self) -> i64 {
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

    /// Writes everything, the head last. Gives the commit, to be used once the transaction is durable.
    ///
    /// # Errors
    /// [`StoreError::Database`]; then nothing counts.
    pub async fn finish(self, tx: &mut DbConnection, signer: &Signer) -> Result<Commit, StoreError> {
        let Self { head, nodes, regels, openingen } = self;
        let grootte = head.frontier.size();
        let first = grootte - regels.len() as u64;
        insert_regels(tx, first, &regels).await?;
        insert_all(tx, "INSERT INTO openingen (log_index, zouten) ", &openingen, |row, (log_index, zouten)| {
            row.bind(int(*log_index)).bind(zouten.as_slice());
        })
        .await?;
        write_tiles(tx, first, grootte, &nodes).await?;
        let checkpoint = Checkpoint { origin: head.naam.clone(), size: grootte, root: head.frontier.root() };
        let nota = signer.sign(&checkpoint);
        sqlx::query("INSERT INTO checkpoints (grootte, nota) VALUES ($1, $2)")
            .bind(int(grootte))
            .bind(&nota)
            .execute(&mut *tx)
            .await?;
        sqlx::query("UPDATE logboek SET grootte = $1, frontier = $2, tijd = $3 WHERE id = 1")
            .bind(int(grootte))
            .bind(head.frontier.to_bytes())
            .bind(head.tijd)
            .execute(&mut *tx)
            .await?;
        Ok(Commit { nota, grootte, nodes })
    }

    /// Whether anything was appended.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.regels.is_empty()
    }
}

async fn insert_regels(tx: &mut DbConnection, first: u64, regels: &[NewRegel]) -> Result<(), sqlx::Error> {
    let rows: Vec<(u64, &NewRegel)> = (first..).zip(regels).collect();
    insert_all(tx, "INSERT INTO logregels (log_index, regel, hash, bericht) ", &rows, |row, (index, regel)| {
        row.bind(int(*index))
            .bind(regel.leaf.as_slice())
            .bind(regel.hash.as_slice())
            .bind(regel.bericht.map(|id| id.0.as_bytes().to_vec()));
    })
    .await
}

/// Writes the level-0 tiles that became full, and every higher tile that grew.
async fn write_tiles(
    tx: &mut DbConnection,
    first: u64,
    grootte: u64,
    nodes: &HashMap<Node, Hash>,
) -> Result<(), StoreError> {
    for nummer in first / TILE_WIDTH..grootte / TILE_WIDTH {
        let rows =
            sqlx::query("SELECT hash FROM logregels WHERE log_index >= $1 AND log_index < $2 ORDER BY log_index")
                .bind(int(nummer * TILE_WIDTH))
                .bind(int((nummer + 1) * TILE_WIDTH))
                .fetch_all(&mut *tx)
                .await?;
        let hashes: Vec<Vec<u8>> = rows.iter().map(|row| row.try_get("hash")).collect::<Result<_, _>>()?;
        put_tile(tx, 0, nummer, &hashes.concat()).await?;
    }
    let mut grown: BTreeMap<(u8, u64), Vec<(u64, Hash)>> = BTreeMap::new();
    for (node, hash) in nodes {
        let (niveau, nummer, _) = tile_of(*node);
        // Nodes of the old frontier are in their tile already.
        let is_new = (node.index + 1) << node.level > first;
        if node.level > 0 && node.level % 8 == 0 && is_new {
            grown.entry((niveau, nummer)).or_default().push((node.index, *hash));
        }
    }
    for ((niveau, nummer), mut added) in grown {
        added.sort_unstable_by_key(|(index, _)| *index);
        let mut hashes: Vec<u8> = sqlx::query("SELECT hashes FROM tegels WHERE niveau = $1 AND nummer = $2")
            .bind(i64::from(niveau))
            .bind(int(nummer))
            .fetch_optional(&mut *tx)
            .await?
            .map(|row| row.try_get("hashes"))
            .transpose()?
            .unwrap_or_default();
        hashes.extend(added.iter().flat_map(|(_, hash)| hash));
        put_tile(tx, niveau, nummer, &hashes).await?;
    }
    Ok(())
}

async fn put_tile(tx: &mut DbConnection, niveau: u8, nummer: u64, hashes: &[u8]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO tegels (niveau, nummer, hashes) VALUES ($1, $2, $3) \
         ON CONFLICT (niveau, nummer) DO UPDATE SET hashes = excluded.hashes",
    )
    .bind(i64::from(niveau))
    .bind(int(nummer))
    .bind(hashes)
    .execute(tx)
    .await
    .map(drop)
}
